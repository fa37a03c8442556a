"""The contents of an artifact's files, and the report that is made from them."""

import io
import json
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mtl_keras import report
from mtl_keras.errors import ArtifactError
from mtl_keras.export import artifact

Made = TypeVar("Made")


def rewrite_report(folder: str | Path, trusted: Collection[str] = ()) -> Path:
    """Rewrite `report.html` of an artifact's newest version, with its newest comparison.

    Args:
        folder: E.g. `saved_models/customers`.
        trusted: Packages that may be imported for classes that are not part of mtl_keras.

    Returns:
        The path of the page.

    Raises:
        ArtifactError: if there is no model, or if it lacks files that a report needs.

    Example:

    >>> rewrite_report("saved_models/customers")  # doctest: +SKIP
    """
    version = artifact.latest(Path(folder))
    page = report_page_of(version, Path(folder), trusted)
    return artifact.replace_file(Path(folder) / "report.html", page)


def model_card_of(version: Path, trusted: Collection[str] = ()) -> str:
    """Return the model card of a version."""
    return report.model_card(report.content(artifact.read_files(version), trusted=trusted))


def report_page_of(version: Path, folder: Path, trusted: Collection[str] = ()) -> str:
    """Return the report of a version, with the comparison in the artifact's folder."""
    files = artifact.read_files(version)
    if "predictions.npz" not in files:
        raise ArtifactError(
            f"{version} has no predictions.npz, which the report needs: it was left out, or the "
            "model was written by an older mtl_keras. Train again."
        )
    compared = folder / "comparison" / "comparison.json"
    try:
        return report.report_page(report.content(files, compared, trusted))
    except ArtifactError as error:
        raise ArtifactError(f"{version}: {error} Train and export again.") from error
    except Exception as error:  # whatever error results from values that no run has written
        raise ArtifactError(
            f"No report can be made of the files in {version / artifact.EXTRA}: one of them is "
            f"damaged ({type(error).__name__}: {error}). Train and export again."
        ) from error


def attempted(what: str, make: Callable[[], Made], otherwise: Made) -> Made:
    """Return the result of `make`; warn if that fails, so that a trained model is never lost."""
    try:
        return make()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        warnings.warn(f"{what} could not be made ({why}); the model is kept.", stacklevel=3)
        return otherwise


def as_json(value: Any) -> str:
    """Return plain values as JSON; NaN and infinite numbers become null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_npz(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as the bytes of a file."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _finite(value: Any) -> Any:
    """Replace NaN and infinite numbers, which JSON does not have, by None."""
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
