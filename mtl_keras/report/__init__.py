"""Figures: data in, pictures out."""

from mtl_keras.report.history import history_figure
from mtl_keras.report.prediction import prediction_figure

__all__ = ["history_figure", "prediction_figure"]
