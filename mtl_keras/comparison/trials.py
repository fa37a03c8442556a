"""The single trainings of a comparison, and their results."""

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras import runs
from mtl_keras.comparison import baselines
from mtl_keras.comparison.about import about_training
from mtl_keras.comparison.candidates import Candidate
from mtl_keras.datasets import Split
from mtl_keras.evaluation import labelled
from mtl_keras.evaluation.tested import as_arrays, from_arrays
from mtl_keras.export.serving import write_saved_model
from mtl_keras.jobs import Store, in_parallel
from mtl_keras.plans import Plan
from mtl_keras.runs.prepare import prepare
from mtl_keras.training import own_parameters
from mtl_keras.training.progress import counted, moving


@dataclass(frozen=True, eq=False)
class Trial:
    """A training that candidates may share.

    Attributes:
        name: Name for people to read.
        model: A plan as plain values, or the name of a baseline.
        seed: Added to the seed of the plan. It also determines the split.
        exported: Whether to write its SavedModel, to measure its size.
    """

    name: str
    model: Mapping[str, Any] | str
    seed: int
    exported: bool = False

    @property
    def key(self) -> str:
        """The same for the same training, and different if anything that matters differs."""
        text = json.dumps([self.model, self.seed], default=str, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Result:
    """The result of a training.

    Attributes:
        predictions: The predictions for labelled test rows, by task.
        truths: Their labels, by task.
        validation: The validation loss of the predictions, by task; empty for a baseline.
        seconds: Time of the training, or of all trainings.
        parameters: Number of parameters of the trained networks; 0 for a baseline.
        size: Size of the SavedModels in bytes; 0 if not measured.
        chosen: What was chosen on the validation rows, for people to read; empty if nothing was.
        about: What the network reads, as strings by heading; empty for a baseline.
        groups: The groups of the test rows, by task; empty if rows are split one by one.
    """

    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    truths: dict[str, np.ndarray] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    parameters: int = 0
    size: int = 0
    chosen: str = ""
    about: dict[str, str] = field(default_factory=dict)
    groups: dict[str, np.ndarray] = field(default_factory=dict)

    def save(self, store: Store, key: str) -> None:
        """Save it in a store."""
        tasks = list(self.truths)
        values = {
            "tasks": tasks,
            "grouped": bool(self.groups),
            "validation": self.validation,
            "seconds": self.seconds,
            "parameters": self.parameters,
            "size": self.size,
            "about": self.about,
        }
        arrays = as_arrays(tasks, self.truths, self.predictions)
        arrays |= {f"group_{n}": self.groups[task] for n, task in enumerate(tasks) if self.groups}
        store.save(key, values, arrays)

    @classmethod
    def load(cls, store: Store, key: str) -> "Result | None":
        """Load it from a store; None if there is none, or something else."""
        kept = store.load(key)
        if kept is None:
            return None
        values, arrays = kept
        try:
            tasks = values.pop("tasks")
            truths, predictions = from_arrays(tasks, arrays)
            grouped = tasks if values.pop("grouped") else []
            groups = {task: arrays[f"group_{number}"] for number, task in enumerate(grouped)}
            return cls(predictions, truths, groups=groups, **values)
        except (KeyError, TypeError):
            return None


@dataclass(frozen=True)
class Common:
    """What all trainings have in common.

    Attributes:
        joint: The plan of the joint model as plain values. Baselines read its features.
        tables: The rows by seed, with their parts in the column `candidates.PART`.
        split: How they were split, which determines the groups of rows.
    """

    joint: Mapping[str, Any]
    tables: Sequence[pd.DataFrame]
    split: Split

    def judged(
        self,
        rows: pd.DataFrame,
        truths: Mapping[str, np.ndarray],
        predictions: Mapping[str, np.ndarray],
    ) -> Result:
        """Return the result for the test rows, of which each task has those with its label."""
        result, groups = Result(), self.split.groups(rows)
        codes = None if groups is None else pd.factorize(groups)[0]
        for task, truth in truths.items():
            present = labelled(truth)
            result.truths[task] = truth[present]
            result.predictions[task] = np.asarray(predictions[task])[present]
            if codes is not None:
                result.groups[task] = codes[present]
        return result


def trials_of(candidate: Candidate, seed: int) -> list[list[Trial]]:
    """Return the trainings of a candidate: for each network, those to choose from."""
    if not candidate.networks:
        return [[Trial(f"{candidate.name}, seed {seed}", candidate.name, seed)]]
    networks = []
    for settings in candidate.networks:
        name = candidate.name
        if len(candidate.networks) > 1:
            name = f"{name} {', '.join(settings[0][1]['tasks'])}"
        names = [f"{name}, {what}" if number else name for number, (what, _) in enumerate(settings)]
        networks.append(
            [
                Trial(f"{name}, seed {seed}", plan, seed, exported=seed == number == 0)
                for number, (name, (_, plan)) in enumerate(zip(names, settings))
            ]
        )
    return networks


def combined(candidate: Candidate, seed: int, results: Mapping[str, Result]) -> Result:
    """Return a candidate's predictions, each network with its best setting on validation rows."""
    whole, chosen = Result(), []
    networks = trials_of(candidate, seed)
    for number, options in enumerate(networks):
        outcomes = [results[trial.key] for trial in options]
        best = min(range(len(outcomes)), key=lambda i: _relative(outcomes[i], outcomes[0]))
        whole.predictions |= outcomes[best].predictions
        whole.truths |= outcomes[best].truths
        whole.groups |= outcomes[best].groups
        whole.validation |= outcomes[best].validation
        whole.about |= outcomes[best].about
        whole.seconds += sum(result.seconds for result in outcomes)
        whole.parameters += outcomes[best].parameters
        whole.size += max(result.size for result in outcomes)
        if len(outcomes) > 1:
            of = "" if len(networks) == 1 else f"{next(iter(outcomes[best].truths))}: "
            chosen.append(of + candidate.networks[number][best][0])
    whole.chosen = "; ".join(chosen)
    return whole


def _networks(trial: Trial) -> int:
    """Return how many networks a training trains."""
    return 1 if isinstance(trial.model, str) else trial.model["training"].get("networks", 1)


def carry_out(trial: Trial, common: Common) -> Result:
    """Train and evaluate a trial."""
    start = time.perf_counter()
    table = common.tables[trial.seed]
    if isinstance(trial.model, str):
        result = _baseline(trial.model, common, table)
        result.seconds = time.perf_counter() - start
        return result
    plan = Plan.from_dict({**trial.model, "seed": trial.model["seed"] + trial.seed})
    run = runs.run(plan, table, show=None)
    result = common.judged(run.test, run.truths["test"], run.predictions)
    result.seconds = time.perf_counter() - start
    result.parameters, result.about = own_parameters(run.model), about_training(run)
    result.validation = dict(run.metadata["validation_losses"])
    if trial.exported:
        with tempfile.TemporaryDirectory() as folder:
            write_saved_model(run.serving_model(), Path(folder))
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            result.size = sum(file.stat().st_size for file in files)
    return result


def _baseline(name: str, common: Common, table: pd.DataFrame) -> Result:
    """Return the result of a baseline that is not a network: one model per target."""
    prepared = prepare(Plan.from_dict(common.joint), table)
    truths = prepared.truths()
    matrices = baselines.Matrices(prepared.encoder, prepared.rows, prepared.data.x)
    predictions = {
        task.name: baselines.predict(name, task, matrices, truths) for task in prepared.tasks
    }
    return common.judged(prepared.rows["test"], truths["test"], predictions)


def _relative(result: Result, reference: Result) -> float:
    """Return the mean over tasks of the validation loss relative to another result's."""
    pairs = [(result.validation[t], reference.validation[t]) for t in reference.validation]
    return float(np.mean([(a - b) / max(abs(b), 1e-9) for a, b in pairs])) if pairs else 0.0


def _kept_as(trial: Trial, common: Common) -> str:
    """Return the key in a store; that of a baseline includes the features and tasks it reads."""
    if not isinstance(trial.model, str):
        return trial.key
    read = {k: v for k, v in common.joint.items() if k not in ("balancer", "training")}
    return f"{trial.key} {json.dumps(read, default=str, sort_keys=True)}"


def carry_out_all(
    wanted: Iterable[Trial],
    common: Common,
    store: Store,
    workers: int | None,
    address: str | None,
    show: Callable[[str], None],
) -> dict[str, Result]:
    """Return the results of all trainings by key; those in the store are read from there.

    They run in `jobs.in_parallel`, with this number of workers and this address.
    """
    unique: dict[str, Trial] = {}
    for trial in wanted:
        unique.setdefault(trial.key, trial)  # named after its first use
    most = max((_networks(trial) for trial in unique.values()), default=1)
    show(f"{len(unique)} trainings" + (f", each of {most} networks" if most > 1 else ""))
    results: dict[str, Result] = {}
    for key, trial in unique.items():
        found = Result.load(store, _kept_as(trial, common))
        if found is not None:
            results[key] = found
    if results:
        show(f"{len(results)} of {len(unique)} were finished before and are kept")
    left = [trial for key, trial in unique.items() if key not in results]
    kept, started = len(results), time.perf_counter()

    def now() -> tuple[str, float]:
        return counted("trainings finished", len(results) - kept, len(left), started)

    moving(show, now)
    try:
        for trial, result in in_parallel(carry_out, left, common, workers, address):
            result.save(store, _kept_as(trial, common))
            results[trial.key] = result
            count = f"{len(results):>{len(str(len(unique)))}}/{len(unique)}"
            show(f"  {count}  {trial.name}: {result.seconds:.0f} s")
            if len(results) == kept + 1 < len(unique):
                show(f"  {now()[0]}, if all take as long")
    finally:
        moving(show, None)
    return results
