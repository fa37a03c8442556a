"""The Ray cluster on which jobs and trainings run."""

import contextlib
import importlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mtl_keras.errors import Checked, ConfigError, check, check_installed

HELPS = "MTL_KERAS_HELPS"  # set in the environment of processes that do a part of the work
SECONDS = 10.0  # seconds for a cluster to respond; Ray itself would try for five minutes


def wanted(address: str | None = None) -> bool:
    """Return whether work that can be divided runs on a Ray cluster.

    It does if an address is given, if this process is connected to Ray, or if `RAY_ADDRESS` is set.
    A process that does a part of the work (a job, or a worker of `TF_CONFIG`) does it alone.

    Args:
        address: The address that the user gave, or None.
    """
    if address is not None:
        return True
    if HELPS in os.environ or os.environ.get("TF_CONFIG"):
        return False
    ray = sys.modules.get("ray")
    return bool(os.environ.get("RAY_ADDRESS")) or (ray is not None and ray.is_initialized())


@dataclass(frozen=True)
class Cluster(Checked):
    """The workers of a Ray cluster that train one network together.

    Args:
        workers: Number of processes, each with one CPU, spread over the machines. Default 1.
        address: The cluster: `host:port`, `ray://host:port`, or `"auto"` for the one that runs on
            this machine. Default None: a local cluster that is started for the training.
        gpus_per_worker: Number of GPUs of each process. Default 0.
        storage: Folder or URL (`s3://bucket/folder`) for checkpoints, which every machine can
            reach. Default None: the run's own checkpoint folder.
        verbose: Whether to print the logs of Ray and its workers. Default False.

    Raises:
        ConfigError: if an argument is not as described above.

    Example:

    >>> Cluster(4, address="auto").remote, Cluster().remote
    (True, False)
    """

    workers: int = 1
    address: str | None = None
    gpus_per_worker: int = 0
    storage: str | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("gpus_per_worker", 0)):
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            check(whole and value >= least, name, f"be a whole number >= {least}", value)

    @property
    def remote(self) -> bool:
        """Whether Ray is needed, which it is not for one process on this machine."""
        return self.workers > 1 or self.address is not None or self.gpus_per_worker > 0

    @property
    def each(self) -> dict[str, float]:
        """The resources of each worker, by Ray's names."""
        return {"CPU": 1, **({"GPU": self.gpus_per_worker} if self.gpus_per_worker else {})}

    def __str__(self) -> str:
        each = " and ".join(f"{count:g} {kind}" for kind, count in self.each.items())
        return f"{self.workers} workers with {each} each"

    def check_room(self, ray: Any, show: Callable[[str], None]) -> None:
        """Raise a ConfigError if the workers do not fit on a cluster of this machine.

        Other clusters may grow, so the training waits for them.

        Args:
            ray: The module `ray`, connected.
            show: A function that prints a line.
        """
        has = ray.cluster_resources()
        short = any(has.get(kind, 0) < self.workers * count for kind, count in self.each.items())
        if not short:
            return
        if self.address is not None or "RAY_ADDRESS" in os.environ:
            show(f"waiting for {self}. {room(ray)}")
        else:
            raise ConfigError(
                f"There is no room for {self}. {room(ray)} Ask for less, or name the address of a "
                "larger cluster."
            )


def room(ray: Any) -> str:
    """Return what a cluster has and how much of it is free, as a sentence."""
    has, free = ray.cluster_resources(), ray.available_resources()
    kinds = " and ".join(f"{has.get(k, 0):g} {k} ({free.get(k, 0):g} free)" for k in ("CPU", "GPU"))
    machines = sum(node["Alive"] for node in ray.nodes())
    return f"The cluster has {kinds} on {machines} machine{'s' * (machines != 1)}."


def address_of(address: str | None) -> str:
    """Return the address, that of `RAY_ADDRESS`, or `"local"`: a cluster on this machine."""
    return address or os.environ.get("RAY_ADDRESS") or "local"


@contextlib.contextmanager
def connected(address: str | None = None, verbose: bool = False) -> Iterator[Any]:
    """Within the block, connect this process to a Ray cluster.

    An existing connection is used and kept. Otherwise a new one is made, which ends with the block.

    Args:
        address: The cluster: `host:port`, `ray://host:port`, or `"auto"` for the one that runs on
            this machine. Default None: the environment variable `RAY_ADDRESS`, or otherwise a
            cluster on this machine that is started for the block.
        verbose: Whether to print the logs of Ray and its workers. Default False.

    Yields:
        The module `ray`.

    Raises:
        ConfigError: if Ray is not installed, or if no cluster responds at the address.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # about which gRPC would print messages
    if not verbose:  # printed whatever `log_to_driver` says; our own errors explain it
        os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "^A worker died or was killed")
    check_installed("Work on a Ray cluster", "ray", "ray")
    ray = importlib.import_module("ray")
    if ray.is_initialized():
        yield ray
        return
    address = address_of(address)
    if address not in ("auto", "local"):
        _check_answers(address)
    try:
        ray.init(
            address,  # otherwise Ray would join any cluster on this machine
            log_to_driver=verbose,
            logging_level=logging.INFO if verbose else logging.ERROR,
            include_dashboard=False if address == "local" else None,
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


def _none_at(address: str, why: object) -> ConfigError:
    return ConfigError(
        f"There is no Ray cluster at the address {address!r}: {str(why).rstrip('.')}. Start one "
        "with `ray start --head`, name its host:port, set RAY_AUTH_MODE=token if it asks for a "
        "token, or leave the address out for a cluster of this machine alone."
    )
