"""How networks are trained: the recipe, its callbacks, and which weights are kept."""

from mtl_keras.training.assemble import assembled, own_parameters, weighted_mean
from mtl_keras.training.best_epoch import BestEpoch
from mtl_keras.training.checkpoint import Checkpoint
from mtl_keras.training.data import Data
from mtl_keras.training.fitting import Fitted, Fitting
from mtl_keras.training.progress import Progress
from mtl_keras.training.recipe import Training
from mtl_keras.training.selection import greedy

__all__ = [
    "BestEpoch",
    "Checkpoint",
    "Data",
    "Fitted",
    "Fitting",
    "Progress",
    "Training",
    "assembled",
    "greedy",
    "own_parameters",
    "weighted_mean",
]
