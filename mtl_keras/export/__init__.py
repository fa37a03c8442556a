"""The exported model: the SavedModel, its folder, and loading it again."""

from mtl_keras.export.checking import column_statistics
from mtl_keras.export.predictor import Predictor, load
from mtl_keras.export.trained_rows import TrainedRows

__all__ = ["Predictor", "TrainedRows", "column_statistics", "load"]
