"""One training, one seed: in a process of its own, its result kept in a file."""

import hashlib
import json
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.comparison import baselines
from mtl_keras.comparison.candidates import Candidate
from mtl_keras.evaluation import labelled
from mtl_keras.export.serving import write_saved_model


@dataclass(frozen=True, eq=False)
class Cell:
    """A training that candidates may share.

    Attributes:
        name: For people.
        what: An experiment as plain values, or the name of a baseline.
        seed: Added to the experiment's; says also which split of the rows it gets.
        exported: Whether its SavedModel is written, to be weighed.
    """

    name: str
    what: Mapping[str, Any] | str
    seed: int
    exported: bool = False

    @property
    def key(self) -> str:
        """The same for the same training, and another one if anything that matters differs."""
        text = json.dumps([self.what, self.seed], default=str, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Result:
    """What came out of a training.

    Attributes:
        predictions: Per task the predictions for its labelled test rows.
        truths: Per task their labels.
        validation: Per task the validation loss of the chosen epoch; empty for a baseline.
        seconds: Time of the training, or of all trainings.
        parameters: Numbers in the network or networks; 0 for a baseline.
        size: Bytes of the SavedModels; 0 if not measured.
        chosen: What was chosen on validation, for people; empty if nothing was.
    """

    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    truths: dict[str, np.ndarray] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    parameters: int = 0
    size: int = 0
    chosen: str = ""


@dataclass(frozen=True)
class Bench:
    """What all trainings have in common.

    Attributes:
        make: From an experiment as plain values to an experiment.
        joint: The joint model, whose features the baselines read.
        tables: The rows by seed, with the part of each in the column `PART`.
    """

    make: Callable[[Any], Any]
    joint: Mapping[str, Any]
    tables: Sequence[pd.DataFrame]


def cells(candidate: Candidate, seed: int) -> list[list[Cell]]:
    """The trainings of a candidate: for each network those to choose from."""
    if not candidate.networks:
        return [[Cell(f"{candidate.name}, seed {seed}", candidate.name, seed)]]
    made = []
    for settings in candidate.networks:
        name = candidate.name
        if len(candidate.networks) > 1:
            name = f"{name} {', '.join(settings[0][1]['tasks'])}"
        names = [f"{name}, {said}" if number else name for number, (said, _) in enumerate(settings)]
        made.append(
            [
                Cell(f"{name}, seed {seed}", experiment, seed, exported=seed == number == 0)
                for number, (name, (_, experiment)) in enumerate(zip(names, settings))
            ]
        )
    return made


def combined(candidate: Candidate, seed: int, results: Mapping[str, Result]) -> Result:
    """A candidate's answers: of each network with the setting that is best on validation."""
    whole, chosen = Result(), []
    networks = cells(candidate, seed)
    for number, options in enumerate(networks):
        found = [results[cell.key] for cell in options]
        best = min(range(len(found)), key=lambda i: _relative(found[i], found[0]))
        whole.predictions |= found[best].predictions
        whole.truths |= found[best].truths
        whole.validation |= found[best].validation
        whole.seconds += sum(result.seconds for result in found)
        whole.parameters += found[best].parameters
        whole.size += max(result.size for result in found)
        if len(found) > 1:
            of = "" if len(networks) == 1 else f"{next(iter(found[best].truths))}: "
            chosen.append(of + candidate.networks[number][best][0])
    whole.chosen = "; ".join(chosen)
    return whole


def run(cell: Cell, bench: Bench) -> Result:
    """Train and judge."""
    start = time.perf_counter()
    table = bench.tables[cell.seed]
    if isinstance(cell.what, str):
        result = _baseline(cell.what, bench.make(bench.joint), table)
        result.seconds = time.perf_counter() - start
        return result
    done = bench.make({**cell.what, "seed": cell.what["seed"] + cell.seed}).run(table, show=None)
    result = Result(seconds=time.perf_counter() - start, parameters=int(done.model.count_params()))
    for task in done.tasks:
        truth = done.truths["test"][task.name]
        there = labelled(truth)
        result.truths[task.name] = truth[there]
        result.predictions[task.name] = np.asarray(done.predictions[task.name])[there]
        best = done.history[f"{task.name}_best"].to_numpy(bool)
        result.validation[task.name] = float(
            done.history.loc[best, f"val_{task.name}_loss"].iloc[0]
        )
    if cell.exported:
        with tempfile.TemporaryDirectory() as folder:
            write_saved_model(done.serving_model(), Path(folder))
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            result.size = sum(file.stat().st_size for file in files)
    return result


def _baseline(name: str, joint: Any, table: pd.DataFrame) -> Result:
    """A model that is no network, one per target."""
    prepared, _ = joint.prepare(table)
    truths = prepared.truths()
    matrices = baselines.Matrices(prepared.encoder, prepared.rows, prepared.data.x)
    result = Result()
    for task in prepared.tasks:
        there = labelled(truths["test"][task.name])
        predicted = baselines.predict(name, task, matrices, truths)
        result.truths[task.name] = truths["test"][task.name][there]
        result.predictions[task.name] = predicted[there]
    return result


def _relative(result: Result, reference: Result) -> float:
    """Mean over the tasks of the validation loss relative to another result's."""
    pairs = [(result.validation[t], reference.validation[t]) for t in reference.validation]
    return float(np.mean([(a - b) / max(abs(b), 1e-9) for a, b in pairs])) if pairs else 0.0


# Many of them: in processes, and kept


@dataclass
class Store:
    """Finished trainings in a folder, so that a comparison that was stopped goes on where it was.

    Args:
        folder: The folder; None to keep nothing.
        content: Says which rows and which split the trainings are of.
    """

    folder: Path | None
    content: str

    def load(self, cell: Cell) -> Result | None:
        """The result of a training that was finished before."""
        path = self._path(cell)
        return pickle.loads(path.read_bytes()) if path and path.is_file() else None

    def save(self, cell: Cell, result: Result) -> None:
        """Keep a result."""
        path = self._path(cell)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(pickle.dumps(result))
        unfinished.replace(path)

    def _path(self, cell: Cell) -> Path | None:
        if self.folder is None:
            return None
        name = hashlib.sha256(f"{cell.key}{self.content}".encode()).hexdigest()[:16]
        return self.folder / f"{name}.pkl"


def run_all(
    wanted: Iterable[Cell],
    bench: Bench,
    store: Store,
    workers: int,
    show: Callable[[str], None],
) -> dict[str, Result]:
    """The results of all trainings by their key, those that are in the store from there.

    With more than one worker they run in processes that share the machine's cores.
    """
    unique: dict[str, Cell] = {}
    for cell in wanted:
        unique.setdefault(cell.key, cell)  # named as where it is first
    left = dict(unique)
    show(f"{len(left)} trainings")
    results: dict[str, Result] = {}
    for key, cell in list(left.items()):
        if (found := store.load(cell)) is not None:
            results[key] = found
            del left[key]
    if results:
        show(f"{len(results)} of {len(unique)} are there from before")

    def keep(cell: Cell, result: Result) -> None:
        store.save(cell, result)
        results[cell.key] = result
        show(f"  {len(results)}/{len(unique)}  {cell.name}: {result.seconds:.0f} s")

    if workers == 1 or len(left) <= 1:
        for cell in left.values():
            keep(cell, run(cell, bench))
        return results
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "bench.pkl"
        data.write_bytes(pickle.dumps(bench))
        threads = max(1, (os.cpu_count() or 1) // workers)
        pool = ProcessPoolExecutor(
            workers, get_context("spawn"), initializer=_start, initargs=(threads, str(data))
        )
        with pool:
            running = {pool.submit(_in_process, cell): cell for cell in left.values()}
            try:
                for done in as_completed(running):
                    keep(running[done], done.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return results


_BENCH: list[Bench] = []


def _start(threads: int, data: str) -> None:
    """In a new process: as many threads as are its own, and the rows."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    _BENCH.append(pickle.loads(Path(data).read_bytes()))


def _in_process(cell: Cell) -> Result:
    return run(cell, _BENCH[0])
