"""What each task uses in a network: gates, mixing units and selectors, as a table."""

from typing import Any

import keras
import pandas as pd

from mtl_keras.layers import Gate, Mixing

COLUMNS = ["layer", "reader", "source", "weight"]


def table(model: keras.Model, x: Any = None) -> pd.DataFrame:
    """The weights with which tasks (or streams) read experts (or streams).

    Args:
        model: A Functional model with layers of `mtl_keras.layers`.
        x: Inputs to average the weights of gates over, which depend on the row. Default None: gates
            are left out.

    Returns:
        A table with the columns `layer`, `reader`, `source` and `weight`, in the order of the
        network's layers; empty if it has no such layers.
    """
    gates = {layer.name: layer.output for layer in model.layers if isinstance(layer, Gate)}
    means = {}
    if gates and x is not None:
        weights = keras.Model(model.input, gates).predict(x, batch_size=4096, verbose=0)
        means = {name: w.reshape(-1, w.shape[-1]).mean(axis=0) for name, w in weights.items()}
    rows = []
    for layer in model.layers:
        if layer.name in means:
            mean = means[layer.name]
            rows += [(layer.name, layer.reader, *p) for p in zip(layer.sources, mean)]
        if isinstance(layer, Mixing):
            for reader, weights in zip(layer.streams, layer.mixing):
                rows += [(layer.name, reader, *p) for p in zip(layer.streams, weights)]
    return pd.DataFrame(rows, columns=COLUMNS)
