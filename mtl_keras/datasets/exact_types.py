"""Types of columns in pandas that keep what a Parquet file contains."""

from typing import Any

import pandas as pd
import pyarrow as pa

EXACT = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}
"""Types of columns with missing values that by default become floats or objects."""


def exact_type(dtype: pa.DataType) -> Any:
    """Return a pandas type that keeps all values, and its own name if all cells are missing.

    Return None for types of which pandas' default does so, and for lists, whose names it cannot
    read back from a file.

    Example:

    >>> exact_type(pa.int64()), exact_type(pa.date32()), exact_type(pa.string())
    (Int64Dtype(), date32[day][pyarrow], None)
    """
    types = pa.types
    usual = (types.is_string, types.is_large_string, types.is_floating, types.is_timestamp)
    if any(is_kind(dtype) for is_kind in (*usual, types.is_dictionary, types.is_nested)):
        return None
    return EXACT.get(dtype) or pd.ArrowDtype(dtype)
