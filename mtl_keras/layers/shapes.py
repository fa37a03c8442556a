"""Shapes of outputs that several layers have in common.

Keras asks a layer for the shape of its output when a graph is built. Of one that does not say, it
traces `call`, which is most of the time that building a network takes.
"""

from typing import Any


class SameShape:
    """Mixin: a layer whose output has the shape of its input, or of the first of several.

    Example:

    >>> SameShape().compute_output_shape((None, 3))
    (None, 3)
    """

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output, for that of the input."""
        return input_shape


class LastAxis:
    """Mixin: a layer that turns vectors along the last axis into vectors of `units` numbers.

    Example:

    >>> class Dense(LastAxis):
    ...     units = 8
    >>> Dense().compute_output_shape((None, 4, 3))
    (None, 4, 8)
    """

    units: int

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the output, for that of the input."""
        return (*input_shape[:-1], self.units)
