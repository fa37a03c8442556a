"""How networks are trained: the recipe, what watches over it, and what is kept in the end."""

from mtl_keras.training import presets
from mtl_keras.training.affinity import Affinity
from mtl_keras.training.assemble import assembled, weighted_mean
from mtl_keras.training.best_epoch import BestEpoch
from mtl_keras.training.checkpoint import Checkpoint
from mtl_keras.training.fitting import Data, Fitting
from mtl_keras.training.grouping import grouping
from mtl_keras.training.halving import successive_halving
from mtl_keras.training.progress import Progress
from mtl_keras.training.recipe import Training
from mtl_keras.training.selection import greedy

__all__ = [
    "Affinity",
    "BestEpoch",
    "Checkpoint",
    "Data",
    "Fitting",
    "Progress",
    "Training",
    "assembled",
    "greedy",
    "grouping",
    "presets",
    "successive_halving",
    "weighted_mean",
]
