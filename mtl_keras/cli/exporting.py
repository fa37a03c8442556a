"""Writes what was trained: to the artifact, or elsewhere if that fails."""

import tempfile
from pathlib import Path
from typing import Any

import typer


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
