"""Starts MLServer with artifacts."""

import asyncio
import logging
import socket
from collections.abc import Collection, Sequence
from pathlib import Path

from mlserver import MLServer, Settings
from mlserver.repository.factory import ModelRepositoryFactory
from mlserver.utils import install_uvloop_event_loop

from mtl_keras import __version__
from mtl_keras.errors import ConfigError
from mtl_keras.serving.middleware import MEGABYTE
from mtl_keras.serving.repository import Artifacts


def serve(
    artifacts: Sequence[str | Path],
    host: str = "127.0.0.1",
    port: int = 8080,
    versions: int = 2,
    largest_request: float = 16.0,
    trusted: Collection[str] = (),
) -> None:
    """Serve artifacts over HTTP and gRPC until the process is stopped.

    Only the SavedModel and `schema.json` of an artifact are read, and none of MLServer's settings
    files. To add artifacts or change settings, start the server again.

    Args:
        artifacts: Artifacts, each served under the name of its folder.
        host: Address to listen on. Default: this machine only.
        port: Port for HTTP. The next one is for gRPC, and the one after that for Prometheus
            metrics.
        versions: Number of the newest versions of each artifact to serve. Default 2.
        largest_request: Maximum size of a request body in MB. Default 16.
        trusted: See `Predictor`.

    Raises:
        ArtifactError: if an artifact has no version that can be loaded.
        ConfigError: if one of the ports is in use.

    Example:

    >>> serve(["saved_models/customers"], port=8080)  # doctest: +SKIP
    """
    for number in range(port, port + 3):
        _check_free(host, number)
    install_uvloop_event_loop()
    repository = {
        "artifacts": [*artifacts],
        "versions": versions,
        "largest_request": largest_request,
        "trusted": [*trusted],
    }
    settings = Settings(
        host=host,
        http_port=port,
        grpc_port=port + 1,
        metrics_port=port + 2,
        grpc_max_message_length=int(largest_request * MEGABYTE),
        parallel_workers=0,
        debug=False,
        server_name="mtl_keras",
        server_version=__version__,
        model_repository_implementation=Artifacts,
        model_repository_implementation_args=repository,
    )
    asyncio.run(_served(settings))


def _check_free(host: str, port: int) -> None:
    """Raise a ConfigError if a port cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except (OSError, OverflowError) as error:
        why = str(error).rstrip(".")
        raise ConfigError(
            f"Port {port} of {host} cannot be listened on: {why}. Three ports in a row are needed, "
            "for HTTP, gRPC and metrics; name the first: --port"
        ) from error


async def _served(settings: Settings) -> None:
    """Load the models, then serve them, as `mlserver start` does."""
    models = await ModelRepositoryFactory.resolve_model_repository(settings).list()
    await MLServer(settings).start(models)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # no traceback of Ctrl-C
