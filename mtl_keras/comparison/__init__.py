"""Did sharing help? The joint model beside what it has to beat."""

from mtl_keras.comparison.comparison import Comparison
from mtl_keras.comparison.procedure import compare

__all__ = ["Comparison", "compare"]
