"""Serves artifacts with MLServer, with checks that know the tasks and columns."""

from mtl_keras.serving.repository import Artifacts
from mtl_keras.serving.runtime import Runtime
from mtl_keras.serving.server import serve

__all__ = ["Artifacts", "Runtime", "serve"]
