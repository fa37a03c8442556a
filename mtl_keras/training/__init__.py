"""The training recipe of an experiment, and the callbacks that watch over it."""

from mtl_keras.training import presets
from mtl_keras.training.assemble import assembled, weighted_mean
from mtl_keras.training.best_epoch import BestEpoch
from mtl_keras.training.checkpoint import Checkpoint
from mtl_keras.training.progress import Progress
from mtl_keras.training.recipe import Training
from mtl_keras.training.selection import greedy

__all__ = [
    "BestEpoch",
    "Checkpoint",
    "Progress",
    "Training",
    "assembled",
    "greedy",
    "presets",
    "weighted_mean",
]
