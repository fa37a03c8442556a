"""Reads requests as columns of a table, and checks each value."""

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from mtl_keras.errors import DataError, nearest, shown, unknown
from mtl_keras.features import Feature
from mtl_keras.features.encoder import read_columns

Columns = dict[str, list[Any]]

TYPES: dict[str, tuple[type, ...]] = {
    "BOOL": (bool,),
    "BYTES": (str, bytes),
    **{f"{sign}INT{bits}": (int,) for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": (int, float) for bits in (16, 32, 64)},
}
"""The Python types for each data type of the Open Inference Protocol; null is always valid."""


def checked(features: Sequence[Feature], received: Mapping[str, Sequence[Any]]) -> Columns:
    """Return the columns that a model reads, in a fixed order, with one value per row.

    So requests can be concatenated, and a prediction does not depend on other requests.

    Args:
        features: The model's features.
        received: Values by column. Numbered columns become a column of vectors.

    Raises:
        DataError: if a column is missing, unknown to the model or of another length, if there are
            no rows, or if something is not a value.

    Example:

    >>> from mtl_keras.features import Numeric
    >>> checked([Numeric("age")], {"age": [31, None]})
    {'age': [31, None]}
    >>> checked([Numeric("age")], {"age": [31], "agee": [3]})
    Traceback (most recent call last):
    ...
    mtl_keras.errors.DataError: Unknown column 'agee'. Did you mean 'age'? Expected one of: age.
    """
    names = list(received)
    read_columns(features, names)
    reads = {feature.source: feature.reads(names) for feature in features}
    known = set(chain.from_iterable(reads.values()))
    for name in names:
        if name not in known:
            raise DataError(unknown("column", name, reads))
    lengths = {name: len(values) for name, values in received.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"Expected one value per row in each column. Received: {shown(lengths)}.")
    if not any(lengths.values()):
        raise DataError("The request has no rows. Expected at least one.")
    files = {feature.source for feature in features if feature.reads_files}
    columns: Columns = {}
    for source, given in reads.items():
        values = received[source] if given == [source] else list(zip(*(received[c] for c in given)))
        columns[source] = [_value(source, value, source in files) for value in values]
    return columns


def of_tensors(features: Sequence[Feature], inputs: Sequence[Any]) -> Columns:
    """Return the columns of a request in the Open Inference Protocol.

    The hint how to decode a tensor (`content_type`) is ignored.

    Args:
        features: The model's features.
        inputs: Tensors with a `name`, a `shape`, a `datatype` and `data`, one per column.

    Raises:
        DataError: if a tensor does not match its datatype or shape, and as in `checked`.
    """
    vectors = {feature.source for feature in features if feature.raw_shape}
    columns = {tensor.name: _rows(tensor, tensor.name in vectors) for tensor in inputs}
    if len(columns) < len(inputs):
        raise DataError(f"Expected each column once. Received: {[t.name for t in inputs]}.")
    return checked(features, columns)


def of_json(features: Sequence[Feature], inputs: Mapping[str, str], body: Any) -> Columns:
    """Return the columns of a request in the format of TensorFlow Serving's REST API.

    Args:
        features: The model's features.
        inputs: The input in the SavedModel's signature for each feature, by name. A request may use
            these names or those of the columns.
        body: `{"instances": [row, ...]}` or `{"inputs": {column: values, ...}}`.

    Raises:
        DataError: if it is neither, and as in `checked`.

    References:
        TensorFlow Serving: RESTful API, https://www.tensorflow.org/tfx/serving/api_rest.
    """
    if not isinstance(body, dict) or ("instances" in body) == ("inputs" in body):
        raise DataError(
            'Expected {"instances": [{column: value, ...}, ...]} or {"inputs": {column: [value, '
            f"...], ...}}}}. Received: {shown(body)}."
        )
    signature = body.get("signature_name", "serving_default")
    if signature != "serving_default":
        raise DataError(unknown("signature_name", signature, ["serving_default"]))
    received = _of_instances(body["instances"]) if "instances" in body else body["inputs"]
    if not isinstance(received, dict) or not all(isinstance(v, list) for v in received.values()):
        raise DataError(
            f"`inputs` must contain a list of values for each column. Received: {shown(received)}."
        )
    columns = {inputs[feature.name]: feature.source for feature in features}
    return checked(features, {columns.get(name, name): v for name, v in received.items()})


def _of_instances(rows: Any) -> Columns:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(
            "`instances` must be a list of rows, each with a value for each column. Received: "
            f"{shown(rows)}."
        )
    if not rows:
        raise DataError("The request has no rows. Expected at least one.")
    first = rows[0].keys()
    for number, row in enumerate(rows):
        if row.keys() != first:
            other = sorted(first ^ row.keys())
            raise DataError(
                f"All rows must have the same columns. Row {number} and the first one differ in "
                f"{other}.{nearest(other[0], first - {other[0]})}"
            )
    return {name: [row[name] for row in rows] for name in first}


def _rows(tensor: Any, vector: bool) -> list[Any]:
    """Return the values of a tensor, one per row; lists for a vector."""
    shape, data = list(tensor.shape), getattr(tensor.data, "root", tensor.data)
    if not isinstance(data, list) or not shape or min(shape) < 0:
        raise DataError(
            f"Column {tensor.name!r} must have a list as `data` and its number of rows as `shape`. "
            f"Received: shape {shape}, data {shown(data)}."
        )
    for _ in shape[1:]:
        if any(isinstance(value, list) for value in data):
            data = list(chain.from_iterable(v if isinstance(v, list) else [v] for v in data))
    if math.prod(shape) != len(data):
        raise DataError(
            f"Column {tensor.name!r} has the shape {shape}, but {len(data)} values. Expected "
            f"{math.prod(shape)}."
        )
    if tensor.datatype not in TYPES:  # in gRPC, it may be any string
        raise DataError(f"Column {tensor.name!r}: {unknown('datatype', tensor.datatype, TYPES)}")
    types = TYPES[tensor.datatype]
    for row, value in enumerate(data):
        number = isinstance(value, types) and (isinstance(value, bool) == (types == (bool,)))
        if value is not None and not number:
            raise DataError(
                f"Column {tensor.name!r} is declared as {tensor.datatype}. Received: "
                f"{shown(value)} as value number {row + 1}."
            )
    width = math.prod(shape[1:])
    if width == 1 and not vector:
        return data
    return [data[start : start + width] for start in range(0, len(data), width or 1)]


def _value(column: str, value: Any, file: bool) -> Any:
    """Return a value of a request as a table has it: a single value, or a list of them."""
    if isinstance(value, (list, tuple)):
        if any(isinstance(part, list) for part in value):
            raise DataError(
                f"Column {column!r} takes one list per row. Received one within another."
            )
        return [_value(column, part, file) for part in value]
    if isinstance(value, dict) and value.keys() == {"b64"}:  # the form of bytes in JSON
        value = _decoded(column, value["b64"])
    if file:
        if isinstance(value, str) and value:
            value = _decoded(column, value)
        if value is None or isinstance(value, (str, bytes)):
            return value or None
        raise DataError(
            f"Column {column!r} takes the bytes of a file, in base64. Received: {shown(value)}."
        )
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"Column {column!r} takes strings in UTF-8. Received: {shown(value)}."
            ) from error
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise DataError(
        f"Column {column!r} takes numbers, strings, booleans and null. Received: {shown(value)}."
    )


def _decoded(column: str, text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise DataError(
            f"Column {column!r} takes bytes in base64. Received: {shown(text)}."
        ) from error
