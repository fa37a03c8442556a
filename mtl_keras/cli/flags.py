"""The options that declare an experiment, which are the same for all commands that train."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from mtl_keras.cli import names
from mtl_keras.cli.arguments import (
    ENCODING,
    FORMS,
    listed,
    missing_values,
    pairs,
    stated,
    targets,
    threshold,
    values,
)


@dataclasses.dataclass(frozen=True)
class Flags:
    """The options that declare an experiment, or change one."""

    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN[:KIND]",
            help="What to predict, e.g. churned:binary. Without a kind, it is guessed. A colon "
            "that no kind follows is part of the column's name. Repeat it for several.",
            autocompletion=names.column_and_kind("tasks"),
        ),
    ] = None
    order: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FORMS["--order"],
            help="The labels of an ordinal target from the lowest to the highest.",
            autocompletion=names.column,
        ),
    ] = None
    positive: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FORMS["--positive"],
            help="The positive class of a binary target.",
            autocompletion=names.column,
        ),
    ] = None
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FORMS["--threshold"],
            help="The probability from which the positive class is predicted. "
            "Default: chosen on the validation rows.",
            autocompletion=names.column,
        ),
    ] = None
    feature: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN:KIND",
            help="The kind of a column to predict from, where the guess is wrong.",
            autocompletion=names.column_and_kind("features"),
        ),
    ] = None
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="What not to predict from. Repeat it for several.",
            autocompletion=names.column,
        ),
    ] = None
    missing_value: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FORMS["--missing-value"],
            help="A text or number that means that a value is missing, in all columns or in one. "
            "Repeat it for several.",
        ),
    ] = None
    encoding: Annotated[str | None, typer.Option(help=ENCODING)] = None
    data: Annotated[
        str | None, typer.Option(help="Table to use instead of the experiment's own.")
    ] = None
    name: Annotated[str | None, typer.Option(help="Name of the model.")] = None
    architecture: Annotated[
        str | None,
        typer.Option(
            help="Which layers the tasks share.", autocompletion=names.one_of(names.architectures)
        ),
    ] = None
    balancer: Annotated[
        str | None,
        typer.Option(
            help="How the tasks' losses or gradients are balanced.",
            autocompletion=names.one_of(names.balancers),
        ),
    ] = None
    preset: Annotated[
        str | None,
        typer.Option(
            help="fast (seconds), default or best (minutes).",
            autocompletion=names.one_of(names.presets),
        ),
    ] = None
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs.")] = None
    batch_size: Annotated[int | None, typer.Option(help="Rows per training step.")] = None
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None
    patience: Annotated[
        int | None, typer.Option(help="Epochs without improvement before training stops.")
    ] = None
    split: Annotated[
        str | None,
        typer.Option(
            help="How rows are split: random, group, time, column or file.",
            autocompletion=names.one_of(lambda: ["random", "group", "time", "column", "file"]),
        ),
    ] = None
    split_column: Annotated[
        str | None,
        typer.Option(
            help="Column of groups, times or parts to split by.", autocompletion=names.column
        ),
    ] = None
    stratify: Annotated[
        str | None,
        typer.Option(
            help="Column whose values have the same shares in all parts of the split.",
            autocompletion=names.column,
        ),
    ] = None
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Whether to read rows while training. Default: if they do not fit into memory.",
        ),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Seed of all random numbers.")] = None

    def overrides(self) -> dict[str, Any]:
        """Return the flags as entries of an experiment; the kind of a target may be None."""
        features = {**pairs(self.feature, "--feature"), **dict.fromkeys(self.drop or [], "drop")}
        return stated(
            name=self.name,
            seed=self.seed,
            architecture=self.architecture,
            preset=self.preset,
            balancer=self.balancer,
            tasks=self._tasks() or None,
            features=features or None,
            data=stated(
                streaming=self.stream,
                missing_values=missing_values(self.missing_value),
                encoding=self.encoding,
            )
            or None,
            split=stated(strategy=self.split, column=self.split_column, stratify=self.stratify)
            or None,
            training=stated(
                epochs=self.epochs,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                patience=self.patience,
            )
            or None,
        )

    def _tasks(self) -> dict[str, Any]:
        """Return the kind of each target, None if it is to be guessed, or a mapping of arguments.

        A mapping has no kind if the kind is to be guessed.
        """
        tasks: dict[str, Any] = targets(self.target)
        for key, _, flag, texts, read in self._stated_of_tasks():
            for column, text in values(texts, flag, tasks).items():
                task = tasks.get(column) or {}
                task = task if isinstance(task, dict) else {"kind": task}
                tasks[column] = {**task, key: read(text)}
        return tasks

    def implied(self) -> dict[str, str]:
        """Return the kinds of targets that follow from their other flags."""
        return {
            column: kind
            for _, kind, flag, texts, _ in self._stated_of_tasks()
            for column in values(texts, flag, targets(self.target))
        }

    def _stated_of_tasks(self) -> list[tuple[str, str, str, list[str] | None, Any]]:
        """Return tasks' arguments: name, kind, flag, values, and the function that reads them."""
        return [
            ("classes", "ordinal", "--order", self.order, listed),
            ("positive", "binary", "--positive", self.positive, str),
            ("threshold", "binary", "--threshold", self.threshold, threshold),
        ]


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with an option for each of the `Flags`, its second argument."""
    fields = dataclasses.fields(Flags)

    @functools.wraps(command)
    def taking_options(source: str | None = None, **options: Any) -> None:
        flags = Flags(**{field.name: options.pop(field.name) for field in fields})
        command(source, flags, **options)

    source, _, *own = inspect.signature(command).parameters.values()
    flags = [
        inspect.Parameter(f.name, source.kind, default=f.default, annotation=f.type) for f in fields
    ]
    parameters = [source, *flags, *own]
    taking_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return taking_options
