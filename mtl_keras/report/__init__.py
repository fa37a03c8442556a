"""Figures: data in, pictures out."""

from mtl_keras.report.history import history_figure
from mtl_keras.report.prediction import prediction_figure
from mtl_keras.report.style import png

__all__ = ["history_figure", "png", "prediction_figure"]
