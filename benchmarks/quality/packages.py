"""Packages that only benchmarks need."""

import importlib
from typing import Any


def needed(name: str, requirement: str = "-e .[benchmarks]") -> Any:
    """The module, or the end of the program with a line that says how to install it.

    Args:
        name: Of the module.
        requirement: What `pip install` is given. Default: the extra `benchmarks`.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SystemExit(
            f"The package {name} is not installed. Install it with: pip install '{requirement}'"
        ) from None
