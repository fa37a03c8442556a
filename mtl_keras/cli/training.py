"""The command that trains: `train`."""

import shlex
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from mtl_keras.cli import names
from mtl_keras.cli.application import (
    Address,
    Command,
    Models,
    Trust,
    Verbose,
    command,
    on_interrupt,
    started,
)
from mtl_keras.cli.experiments import Source, declared
from mtl_keras.cli.flags import Flags, with_flags

EXAMPLE = """mtl-keras train data/customers.csv --target churned:binary \\
    --target spend:regression --drop orders --name shop"""


class Train(Command):
    """`train`, whose help ends with the names that its options accept, read when needed."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        lists = {
            "Kinds of a target": names.names("tasks"),
            "Architectures": names.architectures(),
            "Balancers": names.balancers(),
            "Presets": names.presets(),
        }
        listed = [f"{what}: {', '.join(each)}" for what, each in lists.items()]
        self.epilog = "\n\n".join([str(self.epilog), *listed])
        super().format_help(ctx, formatter)


@command(EXAMPLE, Train)
@with_flags
def train(
    source: Source = None,
    flags: Flags = Flags(),  # noqa: B008 - it is frozen
    tensorboard: Annotated[str | None, typer.Option(help="Folder for TensorBoard logs.")] = None,
    tracking: Annotated[
        str | None, typer.Option(help="What records the training: mlflow, or PACKAGE.MODULE:CLASS.")
    ] = None,
    models: Models = Path("saved_models"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted training.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that train one network together, with Ray.")
    ] = 1,
    address: Address = None,
    gpus_per_worker: Annotated[int, typer.Option(min=0, help="GPUs of each worker.")] = 0,
    storage: Annotated[
        str | None, typer.Option(help="Folder or URL for checkpoints that all workers can access.")
    ] = None,
    trust: Trust = None,
    verbose: Verbose = False,
) -> None:
    """Train a model and write it to saved_models/NAME/, with a report of how good it is.

    The kind of a target is guessed and printed if it is not given; if it is not clear, nothing is
    trained. Options override the file of an experiment.
    """
    start = time.time()
    with started() as show:
        from mtl_keras.datasets.unfinished import check_folder
        from mtl_keras.jobs.ray_cluster import Cluster
        from mtl_keras.runs import Run
        from mtl_keras.runs.story import one_at_a_time
        from mtl_keras.training.workers import workers as declared_workers

        together = declared_workers()  # must be joined before TensorFlow computes anything
        imported = time.time() - start
        aloud = show if together.chief else lambda line: None
        experiment, table = declared(
            source, flags, trust or [], aloud, tensorboard=tensorboard, tracking=tracking
        )
        folder = models / experiment.name
        state = folder / ".training"
        cluster = Cluster(workers, address, gpus_per_worker, storage, verbose)
        if not together.chief:
            experiment.run(table, checkpoint=state, resume=resume, workers=cluster)
            return
        check_folder(folder)
        with one_at_a_time(state), on_interrupt(lambda: _kept(state, start, resume)):
            if resume and (version := finished(folder, state)) is not None:
                show(f"{folder}: this training is already written, as version {version.name}")
            else:
                run = experiment.run(
                    table, checkpoint=state, resume=resume, show=show, workers=cluster
                )
                show(f"\ntest rows\n{run.evaluation}\n")
                show.moving(lambda: ("writing the model and its report", None))
                version = exported(run, folder, state)
                show.moving(None)
                seconds = {"import": imported, **run.seconds}
                show("time: " + ", ".join(f"{stage} {s:.1f} s" for stage, s in seconds.items()))
            Run.discard_checkpoint(state)
        next_one = f"mtl-keras predict {shlex.quote(str(folder))} TABLE"
        show(f"{folder}: version {version.name}; predict with: {next_one}")


def _kept(state: Path, start: float, resume: bool) -> str:
    """Return what is kept of an interrupted training, in words."""
    from mtl_keras.training.checkpoint import saved_epochs

    path = state / "training.npz"
    ours = path.exists() and (resume or path.stat().st_mtime >= start)
    epochs = saved_epochs(path) if ours else 0
    if not epochs:
        return "No epoch was finished, so nothing is kept: start again without --resume."
    return (
        f"The training up to epoch {epochs} is kept in {state}. To continue, run the same "
        "command with --resume."
    )


def exported(run: Any, folder: Path, state: Path) -> Path:
    """Export a run and return its version; if that fails, say where the training is kept."""
    from mtl_keras.training.checkpoint import saved_epochs

    try:
        return run.export(folder)
    except OSError:
        saved, trained = saved_epochs(state / "training.npz"), len(run.history)
        again = "Fix the error below, then run the same command with --resume."
        if saved == trained:
            kept = f"the trained state is kept in {state}. {again}"
        elif elsewhere := _written_elsewhere(run):
            kept = f"it was written to {elsewhere} instead. Move it to where it belongs."
        elif saved:
            kept = f"of {trained} epochs, those up to epoch {saved} are kept in {state}. {again}"
        else:
            kept = "nor could a checkpoint or a temporary folder. Make room, then train again."
        typer.echo(f"The model could not be written to {folder}; {kept}", err=True)
        raise


def _written_elsewhere(run: Any) -> Path | None:
    """Write a run to a folder for temporary files, if that is possible."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{run.experiment.name}-"))
        run.export(folder)
    except OSError:
        return None
    return folder


def finished(folder: Path, state: Path) -> Path | None:
    """Return the version that a training published right before it was killed, or None."""
    from mtl_keras.export.artifact import version_of
    from mtl_keras.runs.identity import kept_identity

    identity = kept_identity(state)
    return version_of(folder, identity) if identity else None
