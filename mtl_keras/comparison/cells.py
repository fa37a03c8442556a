"""One candidate, one seed: trained in a process of its own, its result kept in a file."""

import os
import pickle
import tempfile
import time
from collections.abc import Callable, Sequence
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


@dataclass(frozen=True, eq=False)
class Cell:
    """A candidate with one seed."""

    candidate: Candidate
    seed: int


@dataclass
class Result:
    """What came out of a cell.

    Attributes:
        predictions: Per task the predictions for its labelled test rows.
        truths: Per task their labels.
        scores: Per task all scores on them.
        validation: Per task the validation loss of the chosen epoch; empty for a baseline.
        seconds: Time of all training.
        parameters: Numbers in the network or networks; 0 for a baseline.
        size: Bytes of the SavedModels; 0 if not measured.
        chosen: What was chosen on validation, for people; empty if nothing was.
    """

    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    truths: dict[str, np.ndarray] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    parameters: int = 0
    size: int = 0
    chosen: str = ""


@dataclass(frozen=True)
class Bench:
    """What all cells have in common.

    Attributes:
        make: From a declaration as plain values to an experiment.
        joint: The joint model, whose features the baselines read.
        tables: The rows by seed, with the part of each in the column `PART`.
    """

    make: Callable[[Any], Any]
    joint: Candidate
    tables: Sequence[pd.DataFrame]


def run(cell: Cell, bench: Bench) -> Result:
    """Train and judge one cell."""
    if not cell.candidate.declared:
        return _baseline(cell, bench)
    size = cell.seed == 0
    if cell.candidate.choose:
        results = [_trained([d], bench, cell.seed, False) for d in cell.candidate.declared]
        best = min(range(len(results)), key=lambda i: _relative(results[i], results[0]))
        chosen = results[best]
        weights = {n: t.get("weight", 1) for n, t in cell.candidate.declared[best]["tasks"].items()}
        chosen.chosen = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
        chosen.seconds = sum(result.seconds for result in results)
        return chosen
    return _trained(cell.candidate.declared, bench, cell.seed, size)


def _trained(declared: Sequence[Any], bench: Bench, seed: int, measure_size: bool) -> Result:
    result = Result()
    for config in declared:
        start = time.perf_counter()
        made = bench.make({**config, "seed": config["seed"] + seed})
        done = made.run(bench.tables[seed], show=None)
        result.seconds += time.perf_counter() - start
        result.parameters += int(done.model.count_params())
        for task in done.tasks:
            truth = done.truths["test"][task.name]
            there = labelled(truth)
            result.truths[task.name] = truth[there]
            result.predictions[task.name] = np.asarray(done.predictions[task.name])[there]
            result.scores[task.name] = done.evaluation[task.name]
            best = done.history[f"{task.name}_best"].to_numpy(bool)
            loss = done.history.loc[best, f"val_{task.name}_loss"]
            result.validation[task.name] = float(loss.iloc[0])
        if measure_size:
            with tempfile.TemporaryDirectory() as folder:
                written = done.export(Path(folder) / "model")
                files = [f for f in written.rglob("*") if "assets.extra" not in f.parts]
                result.size += sum(file.stat().st_size for file in files if file.is_file())
    return result


def _baseline(cell: Cell, bench: Bench) -> Result:
    """A model that is no network, one per target."""
    start = time.perf_counter()
    prepared, _ = bench.make(bench.joint.declared[0]).prepare(bench.tables[cell.seed])
    truths = prepared.truths()
    matrices = baselines.Matrices(prepared.encoder, prepared.rows, prepared.data.x)
    result = Result()
    for task in prepared.tasks:
        there = labelled(truths["test"][task.name])
        predicted = baselines.predict(cell.candidate.name, task, matrices, truths)
        result.truths[task.name] = truths["test"][task.name][there]
        result.predictions[task.name] = predicted[there]
    result.seconds = time.perf_counter() - start
    return result


def labelled(truth: np.ndarray) -> np.ndarray:
    """Which rows have a label."""
    return ~np.isnan(truth) if truth.ndim == 1 else ~np.isnan(truth).all(axis=1)


def _relative(result: Result, reference: Result) -> float:
    """Mean over the tasks of the validation loss relative to another result's."""
    pairs = [(result.validation[t], reference.validation[t]) for t in reference.validation]
    return float(np.mean([(a - b) / max(abs(b), 1e-9) for a, b in pairs]))


# Many cells: in processes, and kept


@dataclass
class Store:
    """Finished cells in a folder, so that a comparison that was stopped goes on where it was."""

    folder: Path
    content: str

    def path(self, cell: Cell) -> Path:
        return self.folder / f"{cell.candidate.key(cell.seed, self.content)}.pkl"

    def load(self, cell: Cell) -> Result | None:
        path = self.path(cell)
        if not path.is_file():
            return None
        return pickle.loads(path.read_bytes())

    def save(self, cell: Cell, result: Result) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(cell)
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(pickle.dumps(result))
        unfinished.replace(path)


def run_all(
    cells: Sequence[Cell],
    bench: Bench,
    store: Store,
    workers: int,
    show: Callable[[str], None],
) -> dict[Cell, Result]:
    """The results of all cells, those that are in the store from there.

    With more than one worker they run in processes that share the machine's cores.
    """
    results = {cell: found for cell in cells if (found := store.load(cell)) is not None}
    if results:
        show(f"{len(results)} of {len(cells)} are there from before")
    left = [cell for cell in cells if cell not in results]

    def keep(cell: Cell, result: Result) -> None:
        store.save(cell, result)
        results[cell] = result
        what = f"{cell.candidate.name}, seed {cell.seed}"
        show(f"  {len(results)}/{len(cells)}  {what}: {result.seconds:.0f} s {result.chosen}")

    if workers == 1 or len(left) <= 1:
        for cell in left:
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
            running = {pool.submit(_in_process, cell): cell for cell in left}
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
