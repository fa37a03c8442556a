"""The times of a split, which are read as the feature of the same column reads them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from mtl_keras import features
from mtl_keras.datasets import Split
from mtl_keras.features import Feature
from mtl_keras.features.infer import named


def timed(split: Split, declared: Any) -> Split:
    """Return a split with the format of times that a declared feature of its column states.

    Args:
        split: The split.
        declared: The features of a plan.

    Example:

    >>> day = features.Date("day", format="%d/%m/%Y")
    >>> timed(Split("time", column="day"), [day]).format
    '%d/%m/%Y'
    """
    if split.strategy != "time" or split.format is not None or isinstance(declared, str):
        return split
    if isinstance(declared, Mapping):
        declared = named(declared, features.get).values()
    for feature in declared:
        if isinstance(feature, Feature) and feature.source == split.column:
            split = dataclasses.replace(split, format=split.format or feature.format_of_times)
    return split
