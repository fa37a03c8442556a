"""Writes what was trained: the artifact, or the place where it is kept if that fails."""

import tempfile
from pathlib import Path
from typing import Any

import typer


def exported(run: Any, folder: Path, state: Path) -> Path:
    """The version that a run is written to; if that fails, where what was trained is."""
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
    """Write a run that has no other place to a folder for temporary files, if that can be."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{run.experiment.name}-"))
        run.export(folder)
    except OSError:
        return None
    return folder


def finished(folder: Path, state: Path) -> Path | None:
    """The version published by a training that was killed right afterwards, or None."""
    from mtl_keras.export.artifact import version_of
    from mtl_keras.runs.identity import kept_identity

    identity = kept_identity(state)
    return version_of(folder, identity) if identity else None
