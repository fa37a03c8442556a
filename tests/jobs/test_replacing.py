"""Files that are written completely or not at all."""

import pytest

from mtl_keras.datasets.unfinished import unfinished_prefix
from mtl_keras.jobs import replaced


def test_writers_of_one_file_do_not_mix(tmp_path):
    path = tmp_path / "state.npz"
    with replaced(path) as first:
        first.write(b"fi")
        with replaced(path) as second:
            second.write(b"second")
        first.write(b"rst")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first" and [*tmp_path.iterdir()] == [path]


def test_what_fails_leaves_what_was_there(tmp_path):
    path, dead = tmp_path / "state.npz", tmp_path / f"{unfinished_prefix(2**22 + 1)}0"
    path.write_bytes(b"before")
    dead.write_bytes(b"of a process that was killed")
    with pytest.raises(KeyboardInterrupt), replaced(path) as file:
        file.write(b"half of it")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"before" and [*tmp_path.iterdir()] == [path]
