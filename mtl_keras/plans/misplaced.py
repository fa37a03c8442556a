"""Settings that are stated as an experiment's own, and belong to a part of it."""

import dataclasses
import difflib
from collections.abc import Collection

from mtl_keras import architectures, balancers
from mtl_keras.architectures import Architecture
from mtl_keras.balancers import Balancer
from mtl_keras.datasets import Split
from mtl_keras.declaring.registry import classes
from mtl_keras.errors import shown
from mtl_keras.training import Training

OTHER_WORDS = {
    "lr": "learning_rate",
    "test_size": "test",
    "validation_split": "validation",
    "early_stopping": "patience",
    "hidden_units": "layers",
    "units": "layers",
    "target": "tasks",
    "targets": "tasks",
    "labels": "tasks",
    "model": "architecture",
    "na_values": "missing_values",
}
"""Words of other libraries, and what is meant."""


def argument_hint(name: str, value: object, own: Collection[str]) -> str:
    """Where a setting belongs that an experiment does not have, in a sentence; "" if nowhere.

    Args:
        name: Its name, perhaps mistyped.
        value: Its value.
        own: The names that an experiment has.

    Example:

    >>> argument_hint("epochs", 4, own=["training"])
    "It belongs to the training: training={'epochs': 4}; in a file, under [training]."
    >>> argument_hint("expert", 4, own=[])
    "Did you mean architecture={'kind': 'mmoe', 'experts': 4}? In a file, under [architecture]."
    """
    meant = OTHER_WORDS.get(name, name)
    homes = _homes()
    if meant not in homes:
        meant = next(iter(difflib.get_close_matches(meant, [*own, *homes], n=1)), "")
    if meant in own:
        return f"Did you mean {meant!r}?"
    if meant not in homes:
        return ""
    part, kind = homes[meant]
    arguments = {**({"kind": kind} if kind else {}), meant: value}
    stated = f"{part}={shown(arguments)}"
    if meant == name:
        return f"It belongs to the {part}: {stated}; in a file, under [{part}]."
    return f"Did you mean {stated}? In a file, under [{part}]."


def _homes() -> dict[str, tuple[str, str]]:
    """For each setting of a part, the part, and the kind of it that has such a setting."""
    homes: dict[str, tuple[str, str]] = {}
    for part, cls in (("training", Training), ("split", Split)):
        for field in dataclasses.fields(cls):
            homes.setdefault(field.name, (part, ""))
    usual = {"": architectures.SharedBottom, "mmoe": architectures.MMoE}
    for kind, cls in {**usual, **classes(architectures, Architecture)}.items():
        for field in dataclasses.fields(cls):
            homes.setdefault(field.name, ("architecture", kind))
    for kind, cls in classes(balancers, Balancer).items():
        for name in cls.options():
            homes.setdefault(name, ("balancer", kind))
    return homes
