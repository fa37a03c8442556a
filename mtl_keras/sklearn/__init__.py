"""Multi-task models as a scikit-learn estimator, for pipelines and cross-validation."""

from mtl_keras.sklearn.estimator import MultiTaskEstimator

__all__ = ["MultiTaskEstimator"]
