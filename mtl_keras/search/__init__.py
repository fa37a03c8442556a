"""Chooses what a plan leaves open, by short trainings on the validation rows."""

from mtl_keras.search.affinity import Affinity
from mtl_keras.search.grouping import grouping
from mtl_keras.search.halving import successive_halving
from mtl_keras.search.settle import settled

__all__ = ["Affinity", "grouping", "settled", "successive_halving"]
