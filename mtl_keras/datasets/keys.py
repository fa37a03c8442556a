"""Stable hashes of rows and groups: the same on every machine and in any order."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.datasets.categories import category_texts

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def text_key(text: str) -> np.uint64:
    """Return a key for a string."""
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()))


def row_keys(file: str, first: int, rows: int) -> np.ndarray:
    """Return a key for each of some successive rows of a file, uint64.

    Example:

    >>> bool((row_keys("a.csv", 0, 5)[3:] == row_keys("a.csv", 3, 2)).all())
    True
    """
    numbers = np.arange(first, first + rows, dtype=np.uint64)
    return _mixed(text_key(file) + numbers * _GOLDEN)


def group_keys(column: pd.Series) -> np.ndarray:
    """Return a key for each row, the same for rows of one group."""
    codes, values = pd.factorize(category_texts(column))
    return np.array([text_key(str(value)) for value in values], np.uint64)[codes]


def uniform(keys: np.ndarray, *seeds: Any) -> np.ndarray:
    """Return a number >= 0 and < 1 for each key, independent for different seeds.

    Example:

    >>> numbers = uniform(row_keys("a.csv", 0, 100_000), 7, "split")
    >>> round(float(numbers.mean()), 2), round(float((numbers < 0.2).mean()), 2)
    (0.5, 0.2)
    """
    salt = text_key("/".join(map(str, seeds)))
    return (_mixed(keys ^ salt) >> np.uint64(11)).astype("float64") * 2.0**-53


def _mixed(values: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
    Generators", OOPSLA 2014): every bit of a key changes every bit of the result."""
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
