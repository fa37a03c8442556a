"""The commands that train: `train`, `compare` and `tune`."""

import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mtl_keras.cli.application import Address, Trust, Verbose, app, load_tensorflow
from mtl_keras.cli.arguments import built_in, name_of, pairs, stated
from mtl_keras.cli.exporting import exported, finished
from mtl_keras.errors import ArtifactError, ConfigError


@app.command()
def train(
    source: Annotated[
        str | None,
        typer.Argument(
            help="An experiment (.toml), a table, or a folder or pattern of files. "
            "Default: data/customers.toml."
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN:KIND to predict, e.g. churned:binary; may be repeated."),
    ] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN:KIND to predict from, instead of the kind that is guessed."),
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(help="COLUMN not to predict from.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model.")] = None,
    architecture: Annotated[str | None, typer.Option(help="What the tasks share.")] = None,
    preset: Annotated[str | None, typer.Option(help="fast, default or best.")] = None,
    balancer: Annotated[str | None, typer.Option(help="How the tasks are balanced.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Batch size.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without improvement before training stops.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="How rows are split: random, group, time, column or file.")
    ] = None,
    split_column: Annotated[
        str | None, typer.Option(help="Column of groups, times or parts to split by.")
    ] = None,
    stratify: Annotated[
        str | None, typer.Option(help="Column with the same shares in all parts of the split.")
    ] = None,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Whether to read rows while training. Default: if they do not fit into memory.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all random numbers.")] = None,
    tensorboard: Annotated[str | None, typer.Option(help="Folder for TensorBoard logs.")] = None,
    tracking: Annotated[
        str | None,
        typer.Option(help="What records the training: mlflow, or PACKAGE.MODULE:CLASS."),
    ] = None,
    models: Annotated[Path, typer.Option(help="Where models are kept.")] = Path("saved_models"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted training.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that train together, under Ray.")
    ] = 1,
    address: Address = None,
    gpus_per_worker: Annotated[int, typer.Option(min=0, help="GPUs of each worker.")] = 0,
    storage: Annotated[
        str | None,
        typer.Option(help="Folder or URL for checkpoints that all workers reach."),
    ] = None,
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Train a model on a table and write it to saved_models/<name>/."""
    overrides: dict[str, Any] = {
        "name": name,
        "seed": seed,
        "architecture": architecture,
        "preset": preset,
        "balancer": balancer,
        "tasks": pairs(target, "--target") or None,
        "features": {**pairs(feature, "--feature"), **dict.fromkeys(drop or [], "drop")} or None,
        "data": stated(streaming=stream) or None,
        "split": stated(strategy=split, column=split_column, stratify=stratify) or None,
        "training": stated(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            patience=patience,
            tensorboard=tensorboard,
            tracking=tracking,
        )
        or None,
    }
    cluster = {
        "workers": workers,
        "address": address,
        "gpus_per_worker": gpus_per_worker,
        "storage": storage,
        "verbose": verbose,
    }
    _train(source, stated(**overrides), models, resume, trust or [], cluster)


@app.command()
def compare(
    source: Annotated[
        Path | None, typer.Argument(help="An experiment (.toml). Default: data/customers.toml.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 3,
    also: Annotated[
        list[str] | None,
        typer.Option(help="Also compare ARCHITECTURE, +BALANCER or both; may be repeated."),
    ] = None,
    tries: Annotated[int, typer.Option(min=0, help="Constant weights to try on validation.")] = 4,
    tune: Annotated[
        int,
        typer.Option(
            min=0, help="Learning rates and dropouts that each network tries, on validation."
        ),
    ] = 0,
    baselines: Annotated[
        bool, typer.Option(help="Whether linear models and boosted trees take part.")
    ] = True,
    preset: Annotated[str | None, typer.Option(help="fast, default or best.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time. Default: one per core.")
    ] = None,
    address: Address = None,
    models: Annotated[Path, typer.Option(help="Where models are kept.")] = Path("saved_models"),
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Compare the joint model with single-task and simple models: did sharing help?

    Finished trainings are kept in saved_models/<name>/comparison/, so it can be stopped and run
    again.
    """
    load_tensorflow()
    from mtl_keras.experiment import Experiment
    from mtl_keras.export.artifact import versions
    from mtl_keras.jobs import ray_cluster
    from mtl_keras.runs import rewrite_report

    if workers is None and not ray_cluster.wanted(address):
        workers = os.cpu_count()
    overrides = stated(preset=preset, training=stated(epochs=epochs) or None)
    experiment = Experiment.from_file(source or built_in(), trust or [], **overrides)
    folder = models / experiment.name / "comparison"
    comparison = experiment.compare(
        seeds=seeds,
        also=also or [],
        tries=tries,
        tune=tune,
        baselines=baselines,
        folder=folder,
        workers=workers,
        address=address,
        show=typer.echo,
    )
    typer.echo(f"\n{comparison}\n")
    typer.echo(f"{comparison.write(folder)}")
    if versions(folder.parent):
        try:
            typer.echo(f"{rewrite_report(folder.parent)}")
        except ArtifactError as error:  # the comparison is complete anyway
            typer.echo(f"report.html was not updated: {error}")


@app.command()
def tune(
    source: Annotated[
        Path | None, typer.Argument(help="An experiment (.toml). Default: data/customers.toml.")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Number of trials, those that were finished included.")
    ] = 40,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds after which no trial begins.")
    ] = None,
    front: Annotated[
        list[str] | None,
        typer.Option(help="TASK whose best compromises with others are wanted; repeat it."),
    ] = None,
    pick: Annotated[
        int | None, typer.Option(min=0, help="Trial to write as an experiment. Default: the best.")
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="Address of Optuna's storage. Default: a file beside.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trials at a time.")] = 1,
    address: Address = None,
    models: Annotated[Path, typer.Option(help="Where models are kept.")] = Path("saved_models"),
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Search better settings of an experiment, with Optuna, on its validation rows.

    Finished trials are kept in saved_models/<name>/tuning/, so it can be stopped and run again.
    """
    load_tensorflow()
    from mtl_keras.experiment import Experiment

    experiment = Experiment.from_file(source or built_in(), trust or [])
    folder = models / experiment.name / "tuning"
    found = experiment.tune(
        trials=trials,
        timeout=timeout,
        front=front or (),
        folder=folder,
        storage=storage,
        workers=workers,
        address=address,
        show=typer.echo,
    )
    typer.echo(f"\n{found}\n")
    written = found.write(folder, pick)
    typer.echo(f"{written}: trial {found.best if pick is None else pick}. Train it: ", nl=False)
    typer.echo(f"mtl-keras train {shlex.quote(str(written))}")


def _train(
    source: str | None,
    overrides: dict[str, Any],
    models: Path,
    resume: bool,
    trusted: Sequence[str],
    cluster: dict[str, Any],
) -> None:
    start = time.perf_counter()
    load_tensorflow()
    from mtl_keras.experiment import Experiment
    from mtl_keras.export import artifact
    from mtl_keras.jobs.ray_cluster import Cluster
    from mtl_keras.runs import Run
    from mtl_keras.runs.story import one_at_a_time
    from mtl_keras.training.workers import workers

    together = workers()  # joined before TensorFlow computes anything
    imported = time.perf_counter() - start
    source = source or str(built_in())
    if source.endswith(".toml"):
        experiment = Experiment.from_file(source, trusted, **overrides)
    else:
        if "tasks" not in overrides:
            raise ConfigError(
                f"Name the columns of {source} to predict: --target COLUMN:KIND, e.g. --target "
                "churned:binary --target spend:regression."
            )
        data = {**overrides.get("data", {}), "path": source}
        config = {"name": name_of(source), **overrides, "data": data}
        experiment = Experiment.from_dict(config)
    folder = models / experiment.name
    state = folder / ".training"
    if not together.chief:
        experiment.run(checkpoint=state, resume=resume, workers=Cluster(**cluster))
        return
    artifact.check_writable(folder)
    with one_at_a_time(state):
        if resume and (version := finished(folder, state)) is not None:
            typer.echo(f"{folder}: version {version.name} already holds this training")
        else:
            run = experiment.run(
                checkpoint=state, resume=resume, show=typer.echo, workers=Cluster(**cluster)
            )
            typer.echo(f"\ntest rows\n{run.evaluation}\n")
            version = exported(run, folder, state)
            seconds = {"import": imported, **run.seconds}
            typer.echo(", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items()))
        Run.discard_checkpoint(state)
    command = f"mtl-keras predict {shlex.quote(str(folder))} TABLE"
    typer.echo(f"{folder}: version {version.name}; predict with: {command}")
