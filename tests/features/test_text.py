"""Texts: their words, and the models that read them."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import features
from mtl_keras.backbones import Pretrained
from mtl_keras.backbones.keras_layer import from_text
from mtl_keras.features.encoder import Encoder
from tests.features.encoding import encoded


def test_words_of_any_script_punctuation_and_missing_text():
    texts = ["Don’t PANIC!!!", "don't panic ...", "Don't", None, "", "日本 🙂"]
    fitted, indices = encoded(features.Text("note"), pd.Series(texts))
    assert fitted.vocabulary == ("don't", "panic")
    assert indices.tolist() == [[2, 3, 1], [2, 3, 1], [2, 0, 0], [0] * 3, [0] * 3, [1, 1, 0]]
    pairs = features.Text("note", ngrams=2).fit(pd.Series(texts))
    assert pairs.vocabulary == ("don't", "don't panic", "panic")


def test_a_null_character_does_not_end_a_text():
    words = features.text.split_words(tf.constant(["Good\0Bad"]))
    assert words.to_list() == [[b"good", b"bad"]]


def test_bytes_are_texts_too():
    """As Parquet files have them; `b'good'` was an unknown word."""
    fitted, indices = encoded(features.Text("note"), pd.Series(["good é", "good é", "é"]))
    again = Encoder([fitted]).encode(
        pd.DataFrame({"note": ["good é".encode(), "é".encode(), None]})
    )
    assert again["own_note"].tolist() == [*indices.tolist()[1:], [0, 0]]
    words = fitted.words(pd.Series([b"good", None, "bad"]))
    assert words.tolist() == ["good", "", "bad"]


def test_any_keras_model_reads_texts_or_images():
    words = keras.Input((None,), dtype="int32")
    made = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(10, 3)(words))
    model = keras.Model(words, made)
    tokenizer = keras.layers.TextVectorization(vocabulary=["good"], output_sequence_length=4)
    encoder = Pretrained(layer=model)
    text = features.Text("note", tokenizer=tokenizer, encoder=encoder)
    again = features.get(text.get_config())
    assert from_text(again.encoder.layer).count_params() == 30
    tokens = Encoder([again.fit(pd.Series(["x"]))]).encode(pd.DataFrame({"note": ["good x"]}))
    assert tokens["own_note"].tolist() == [[2, 1, 0, 0]]
    given = keras.Input((4,), dtype="int32")
    part = keras.Model(given, text.represent(given, "a"))
    np.testing.assert_allclose(part(tokens["own_note"]), model(tokens["own_note"]), atol=1e-6)
    assert not part.trainable_variables


def test_a_model_of_keras_hub_with_its_tokenizer(tmp_path):
    hub = pytest.importorskip("keras_hub")
    words = ["[PAD]", "[UNK]", "a", "good", "bad", "film", "book", "##s"]
    bert = hub.models.BertBackbone(
        vocabulary_size=len(words),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=8,
        max_sequence_length=6,
    )
    tokenizer = hub.tokenizers.WordPieceTokenizer(words, sequence_length=6, lowercase=True)
    run = mtl.Experiment(
        tasks={"liked": "binary", "about": "multiclass"},
        features=[features.Text("text", encoder=Pretrained(layer=bert), tokenizer=tokenizer)],
        training={"epochs": 1},
    ).run(
        pd.DataFrame(
            {
                "text": ["a good film", "a bad book", "A bad film", "good books"] * 20,
                "liked": ["y", "n", "n", "y"] * 20,
                "about": ["film", "book"] * 40,
            }
        ),
        show=None,
    )
    layer = run.model.get_layer("shared_own_text")
    np.testing.assert_allclose(layer.get_weights()[0], bert.get_weights()[0])
    run.export(tmp_path / "hub")
    answers = mtl.load(tmp_path / "hub").predict(run.test)
    expected = run.predict(run.test)["liked_probability"]
    np.testing.assert_allclose(answers["liked_probability"], expected, atol=1e-5)
