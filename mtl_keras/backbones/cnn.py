"""A small convolutional network for images."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.backbones.base import Backbone, check_widths
from mtl_keras.errors import check


@dataclass(frozen=True, kw_only=True)
class CNN(Backbone):
    """Blocks of convolution, pooling and normalisation, then a dense layer over all positions.

    Args:
        filters: Filters of each block; each halves height and width. Default (32, 64, 64).
        kernel: Height and width of the filters. Default 3.
        units: Width of the dense layer, whose output is the vector. Default 128.

    References:
        LeCun et al.: "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86,
        1998, with batch normalisation (Ioffe, Szegedy, ICML 2015).

    Example:

    >>> CNN(filters=(4,), units=8).represent(keras.Input((6, 6, 1)), None, "photo").shape
    (None, 8)
    """

    identifier: ClassVar[str] = "cnn"
    reads: ClassVar[str] = "images"
    filters: tuple[int, ...] = (32, 64, 64)
    kernel: int = 3
    units: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        check_widths("filters", self.filters)
        check(self.kernel >= 1, "kernel", "be >= 1", self.kernel)
        check(self.units >= 1, "units", "be >= 1", self.units)

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        for number, filters in enumerate(self.filters, start=1):
            block = f"{name}_block_{number}"
            x = keras.layers.Conv2D(
                filters, self.kernel, padding="same", use_bias=False, name=block
            )(x)
            # Pooling before normalisation: the same maxima for a quarter of the work.
            if min(x.shape[1:3]) > 1:
                x = keras.layers.MaxPooling2D(padding="same", name=f"{block}_pool")(x)
            x = keras.layers.BatchNormalization(momentum=0.9, name=f"{block}_norm")(x)
            x = keras.layers.Activation("relu", name=f"{block}_relu")(x)
        x = keras.layers.Flatten(name=f"{name}_flat")(x)
        x = self._dropped(x, f"{name}_flat")
        x = keras.layers.Dense(self.units, "relu", name=f"{name}_dense")(x)
        return self._dropped(x, name)
