"""The command `predict`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mtl_keras.cli import names
from mtl_keras.cli.application import (
    Address,
    BadCells,
    Encoding,
    Model,
    Trust,
    Verbose,
    command,
    on_interrupt,
    started,
)
from mtl_keras.errors import ConfigError, no_column


@command(
    "mtl-keras predict saved_models/shop new_customers.csv --id customer_id \\\n"
    "    --no-probabilities -o predictions.parquet",
)
def predict(
    model: Model,
    table: Annotated[str, typer.Argument(help="A CSV or Parquet file, a folder or a pattern.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A .csv or .parquet file, or a folder. Default: print as CSV."
        ),
    ] = None,
    identifiers: Annotated[
        list[str] | None,
        typer.Option(
            "--id",
            metavar="COLUMN",
            help="What to copy from the table, before the predictions, exactly as it stands there. "
            "Repeat it for several. Default: those that the training dropped as identifiers.",
            autocompletion=names.column,
        ),
    ] = None,
    no_id: Annotated[bool, typer.Option("--no-id", help="Keep no identifiers.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep all of the table's own columns.")
    ] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="Which predictions to write. Default: all."),
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities/--no-probabilities", help="Whether to write probabilities."),
    ] = True,
    escape_formulas: Annotated[
        bool,
        typer.Option(
            "--escape-formulas",
            help="For spreadsheets: put an apostrophe before cells that begin with = + - @.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Files at a time. Default: 1; with Ray, as many as the cluster has CPUs."
        ),
    ] = None,
    address: Address = None,
    bad_cells: BadCells = "refuse",
    encoding: Encoding = "utf-8",
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Predict for each row of a table, or of many files.

    If the output is a folder, each file gets a file of predictions there; those that are finished
    are kept when the command is run again.
    """
    if no_id and (identifiers or keep):
        raise ConfigError("--no-id keeps no column of the table. Leave it out, or --id and --keep.")
    with started(error=output is None) as show:
        from mtl_keras import datasets, load
        from mtl_keras.datasets.location import is_many
        from mtl_keras.export.prediction_files import answer_names, kept, own_columns

        folder = output is not None and (output.is_dir() or not output.suffix)
        if output is not None and not folder:
            datasets.check_writable(output)
        show.moving(lambda: ("loading the model", None))
        predictor = load(model, trusted=trust or [], bad_cells=bad_cells, encoding=encoding)
        available = answer_names(predictor.tasks)
        wanted = answer_names(predictor.tasks, _divided(columns, available), probabilities)
        chosen = None if wanted == available else wanted
        show.moving(lambda: (f"reading {table}", None))
        rows: Any = None
        if not (folder or is_many(table)):
            rows = datasets.opened(table, encoding=encoding)
        many = rows is None or isinstance(rows, datasets.Stream)
        source = datasets.Stream(table, encoding) if rows is None else rows
        own = keep or ([] if no_id else _identifiers(identifiers, predictor, source.columns))
        if many:
            if output is None:
                raise ConfigError(
                    f"The predictions for {table} are too many to print. Name a file or a folder: "
                    "--output"
                )
            with on_interrupt(lambda: _left(output, bool(folder))):
                predictor.predict_files(
                    source, output, own, escape_formulas, show, workers, address, chosen
                )
            return
        if workers is not None and workers > 1:
            show(f"{table} is one table, which is not divided: one process predicts for it")
        show.moving(lambda: (f"predicting for {len(rows):,} rows", None))
        answers = predictor.predict(rows)
        answers = answers if chosen is None else answers[chosen]
        if own:
            answers = kept(own_columns(table, own, encoding), answers)
    written(answers, output, escape_formulas)


def _identifiers(named: Sequence[str] | None, predictor: Any, columns: Sequence[str]) -> list[str]:
    """Return the columns to keep: the named ones, or those that were dropped as identifiers."""
    if not named:
        return [name for name in predictor.identifiers if name in columns]
    for name in named:
        if name not in columns:
            raise no_column(name, "is named by --id", columns)
    return list(dict.fromkeys(named))


def _divided(texts: Sequence[str] | None, available: Sequence[str]) -> list[str]:
    """Return names of columns; a string that is not a column is split at its commas."""
    divided = [[text] if text in available else text.split(",") for text in texts or ()]
    return [name.strip() for each in divided for name in each]


def _left(output: Path, folder: bool) -> str:
    if folder:
        return f"Finished files are kept in {output}. To continue, run the same command again."
    return f"{output} was not written."


def written(table: Any, output: Path | None, escape_formulas: bool = False) -> None:
    """Write a table to a file, or print it as CSV."""
    from mtl_keras import datasets

    if output is None:
        typer.echo(table.to_csv(index=False), nl=False)
    else:
        datasets.write(table, output, escape_formulas)
        typer.echo(f"{output}: {len(table):,} rows")
