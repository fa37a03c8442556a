"""Multi-task learning for Keras: declare tasks, train one model, serve raw rows.

The public names are loaded when they are first used, so that importing the package (and the command
line's `--help`) does not wait for TensorFlow.
"""

import importlib
import os
import sys
from typing import Any

__version__ = "0.2.0"

_BACKEND = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if _BACKEND != "tensorflow" or (
    "keras" in sys.modules and sys.modules["keras"].backend.backend() != "tensorflow"
):
    raise ImportError(
        "mtl_keras needs Keras on TensorFlow. Expected KERAS_BACKEND=tensorflow. Received: "
        f"KERAS_BACKEND={_BACKEND}. Set the variable, or import mtl_keras before keras."
    )

_HOMES = {
    "Cluster": "mtl_keras.jobs.ray_cluster",
    "Experiment": "mtl_keras.experiment",
    "MultiTaskModel": "mtl_keras.model",
    "Predictor": "mtl_keras.export",
    "Run": "mtl_keras.runs",
    "Split": "mtl_keras.datasets",
    "Training": "mtl_keras.training",
    "load": "mtl_keras.export",
}
_MODULES = (
    "architectures",
    "backbones",
    "balancers",
    "datasets",
    "errors",
    "features",
    "layers",
    "tasks",
    "tracking",
)
__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"mtl_keras.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mtl_keras' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
