"""Predictions for files of any number of rows, in constant memory."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from mtl_keras.datasets import Stream, Writer
from mtl_keras.datasets.files import PARQUET
from mtl_keras.datasets.keys import uniform
from mtl_keras.datasets.table import naming_source
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.export import artifact
from mtl_keras.jobs import in_parallel

Predict = Callable[[pd.DataFrame], pd.DataFrame]

EVALUATED_ROWS = 1_000_000
NOTE = "answers.json"  # beside the answers: which model and which files they are of


def answered(
    predict: Predict,
    stream: Stream,
    columns: Sequence[str],
    rows: int,
    keep: bool = False,
    file: str | None = None,
) -> Iterator[pd.DataFrame]:
    """The answers for the rows of a file, or of all files, some rows at a time.

    Args:
        predict: From a table to its answers.
        stream: The data.
        columns: The columns that it reads.
        rows: Rows at a time.
        keep: Whether the table's own columns are kept; those of CSV files as they are written.
            Default False.
        file: Name of the file. Default None: all.
    """
    texts: dict[str, Any] = {"as_texts": True} if stream.location.suffix == ".csv" else {}
    own = stream.batches(rows, file=file, **texts) if keep else None
    for table in stream.batches(rows, columns, file):
        with naming_source(table):
            answers = predict(table)
        yield answers if own is None else kept(next(own), answers)


def sample_of(stream: Stream, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Some columns of a stream, of all rows or about a million random ones, chunk by chunk."""
    share = EVALUATED_ROWS / stream.rows
    for chunk in stream.chunks(columns):
        some = chunk if share >= 1 else chunk.but(uniform(chunk.keys, "evaluation") < share)
        if len(some.table):
            yield some.table


def kept(table: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """A table with its answers beside it; an answer whose name is taken is `<name>_predicted`."""
    taken = {name: f"{name}_predicted" for name in answers if name in table}
    beside = answers.set_axis(table.index).rename(columns=taken)
    return pd.concat([table, beside], axis=1)


@dataclass(frozen=True)
class Answering:
    """How the answers for a file of a stream become a file.

    Attributes:
        predict: From a table to its answers; another process reads its model from the artifact.
        stream: The data.
        columns: The columns that it reads.
        folder: Where the files of answers are written, under the names of the data's.
        rows: Rows at a time.
        keep: Whether the tables' own columns are kept.
        escape_formulas: See `Writer`.
    """

    predict: Predict
    stream: Stream
    columns: Sequence[str]
    folder: Path
    rows: int
    keep: bool = False
    escape_formulas: bool = False

    def output(self, name: str) -> Path:
        """The file of the answers for a file: Parquet for Parquet, else CSV."""
        path = PurePosixPath(name)
        return self.folder / (path if path.suffix in PARQUET else path.with_suffix(".csv"))


def write_one(name: str, how: Answering) -> int | DataError:
    """Write the answers for one file; returns the number of rows, or why a row has no answer."""
    try:
        with Writer(how.output(name), how.escape_formulas) as file:
            for answers in answered(how.predict, how.stream, how.columns, how.rows, how.keep, name):
                file.write(answers)
    except DataError as error:
        return error
    return file.rows


def write_each(
    how: Answering,
    model: str,
    workers: int | None,
    address: str | None,
    show: Callable[[str], None],
) -> None:
    """Write a file of answers for each file; those that were finished before are kept.

    A file with a row that cannot be answered is told of, and does not keep the others from theirs.

    Args:
        how: What is answered, and how.
        model: Identity of the model, to tell its answers from those of another one.
        workers: Files at a time: see `jobs.in_parallel`.
        address: A Ray cluster: see `jobs.in_parallel`.
        show: A function that prints a line.

    Raises:
        ConfigError: if the folder has answers of another model, or with other columns.
        DataError: in the end, if files have rows that cannot be answered.
    """
    stream, folder = how.stream, how.folder
    note = folder / NOTE
    of = {"model": model, "keep": how.keep}
    state: dict[str, Any] = artifact.read_json(note) if note.is_file() else {**of, "files": {}}
    if any(state.get(key) != value for key, value in of.items()):
        raise ConfigError(
            f"{folder} holds answers of another model, or with other columns. Write to another "
            "folder, or remove it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(group.file for group in stream.groups))
    sizes = {n: sum(g.rows for g in stream.groups if g.file == n) for n in names}
    if len({how.output(name) for name in names}) < len(names):
        raise ConfigError(f"Two files of {stream.shown} differ in their suffix only. Rename one.")
    done = [n for n in names if state["files"].get(n) == sizes[n] and how.output(n).is_file()]
    if done:
        show(f"{len(done):,} of {len(names):,} files were finished before and are kept")
    left = [name for name in names if name not in done]
    if workers is not None and workers > len(left) > 0:
        show(f"a file is not divided: of {workers} workers, {len(left)} have one to answer")
        workers = len(left)
    numbers = {name: f"{number:,}/{len(names):,}" for number, name in enumerate(names, start=1)}
    refused: dict[str, DataError] = {}
    for name, rows in in_parallel(write_one, left, how, workers, address):
        if isinstance(rows, DataError):
            refused[name] = rows
            show(f"{numbers[name]}  {name}: no answers. {rows}")
            continue
        state["files"][name] = sizes[name]
        artifact.replace_file(note, json.dumps(state, indent=1) + "\n")
        show(f"{numbers[name]}  {how.output(name)}: {rows:,} rows")
    if refused:
        first = min(refused, key=names.index)
        raise DataError(
            f"{len(refused):,} of {len(names):,} files have no answers; those of the others are "
            f"kept. The first is {first}: {refused[first]}"
        ) from refused[first]
