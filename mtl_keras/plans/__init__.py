"""Plans and presets: experiments as values that a file can hold."""

from mtl_keras.plans.plan import Plan

__all__ = ["Plan"]
