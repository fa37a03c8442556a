"""The commands that use a trained model: `predict`, `evaluate`, `check`, `serve` and others."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from mtl_keras.cli.application import Address, Trust, Verbose, app, load_tensorflow
from mtl_keras.errors import ConfigError

Model = Annotated[Path, typer.Argument(help="The model's folder, e.g. saved_models/customers.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="A .csv or .parquet file. Default: print.")
]

CHANGED = 3  # the exit code of a check that found a change
GUESSED_ROWS = 100_000  # of a stream


@app.command()
def report(model: Model, trust: Trust = None, verbose: Verbose = False) -> None:
    """Rewrite a model's report.html, including its current comparison."""
    load_tensorflow()
    from mtl_keras.runs import rewrite_report

    typer.echo(f"{rewrite_report(model, trusted=trust or [])}")


@app.command()
def predict(
    model: Model,
    table: Annotated[str, typer.Argument(help="A CSV or Parquet file, a folder or a pattern.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A .csv or .parquet file, or a folder. Default: print."
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the table's own columns.")] = False,
    escape_formulas: Annotated[
        bool,
        typer.Option(
            "--escape-formulas", help="For spreadsheets: escape texts that begin with = + - @."
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Files at a time. Default: 1; on Ray as many as the cluster has CPUs."
        ),
    ] = None,
    address: Address = None,
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Predict for each row of a table, or of many.

    Given a folder as output, it writes a file of answers for each file, and keeps those that are
    finished when it is run again.
    """
    load_tensorflow()
    from mtl_keras import datasets, load
    from mtl_keras.datasets.location import is_many
    from mtl_keras.export.predicting import kept

    folder = output is not None and (output.is_dir() or not output.suffix)
    if output is not None and not folder:
        datasets.check_writable(output)
    predictor = load(model, trusted=trust or [])
    rows = None if folder or is_many(table) else datasets.opened(table)
    if rows is None or isinstance(rows, datasets.Stream):
        if output is None:
            raise ConfigError(
                f"The answers for {table} are too many to print. Name a file or a folder: --output"
            )
        predictor.predict_files(table, output, keep, escape_formulas, typer.echo, workers, address)
        return
    if workers is not None and workers > 1:
        typer.echo(f"{table} is one table, which is not divided: 1 process answers it", err=True)
    answers = predictor.predict(rows)
    if keep:  # unparsed: `00001` stays as it is
        answers = kept(datasets.read(table, as_texts=True), answers)
    _write(answers, output, escape_formulas)


@app.command()
def evaluate(
    model: Model,
    table: Annotated[
        str, typer.Argument(help="A CSV or Parquet file with labels, a folder or a pattern.")
    ],
    output: Output = None,
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Evaluate a model on a table that has labels."""
    load_tensorflow()
    from mtl_keras import datasets, load

    if output is not None:
        datasets.check_writable(output)
    evaluation = load(model, trusted=trust or []).evaluate(table, show=typer.echo)
    typer.echo(str(evaluation))
    if output is not None:
        _write(evaluation.to_frame(), output)


@app.command()
def check(
    model: Model,
    table: Annotated[str, typer.Argument(help="A CSV or Parquet file, a folder or a pattern.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .html page or a .json file.")
    ] = None,
    alarm: Annotated[
        str, typer.Option(help="Lowest change of a column that counts: moderate or major.")
    ] = "major",
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Check whether new rows, and the answers for them, are like those of the training.

    Ends with exit code 3 if a column or an answer has changed so much, or a score is worse.
    """
    load_tensorflow()
    from mtl_keras import load, report
    from mtl_keras.jobs import replaced
    from mtl_keras.runs.files import as_json

    if alarm not in ("moderate", "major"):
        raise ConfigError(f"--alarm must be moderate or major. Received: {alarm!r}.")
    if output is not None and output.suffix not in (".html", ".json"):
        raise ConfigError(f"--output must end in .html or .json. Received: {output}.")
    predictor = load(model, trusted=trust or [])
    result = predictor.check(table, show=typer.echo)
    alarms = result.alarms(alarm)
    typer.echo(str(result))
    if output is not None:
        if output.suffix == ".html":
            shown = {feature.name: feature.shown for feature in predictor.features}
            text = report.check_page(result, alarms, predictor.schema["name"], table, shown)
        else:
            text = as_json({"changed": alarms, **result.to_dict()})
        with replaced(output) as file:
            file.write(text.encode())
        typer.echo(str(output))
    if alarms:
        typer.echo("changed: " + "; ".join(alarms), err=True)
        raise typer.Exit(CHANGED)
    typer.echo("nothing has changed")


@app.command()
def export(
    model: Model,
    form: Annotated[
        str | None,
        typer.Option("--format", help="onnx or litert. Default: as the output's suffix says."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .onnx or .tflite file. Default: <name>.<suffix>."),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(help="Table to check the answers on. Default: rows like those trained on."),
    ] = None,
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Write a model in another format, once its answers are the same there."""
    load_tensorflow()
    from mtl_keras import load
    from mtl_keras.export.converters import FORMATS

    if form is not None and form not in FORMATS:
        raise ConfigError(f"--format must be one of {', '.join(FORMATS)}. Received: {form!r}.")
    suffix = FORMATS[form].suffix if form else None
    if output is None and suffix is None:
        raise ConfigError("Name a --format, or an --output that ends in .onnx or .tflite.")
    if output is not None and suffix not in (None, output.suffix):
        raise ConfigError(f"--output must end in {suffix} for {form}. Received: {output}.")
    predictor = load(model, trusted=trust or [])
    path = output or Path(f"{predictor.schema['name']}{suffix}")
    typer.echo(str(predictor.export(path, check)))


@app.command()
def inspect(
    path: Annotated[str, typer.Argument(help="A model's folder, or a table.")],
    verbose: Verbose = False,
) -> None:
    """Show what a model reads and answers, or which kinds are guessed for a table's columns."""
    load_tensorflow()
    from mtl_keras import datasets, features
    from mtl_keras.export import artifact, description

    folder = Path(path)
    if folder.is_dir() and (artifact.is_model(folder) or not any(folder.rglob("*.*"))):
        typer.echo(description.describe(folder))
        return
    rows = datasets.opened(path, show=typer.echo)
    if isinstance(rows, datasets.Stream):
        rows = rows.sample(GUESSED_ROWS)
        typer.echo(f"kinds are guessed from {len(rows):,} random rows")
    typer.echo(f"{path}: {len(rows):,} rows, {rows.shape[1]} columns")
    for guess in features.infer(rows):
        typer.echo(f"  {guess}")


@app.command()
def serve(
    models: Annotated[list[Path], typer.Argument(help="Models' folders.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for other machines, too.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port of HTTP; the next two are those of gRPC and of metrics.")
    ] = 8080,
    versions: Annotated[
        int, typer.Option(min=1, help="How many of a model's newest versions are served.")
    ] = 2,
    largest_request: Annotated[
        float, typer.Option(help="The largest body of a request, in MB.")
    ] = 16.0,
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Answer requests: Open Inference Protocol over HTTP and gRPC, TensorFlow Serving's JSON."""
    if find_spec("mlserver") is None:
        raise ConfigError(
            "MLServer is not installed. Install it with: pip install 'mtl_keras[serve]'"
        )
    load_tensorflow()
    from mtl_keras.serving import serve

    serve(models, host, port, versions, largest_request, trust or [])


def _write(table: Any, output: Path | None, escape_formulas: bool = False) -> None:
    from mtl_keras import datasets

    if output is None:
        typer.echo(table.to_csv(index=False), nl=False)
    else:
        datasets.write(table, output, escape_formulas)
        typer.echo(f"{output}: {len(table):,} rows")
