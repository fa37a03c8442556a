"""Makes a balancer anew from its config, for one model, and tells what a config lacks."""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from mtl_keras.errors import ConfigError, shown


def rebuilt(balancer: Any) -> Any:
    """A balancer made by `from_config` from the `get_config` of another; it has no state.

    Args:
        balancer: The `Balancer`.

    Raises:
        ConfigError: if `get_config` lacks an argument of the constructor, `from_config` fails, or
            an argument is not the same afterwards.
    """
    config, options = _config(balancer), balancer.options()
    has_its_own_way = type(balancer).from_config.__func__ is not keras.Layer.from_config.__func__
    missing = [key for key in options if key not in config]
    if missing and not has_its_own_way:
        raise _not_rebuilt(balancer, "`get_config` lacks", missing)
    try:
        copy = type(balancer).from_config(config)
    except (TypeError, ValueError) as error:
        named = re.findall(r"argument:? '(\w+)'", str(error))
        raise _not_rebuilt(balancer, f"`from_config` fails ({error}) for", named) from error
    again = _config(copy)
    for key in options:
        if key in config and not _same(config[key], again[key]):
            change = f"{shown(config[key])} becomes {shown(again[key])}, a changed"
            raise _not_rebuilt(balancer, change, [key])
    return copy


def _config(balancer: Any) -> dict[str, Any]:
    try:
        return balancer.get_config()
    except AttributeError as error:
        missing = [key for key in balancer.options() if not hasattr(balancer, key)]
        raise _not_rebuilt(balancer, "there is no attribute", missing) from error


def _not_rebuilt(balancer: Any, problem: str, arguments: Sequence[str]) -> ConfigError:
    names = ", ".join(f"`{name}`" for name in arguments) or "its arguments"
    first = arguments[0] if arguments else "argument"
    return ConfigError(
        f"Each model makes its own copy of balancer {type(balancer).__name__} by `get_config` and "
        f"`from_config`. Here {problem} {names}. Expected a constructor that takes `**kwargs` "
        f"for `super().__init__` and keeps each argument as it is, `self.{first} = {first}`; "
        "or a `get_config` that returns all arguments of the constructor."
    )


def _same(one: Any, other: Any) -> bool:
    """Whether two values of an argument are equal; they may be or contain arrays."""
    try:
        return one is other or bool(one == other)
    except ValueError:  # of arrays, or of containers of them
        return bool(np.array_equal(one, other))
