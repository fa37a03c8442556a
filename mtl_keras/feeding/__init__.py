"""Feeds rows to the training loop, many batches per call."""

from mtl_keras.feeding.blocks import Blocks
from mtl_keras.feeding.feed import Feed

__all__ = ["Blocks", "Feed"]
