"""Embeddings of categories and tokens."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.layers import CategoryEmbedding, TokenEmbedding


@pytest.mark.parametrize("compiled", [False, True])
def test_an_index_of_another_column_has_no_vector(compiled):
    """The table is one, so that index 4 of a first column with 4 would be the second one's 0."""
    layer = CategoryEmbedding(sizes=[4, 3], dimension=2)
    indices = tf.constant([[3, 2], [4, 1], [3, -1]])
    layer(indices)
    vectors = tf.function(layer, jit_compile=compiled)(indices).numpy()
    unknown = [[False] * 4, [True, True, False, False], [False, False, True, True]]
    np.testing.assert_array_equal(np.isnan(vectors), unknown)


def test_an_index_that_is_no_token_has_no_vector():
    """XLA would take the nearest row, where TensorFlow raises an error."""
    layer = TokenEmbedding(size=3, dimension=1)
    indices = tf.constant([[0, 2, 3, -1]])
    layer(indices[:, :2])
    vectors = tf.function(layer, jit_compile=True)(indices).numpy()
    np.testing.assert_array_equal(np.isnan(vectors[0, :, 0]), [False, False, True, True])
