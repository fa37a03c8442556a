"""Every private name of MLServer that is relied on, so that a new version affects one file only."""

import struct
from typing import Any

from mlserver.errors import MLServerError
from mlserver.grpc import servicers
from mlserver.grpc.converters import ModelInferRequestConverter
from mlserver.rest import app, server

from mtl_keras.serving.limited_body import LimitedBody
from mtl_keras.serving.refused_stream import RefusedStream


def guard(most: int) -> None:
    """Make the servers that MLServer makes from now on refuse what it has no settings for.

    HTTP answers 413 to a body that is too large, and a stream's wrong request as any other one.
    gRPC answers INVALID_ARGUMENT to raw contents that do not fit their tensor, which MLServer takes
    for an error of its own, INTERNAL.

    Args:
        most: The largest body of a request over HTTP, in bytes.
    """

    def guarded(*args: Any, **kwargs: Any) -> Any:
        application = app.create_app(*args, **kwargs)
        application.add_middleware(RefusedStream)
        application.add_middleware(LimitedBody, most=most)
        return application

    server.create_app = guarded
    servicers.ModelInferRequestConverter = _Converter


class _Converter(ModelInferRequestConverter):
    @classmethod
    def to_types(cls, pb_object: Any) -> Any:
        try:
            return super().to_types(pb_object)
        except (struct.error, IndexError, ValueError) as error:
            raise MLServerError(
                "The raw_input_contents must hold the values of each tensor, in its datatype and "
                f"shape. They cannot be read: {error}."
            ) from error
