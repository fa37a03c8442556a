"""Experiments as TOML files."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_keras.errors import ConfigError
from mtl_keras.plans.plan import Experiment


def read(path: str | Path, **overrides: Any) -> Experiment:
    """The experiment of a TOML file, with some of its entries replaced.

    A relative data path is relative to the file.

    Args:
        path: The file.
        overrides: Top-level entries as in the file; a mapping is merged into the file's table.

    Raises:
        ConfigError: if the file is not there, is not TOML, or has a key or value that is not good.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"There is no experiment file {path}. Expected a TOML file.")
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    try:
        return Experiment.from_dict(merged(config, overrides), folder=path.parent)
    except ConfigError as error:
        raise ConfigError(f"In {path}: {error}") from error


def merged(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`config` with `overrides` laid over it, tables merged key by key.

    A table that names another `kind` replaces the one that was there.

    Example:

    >>> merged({"seed": 1, "training": {"epochs": 60}}, {"training": {"batch_size": 64}})
    {'seed': 1, 'training': {'epochs': 60, 'batch_size': 64}}
    """
    result = dict(config)
    for key, value in overrides.items():
        old = result.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            alike = value.get("kind", old.get("kind")) == old.get("kind")
            value = merged(old, value) if alike else value
        result[key] = value
    return result
