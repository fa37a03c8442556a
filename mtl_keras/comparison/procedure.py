"""Did sharing help? The joint model beside single-task twins, other settings and simple models."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_keras import datasets
from mtl_keras.comparison.candidates import PART, SINGLE, candidates, comparable
from mtl_keras.comparison.comparison import Comparison
from mtl_keras.comparison.trainings import Bench, Result, Store, cells, combined, run_all
from mtl_keras.evaluation import Measure, difference
from mtl_keras.tasks import Task

if TYPE_CHECKING:
    from mtl_keras.plans.plan import Experiment


def compare(
    experiment: "Experiment",
    data: Any = None,
    seeds: int = 3,
    also: Sequence[str] = (),
    tries: int = 4,
    tune: int = 0,
    baselines: bool = True,
    folder: str | Path | None = None,
    workers: int = 1,
    show: Callable[[str], None] | None = print,
) -> Comparison:
    """Train and judge the joint model and what it has to beat, on the same rows.

    For each seed the rows are split anew, as the experiment says, and every candidate is trained on
    the same training rows, chooses on the same validation rows and is judged on the same test rows:
    the joint model; its single-task twins (the same features, trunk, recipe and budget, one task
    each, tuned as much as the joint model is); equal and tuned constant weights; a
    constant, a linear model and boosted trees per target; and what `also` names.

    Args:
        experiment: The joint model.
        data: A path or DataFrame. Default: the experiment's `data`.
        seeds: How many seeds. Default 3.
        also: Further candidates: `"mmoe"`, `"+nash_mtl"`, `"mmoe+nash_mtl"`.
        tries: Settings of constant weights to try on validation; 0 for none. Default 4.
        tune: Settings of learning rate and dropout beside the declared one that every network, each
            twin as much as the joint model, may choose from on validation. Default 0.
        baselines: Whether models that are no networks take part. Default True.
        folder: Where finished trainings are kept, so that a comparison can be stopped and resumed.
            Default none.
        workers: Processes. More than one needs a script with `if __name__ == "__main__":`, as
            Python's `multiprocessing` does. Default 1.
        show: A function that prints a line; None for silence.

    Returns:
        A `Comparison`; print it.

    References:
        Kurin et al.: "In Defense of the Unitary Scalarization for Deep Multi-Task Learning",
        NeurIPS 2022; Royer et al.: "Scalarization for Multi-Task and Multi-Domain Learning at
        Scale", NeurIPS 2023 (why single-task models and constant weights are the mark to pass).
    """
    show = show or (lambda line: None)
    table = datasets.read(experiment.data if data is None else data)
    wanted = [column for task in experiment.tasks for column in task.columns]
    table = table[table[wanted].notna().any(axis=1)]
    tables, rows = [], {}
    for seed in range(seeds):
        parts = experiment.split.parts(table, experiment.seed + seed)
        names = np.empty(len(table), object)
        for part, positions in parts.items():
            names[positions] = part
        tables.append(table.assign(**{PART: names}))
        tables[-1].attrs = dict(table.attrs)
        rows = {part: len(positions) for part, positions in parts.items()}
    all_candidates = candidates(experiment, also, tries, tune, baselines)
    show(f"{len(all_candidates)} candidates, {seeds} seeds")
    content = str([datasets.fingerprint(part[[PART]]) for part in tables])
    content += str(datasets.fingerprint(table))
    results = run_all(
        (
            cell
            for seed in range(seeds)
            for candidate in all_candidates
            for options in cells(candidate, seed)
            for cell in options
        ),
        Bench(type(experiment).from_dict, comparable(experiment), tables),
        Store(None if folder is None else Path(folder) / "cells", content),
        workers,
        show,
    )
    by_name = {c.name: [combined(c, s, results) for s in range(seeds)] for c in all_candidates}
    fitted = [task.fit(table) for task in experiment.tasks]
    measures = {task.name: task.measure for task in fitted}
    return Comparison(
        name=experiment.name,
        tasks=[task.name for task in fitted],
        measures=measures,
        units={task.name: task.unit if measures[task.name].in_units else "" for task in fitted},
        values={
            name: {t.name: [_value(measures[t.name], r, t) for r in found] for t in fitted}
            for name, found in by_name.items()
        },
        differences={
            name: {
                t.name: difference(
                    measures[t.name],
                    [r.truths[t.name] for r in found],
                    [r.predictions[t.name] for r in found],
                    [r.predictions[t.name] for r in by_name[SINGLE]],
                )
                for t in fitted
            }
            for name, found in by_name.items()
        },
        costs={
            name: {
                "seconds": float(np.mean([r.seconds for r in found])),
                "parameters": float(np.mean([r.parameters for r in found])),
                "size": float(found[0].size),
            }
            for name, found in by_name.items()
        },
        chosen={name: [r.chosen for r in found] for name, found in by_name.items()},
        rows=rows,
    )


def _value(judged: Measure, result: Result, task: Task) -> float:
    return judged.value(result.truths[task.name], result.predictions[task.name])
