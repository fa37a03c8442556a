"""Convolution over a sequence."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.backbones.base import Backbone, check_widths
from mtl_keras.errors import check
from mtl_keras.layers import SequencePooling


@dataclass(frozen=True, kw_only=True)
class Convolution(Backbone):
    """Convolutions over windows of several lengths, followed by the maximum of each filter.

    Args:
        filters: Number of filters per window length. Default 64.
        windows: Window lengths. Default (2, 3, 4).

    References:
        Kim: "Convolutional Neural Networks for Sentence Classification", EMNLP 2014.

    Example:

    >>> words = keras.Input((5, 4))
    >>> Convolution(filters=3, windows=(2, 3)).represent(words, None, "review").shape
    (None, 12)
    """

    reads: ClassVar[str] = "sequences"
    filters: int = 64
    windows: tuple[int, ...] = (2, 3, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.filters >= 1, "filters", "be >= 1", self.filters)
        check_widths("windows", self.windows)

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        x = self._dropped(x, f"{name}_vectors")
        pooled = []
        for window in self.windows:
            layer = keras.layers.Conv1D(
                self.filters, window, padding="same", activation="relu", name=f"{name}_{window}"
            )
            pooled.append(SequencePooling(name=f"{name}_{window}_pooled")(layer(x), mask=mask))
        together = keras.layers.Concatenate(name=f"{name}_windows")
        return self._dropped(pooled[0] if len(pooled) == 1 else together(pooled), name)
