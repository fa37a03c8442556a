"""The served model: raw columns in, answers in the user's units out, in one graph."""

import errno
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.declaring.naming import unique_names
from mtl_keras.export.inference import for_inference
from mtl_keras.features.encoder import Encoder
from mtl_keras.tasks import Task


def serving_model(encoder: Encoder, network: keras.Model, tasks: Sequence[Task]) -> keras.Model:
    """Compose encoder, network and answers.

    Inputs and outputs are dicts by slug (see `Encoder`).

    Args:
        encoder: The encoder that encoded the training rows.
        network: From encoded groups to one output per task. Only its graph is used, without
            balancer and optimizer.
        tasks: Fitted and calibrated tasks.
    """
    plain = for_inference(keras.Model(network.input, network.output, name="network"))
    outputs = plain(encoder.model.output)
    answers: dict[str, Any] = {}
    for task in tasks:
        answers |= task.answers(outputs[task.name])
    slugs = unique_names(answers)
    named = {slugs[name]: tensor for name, tensor in answers.items()}
    return keras.Model(encoder.model.input, named, name="serving")


def write_saved_model(model: keras.Model, path: Path) -> None:
    """Write a SavedModel with the signature `serving_default`: one value per row and feature."""
    signature = {
        name: tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for name, tensor in model.input.items()
    }
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", model.__call__, input_signature=[signature])
    try:
        archive.write_out(str(path), verbose=False)
    except tf.errors.OpError as error:  # how TensorFlow tells of a disk that is full, among others
        full = isinstance(error, tf.errors.ResourceExhaustedError)
        why = re.sub(r"\{\{.*?\}\} ?", "", error.message)  # without the names of its functions
        raise OSError(errno.ENOSPC if full else errno.EIO, why, str(path)) from error
