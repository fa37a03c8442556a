"""One column, as the network reads it."""

import pandas as pd

from mtl_keras.features.encoder import Encoder


def encoded(feature, column, layer="own"):
    fitted = feature.fit(column)
    group = {"own": f"own_{feature.name}"}.get(layer, layer)
    return fitted, Encoder([fitted]).encode(pd.DataFrame({feature.name: column}))[group]
