"""A small Transformer encoder."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.backbones.base import Backbone
from mtl_keras.errors import check
from mtl_keras.layers import PositionEmbedding, SequencePooling


@dataclass(frozen=True, kw_only=True)
class Transformer(Backbone):
    """Layers of self-attention and feed-forward networks, with pre-layer normalisation.

    Args:
        depth: Number of layers. Default 2.
        heads: Attention heads per layer. Default 4.
        units: Width of the feed-forward networks. Default 128.

    References:
        Vaswani et al.: "Attention Is All You Need", NeurIPS 2017.
        Xiong et al.: "On Layer Normalization in the Transformer Architecture", ICML 2020.

    Example:

    >>> Transformer(depth=4, heads=8).get_config()["heads"]
    8
    """

    reads: ClassVar[str] = "sequences"
    depth: int = 2
    heads: int = 4
    units: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("depth", "heads", "units"):
            check(getattr(self, name) >= 1, name, "be >= 1", getattr(self, name))

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        width = x.shape[-1]
        x = PositionEmbedding(name=f"{name}_positions")(x)
        for layer in range(1, self.depth + 1):
            part = f"{name}_layer_{layer}"
            normed = keras.layers.LayerNormalization(name=f"{part}_norm")(x)
            attention = keras.layers.MultiHeadAttention(
                self.heads, max(1, width // self.heads), dropout=self.dropout, name=part
            )
            attended = attention(normed, normed, query_mask=mask, value_mask=mask)
            x = keras.layers.Add(name=f"{part}_add")([x, self._dropped(attended, part)])
            inner = keras.layers.LayerNormalization(name=f"{part}_inner_norm")(x)
            inner = keras.layers.Dense(self.units, "gelu", name=f"{part}_inner")(inner)
            inner = keras.layers.Dense(width, name=f"{part}_outer")(inner)
            dropped = self._dropped(inner, f"{part}_outer")
            x = keras.layers.Add(name=f"{part}_outer_add")([x, dropped])
        x = keras.layers.LayerNormalization(name=f"{name}_norm")(x)
        return self._dropped(SequencePooling(name=f"{name}_pooled")(x, mask=mask), name)
