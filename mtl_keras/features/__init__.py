"""Features: the columns to predict from."""

import sys
from typing import Any

from mtl_keras.declaring import declaration
from mtl_keras.features.base import Feature
from mtl_keras.features.boolean import Boolean
from mtl_keras.features.categorical import Categorical
from mtl_keras.features.categories import Categories
from mtl_keras.features.crossing import Crossing
from mtl_keras.features.date import Date
from mtl_keras.features.guesses import Guess, Guesses
from mtl_keras.features.image import Image
from mtl_keras.features.infer import infer
from mtl_keras.features.numeric import Numeric
from mtl_keras.features.sequence import Sequence
from mtl_keras.features.text import Text
from mtl_keras.features.vector import Vector

__all__ = [
    "Boolean",
    "Categorical",
    "Categories",
    "Crossing",
    "Date",
    "Feature",
    "Guess",
    "Guesses",
    "Image",
    "Numeric",
    "Sequence",
    "Text",
    "Vector",
    "get",
    "infer",
]


def get(declared: Any, name: str | None = None) -> Feature:
    """Return a feature from its kind, a `{"kind": ..., ...}` mapping or an object.

    Args:
        declared: The kind, mapping or object.
        name: Name of the feature, if `declared` does not contain it. Default None.

    Returns:
        The feature.

    Raises:
        ConfigError: if there is no such kind, or it has no such argument.

    Example:

    >>> get("categorical", "plan")
    Categorical('plan')
    """
    feature = declaration.from_config(
        declared, name, sys.modules[__name__], Feature, "feature kind"
    )
    assert isinstance(feature, Feature)
    return feature
