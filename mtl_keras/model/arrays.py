"""Arrays of what `fit`, `evaluate` and `predict` are given as pandas objects."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype


def as_array(values: Any) -> Any:
    """Return a DataFrame or Series as an array, and anything else as it is.

    Numbers and booleans of types that pandas turns into objects (`Int64`, `float[pyarrow]`) are
    float64, NaN where missing.

    Example:

    >>> as_array(pd.Series([True, None], dtype="boolean"))
    array([ 1., nan])
    """
    if not isinstance(values, (pd.DataFrame, pd.Series)):
        return values
    array = values.to_numpy()
    types = values.dtypes if isinstance(values, pd.DataFrame) else [values.dtype]
    if array.dtype == object and all(is_numeric_dtype(t) or is_bool_dtype(t) for t in types):
        return values.to_numpy("float64", na_value=np.nan)
    return array
