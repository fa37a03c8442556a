"""Runs without a part of them, for tests of the rest: `without.training()`, `without.report()`."""

import contextlib
from unittest import mock

import pandas as pd

from mtl_keras.model import MultiTaskModel
from mtl_keras.training import Fitted, Fitting


@contextlib.contextmanager
def training():
    """Within the block, runs do everything but train, which is most of their time."""
    with mock.patch.object(Fitting, "fit", _not_trained):
        yield


def _not_trained(fitting: Fitting, model: MultiTaskModel) -> Fitted:
    """The network as it was initialised, with the logs of an epoch."""
    tasks = list(model.tasks)
    logs: dict = {"epoch": 1, "loss": 1.0, "val_loss": 1.0}
    logs |= {f"{part}{task}_loss": 1.0 for part in ("", "val_") for task in tasks}
    logs |= {f"{task}_best": True for task in tasks}
    outputs = model.predict(fitting.data.x["validation"], verbose=0)
    return Fitted(model, pd.DataFrame([logs]), outputs, False)


@contextlib.contextmanager
def report():
    """Within the block, exports make neither pictures nor page, which are half of their time."""
    with (
        mock.patch("mtl_keras.runs.result.Run.figures", lambda _: {}),
        mock.patch("mtl_keras.runs.exporting.report_page_of", lambda *_: "<html>"),
    ):
        yield
