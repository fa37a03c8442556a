"""Presets: the effort of a training, in one word."""

from collections.abc import Mapping
from typing import Any

from mtl_keras.errors import ConfigError, unknown

# Arguments of the architecture and of `Training` that a preset sets where the user did not.
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "fast": {
        "architecture": {"members": 3, "bins": 16, "number_dimension": 8},
        "training": {"epochs": 12, "patience": 4, "learning_rate": 6e-3},
    },
    "default": {"architecture": {}, "training": {}},
    "best": {"architecture": {}, "training": {"networks": 4, "epochs": 80, "patience": 12}},
}


def get(name: str) -> dict[str, dict[str, Any]]:
    """Return a preset: `"fast"` (seconds), `"default"`, or `"best"` (minutes).

    Raises:
        ConfigError: if there is no preset with this name.

    Example:

    >>> get("fast")["architecture"]["members"]
    3
    """
    if name not in PRESETS:
        raise ConfigError(unknown("preset", name, PRESETS))
    return PRESETS[name]


def variation(number: int) -> tuple[Mapping[str, Any], Mapping[str, float]]:
    """Return how the network with this number differs from the declared one.

    The variations concern what matters most for different tables: how much is shared, dropout,
    bins, and the learning rate.

    Args:
        number: From 0, which is the network as declared.

    Returns:
        Arguments of the architecture to set (including `kind`), and factors for arguments of
        `Training`.
    """
    return VARIATIONS[number % len(VARIATIONS)]


VARIATIONS: list[tuple[dict[str, Any], dict[str, float]]] = [
    ({}, {}),
    ({"kind": "single_task", "number_embedding": "target_aware"}, {"learning_rate": 0.7}),
    ({"dropout": 0.0, "tower": (64,)}, {"learning_rate": 0.7}),
    ({"dropout": 0.3, "number_embedding": "periodic"}, {}),
]


def label(number: int) -> str:
    """How the network with this number differs from the declared one, in words.

    Example:

    >>> label(2)
    'dropout 0.0, tower (64,)'
    """
    changes, _ = variation(number)
    return ", ".join(f"{key} {value}" for key, value in changes.items())
