"""The commands that use a trained model: `predict`, `evaluate`, `check`, `serve` and others."""

from pathlib import Path
from typing import Annotated

import typer

from mtl_keras.cli.application import BadCells, Encoding, Model, Trust, Verbose, command, started
from mtl_keras.cli.predicting import written
from mtl_keras.errors import ArtifactError, ConfigError, check_installed, nearest

CHANGED = 3  # exit code of a check that found a change


@command("mtl-keras evaluate saved_models/shop customers_with_labels.csv")
def evaluate(
    model: Model,
    table: Annotated[
        str, typer.Argument(help="A CSV or Parquet file with labels, a folder or a pattern.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .csv or .parquet file of the scores.")
    ] = None,
    bad_cells: BadCells = "refuse",
    encoding: Encoding = "utf-8",
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Evaluate a model on a table with labels."""
    with started() as show:
        from mtl_keras import datasets, load

        if output is not None:
            datasets.check_writable(output)
        predictor = load(model, trusted=trust or [], bad_cells=bad_cells, encoding=encoding)
        show.moving(lambda: (f"evaluating on {table}", None))
        evaluation = predictor.evaluate(table, show=show)
    typer.echo(str(evaluation))
    if output is not None:
        written(evaluation.to_frame(), output)


@command("mtl-keras leaderboard saved_models/* --data customers_with_labels.csv")
def leaderboard(
    models: Annotated[list[Path], typer.Argument(help="The models' folders.")],
    data: Annotated[
        str, typer.Option(help="A CSV or Parquet file with labels, a folder or a pattern.")
    ],
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="TASK", help="What to sort by. Default: the mean rank in all shared tasks."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    bad_cells: BadCells = "refuse",
    encoding: Encoding = "utf-8",
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Compare trained models on a table with labels.

    The result has a row for each model, and a column for each task with its main measure and a 95%
    interval. A model is scored on the tasks whose labels are in the table.
    """
    with started(error=as_json) as show:
        from mtl_keras.export import artifact
        from mtl_keras.export.leaderboard import leaderboard

        found = [path for path in models if artifact.is_model(path)]
        others = [path for path in models if path not in found]
        if not found:
            raise ArtifactError(
                f"There is no trained model in {', '.join(map(str, models[:5]))}. Name the folders "
                "of models, such as saved_models/*."
            )
        if others:
            typer.echo(f"not trained models, and left out: {', '.join(map(str, others))}", err=True)
        show.moving(lambda: (f"scoring {len(found)} models on {data}", None))
        ranked = leaderboard(found, data, trust or [], sort, show, bad_cells, encoding)
    typer.echo(artifact.as_json(ranked.to_dict()) if as_json else str(ranked), nl=not as_json)


@command("mtl-keras check saved_models/shop new_customers.csv -o check.html")
def check(
    model: Model,
    table: Annotated[str, typer.Argument(help="A CSV or Parquet file, a folder or a pattern.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .html page or a .json file.")
    ] = None,
    alarm: Annotated[
        str, typer.Option(help="Smallest change that raises the alarm: moderate or major.")
    ] = "major",
    bad_cells: BadCells = "refuse",
    encoding: Encoding = "utf-8",
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Check whether new rows, and the predictions for them, still resemble the training data.

    The exit code is 3 if a column or a prediction has changed as much as --alarm says, or if a
    score is worse.
    """
    with started() as show:
        from mtl_keras import load, report
        from mtl_keras.export import artifact
        from mtl_keras.jobs import replace_file

        if alarm not in ("moderate", "major"):
            raise ConfigError(f"--alarm must be moderate or major. Received: {alarm!r}.")
        if output is not None and output.suffix not in (".html", ".json"):
            raise ConfigError(f"--output must end in .html or .json. Received: {output}.")
        predictor = load(model, trusted=trust or [], bad_cells=bad_cells, encoding=encoding)
        show.moving(lambda: (f"checking {table}", None))
        result = predictor.check(table, show=show)
        show.moving(None)
        alarms = result.alarms(alarm)
        show(str(result))
        if output is not None:
            if output.suffix == ".html":
                files = artifact.read_files(predictor.path)
                content = report.content(files, trusted=trust or [])
                text = report.check_page(result, alarms, predictor.schema["name"], table, content)
            else:
                about = {
                    "model": predictor.schema["name"],
                    "version": predictor.path.name,
                    "table": table,
                }
                text = artifact.as_json({**about, "changed": alarms, **result.to_dict()})
            show(str(replace_file(output, text)))
        if alarms:
            typer.echo("changed: " + "; ".join(alarms), err=True)
            raise typer.Exit(CHANGED)
        lesser = result.alarms("moderate")
        show("no major change" if lesser else "no change beyond what chance explains")


@command("mtl-keras report saved_models/shop")
def report(model: Model, trust: Trust = None, verbose: Verbose = False) -> None:
    """Write a model's report.html again, with its newest comparison."""
    with started() as show:
        from mtl_keras.runs import rewrite_report

        show.moving(lambda: ("writing the report", None))
        show(f"{rewrite_report(model, trusted=trust or [])}")


@command("mtl-keras export saved_models/shop --format onnx")
def export(
    model: Model,
    form: Annotated[
        str | None,
        typer.Option("--format", help="onnx or litert. Default: by the suffix of the output."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A .onnx or .tflite file. Default: NAME.onnx or NAME.tflite."
        ),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            help="Table to compare the predictions on. Default: generated rows that resemble "
            "the training rows."
        ),
    ] = None,
    encoding: Encoding = "utf-8",
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Write a model as ONNX or LiteRT, after checking that the predictions are the same."""
    with started() as show:
        from mtl_keras import load
        from mtl_keras.export.converters import FORMATS

        if form is not None and form not in FORMATS:
            raise ConfigError(f"--format must be one of {', '.join(FORMATS)}. Received: {form!r}.")
        suffix = FORMATS[form].suffix if form else None
        if output is None and suffix is None:
            raise ConfigError("Name a --format, or an --output that ends in .onnx or .tflite.")
        if output is not None and suffix not in (None, output.suffix):
            raise ConfigError(f"--output must end in {suffix} for {form}. Received: {output}.")
        predictor = load(model, trusted=trust or [], encoding=encoding)
        path = output or Path(f"{predictor.schema['name']}{suffix}")
        show.moving(lambda: (f"writing {path}, and comparing its predictions", None))
        show(str(predictor.export(path, check)))


@command("mtl-keras code saved_models/shop")
def code(model: Model, trust: Trust = None, verbose: Verbose = False) -> None:
    """Print a model's network as a Python file of Keras code, to edit and train by hand."""
    with started(error=True):
        from mtl_keras import load

        network = load(model, trusted=trust or []).code()
    typer.echo(network, nl=False)


@command("mtl-keras inspect saved_models/shop")
def inspect(
    path: Annotated[str, typer.Argument(help="A model's folder, or a table.")],
    encoding: Encoding = "utf-8",
    verbose: Verbose = False,
) -> None:
    """Show a model's inputs, outputs and scores, or a table's columns and their guessed kinds."""
    with started() as show:
        from mtl_keras import datasets, features
        from mtl_keras.datasets.location import is_many
        from mtl_keras.export import artifact, description
        from mtl_keras.runs.streamed import GUESSED_ROWS

        folder = Path(path)
        if not folder.exists() and not is_many(path):
            beside = [each.name for each in folder.parent.glob("*")]
            raise ConfigError(
                f"{path} is neither a trained model nor a table: there is no such file or folder."
                f"{nearest(folder.name, beside)}"
            )
        if folder.is_dir() and (artifact.is_of_models(folder) or not any(folder.rglob("*.*"))):
            show(description.describe(folder))
            return
        show.moving(lambda: (f"reading {path}", None))
        rows = datasets.opened(path, show=show, encoding=encoding)
        if isinstance(rows, datasets.Stream):
            rows = rows.sample(GUESSED_ROWS)
            show(f"kinds are guessed from {len(rows):,} random rows")
        show(f"{path}: {len(rows):,} rows, {rows.shape[1]} columns")
        for guess in features.infer(rows):
            show(f"  {guess}")


@command("mtl-keras serve saved_models/shop --port 8080")
def serve(
    models: Annotated[list[Path], typer.Argument(help="Models' folders.")],
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; 0.0.0.0 to accept requests from other machines."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port for HTTP; gRPC and metrics use the next two.")
    ] = 8080,
    versions: Annotated[
        int, typer.Option(min=1, help="How many of each model's newest versions to serve.")
    ] = 2,
    largest_request: Annotated[float, typer.Option(help="Largest request body, in MB.")] = 16.0,
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Serve models over HTTP and gRPC: Open Inference Protocol, TensorFlow Serving's JSON."""
    check_installed("`mtl-keras serve`", "serve", "mlserver")
    with started() as show:
        show(f"loading {', '.join(map(str, models))}; Ctrl-C stops the server")
    from mtl_keras.serving import serve

    serve(models, host, port, versions, largest_request, trust or [])
