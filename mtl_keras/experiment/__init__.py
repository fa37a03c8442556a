"""An experiment: a plan that can be run and compared."""

from mtl_keras.experiment.experiment import Experiment

__all__ = ["Experiment"]
