"""Trains and compares the joint model, single-task twins and other candidates."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import __version__, datasets
from mtl_keras.comparison.about import about_comparison
from mtl_keras.comparison.candidates import JOINT, PART, SINGLE, candidates, comparable
from mtl_keras.comparison.comparison import Comparison
from mtl_keras.comparison.trials import Common, Result, carry_out_all, combined, trials_of
from mtl_keras.datasets import placeholders
from mtl_keras.datasets.split import PARTS
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.evaluation import Measure, difference, labelled
from mtl_keras.jobs import Store
from mtl_keras.plans import Plan
from mtl_keras.plans.readable import check_readable
from mtl_keras.runs.columns import labelled_rows
from mtl_keras.tasks import Task

MOST_ROWS = 200_000  # of a stream


def compare(
    plan: Plan,
    data: Any = None,
    seeds: int = 3,
    also: Sequence[str] = (),
    tries: int = 4,
    tune: int = 0,
    baselines: bool = True,
    folder: str | Path | None = None,
    workers: int | None = None,
    address: str | None = None,
    show: Callable[[str], None] | None = print,
) -> Comparison:
    """Compare the joint model with single-task models and baselines, on the same rows.

    For each seed, the rows are split again as the plan says, and all candidates use the same
    training, validation and test rows: the joint model; its single-task twins (with the same
    features, trunk, recipe and budget, one task each, and tuned as much as the joint model); equal
    and tuned constant weights; a constant, a linear model and boosted trees per target; and the
    candidates in `also`.

    Args:
        plan: The plan of the joint model.
        data: A path, folder, pattern or DataFrame. Default: the plan's `data`. If the data are
            streamed, a random sample of 200,000 rows is used.
        seeds: Number of seeds. Default 3.
        also: Further candidates: `"mmoe"`, `"+nash_mtl"`, `"mmoe+nash_mtl"`.
        tries: Number of settings of constant weights to try on the validation rows; 0 for none.
            Default 4.
        tune: Number of further settings of learning rate and dropout from which each network, joint
            or twin, chooses on the validation rows. Default 0.
        baselines: Whether to include models that are not networks. Default True.
        folder: Folder in which finished trainings are stored, so that a comparison can be
            interrupted and resumed. Default None: they are not stored.
        workers: Number of trainings at a time, each in a process. Without Ray, more than one needs
            a script with `if __name__ == "__main__":`, as with Python's `multiprocessing`. Default:
            as many as the Ray cluster has CPUs; 1 without Ray.
        address: A Ray cluster to train on: `"auto"` for the one that runs on this machine,
            `"host:port"` or `"ray://host:port"`. Default: `RAY_ADDRESS`, or the one to which this
            process is connected, if any.
        show: A function that prints a line; None for silence.

    Returns:
        A `Comparison`, to print.

    Raises:
        ConfigError: if a candidate is unknown, or rows are split by file.
        DataError: if the table does not fit the plan.

    References:
        Kurin et al.: "In Defense of the Unitary Scalarization for Deep Multi-Task Learning",
        NeurIPS 2022; Royer et al.: "Scalarization for Multi-Task and Multi-Domain Learning at
        Scale", NeurIPS 2023 (why single-task models and constant weights are the baselines to
        beat).

    Example:

    >>> import mtl_keras as mtl
    >>> experiment = mtl.Experiment.from_file("data/customers.toml")
    >>> print(compare(experiment, seeds=2, tries=0))  # doctest: +SKIP
    """
    show = show or (lambda line: None)
    check_readable(plan)
    source = plan.data if data is None else data
    table = labelled_rows(plan, _in_memory(plan, source, show), show)
    tasks = [task.fit(table) for task in plan.tasks]  # before processes start, to fail early
    tables = [_with_parts(table, plan.split.parts(table, plan.seed + s)) for s in range(seeds)]
    _check_labels(tasks, tables)
    parts = tables[-1][PART].value_counts()[list(PARTS)].to_dict()
    all_candidates = candidates(plan, also, tries, tune, baselines)
    show(f"{len(all_candidates)} candidates, {seeds} seed{'s' * (seeds > 1)}")
    trials = [
        trial
        for seed in range(seeds)
        for candidate in all_candidates
        for options in trials_of(candidate, seed)
        for trial in options
    ]
    fingerprints = [datasets.fingerprint(part[[PART]]) for part in tables]
    content = str([__version__, datasets.fingerprint(table), fingerprints])
    store = Store(None if folder is None else Path(folder) / "trials", content)
    common = Common(comparable(plan), tables, plan.split)
    results = carry_out_all(trials, common, store, workers, address, show)
    by_name = {c.name: [combined(c, s, results) for s in range(seeds)] for c in all_candidates}
    about = about_comparison(plan, source, parts, by_name[JOINT][0].about)
    return _compared(plan.name, tasks, by_name, parts, about)


def _compared(
    name: str,
    tasks: Sequence[Task],
    results: Mapping[str, Sequence[Result]],
    rows: dict[str, int],
    about: dict[str, str],
) -> Comparison:
    """Return the comparison of all candidates, from their results for each seed."""
    measures = {task.name: task.measure for task in tasks}
    return Comparison(
        name=name,
        tasks=list(measures),
        measures=measures,
        units={task.name: task.unit if task.measure.in_units else "" for task in tasks},
        values={
            candidate: {task: _values(measures[task], of_seeds, task) for task in measures}
            for candidate, of_seeds in results.items()
        },
        differences={
            candidate: {
                task: difference(
                    measures[task],
                    [result.truths[task] for result in of_seeds],
                    [result.predictions[task] for result in of_seeds],
                    [result.predictions[task] for result in results[SINGLE]],
                    groups=[result.groups.get(task) for result in of_seeds],
                )
                for task in measures
            }
            for candidate, of_seeds in results.items()
        },
        costs={
            candidate: {
                "seconds": float(np.mean([result.seconds for result in of_seeds])),
                "parameters": float(np.mean([result.parameters for result in of_seeds])),
                "size": float(of_seeds[0].size),
            }
            for candidate, of_seeds in results.items()
        },
        chosen={
            candidate: [result.chosen for result in of_seeds]
            for candidate, of_seeds in results.items()
        },
        rows=rows,
        about=about,
    )


def _in_memory(plan: Plan, data: Any, show: Callable[[str], None]) -> pd.DataFrame:
    """Return the table to compare on, all of it or a sample."""
    if plan.split.strategy == "file":
        raise ConfigError(
            "A comparison reads all files as one table, so it cannot split rows by file. Give each "
            "file a column with its name, such as 'month', and declare "
            "split={'strategy': 'group', 'column': 'month'}."
        )
    source = datasets.opened(data, plan.streaming, show, plan.encoding)
    if isinstance(source, pd.DataFrame):
        return placeholders.applied(source, plan.missing_values, show)
    table = source.masked(plan.missing_values).sample(MOST_ROWS, plan.seed)
    show(f"compared on a sample of {len(table):,} of {source.rows:,} rows")
    return table


def _with_parts(table: pd.DataFrame, parts: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the table with a column for the part of each row."""
    names = np.empty(len(table), object)
    for part, positions in parts.items():
        names[positions] = part
    divided = table.assign(**{PART: names})
    divided.attrs = dict(table.attrs)
    return divided


def _check_labels(tasks: Sequence[Task], tables: Sequence[pd.DataFrame]) -> None:
    """Raise a DataError if a part of the rows has no label of a task, before anything is trained.

    Its single-task model could not be trained, chosen or tested.
    """
    for task in tasks:
        known = labelled(task.truth(tables[0]))
        for seed, table in enumerate(tables):
            for part in sorted({*PARTS} - {*table.loc[known, PART]}):
                raise DataError(
                    f"Task {task.name!r}: none of its {known.sum():,} labels is in the {part} rows "
                    f"of seed {seed}. Add rows with labels, `stratify` the split, or leave the "
                    "task out of the comparison."
                )


def _values(measure: Measure, results: Sequence[Result], task: str) -> list[float]:
    """Return the measure of a task for each seed."""
    return [measure.value(result.truths[task], result.predictions[task]) for result in results]
