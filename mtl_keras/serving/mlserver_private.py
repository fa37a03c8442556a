"""All uses of private names of MLServer, so that a new version affects one file only."""

import struct
from typing import Any

from mlserver.errors import MLServerError
from mlserver.grpc import servicers
from mlserver.grpc.converters import ModelInferRequestConverter
from mlserver.rest import app, server

from mtl_keras.serving.middleware import LimitedBody, RefusedStream


def guard(most: int) -> None:
    """Make servers created from now on refuse requests for which MLServer has no settings.

    HTTP answers 413 to a body that is too large, and refuses a wrong request for a stream like any
    other. gRPC answers INVALID_ARGUMENT if raw contents do not fit their tensor, which MLServer
    reports as an error of its own, INTERNAL.

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
                "The raw_input_contents must contain the values of each tensor, in its datatype "
                f"and shape. They cannot be read: {error}."
            ) from error
