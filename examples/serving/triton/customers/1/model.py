"""An artifact as a model of NVIDIA Triton's Python backend: rows of JSON in, answers of JSON out.

Triton gathers requests; all their rows are answered by one call. A row that cannot be answered is
an error of its request alone.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import triton_python_backend_utils as triton

import mtl_keras as mtl


class TritonPythonModel:
    """What Triton asks of a model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the artifact that lies beside this file."""
        folder = Path(args["model_repository"]) / args["model_version"] / "artifact"
        self._model = mtl.load(folder)

    def execute(self, requests: list[Any]) -> list[Any]:
        """The answers to requests, each a column of texts like `{"age": 31, "plan": "plus"}`."""
        columns = [triton.get_input_tensor_by_name(r, "rows").as_numpy() for r in requests]
        texts = [[text.decode("utf-8") for text in column.ravel()] for column in columns]
        try:
            answers = iter(self._answers([text for column in texts for text in column]))
            return [_response([next(answers) for _ in column]) for column in texts]
        except ValueError:  # one of them is wrong
            return [self._alone(column) for column in texts]

    def _alone(self, texts: list[str]) -> Any:
        try:
            return _response(self._answers(texts))
        except ValueError as error:  # malformed JSON, or an error of mtl_keras
            told = triton.TritonError(str(error), triton.TritonError.INVALID_ARG)  # status 400
            return triton.InferenceResponse(error=told)

    def _answers(self, texts: list[str]) -> list[str]:
        table = self._model.predict(pd.DataFrame([json.loads(text) for text in texts]))
        return [json.dumps(row) for row in table.to_dict("records")]


def _response(answers: list[str]) -> Any:
    tensor = np.array([text.encode("utf-8") for text in answers], object)[:, np.newaxis]
    return triton.InferenceResponse(output_tensors=[triton.Tensor("answers", tensor)])
