"""Did sharing help? Compares the joint model with single-task and simple models."""

from mtl_keras.comparison.comparison import Comparison
from mtl_keras.comparison.procedure import compare

__all__ = ["Comparison", "compare"]
