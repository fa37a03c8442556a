"""Writes a run as an artifact: the SavedModel, and the files that describe it."""

import functools
import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tomli_w

from mtl_keras import report
from mtl_keras.declaring.references import packages_named
from mtl_keras.evaluation.tested import as_arrays
from mtl_keras.export import Predictor, artifact
from mtl_keras.export.checking import STATISTICS, result_statistics
from mtl_keras.export.operations import TRUST
from mtl_keras.runs.clock import Clock
from mtl_keras.runs.reports import model_card_of, report_page_of

Made = TypeVar("Made")


def export(run: Any, folder: Path) -> Path:
    """Write a new version of an artifact, and return its folder.

    Files that only describe the model are left out with a warning if they cannot be made.

    Args:
        run: The `Run`.
        folder: The artifact, which is created if it does not exist.
    """
    clock = Clock()
    with artifact.new_version(folder) as version:
        with clock("export"):
            serving = run.serving_model()
            artifact.write_model(version, serving, run.model)
            schema = run.schema(serving)
            artifact.write_files(version, {"schema.json": artifact.as_json(schema)})
        # Classes in use here need no further trust.
        trusted = packages_named([schema["features"], schema["tasks"]]) | {TRUST}
        exported = functools.cache(lambda: Predictor(version, trusted=trusted))
        artifact.write_files(version, _described(run, exported, folder, clock))
        with clock("report"):
            page = _attempted("the report", lambda: report_page_of(version, folder, trusted), None)
            card = _attempted("the model card", lambda: model_card_of(version, trusted), None)
            made = {"report.html": page, "README.md": card}
            artifact.write_files(version, {n: text for n, text in made.items() if text})
    run.seconds |= clock.seconds
    written = artifact.version_of(folder, run.identity) or artifact.latest(folder)
    run.recording.exported(run, written)
    return written


def _described(
    run: Any, exported: Callable[[], Predictor], folder: Path, clock: Clock
) -> dict[str, str | bytes]:
    """Return the files that describe a run, which a report is made from."""
    with clock("figures"):
        pictures: dict[str, bytes] = _attempted(
            "the figures",
            lambda: {name: report.png(figure) for name, figure in run.figures().items()},
            {},
        )
    with clock("explanation"):
        # A report takes a tenth of a run at most, or a few seconds where that is less.
        seconds = min(max(0.02 * run.seconds.get("fit", 0.0), 1.0), 5.0)
        explanation: dict[str, Any] = _attempted(
            "the explanation", lambda: run.explanation(exported().predictions, seconds), {}
        )
        diagnosed: dict[str, Any] = _attempted(
            "the diagnostics", lambda: run.diagnostics.to_dict(), {}
        )
    run.seconds |= clock.seconds  # as far as `metrics.json` can tell
    statistics: dict[str, Any] = _attempted(
        "the statistics",
        lambda: result_statistics(
            run.tasks,
            run.truths["train"],
            exported().predict(run.test),
            run.experiment.split.groups_in(run.test),
        ),
        {"targets": {}, "answers": {}},
    )
    return {
        **pictures,
        STATISTICS: artifact.as_json({"features": run.statistics, **statistics}),
        "metrics.json": artifact.as_json(run.metrics() | {"diagnostics": diagnosed}),
        "history.csv": run.history.to_csv(index=False),
        "balancing.json": artifact.as_json(run.model.balancing),
        "structure.json": artifact.as_json(report.structure(run.outputs)),
        "explanation.json": artifact.as_json(explanation),
        "experiment.toml": tomli_w.dumps(run.experiment.to_dict(folder)),
        "trained_rows.npz": _as_npz(vars(run.trained) if run.trained else {}),
        "predictions.npz": _as_npz(
            as_arrays([t.name for t in run.tasks], run.truths["test"], run.predictions, run.groups)
        ),
    }


def _attempted(what: str, make: Callable[[], Made], otherwise: Made) -> Made:
    """Return the result of `make`; warn if that fails, so that a trained model is never lost."""
    try:
        return make()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        warnings.warn(f"{what} could not be made ({why}); the model is kept.", stacklevel=3)
        return otherwise


def _as_npz(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as the bytes of a file."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()
