"""What follows Keras's dtype policy, and what does not."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


class FullPrecision(keras.layers.Layer):
    """Base class of layers that encode columns or give answers, which half precision would spoil.

    bfloat16 has three significant digits, and float16 ends at 65,504: amounts, dates and
    probabilities need more. So only what is trained between encoding and answers follows the
    policy.

    Its `dtype` is `"float32"` by default, whatever the global policy is.

    Example:

    >>> with dtype_policy("mixed_float16"):
    ...     FullPrecision().compute_dtype, keras.layers.Dense(1).compute_dtype
    ('float32', 'float16')
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})


@contextlib.contextmanager
def dtype_policy(policy: Any) -> Iterator[None]:
    """Layers made in this context have a dtype policy; None leaves the global one."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy or before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
