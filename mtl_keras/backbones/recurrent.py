"""Recurrent networks."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.backbones.base import Backbone
from mtl_keras.errors import check
from mtl_keras.layers import SequencePooling

POOLINGS = ("last", "mean_max")


@dataclass(frozen=True, kw_only=True)
class _Recurrent(Backbone):
    """A recurrent layer over the vectors.

    Args:
        units: Size of the state. Default 64.
        bidirectional: Whether a second layer reads backwards. Default False.
        pooling: `"last"`: the state after the last vector; or `"mean_max"`: mean and maximum of all
            states, so that the last state need not carry everything. Default "mean_max".
    """

    reads: ClassVar[str] = "sequences"
    listed: ClassVar[bool] = False
    units: int = 64
    bidirectional: bool = False
    pooling: str = "mean_max"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.units >= 1, "units", "be >= 1", self.units)
        check(self.pooling in POOLINGS, "pooling", f"be one of {POOLINGS}", self.pooling)

    def _layer(self, name: str) -> Any:
        raise NotImplementedError

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        layer = self._layer(f"{name}_{self.get_config()['kind']}")
        if self.bidirectional:
            layer = keras.layers.Bidirectional(layer, name=f"{name}_both_ways")
        states = layer(self._dropped(x, f"{name}_vectors"), mask=mask)
        if self.pooling == "mean_max":
            states = SequencePooling(name=f"{name}_pooled")(states, mask=mask)
        return self._dropped(states, name)


@dataclass(frozen=True, kw_only=True)
class LSTM(_Recurrent):
    """An LSTM over the vectors of a text or a sequence.

    References:
        Hochreiter, Schmidhuber: "Long Short-Term Memory", Neural Computation 9, 1997.

    Example:

    >>> LSTM(units=32, bidirectional=True).get_config()["pooling"]
    'mean_max'
    """

    identifier: ClassVar[str] = "lstm"
    listed: ClassVar[bool] = True

    def _layer(self, name: str) -> Any:
        return keras.layers.LSTM(self.units, return_sequences=self.pooling == "mean_max", name=name)


@dataclass(frozen=True, kw_only=True)
class GRU(_Recurrent):
    """A GRU over the vectors of a text or a sequence.

    References:
        Cho et al.: "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014.

    Example:

    >>> GRU(units=32, pooling="last").get_config()["units"]
    32
    """

    identifier: ClassVar[str] = "gru"
    listed: ClassVar[bool] = True

    def _layer(self, name: str) -> Any:
        return keras.layers.GRU(self.units, return_sequences=self.pooling == "mean_max", name=name)
