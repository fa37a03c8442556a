"""How good a model is, on rows that it never saw."""

from mtl_keras.evaluation.collapse import unused_sources
from mtl_keras.evaluation.evaluation import Evaluation, TaskEvaluation, constant, evaluate

__all__ = ["Evaluation", "TaskEvaluation", "constant", "evaluate", "unused_sources"]
