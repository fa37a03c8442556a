"""Figures and HTML pages about a trained model or a comparison."""

from mtl_keras.drawing.figure import png
from mtl_keras.report.card import model_card
from mtl_keras.report.check import check_page
from mtl_keras.report.comparison import comparison_page
from mtl_keras.report.content import Content, content
from mtl_keras.report.history import history_figure
from mtl_keras.report.page import report_page
from mtl_keras.report.prediction import prediction_figure
from mtl_keras.report.structure import structure, structure_figure

__all__ = [
    "Content",
    "check_page",
    "comparison_page",
    "content",
    "history_figure",
    "model_card",
    "png",
    "prediction_figure",
    "report_page",
    "structure",
    "structure_figure",
]
