"""Quantiles of the normal distribution, of operations that every format has."""

import keras
import tensorflow as tf

CENTRAL = (
    (3.3871327179, 50.434271938, 159.29113202, 59.109374720),
    (1.0, 17.895169469, 78.757757664, 67.187563600),
)
"""Coefficients of a numerator and a denominator, of rising powers: |p - 1/2| up to 0.425."""
TAIL = (
    (1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103),
    (1.0, 0.73700164250, 0.12021132975),
)
FAR_TAIL = (
    (6.6579051150, 3.0812263860, 0.42868294337, 0.017337203997),
    (1.0, 0.24197894225, 0.012258202635),
)
"""Likewise, beyond a probability of e^-25."""

Coefficients = tuple[tuple[float, ...], tuple[float, ...]]


def normal_quantile(p: tf.Tensor) -> tf.Tensor:
    r"""The number below which a standard normal variable lies with some probability.

    Wichura's rational approximations, exact to the rounding of a float32: neither ONNX nor LiteRT
    has an operation like `tf.math.ndtri`.

    Args:
        p: Probabilities, float32. At 0 and below the answer is negative infinity, at 1 and above
            positive infinity.

    References:
        Wichura: "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
        Statistics 37, 1988 (PPND7).

    Example:

    >>> [round(float(z), 4) for z in normal_quantile(tf.constant([0.0, 0.025, 0.5, 0.975]))]
    [-inf, -1.96, 0.0, 1.96]
    """
    q = p - 0.5
    tail = keras.ops.clip(keras.ops.minimum(p, 1.0 - p), 1e-37, 0.5)
    r = keras.ops.sqrt(-keras.ops.log(tail))
    size = keras.ops.where(r <= 5.0, _ratio(TAIL, r - 1.6), _ratio(FAR_TAIL, r - 5.0))
    central = q * _ratio(CENTRAL, 0.180625 - q * q)
    z = keras.ops.where(keras.ops.abs(q) <= 0.425, central, keras.ops.sign(q) * size)
    infinite = keras.ops.sign(q) * float("inf")
    return keras.ops.where((p > 0.0) & (p < 1.0), z, infinite)


def _ratio(coefficients: Coefficients, x: tf.Tensor) -> tf.Tensor:
    above, below = (_polynomial(each, x) for each in coefficients)
    return above / below


def _polynomial(coefficients: tuple[float, ...], x: tf.Tensor) -> tf.Tensor:
    value = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value
