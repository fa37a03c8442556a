"""The interface of a backbone: one feature's encoded rows in, one trained vector per row out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.declaring.declaration import Configurable
from mtl_keras.errors import check


@dataclass(frozen=True, kw_only=True)
class Backbone(Configurable):
    """Base class: the part of the network that reads one text, image or sequence.

    Subclasses define `represent`. In a network with several trunks, each has its own backbone.

    Args:
        dropout: Fraction of the vector's numbers dropped in training. Default 0.2.

    Raises:
        ConfigError: if an argument is not as described above.

    Example:

    >>> class LastState(Backbone):
    ...     '''The last state of a small recurrent network.'''
    ...     reads = "sequences"
    ...     def represent(self, x, mask, name):
    ...         return keras.layers.SimpleRNN(8, name=name)(x, mask=mask)
    >>> LastState().represent(keras.Input((None, 4)), None, "review").shape
    (None, 8)
    """

    reads: ClassVar[str]  # "sequences" or "images"
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check(0 <= self.dropout < 1, "dropout", "be from 0 up to, not including, 1", self.dropout)
        super().__post_init__()

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        """One vector per row: a tensor `(rows, n)`.

        Args:
            x: The vectors of a sequence, `(rows, length, n)`, or images `(rows, height, width,
                channels)` from 0 to 1.
            mask: `(rows, length)`, bool: which vectors are present; a row may have none. None for
                images.
            name: Prefix for names of layers.
        """
        raise NotImplementedError

    def _dropped(self, x: Any, name: str) -> Any:
        return keras.layers.Dropout(self.dropout, name=f"{name}_dropout")(x) if self.dropout else x


def check_widths(name: str, widths: Sequence[int]) -> None:
    good = len(widths) > 0 and all(isinstance(width, int) and width > 0 for width in widths)
    check(good, name, "list at least one width > 0", widths)
