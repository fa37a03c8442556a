"""Out into the world: the SavedModel, its folder, and loading it again."""

from mtl_keras.export.predictor import Predictor, load

__all__ = ["Predictor", "load"]
