"""The experiment that a command is about: a file, a table, a trained model; and its flags."""

import dataclasses
import functools
import inspect
import shlex
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from mtl_keras.cli import names
from mtl_keras.cli.arguments import built_in, name_of, pairs, stated, targets
from mtl_keras.errors import ConfigError

GUESSED_ROWS = 100_000  # of a stream

Source = Annotated[
    str | None,
    typer.Argument(
        help="An experiment (.toml), a table, a folder or pattern of files, or the folder of a "
        "trained model, whose experiment it is. Default: data/customers.toml."
    ),
]


@dataclasses.dataclass(frozen=True)
class Flags:
    """The options that declare an experiment, or change one that is declared."""

    target: Annotated[
        list[str] | None,
        typer.Option(
            help="COLUMN or COLUMN:KIND to predict, e.g. churned:binary; the kind is guessed "
            "where it is not stated. Repeat it for several.",
            autocompletion=names.column_and_kind("tasks"),
        ),
    ] = None
    feature: Annotated[
        list[str] | None,
        typer.Option(
            help="COLUMN:KIND to predict from, where the kind that is guessed is wrong.",
            autocompletion=names.column_and_kind("features"),
        ),
    ] = None
    drop: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN not to predict from.", autocompletion=names.column),
    ] = None
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
        """What the flags state, as entries of an experiment; the kind of a target may be None."""
        features = {**pairs(self.feature, "--feature"), **dict.fromkeys(self.drop or [], "drop")}
        return stated(
            name=self.name,
            seed=self.seed,
            architecture=self.architecture,
            preset=self.preset,
            balancer=self.balancer,
            tasks=targets(self.target) or None,
            features=features or None,
            data=stated(streaming=self.stream) or None,
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


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each of the `Flags`, which it takes as its second argument."""
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


def declared(
    source: str | None,
    flags: Flags,
    trusted: Collection[str],
    show: Callable[[str], None],
    **training: Any,
) -> tuple[Any, Any]:
    """The experiment that a command is about, and its table if that has been read already.

    Args:
        source: What the command names; None for the built-in experiment.
        flags: Its flags.
        trusted: Packages that the experiment of an artifact may import.
        show: A function that prints a line.
        training: Further entries of `[training]`.

    Returns:
        An `Experiment`; and the table, or None where the experiment reads it itself.

    Raises:
        ConfigError: if a table is named and no target.
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
    """A function from entries of an experiment to that experiment of the source with them."""
    from mtl_keras.experiment import Experiment
    from mtl_keras.export import artifact
    from mtl_keras.plans import file

    if source.endswith(".toml"):
        return functools.partial(Experiment.from_file, source, trusted)
    if artifact.is_model(Path(source)):
        return functools.partial(_of_model, artifact.latest(Path(source)), flags, trusted)
    if not flags.target:
        raise ConfigError(
            f"Name the columns of {source} to predict: --target COLUMN, or --target COLUMN:KIND, "
            f"e.g. --target churned:binary. `mtl-keras inspect {source}` lists its columns."
        )
    config = {"name": name_of(source), "data": {"path": source}}
    return lambda **entries: Experiment.from_dict(file.merged(config, entries))


def _of_model(version: Path, flags: Flags, trusted: Collection[str], **entries: Any) -> Any:
    """The experiment of a version of a model, whose table must still be where it was."""
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
    """A guess, and the flag that says otherwise."""
    told = f"{guess.column}: taken as {guess.kind}, {guess.why}"
    if guess.unless is None:
        return told
    kind, when = guess.unless
    return f"{told}; if {when}, say so: --target {shlex.quote(f'{guess.column}:{kind}')}"


def _guessed(plan: Any, data: str | None, targets: list[str]) -> tuple[Any, list[Any]]:
    """The table of a plan, or None if it is to be streamed; and guesses of these targets' kinds."""
    from mtl_keras import datasets, tasks
    from mtl_keras.errors import DataError, nearest

    by_file = True if plan.split.strategy == "file" else None
    source = data or plan.data
    rows: Any = datasets.opened(source, by_file if plan.streaming is None else plan.streaming)
    streamed = isinstance(rows, datasets.Stream)
    some = rows.sample(GUESSED_ROWS) if streamed else rows
    for target in targets:
        if target not in some.columns:
            raise DataError(
                f"The table has no column {target!r}, which is named as a target."
                f"{nearest(target, some.columns)} Its columns: {', '.join(some.columns[:30])}."
            )
    return None if streamed else rows, [tasks.infer(some[target]) for target in targets]
