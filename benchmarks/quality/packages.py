"""Packages that only benchmarks need."""

import importlib
from typing import Any


def needed(name: str) -> Any:
    """The module, or the end of the program with a line that says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SystemExit(
            f"The package {name} is not installed. Install it with: pip install -e '.[benchmarks]'"
        ) from None
