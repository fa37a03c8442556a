"""One at a time, also where a process is killed."""

import subprocess
import sys

import pytest

from mtl_keras.errors import ConfigError
from mtl_keras.jobs import exclusive, lock

HOLD = (  # the file alone: its package imports TensorFlow
    "import runpy, sys\n"
    "from pathlib import Path\n"
    "exclusive = runpy.run_path(sys.argv[1])['exclusive']\n"
    "with exclusive(Path(sys.argv[2]), 'it'):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def test_a_lock_is_held_by_one_process_and_ends_with_it(tmp_path):
    path = tmp_path / "one.lock"
    command = [sys.executable, "-c", HOLD, lock.__file__, path]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(ConfigError, match=rf"Another process does it now \(process {holder.pid}\)"):
        exclusive(path, "it").__enter__()
    holder.kill()
    holder.wait()
    with exclusive(path, "it"), exclusive(path, "it"):  # within one another: one process
        assert path.is_file()
    with exclusive(path, "it"):
        pass
