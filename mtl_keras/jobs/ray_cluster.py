"""The Ray cluster that jobs and trainings run on."""

import contextlib
import importlib
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from mtl_keras.errors import ConfigError

EXTRA = "Ray is not installed. Install it with: pip install 'mtl_keras[ray]'"
SECONDS = 10.0  # for a cluster to answer; Ray itself would try for five minutes


@contextlib.contextmanager
def connected(address: str | None = None, verbose: bool = False) -> Iterator[Any]:
    """A block in which this process is connected to a Ray cluster.

    A connection that exists is used and kept. Else one is made, and ended with the block.

    Args:
        address: The cluster: `host:port`, `ray://host:port`, or `"auto"` for the one that runs on
            this machine. Default None: that of the environment's `RAY_ADDRESS`; without it, a
            cluster of this machine alone, started for the block.
        verbose: Whether what Ray and its workers log is printed. Default False.

    Yields:
        The module `ray`.

    Raises:
        ConfigError: if Ray is not installed, or no cluster answers at the address.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # of which gRPC would print notices
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise ConfigError(EXTRA) from error
    if ray.is_initialized():
        yield ray
        return
    address = address or os.environ.get("RAY_ADDRESS")
    if address not in (None, "auto", "local"):
        _check_answers(address)
    try:
        ray.init(
            address,
            log_to_driver=verbose,
            logging_level=logging.INFO if verbose else logging.ERROR,
            include_dashboard=None if address else False,
        )
    except (ConnectionError, ValueError) as error:
        raise _none_at(address, error) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise a ConfigError if nothing listens at `host:port`."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(
            "The address of a Ray cluster must be host:port, ray://host:port or auto. Received: "
            f"{address!r}"
        )
    try:
        socket.create_connection((host, int(port)), SECONDS).close()
    except OSError as error:
        raise _none_at(address, error.strerror or error) from error


def _none_at(address: str | None, why: object) -> ConfigError:
    return ConfigError(
        f"There is no Ray cluster at the address {address!r}: {str(why).rstrip('.')}. Start one "
        "with `ray start --head`, name its host:port, or leave the address out for a cluster of "
        "this machine alone."
    )
