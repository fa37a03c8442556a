"""The file beside an exported network that says how raw rows are encoded."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.datasets.placeholders import numbers_of, texts_of
from mtl_keras.export import encoding_reader
from mtl_keras.features.encoder import Encoder, called


def encoding_of(encoder: Encoder) -> dict[str, Any]:
    """Return how raw rows are encoded, as `encoding_reader.encode` reads it.

    Args:
        encoder: The encoder.

    Returns:
        The types of the network's `"inputs"` by name; for each of the `"features"`, its name, the
        input that it reads with its type, the values that stand for a missing one, and the
        parameters of its layer (`"encode"` is None for layers that the reader does not know); and
        the `"crossings"`.
    """
    missing = {
        feature.name: (texts_of if feature.raw_dtype == "string" else numbers_of)(
            feature.missing_values
        )
        for feature in encoder.features
    }
    layers = [encoder.model.get_layer(f"encode.{slug}") for slug in encoder.slugs]
    parts = [
        {
            "name": feature.name,
            "input": encoder.input_slugs[feature.name],
            "dtype": feature.raw_dtype,
            "missing": missing[feature.name],
            "own": f"own_{slug}",
            "encode": None,
            **_known(layer),
        }
        for feature, slug, layer in zip(encoder.features, encoder.slugs, layers)
    ]
    crossings = [
        {
            "inputs": [encoder.input_slugs[name] for name in crossing.features],
            "missing": [missing[name] for name in crossing.features],
            "values": crossing.values,
            "combinations": crossing.combinations,
        }
        for crossing in encoder.crossings
    ]
    return {
        "inputs": {group: str(each.dtype) for group, each in encoder.model.output.items()},
        "features": parts,
        "crossings": crossings,
    }


def _known(layer: keras.layers.Layer) -> dict[str, Any]:
    """Return the parameters of a layer for the reader; None if it does not know the layer."""
    name, ours = type(layer).__name__, type(layer).__module__.startswith("mtl_keras.features.")
    if not ours or name not in encoding_reader.LAYERS:
        return {}
    general = keras.layers.Layer().get_config()
    config = {key: value for key, value in layer.get_config().items() if key not in general}
    return {"encode": name, **config}


def not_read(
    encoding: Mapping[str, Any], encoder: Encoder, raw: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """Return the encoded rows for each feature that the reader cannot encode.

    Args:
        encoding: The result of `encoding_of`.
        encoder: The encoder.
        raw: The raw rows, by slug.
    """
    slugs = dict(zip((feature.name for feature in encoder.features), encoder.slugs))
    return {
        each["name"]: called(
            encoder.model.get_layer(f"encode.{slugs[each['name']]}"),
            tf.constant(encoding_reader.present(raw[each["input"]], each["missing"])),
        )
        for each in encoding["features"]
        if each["encode"] is None
    }
