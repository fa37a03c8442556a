"""Searches settings of an experiment on its validation rows, with Optuna."""

from mtl_keras.tuning.study import tune
from mtl_keras.tuning.tuning import Tuning

__all__ = ["Tuning", "tune"]
