"""Connecting to Ray: what is told where it is not there."""

import socket
import sys

import pytest

from mtl_keras.errors import ConfigError
from mtl_keras.jobs.ray_cluster import connected


def test_that_ray_is_missing_is_told_with_the_way_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'mtl_keras\[ray\]'"), connected():
        pass


def test_an_address_without_a_cluster_is_told_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(ConfigError, match="no Ray cluster at the address"), connected(address):
            pass


@pytest.mark.parametrize("address", ["nonsense", "host:", ":6379", "host:port"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ConfigError, match="must be host:port"), connected(address):
        pass
