"""The artifact behind a port, by MLServer: what it knows of tasks and columns, and no more."""

from mtl_keras.serving.repository import Artifacts
from mtl_keras.serving.runtime import Runtime
from mtl_keras.serving.server import serve

__all__ = ["Artifacts", "Runtime", "serve"]
