"""The experiment of a command: from a file, a table or a trained model, and flags."""

import functools
import shlex
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from mtl_keras.cli import names
from mtl_keras.cli.arguments import built_in, name_of, stated
from mtl_keras.cli.flags import Flags
from mtl_keras.errors import ConfigError, DataError, MTLError, nearest, no_column, unknown

Source = Annotated[
    str | None,
    typer.Argument(
        help="An experiment (.toml), a table, a folder or pattern of files, or the folder of a "
        "trained model, whose experiment it is. Default: data/customers.toml."
    ),
]


def declared(
    source: str | None,
    flags: Flags,
    trusted: Collection[str],
    show: Callable[[str], None],
    **training: Any,
) -> tuple[Any, Any]:
    """Return the experiment of a command, and its table if that has already been read.

    Args:
        source: What the user named; None for the built-in experiment.
        flags: Its flags.
        trusted: Packages that the experiment of an artifact may import.
        show: A function that prints a line.
        training: Further entries of `[training]`.

    Returns:
        An `Experiment`, and the table, or None if the experiment reads it itself.

    Raises:
        ConfigError: if a table is named without a target.
    """
    overrides = flags.overrides()
    if training := {**overrides.get("training", {}), **stated(**training)}:
        overrides["training"] = training
    make = _maker(source or str(built_in()), flags, trusted)
    table, kinds = None, overrides.get("tasks", {})
    if None in kinds.values():
        anything = {name: kind or "regression" for name, kind in kinds.items()}
        plan = make(**{**overrides, "tasks": anything})
        table, guessed = _guessed(plan, flags.data, [n for n, kind in kinds.items() if not kind])
        for guess in guessed:
            show(_told(guess))
        kinds |= {guess.column: guess.kind for guess in guessed}
    experiment = make(**overrides)
    return (experiment.but(data=flags.data) if flags.data else experiment), table


def _maker(source: str, flags: Flags, trusted: Collection[str]) -> Callable[..., Any]:
    """Return a function that makes the source's experiment, with some entries changed."""
    from mtl_keras.datasets.location import is_many
    from mtl_keras.experiment import Experiment
    from mtl_keras.export import artifact
    from mtl_keras.plans import file

    if source.endswith(".toml"):
        return functools.partial(Experiment.from_file, source, trusted)
    if artifact.is_model(Path(source)):
        return functools.partial(_of_model, artifact.latest(Path(source)), flags, trusted)
    implied = flags.implied()
    if not flags.target and not implied:
        path = Path(source)
        if not (path.exists() or is_many(source)):
            beside = [each.name for each in path.parent.glob("*")]
            raise DataError(
                f"There is no table and no trained model {source}.{nearest(path.name, beside)}"
            )
        raise ConfigError(
            f"Name the columns of {source} to predict: --target COLUMN, or --target COLUMN:KIND, "
            "e.g. --target churned:binary. List its columns with: mtl-keras inspect "
            f"{shlex.quote(source)}"
        )
    config = {"name": name_of(source), "data": {"path": source}, "tasks": implied}
    return lambda **entries: Experiment.from_dict(file.merged(config, entries))


def _of_model(version: Path, flags: Flags, trusted: Collection[str], **entries: Any) -> Any:
    """Return the experiment of a model's version, whose table must still be where it was."""
    from mtl_keras.datasets.location import is_many
    from mtl_keras.experiment import Experiment
    from mtl_keras.export import artifact

    path, folder = version / artifact.EXTRA / "experiment.toml", version.parent
    experiment = Experiment.from_file(path, trusted, folder, **entries)
    data = experiment.data
    if flags.data is None and (data is None or not (is_many(data) or Path(data).is_file())):
        was = "a DataFrame" if data is None else f"{data}, which is not there"
        raise ConfigError(f"{folder} was trained on {was}. Name the table: --data TABLE")
    return experiment


def _told(guess: Any) -> str:
    """Return a guess in words, with the flag that overrides it."""
    told = f"{guess.column}: assumed to be {guess.kind}, {guess.why}"
    if guess.alternative is None:
        return told
    kind, when = guess.alternative
    return f"{told}; if {when}, say so: --target {shlex.quote(f'{guess.column}:{kind}')}"


def _guessed(plan: Any, data: str | None, targets: list[str]) -> tuple[Any, list[Any]]:
    """Return the table of a plan (None if it is streamed), and guesses of the targets' kinds."""
    from mtl_keras import datasets, tasks
    from mtl_keras.datasets import placeholders
    from mtl_keras.runs.streamed import GUESSED_ROWS

    rows = datasets.opened(data or plan.data, plan.streams, encoding=plan.encoding)
    for target in targets:
        if target not in rows.columns:
            raise _no_target(target, list(rows.columns))
    table = None if isinstance(rows, datasets.Stream) else rows
    some = rows.masked(plan.missing_values).sample(GUESSED_ROWS) if table is None else table
    some = placeholders.applied(some, plan.missing_values, lambda line: None)
    return table, list(tasks.infer(some[targets]))


def _no_target(target: str, columns: list[str]) -> MTLError:
    """Return the error for a target that is not a column; it may end with a mistyped kind."""
    column, _, kind = target.rpartition(":")
    if column in columns:
        known, others = names.names("tasks"), names.other_names("tasks")
        told = unknown("kind of a target", kind, known, also_called=others)
        return ConfigError(
            f"--target {target}: {told} Name your own class as COLUMN:package.module:Class."
        )
    return no_column(target, "is named as a target", columns)
