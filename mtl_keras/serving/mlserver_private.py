"""Every private name of MLServer that is relied on, so that a new version affects one file only."""

from typing import Any


def application(server: Any) -> Any:
    """The ASGI application behind a server's HTTP port.

    There is no setting for the size of a body, so a middleware must be added, and MLServer tells
    publicly only of its settings.
    """
    return server._rest_server._app


def repository(server: Any) -> Any:
    """The repository that a server has made of the implementation in its settings."""
    return server._model_repository
