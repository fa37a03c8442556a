"""Experiments as TOML files."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_keras.errors import ConfigError, unknown

NAMED = ("architecture", "balancer")  # tables that may be a name alone


def read(path: str | Path) -> dict[str, Any]:
    """Return the entries of an experiment file.

    Raises:
        ConfigError: if the file does not exist, or is not TOML.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"There is no experiment file {path}. Expected a TOML file.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not TOML: {error}. A name with spaces or special characters needs "
            'quotation marks: "Days late" = "regression".'
        ) from error


def of_an_artifact(path: str | Path) -> bool:
    """Whether an experiment file lies beside a trained model, which may come from elsewhere."""
    return (Path(path).parent / "schema.json").exists()


def merged(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`config` with `overrides` laid over it, tables merged key by key.

    A table with a different `kind` replaces the previous one. A list of features remains a list: a
    feature whose name is in it is replaced or dropped, and a new one is added.

    Example:

    >>> merged({"seed": 1, "training": {"epochs": 60}}, {"training": {"batch_size": 64}})
    {'seed': 1, 'training': {'epochs': 60, 'batch_size': 64}}
    >>> merged({"features": ["age", "plan"]}, {"features": {"plan": "drop"}})
    {'features': ['age']}
    """
    result = dict(config)
    for key, value in overrides.items():
        old = result.get(key)
        if key in NAMED and old is not None:
            old, value = map(_of_kind, (old, value))
        if key == "tasks" and isinstance(old, Mapping) and isinstance(value, Mapping):
            old, value = ({name: _of_kind(task) for name, task in v.items()} for v in (old, value))
        if key == "features" and isinstance(value, Mapping) and isinstance(old, list):
            value = _listed(old, value)
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            alike = value.get("kind", old.get("kind")) == old.get("kind")
            value = merged(old, value) if alike else value
        result[key] = value
    return result


def _of_kind(declared: Any) -> Any:
    return {"kind": declared} if isinstance(declared, str) else declared


def _listed(features: list[Any], changes: Mapping[str, Any]) -> list[Any]:
    """A list of features with some of them replaced, dropped or added."""
    by_name = {entry if isinstance(entry, str) else entry.get("name"): entry for entry in features}
    for name, value in changes.items():
        if value == "drop":
            if name not in by_name:
                raise ConfigError(unknown("feature to drop", name, map(str, by_name)))
            del by_name[name]
        else:
            entry = {"kind": value} if isinstance(value, str) else value
            by_name[name] = {"name": name, **entry}
    return list(by_name.values())
