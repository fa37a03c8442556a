"""An experiment: a plan, and what can be done with it."""

from mtl_keras.experiment.experiment import Experiment

__all__ = ["Experiment"]
