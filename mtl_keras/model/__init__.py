"""A Keras Functional model whose outputs are tasks, balanced while they train."""

from mtl_keras.model.model import MultiTaskModel

__all__ = ["MultiTaskModel"]
