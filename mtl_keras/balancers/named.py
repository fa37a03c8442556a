"""Balancers by name: what an experiment's file holds, and back."""

import sys
from collections.abc import Collection
from typing import Any

from mtl_keras.balancers.base import Balancer
from mtl_keras.balancers.fixed import Fixed
from mtl_keras.balancers.function import GramianFunction, LossFunction, from_function
from mtl_keras.declaring import references, registry


def get(identifier: Any, others: Collection[str] = ()) -> Balancer:
    """Return the balancer for a name, a `{"kind": name, ...}` mapping, an instance or a function.

    None gives `Fixed`. A function of `(losses, present)` or `(losses, present, gramian)` returns
    weights.

    Args:
        identifier: The name, mapping, instance, function or None.
        others: Further valid names, for the error message. Default none.

    Returns:
        The balancer.

    Raises:
        ConfigError: if there is no such balancer, or it does not have one of the arguments.

    Example:

    >>> type(get({"kind": "uncertainty", "learning_rate": 0.01})).__name__
    'Uncertainty'
    >>> type(get("nash_mtl")).__name__
    'NashMTL'
    """
    if identifier is None:
        return Fixed()
    if callable(identifier) and not isinstance(identifier, (Balancer, type)):
        return from_function(identifier)
    package = sys.modules[__package__]  # whose `__all__` lists the classes
    return registry.get(identifier, package, Balancer, "balancer", from_function, others)


def declared(balancer: Balancer) -> dict[str, Any]:
    """A balancer as written in a file: its name, and the arguments that differ from the default.

    Args:
        balancer: The balancer.

    Returns:
        A mapping that `get` makes an equal balancer from.

    Example:

    >>> declared(get({"kind": "dwa", "temperature": 3.0}))
    {'kind': 'dwa', 'temperature': 3.0}
    """
    function = getattr(balancer, "function", None)
    if isinstance(balancer, (LossFunction, GramianFunction)):
        return {"kind": references.reference(function)}
    config, options = balancer.get_config(), type(balancer).options()
    arguments = {key: config[key] for key, p in options.items() if config[key] != p.default}
    return {"kind": references.reference(type(balancer)), **arguments}
