"""What is to be done, as values that a file can hold: plans and presets."""

from mtl_keras.plans.plan import Plan

__all__ = ["Plan"]
