"""Quantiles of the normal distribution beside SciPy's."""

import numpy as np
import tensorflow as tf
from scipy import special

from mtl_keras.layers.normal_quantile import normal_quantile


def test_the_quantiles_are_exact_to_rounding():
    small = np.logspace(-36, -0.31, 400)
    p = np.concatenate([small, np.linspace(0.01, 0.99, 99), 1 - small[small > 1e-6]])
    p = p.astype("float32")
    exact = special.ndtri(p.astype(float))
    np.testing.assert_allclose(normal_quantile(tf.constant(p)), exact, rtol=5e-7, atol=5e-7)
    assert normal_quantile(tf.constant([0.0, 1.0])).numpy().tolist() == [-np.inf, np.inf]
