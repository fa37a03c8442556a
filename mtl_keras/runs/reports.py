"""The report and the model card of an artifact, made from its files."""

from collections.abc import Collection
from pathlib import Path

from mtl_keras import report
from mtl_keras.errors import ArtifactError
from mtl_keras.export import artifact
from mtl_keras.jobs import replace_file


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
    return replace_file(Path(folder) / "report.html", page)


def model_card_of(version: Path, trusted: Collection[str] = ()) -> str:
    """Return the model card of a version."""
    files, number = artifact.read_files(version), artifact.number_of(version)
    return report.model_card(report.content(files, trusted=trusted, number=number))


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
        number = artifact.number_of(version)
        return report.report_page(report.content(files, compared, trusted, number))
    except ArtifactError as error:
        raise ArtifactError(f"{version}: {error}") from error
    except Exception as error:  # whatever error results from values that no run has written
        raise ArtifactError(
            f"No report can be made of the files in {version / artifact.EXTRA}: one of them is "
            f"damaged ({type(error).__name__}: {error}). Train and export again."
        ) from error
