"""Serves an artifact as a model of MLServer."""

import asyncio
import logging
from pathlib import Path
from typing import ClassVar

import numpy as np
import orjson
from fastapi import Request, Response
from mlserver import MLModel, ModelSettings
from mlserver.errors import MLServerError, ModelNotFound
from mlserver.handlers import custom_handler
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    ResponseOutput,
)
from mlserver.utils import to_absolute_path

from mtl_keras.errors import DataError, MTLError, unknown
from mtl_keras.export import artifact
from mtl_keras.serving.gathering import Gathering
from mtl_keras.serving.loaded import DATATYPES, Loaded, table_of
from mtl_keras.serving.requests import of_json, of_tensors

MOST_REQUESTS = 64  # requests to answer together

logger = logging.getLogger("mlserver")


class Runtime(MLModel):
    """Serves a version of an artifact, as a model of MLServer.

    Each column is an input tensor, and each column of `Predictor.predict` is an output tensor.
    `POST /v1/models/<name>[/versions/<number>]:predict` accepts and returns the JSON of TensorFlow
    Serving's REST API.

    Each request is checked separately, and then answered together with those that arrived during
    the last call. If this fails because of another request, it is answered alone.

    Args:
        settings: `parameters.uri` is the artifact, of which the newest version is served, or one of
            its versions. `parameters.extra` may contain `loaded`, a `Loaded` that is already in
            memory. At most `max_batch_size` requests (default 64) are answered together. None waits
            for others, so `max_batch_time` has no effect.

    Example:

    >>> from mlserver import ModelSettings
    >>> from mlserver.settings import ModelParameters
    >>> parameters = ModelParameters(uri="saved_models/customers")
    >>> settings = ModelSettings(name="customers", implementation=Runtime, parameters=parameters)
    >>> Runtime(settings).version  # doctest: +SKIP
    """

    served: ClassVar[dict[str, dict[str, "Runtime"]]] = {}
    """What is served, by name and version, for the paths of TensorFlow Serving, which all share."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        parameters = settings.parameters
        try:
            self._folder = artifact.latest(Path(to_absolute_path(settings, parameters.uri)))
        except MTLError as error:
            raise MLServerError(str(error)) from error
        parameters.version = parameters.version or self._folder.name
        most = settings.max_batch_size or MOST_REQUESTS
        self._together = Gathering(lambda columns: self.model.answers(table_of(columns)), most)
        settings.max_batch_size = 0  # otherwise MLServer would concatenate unchecked requests

    async def load(self) -> bool:
        """Load the artifact. If it is already in memory, it is served without a pause."""
        try:
            extra = self.settings.parameters.extra or {}
            self.loaded = extra["loaded"] if "loaded" in extra else await self._load()
        except MTLError as error:
            raise MLServerError(str(error)) from error
        self.model = self.loaded.model
        self.inputs, self.outputs = self.loaded.inputs, self.loaded.outputs
        self.served.setdefault(self.name, {})[str(self.version)] = self
        return True

    async def _load(self) -> Loaded:
        """Load the artifact for another repository than `Artifacts`, which is not guarded."""
        logger.warning(
            "%s is served without the settings of mtl_keras: the size of a request is not limited, "
            "and MLServer stops if the newest version cannot be loaded. Use `mtl-keras serve`, "
            "export the model again to get its settings.json, or set "
            "MLSERVER_MODEL_REPOSITORY_IMPLEMENTATION=mtl_keras.serving.Artifacts",
            self._folder,
        )
        return await asyncio.to_thread(Loaded.of, self._folder)

    async def unload(self) -> bool:
        """Stop serving it. Requests that arrived before are still answered."""
        versions = self.served.get(self.name, {})
        if versions.get(str(self.version)) is self:
            del versions[str(self.version)]
        return True

    async def metadata(self) -> MetadataModelResponse:
        """Return what goes in and comes out, and which versions are served."""
        told = await super().metadata()
        told.versions = sorted(self.served.get(self.name, ()), key=int)
        return told

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer a request in the Open Inference Protocol."""
        try:
            answers = await self._together.answers(of_tensors(self.model.features, payload.inputs))
            columns = self.model.columns(answers)
            for output in payload.outputs or ():
                if output.name not in columns:
                    raise DataError(unknown("output", output.name, columns))
        except DataError as error:
            raise MLServerError(str(error)) from error
        wanted = [output.name for output in payload.outputs or ()] or list(columns)
        outputs = [_tensor(name, columns[name]) for name in wanted]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    @custom_handler("/v1/models/{name}:predict")
    async def predict_json(self, request: Request, name: str) -> Response:
        """Answer a request in TensorFlow Serving's JSON by the newest version of a model."""
        versions = self.served.get(name)
        if not versions:
            raise ModelNotFound(name)
        return await versions[max(versions, key=int)].answered_json(request)

    @custom_handler("/v1/models/{name}/versions/{number}:predict")
    async def predict_json_of_version(self, request: Request, name: str, number: str) -> Response:
        """Answer a request in TensorFlow Serving's JSON by a given version of a model."""
        if number not in self.served.get(name, {}):
            raise ModelNotFound(name, number)
        return await self.served[name][number].answered_json(request)

    async def answered_json(self, request: Request) -> Response:
        """Answer a request in TensorFlow Serving's JSON by this version."""
        schema = self.model.schema
        try:
            body = orjson.loads(await request.body())
            columns = of_json(self.model.features, schema["inputs"], body)
            answers = await self._together.answers(columns)
        except orjson.JSONDecodeError as error:
            raise MLServerError(f"The request is not JSON: {error}.") from error
        except DataError as error:
            raise MLServerError(str(error)) from error
        outputs = {slug: list(answers[name]) for name, slug in schema["outputs"].items()}
        only = next(iter(outputs.values())) if len(outputs) == 1 else None  # stands without a name
        if "inputs" in body:
            told = {"outputs": only or outputs}
        else:
            rows = [dict(zip(outputs, row)) for row in zip(*outputs.values())]
            told = {"predictions": only or rows}
        text = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)  # a float32 as 1.6
        return Response(text, media_type="application/json")


def _tensor(name: str, values: np.ndarray) -> ResponseOutput:
    """Return an array of predictions as a tensor; strings as bytes, as gRPC requires."""
    datatype, data = DATATYPES[values.dtype.kind], values.tolist()
    if datatype == "BYTES":
        data = [text.encode("utf-8") for text in data]
    return ResponseOutput(name=name, shape=[len(data), 1], datatype=datatype, data=data)
