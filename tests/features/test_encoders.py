"""Encoders of texts and images: empty rows, Keras layers, what is trained and what is refused."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtl_keras import backbones, features
from mtl_keras.errors import ConfigError
from mtl_keras.features.encoder import Encoder

TEXTS = ["good tea", "", "a bad book"]
LAYERS = keras.layers


def built(encoder, **options):
    """The network of a text, and its input rows."""
    text = features.Text("review", encoder=encoder, min_frequency=1, dimension=4, **options)
    fitted = text.fit(pd.Series(TEXTS))
    encoded = fitted.layer()(tf.constant(TEXTS))["own"]
    rows = keras.Input(encoded.shape[1:], dtype="int32")
    return keras.Model(rows, fitted.represent(rows, "text")), encoded


def indexed(*after, length=None):
    """A model that has an embedding of its own."""
    embedding = LAYERS.Embedding(9, 4, mask_zero=True)
    return keras.Sequential([keras.Input((length,), dtype="int32"), embedding, *after])


@pytest.mark.parametrize(
    "encoder",
    [
        backbones.Transformer(depth=1, heads=2, units=8),
        LAYERS.GlobalAveragePooling1D(),
        LAYERS.Conv1D(3, 2),
        backbones.Pretrained(layer=indexed(), trainable=True),
    ],
    ids=lambda encoder: getattr(encoder, "name", type(encoder).__name__),
)
def test_an_empty_text_has_a_vector_and_gradients(encoder):
    model, rows = built(encoder)
    with tf.GradientTape() as tape:
        vectors = model(rows)
    assert vectors.shape[0] == len(TEXTS) and np.isfinite(vectors).all()
    for gradient in tape.gradient(vectors, [v.value for v in model.trainable_variables]):
        assert gradient is None or np.isfinite(tf.convert_to_tensor(gradient)).all()


def test_a_layer_of_ones_own_is_trained_and_reads_masked_vectors():
    layer = LAYERS.LSTM(3)
    model, rows = built(layer)
    assert not layer.built, "the user's own layer can be used again"
    assert {v.path.split("/")[0] for v in model.trainable_variables} == {"text_embedding", "text"}
    longer = np.pad(rows, [(0, 0), (0, 2)])
    text = keras.Model(model.input, model.get_layer("text").output)
    embedded = model.get_layer("text_embedding")(longer)
    masked = model.get_layer("text")(embedded, mask=longer > 0)
    np.testing.assert_allclose(text(rows)[::2], masked[::2], atol=1e-6)


def test_a_pretrained_layer_keeps_its_weights():
    original = indexed(LAYERS.LSTM(3))
    for trainable in (False, True):
        model, _ = built(backbones.Pretrained(layer=original, trainable=trainable))
        assert len(model.trainable_variables) == 4 * trainable
        for own, copied in zip(original.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(own, copied)


class Activated(LAYERS.Layer):
    """A layer that cannot be written to a file."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function


def from_file(encoder):
    return json.loads(json.dumps(encoder.get_config()))


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (lambda: indexed(), r"already has weights.*Pretrained\(layer=...\) to keep them.*"),
        (
            lambda: backbones.Pretrained(layer=LAYERS.LSTM(3)),
            "feature 'review': The layer 'lstm.*' has no weights yet.*set trainable=True",
        ),
        (
            lambda: from_file(backbones.Pretrained(layer=indexed())),
            "weights of the pretrained layer .* are not stored .*'source'",
        ),
        (
            lambda: backbones.Pretrained(layer=indexed(LAYERS.GlobalAveragePooling1D())),
            "feature 'review': The output of .* is NaN if a row is empty.*Leave the pooling out",
        ),
        (
            lambda: keras.Sequential([LAYERS.Embedding(9, 4), LAYERS.LSTM(3)]),
            r"feature 'review' cannot read sequences of the shape \(None, 3, 4\).*ndim=4",
        ),
        (
            lambda: LAYERS.Reshape((3, 2, 2, 1)),
            r"must return one vector per row, \(rows, n\). Received: \(None, 3, 2, 2, 1\)",
        ),
        (lambda: from_file(backbones.KerasLayer(layer=Activated(np.abs))), "define `get_config`"),
        (lambda: backbones.KerasLayer(layer="no layer"), "Expected a Keras layer, as text"),
        (lambda: backbones.KerasLayer(layer=3), "`layer` must be a Keras layer. Received: 3"),
    ],
)
def test_what_cannot_be_an_encoder_is_refused_in_words(encoder, message):
    with pytest.raises(ConfigError, match=message):
        built(encoder())


def test_a_layer_of_ones_own_reads_pixels_up_to_one_and_a_pretrained_one_up_to_255():
    pixels = np.full((2, 3, 3, 1), 255, np.uint8)
    layer = LAYERS.GlobalMaxPooling2D()
    for encoder, highest in ((layer, 1.0), (backbones.Pretrained(layer=layer), 255.0)):
        image = features.Image("photo", encoder=encoder)
        rows = keras.Input((3, 3, 1), dtype="uint8")
        assert np.max(keras.Model(rows, image.represent(rows, "photo"))(pixels)) == highest


@keras.saving.register_keras_serializable("tests")
class Shifted(LAYERS.Layer):
    """A column, moved in training, which is the default, as in Keras's augmentation."""

    def call(self, values, training=True):
        return {"plain": values[:, tf.newaxis] + float(training)}


class Moved(features.Numeric):
    def layer(self):
        return Shifted()


def test_columns_are_encoded_as_in_predictions_whatever_a_layer_does_by_default():
    table = pd.DataFrame({"age": [20.0, 40.0]})
    encoder = Encoder([Moved("age").fit(table["age"])])
    assert encoder.encode(table)["plain"].tolist() == [[20.0], [40.0]]
