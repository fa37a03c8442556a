"""A network as Python code, to change and train by hand."""

from mtl_keras.code.file import About, source
from mtl_keras.code.training import Trained

__all__ = ["About", "Trained", "source"]
