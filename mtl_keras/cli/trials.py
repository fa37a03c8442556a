"""The commands that train many times: `compare` and `tune`."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from mtl_keras.cli.application import (
    Address,
    Models,
    Trust,
    Verbose,
    command,
    on_interrupt,
    started,
)
from mtl_keras.cli.experiments import Source, declared
from mtl_keras.cli.flags import Flags, with_flags
from mtl_keras.errors import ArtifactError


@command(
    "mtl-keras compare data/customers.csv --target churned:binary \\\n"
    "    --target spend:regression --drop orders --also mmoe --workers 2",
)
@with_flags
def compare(
    source: Source = None,
    flags: Flags = Flags(),  # noqa: B008 - it is frozen
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 3,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ARCHITECTURE][+BALANCER]",
            help="What else to compare, e.g. mmoe, +pcgrad or mmoe+pcgrad. Repeat it for several.",
        ),
    ] = None,
    tries: Annotated[
        int, typer.Option(min=0, help="How many sets of constant task weights to try.")
    ] = 4,
    tune: Annotated[
        int,
        typer.Option(
            min=0, help="How many other learning rates and dropouts to try for each network."
        ),
    ] = 0,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines/--no-baselines", help="Whether to include linear models and boosted trees."
        ),
    ] = True,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time. Default: one per core.")
    ] = None,
    address: Address = None,
    models: Models = Path("saved_models"),
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Compare the joint model with single-task and simple models: did sharing help?

    All choices are made on the validation rows. Finished trainings are kept in
    saved_models/NAME/comparison/: run the command again to continue an interrupted comparison.
    """
    with started() as show:
        from mtl_keras.export.artifact import versions
        from mtl_keras.jobs import ray_cluster
        from mtl_keras.runs import rewrite_report

        if workers is None and not ray_cluster.wanted(address):
            workers = os.cpu_count()
        experiment, table = declared(source, flags, trust or [], show)
        folder = models / experiment.name / "comparison"
        with on_interrupt(lambda: _kept("trainings", folder / "trials")):
            comparison = experiment.compare(
                table,
                seeds=seeds,
                also=also or [],
                tries=tries,
                tune=tune,
                baselines=baselines,
                folder=folder,
                workers=workers,
                address=address,
                show=show,
            )
        show(f"\n{comparison}\n")
        show(f"{comparison.write(folder)}")
        if versions(folder.parent):
            try:
                show(f"{rewrite_report(folder.parent)}")
            except ArtifactError as error:  # the comparison is complete anyway
                show(f"report.html was not updated: {error}")


@command(
    "mtl-keras tune data/customers.csv --target churned:binary \\\n"
    "    --target spend:regression --drop orders --trials 20",
)
@with_flags
def tune(
    source: Source = None,
    flags: Flags = Flags(),  # noqa: B008 - it is frozen
    trials: Annotated[
        int, typer.Option(min=1, help="Number of trials, including those of earlier runs.")
    ] = 40,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds after which no new trial starts.")
    ] = None,
    front: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK",
            help="A task for which to search the best trade-offs (the Pareto front). Repeat it "
            "for each.",
        ),
    ] = None,
    pick: Annotated[
        int | None, typer.Option(min=0, help="Trial whose experiment to write. Default: the best.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="Address of an Optuna storage. Default: a file in the model's folder."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trials at a time.")] = 1,
    address: Address = None,
    models: Models = Path("saved_models"),
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Search for better settings of an experiment, with Optuna, on its validation rows.

    Finished trials are kept in saved_models/NAME/tuning/: run the command again to continue an
    interrupted search.
    """
    with started() as show:
        experiment, table = declared(source, flags, trust or [], show)
        folder = models / experiment.name / "tuning"
        with on_interrupt(lambda: _kept("trials", storage or folder)):
            found = experiment.tune(
                table,
                trials=trials,
                timeout=timeout,
                front=front or (),
                folder=folder,
                storage=storage,
                workers=workers,
                address=address,
                show=show,
            )
        show(f"\n{found}\n")
        written = found.write(folder, pick)
        number = found.best if pick is None else pick
        next_one = f"mtl-keras train {shlex.quote(str(written))}"
        show(f"{written}: trial {number}; train it with: {next_one}")


def _kept(what: str, where: Path | str) -> str:
    return f"Finished {what} are kept in {where}. To continue, run the same command again."
