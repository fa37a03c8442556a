"""How good a model is on held-out rows."""

from mtl_keras.evaluation import explain
from mtl_keras.evaluation.check import Check
from mtl_keras.evaluation.collapse import unused_sources
from mtl_keras.evaluation.diagnostics import Diagnostics, diagnose
from mtl_keras.evaluation.difference import Difference, difference
from mtl_keras.evaluation.distribution import Distribution
from mtl_keras.evaluation.evaluation import Evaluation, TaskEvaluation, calibration, evaluate
from mtl_keras.evaluation.leakage import leaking_features
from mtl_keras.evaluation.regions import JointCoverage, regions_in, regions_of
from mtl_keras.evaluation.repeated_rows import RepeatedRows, repeated_rows
from mtl_keras.evaluation.weak_slices import feature_cells
from mtl_keras.tasks.measures import Measure, labelled

__all__ = [
    "Check",
    "Diagnostics",
    "Difference",
    "Distribution",
    "Evaluation",
    "JointCoverage",
    "Measure",
    "RepeatedRows",
    "TaskEvaluation",
    "calibration",
    "diagnose",
    "difference",
    "evaluate",
    "explain",
    "feature_cells",
    "labelled",
    "leaking_features",
    "regions_in",
    "regions_of",
    "repeated_rows",
    "unused_sources",
]
