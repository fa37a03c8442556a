"""The SavedModel behind LitServe, without mtl_keras: `SAVED_MODEL=... python litserve_app.py`.

    curl localhost:8000/predict -H 'Content-Type: application/json' -d '{"age": 31, "plan": "plus"}'

A row names the inputs of the signature. Missing: NaN for a number, an empty text for all else.
"""

import os
from typing import Any

import litserve
import tensorflow as tf


class Model(litserve.LitAPI):
    """Answers single rows, of which LitServe gathers up to 64."""

    def setup(self, device: str) -> None:
        self._loaded = tf.saved_model.load(os.environ["SAVED_MODEL"])
        self._signature = self._loaded.signatures["serving_default"]
        self._inputs = self._signature.structured_input_signature[1]

    def batch(self, inputs: list[dict[str, Any]]) -> dict[str, tf.Tensor]:
        return {
            name: tf.constant([row[name] for row in inputs], spec.dtype)
            for name, spec in self._inputs.items()
        }

    def predict(self, x: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return self._signature(**x)

    def unbatch(self, output: dict[str, tf.Tensor]) -> list[dict[str, Any]]:
        columns = {name: values.numpy().tolist() for name, values in output.items()}
        return [dict(zip(columns, row)) for row in zip(*columns.values())]

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return {n: v.decode() if isinstance(v, bytes) else v for n, v in output.items()}


if __name__ == "__main__":
    server = litserve.LitServer(
        Model(max_batch_size=64, batch_timeout=0.002), accelerator="cpu", workers_per_device=1
    )
    server.run(port=int(os.environ.get("PORT", "8000")), generate_client_file=False)
