"""All uses of private names of MLServer, so that a new version affects one file only."""

import struct
from typing import Any

from mlserver.errors import MLServerError
from mlserver.grpc import servicers
from mlserver.grpc.converters import ModelInferRequestConverter


def application(server: Any) -> Any:
    """Return the ASGI application behind a server's HTTP port.

    There is no setting for the size of a body, so a middleware must be added, and MLServer has no
    public access to the application.
    """
    return server._rest_server._app


def repository(server: Any) -> Any:
    """Return the repository that a server created from the implementation in its settings."""
    return server._model_repository


def refuse_unreadable_tensors() -> None:
    """Make gRPC answer INVALID_ARGUMENT if raw contents do not fit their tensor.

    MLServer reports them as an error of its own, INTERNAL.
    """
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
