"""Balancers: how per-task losses, or their gradients, become one update."""

import sys
from typing import Any

from mtl_keras import lookup
from mtl_keras.balancers.base import Balancer
from mtl_keras.balancers.fixed import Fixed
from mtl_keras.balancers.uncertainty import Uncertainty

__all__ = ["Balancer", "Fixed", "Uncertainty", "get"]


def get(identifier: Any) -> Balancer:
    """A balancer from its name, a `{"kind": name, ...}` mapping or an instance; None is `Fixed`.

    Example:

    >>> type(get({"kind": "uncertainty", "learning_rate": 0.01})).__name__
    'Uncertainty'
    """
    if identifier is None:
        return Fixed()
    return lookup.get(identifier, sys.modules[__name__], Balancer, "balancer")
