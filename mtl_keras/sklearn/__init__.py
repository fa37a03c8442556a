"""A scikit-learn estimator for multi-task models, for pipelines and cross-validation."""

from mtl_keras.sklearn.estimator import MultiTaskEstimator

__all__ = ["MultiTaskEstimator"]
