"""Trackers, which record trainings in MLflow, or with a class of the user's own."""

import sys
from typing import Any

from mtl_keras.declaring import registry
from mtl_keras.tracking.mlflow import MLflow
from mtl_keras.tracking.recording import Recording
from mtl_keras.tracking.tracker import Facts, Tracker

__all__ = ["Facts", "MLflow", "Recording", "Tracker", "get"]


def get(declared: Any) -> Tracker:
    """Return the tracker for a name, a `{"kind": name, ...}` mapping or an object.

    Args:
        declared: E.g. `"mlflow"`, `{"kind": "mlflow", "uri": "http://localhost:5000"}`,
            `"package.module:Class"` or `MLflow(experiment="shop")`.

    Returns:
        The tracker.

    Raises:
        ConfigError: if there is no such tracker, or if a package that it needs is not installed.

    Example:

    >>> get("mtl_keras.tracking:Tracker").get_config()
    {'kind': 'tracker'}
    """
    return registry.get(declared, sys.modules[__name__], Tracker, "tracker")
