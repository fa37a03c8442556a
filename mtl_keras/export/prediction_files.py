"""Writes predictions to files, for data of any number of rows, in constant memory."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets import Stream, Writer
from mtl_keras.datasets.files import PARQUET
from mtl_keras.datasets.table import naming_source, read
from mtl_keras.datasets.text_encoding import UTF_8
from mtl_keras.errors import ConfigError, DataError, unknown
from mtl_keras.export import artifact
from mtl_keras.jobs import in_parallel, replace_file
from mtl_keras.tasks import Task
from mtl_keras.training.progress import counted, moving

Predict = Callable[[pd.DataFrame], pd.DataFrame]
Keep = bool | Sequence[str]
"""Which of a table's own columns to write beside the predictions: all, none, or these."""

NOTE = "answers.json"  # beside the predictions: which model and which files they belong to


def own_columns(source: str, keep: Keep, encoding: str = "utf-8") -> pd.DataFrame:
    """Return the columns of a file to write beside the predictions, as they are in the file.

    Args:
        source: The file.
        keep: Which of its columns.
        encoding: Its encoding: see `datasets.read`. Default UTF-8.
    """
    table = read(source, as_texts=True, encoding=encoding)
    return table if keep is True else table[list(keep or ())]


def kept(table: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its predictions; those with a name in use become `<name>_predicted`.

    Example:

    >>> table = pd.DataFrame({"left": ["no"], "left_predicted": ["yes"]})
    >>> kept(table, pd.DataFrame({"left": ["no"]})).columns.tolist()
    ['left', 'left_predicted', 'left_predicted_predicted']
    """
    taken: dict[str, str] = {}
    for name in answers:
        free = name
        while free in table or (free != name and free in answers) or free in taken.values():
            free += "_predicted"
        taken[name] = free
    beside = answers.set_axis(table.index).rename(columns=taken)
    return pd.concat([table, beside], axis=1)


@dataclass(frozen=True)
class Answering:
    """How the predictions for a file of a stream are written to a file.

    Attributes:
        predict: A function from a table to its predictions. Other processes load the model from the
            artifact.
        stream: The data.
        columns: The columns that the model reads.
        folder: Where the files are written, under the names of the data's files.
        rows: Number of rows at a time.
        keep: The tables' own columns to write.
        escape_formulas: See `Writer`.
        chosen: The columns of predictions to write; None for all.
    """

    predict: Predict
    stream: Stream
    columns: Sequence[str]
    folder: Path
    rows: int
    keep: Keep = False
    escape_formulas: bool = False
    chosen: Sequence[str] | None = None

    def output(self, name: str) -> Path:
        """Return the file for the predictions of a file: Parquet for Parquet, else CSV."""
        path = PurePosixPath(name)
        return self.folder / (path if path.suffix in PARQUET else path.with_suffix(".csv"))

    def answers(self, file: str | None = None) -> Iterator[pd.DataFrame]:
        """Yield the predictions for a file, or for all files, some rows at a time.

        Args:
            file: Name of the file. Default None: all.
        """
        wanted = None if self.keep is True else list(self.keep or ())
        own = self.stream.batches(self.rows, wanted, file, as_texts=True) if self.keep else None
        for table in self.stream.batches(self.rows, self.columns, file):
            with naming_source(table):
                answers = self.predict(table)
            answers = answers if self.chosen is None else answers[list(self.chosen)]
            yield answers if own is None else kept(next(own), answers)


def answer_names(
    tasks: Sequence[Task], columns: Sequence[str] = (), probabilities: bool = True
) -> list[str]:
    """Return the names of the columns of predictions, or of some of them.

    Args:
        tasks: The fitted tasks.
        columns: The wanted ones. Default: all.
        probabilities: Whether to include probabilities. Default True.

    Raises:
        ConfigError: if a wanted column does not exist, or if none is left.
    """
    names: dict[str, bool] = {}  # whether it is a probability
    for task in tasks:
        answers = task.answers(np.zeros((1, task.width), "float32"))
        arrays = {name: np.asarray(value) for name, value in answers.items()}
        names |= {name: task.is_probability(name) for name in task.answer_columns(arrays)}
    for name in columns:
        if name not in names:
            raise ConfigError(unknown("column of predictions", name, names))
    wanted = [name for name in columns or names if probabilities or not names[name]]
    if not wanted:
        raise ConfigError(
            f"No column of predictions is left: {', '.join(columns)} are probabilities, which are "
            "not wanted. Name other columns."
        )
    return wanted


def write_all(
    how: Answering, output: Path, workers: int | None, show: Callable[[str], None]
) -> None:
    """Write predictions for all files of a stream to one file: see `Predictor.predict_files`."""
    if (workers or 1) > 1:
        show(f"one process writes {output}; name a folder for {workers} workers")
    started = time.perf_counter()
    with Writer(output, how.escape_formulas) as file:
        moving(show, lambda: counted("rows", file.rows, how.stream.rows, started))
        for answers in how.answers():
            file.write(answers)
    moving(show, None)
    show(f"{output}: {file.rows:,} rows")


def write_one(name: str, how: Answering) -> int | DataError:
    """Write predictions for one file; return the number of rows, or the error for a row."""
    try:
        with Writer(how.output(name), how.escape_formulas) as file:
            for answers in how.answers(name):
                file.write(answers)
    except DataError as error:
        return error
    return file.rows


def _state(stream: Stream, name: str) -> list[int]:
    """Return what differs if a file is replaced: its rows, its bytes, and when it was written."""
    rows = sum(group.rows for group in stream.groups if group.file == name)
    info = stream.location.filesystem.get_file_info(stream.location.path(name))
    return [rows, info.size or 0, info.mtime_ns or 0]


def write_each(
    how: Answering,
    model: str,
    workers: int | None,
    address: str | None,
    show: Callable[[str], None],
) -> None:
    """Write a file of predictions for each file; those that were finished before are kept.

    They are written again if the file has changed since.

    If a row of a file cannot be read, this is reported, and the other files are still written.

    Args:
        how: What to write, and how.
        model: Identity of the model, to recognise predictions of other models.
        workers: Number of files at a time: see `jobs.in_parallel`.
        address: A Ray cluster: see `jobs.in_parallel`.
        show: A function that prints a line.

    Raises:
        ConfigError: if the folder contains predictions of another model, or with other columns.
        DataError: at the end, if files have rows that cannot be read.
    """
    stream, folder = how.stream, how.folder
    note = folder / NOTE
    own = how.keep if isinstance(how.keep, bool) else list(how.keep) or False
    of = {"model": model, "keep": own, "columns": how.chosen and list(how.chosen)}
    if how.escape_formulas:
        of["escape_formulas"] = True
    if stream.encoding != UTF_8:
        of["encoding"] = stream.encoding
    state: dict[str, Any] = artifact.read_json(note) if note.is_file() else {**of, "files": {}}
    if {key: value for key, value in state.items() if key != "files"} != of:
        raise ConfigError(
            f"{folder} contains predictions of another model, or with other options. Write to "
            "another folder, or remove it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(group.file for group in stream.groups))
    states = {name: _state(stream, name) for name in names}
    if len({how.output(name) for name in names}) < len(names):
        raise ConfigError(f"Two files of {stream.shown} differ in their suffix only. Rename one.")
    done = [n for n in names if state["files"].get(n) == states[n] and how.output(n).is_file()]
    if done:
        show(f"{len(done):,} of {len(names):,} files were finished before and are kept")
    left = [name for name in names if name not in done]
    if workers is not None and workers > len(left) > 0:
        show(f"a file is not divided: {len(left)} of {workers} workers have one to predict")
        workers = len(left)
    numbers = {name: f"{number:,}/{len(names):,}" for number, name in enumerate(names, start=1)}
    refused: dict[str, DataError] = {}
    finished, started = 0, time.perf_counter()
    moving(show, lambda: counted("files predicted", finished, len(left), started))
    for name, rows in in_parallel(write_one, left, how, workers, address):
        finished += 1
        if isinstance(rows, DataError):
            refused[name] = rows
            show(f"{numbers[name]}  {name}: no predictions. {rows}")
            continue
        state["files"][name] = states[name]
        replace_file(note, json.dumps(state, indent=1) + "\n")
        show(f"{numbers[name]}  {how.output(name)}: {rows:,} rows")
    moving(show, None)
    if refused:
        first = min(refused, key=names.index)
        raise DataError(
            f"{len(refused):,} of {len(names):,} files have no predictions; those of the others "
            f"are kept. The first is {first}: {refused[first]}"
        ) from refused[first]
