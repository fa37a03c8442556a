"""Did sharing help? Compares the joint model with what it has to beat."""

from mtl_keras.comparison.comparison import Comparison
from mtl_keras.comparison.procedure import compare

__all__ = ["Comparison", "compare"]
