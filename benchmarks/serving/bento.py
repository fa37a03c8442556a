"""The same model as a BentoML service written by hand: `bentoml serve bento:Model`."""

import os
from typing import Any

import bentoml
import numpy as np
import tensorflow as tf


@bentoml.service(workers=1)
class Model:
    """Answers rows `{input of the signature: value}`, gathered by BentoML."""

    def __init__(self) -> None:
        self._loaded = tf.saved_model.load(os.environ["SAVED_MODEL"])
        self._signature = self._loaded.signatures["serving_default"]
        self._inputs = self._signature.structured_input_signature[1]

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to rows."""
        columns = {
            name: tf.constant([row[name] for row in rows], spec.dtype)
            for name, spec in self._inputs.items()
        }
        answers = {name: np.asarray(v).tolist() for name, v in self._signature(**columns).items()}
        return [dict(zip(answers, row)) for row in zip(*answers.values())]
