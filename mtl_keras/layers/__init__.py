"""Keras layers of our own: raw columns in, answers out."""

from mtl_keras.layers.answers import Decode, Unscale
from mtl_keras.layers.boolean import BooleanEncoding
from mtl_keras.layers.category import CategoryEmbedding, CategoryEncoding
from mtl_keras.layers.date import DateEncoding
from mtl_keras.layers.numeric import NumericEncoding

__all__ = [
    "BooleanEncoding",
    "CategoryEmbedding",
    "CategoryEncoding",
    "DateEncoding",
    "Decode",
    "NumericEncoding",
    "Unscale",
]
