"""The model to serve: raw columns in, predictions in the user's units out, in one graph."""

import errno
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.declaring.naming import unique_names
from mtl_keras.export.inference import for_inference
from mtl_keras.features import Feature
from mtl_keras.features.encoder import Encoder, rows_per_call
from mtl_keras.model.keras_private import Functional
from mtl_keras.tasks import Task


def serving_model(
    encoder: Encoder, network: keras.Model, tasks: Sequence[Task], tables: bool = True
) -> keras.Model:
    """Compose the encoder, the network and the predictions into one model.

    Inputs and outputs are dicts by slug (see `Encoder`).

    Args:
        encoder: The encoder that encoded the training rows.
        network: The network, from encoded groups to one output per task. Only its graph is used,
            without balancer and optimizer.
        tasks: Fitted and calibrated tasks.
        tables: See `for_inference`. Default True.
    """
    plain = for_inference(keras.Model(network.input, network.output, name="network"), tables)
    answers = _answers(plain(encoder.model.output), tasks)
    return keras.Model(encoder.model.input, answers, name="serving")


def encoded_model(network: keras.Model, tasks: Sequence[Task]) -> keras.Model:
    """Return the serving model without its encoder and without tables: encoded groups in.

    It consists of two models, `"network"` and `"answers"`.

    Args:
        network: See `serving_model`.
        tasks: See `serving_model`.
    """
    by_slug = {task.slug: network.output[task.name] for task in tasks}
    plain = for_inference(keras.Model(network.input, by_slug, name="network"), tables=False)
    inputs = {
        slug: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=slug)
        for slug, tensor in plain.output.items()
    }
    answers = _answers({task.name: inputs[task.slug] for task in tasks}, tasks)
    answering = keras.Model(inputs, answers, name="answers")
    return keras.Model(plain.input, answering(plain(plain.input)), name="encoded")


def _answers(outputs: Mapping[str, Any], tasks: Sequence[Task]) -> dict[str, Any]:
    """Return the predictions of all tasks, by slug."""
    answers: dict[str, Any] = {}
    for task in tasks:
        answers |= task.answers(outputs[task.name])
    slugs = unique_names(answers)
    return {slugs[name]: tensor for name, tensor in answers.items()}


def answer_rows(
    answer: Callable[[dict[str, tf.Tensor]], Mapping[str, tf.Tensor]],
    raw: Mapping[str, np.ndarray],
    rows: int,
    outputs: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Return the predictions for raw columns, computed some rows at a time.

    Args:
        answer: A function from a batch by slug to answers by slug.
        raw: The columns, by slug.
        rows: Number of rows at a time.
        outputs: The slug of each answer.
    """
    count = len(next(iter(raw.values())))
    parts = [
        answer({slug: tf.constant(v[start : start + rows]) for slug, v in raw.items()})
        for start in range(0, count, rows)
    ]
    answers = {}
    for name, slug in outputs.items():
        values = np.concatenate([part[slug].numpy() for part in parts])
        if values.dtype == object:  # bytes: few distinct strings, many rows
            codes, texts = pd.factorize(values)
            values = np.array([text.decode("utf-8") for text in texts], object)[codes]
        answers[name] = values
    return answers


def answer_table(
    answer: Callable[[dict[str, tf.Tensor]], Mapping[str, tf.Tensor]],
    features: Sequence[Feature],
    columns: Mapping[str, np.ndarray],
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Return the predictions for a table's columns.

    Args:
        answer: A function from a batch by slug to answers by slug.
        features: Fitted features.
        columns: The table's columns by feature: see `raw_columns`.
        inputs: The slug of each feature's input.
        outputs: The slug of each answer.

    Raises:
        DataError: if a value is not of its kind.
    """
    raw = {inputs[name]: values for name, values in columns.items()}
    try:
        return answer_rows(answer, raw, rows_per_call(features), outputs)
    except tf.errors.InvalidArgumentError:
        for feature in features:
            feature.refuse(raw[inputs[feature.name]])
        raise


def write_saved_model(model: keras.Model, path: Path) -> None:
    """Write a SavedModel with the signature `serving_default`: one value per row and feature."""
    signature = {
        name: tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for name, tensor in model.input.items()
    }
    archive = keras.export.ExportArchive()
    for layer in _layers(model):
        archive.track(layer)  # not the models: each would be traced once more, for nothing
    archive.add_endpoint("serve", model.__call__, input_signature=[signature])
    try:
        archive.write_out(str(path), verbose=False)
    except tf.errors.OpError as error:  # raised if the disk is full, for example
        full = isinstance(error, tf.errors.ResourceExhaustedError)
        why = re.sub(r"\{\{.*?\}\} ?", "", error.message)  # without the names of its functions
        raise OSError(errno.ENOSPC if full else errno.EIO, why, str(path)) from error


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model, and of models among them, which hold its tables."""
    for layer in model.layers:
        if isinstance(layer, Functional):
            yield from _layers(layer)
        else:
            yield layer
