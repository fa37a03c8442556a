"""A network as Python code, to go on by hand."""

from mtl_keras.code.file import About, source

__all__ = ["About", "source"]
