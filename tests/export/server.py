"""A server in a process of its own, and how it is asked."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

PATIENCE = 600  # seconds: of a machine that is busy
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

ROWS = [{"age": 30.5, "town": "Bath"}, {"age": None, "town": "Atlantis"}, {"age": 51, "town": None}]


class Server:
    """A process that serves `folder`, asked over HTTP."""

    def __init__(self, command, folder, port):
        self.folder, self.port = folder, port
        self.log = folder.parent / f"{port}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder.parent, env=ENVIRONMENT
            )
        limit = time.monotonic() + PATIENCE
        while self.ask("v2/models/small/ready")[0] != 200:
            assert self.process.poll() is None and time.monotonic() < limit, self.log.read_text()
            time.sleep(0.1)

    def ask(self, path, body=None, headers=None, port=None):
        """Status and answer; a body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port or self.port}/{path}",
            data,
            {"Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError:
            return None, None
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text.decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


def free_port():
    """The first of three ports that are free."""
    while True:
        sockets = [socket.socket() for _ in range(3)]
        try:
            sockets[0].bind(("127.0.0.1", 0))
            first = sockets[0].getsockname()[1]
            for number, other in enumerate(sockets[1:], 1):
                other.bind(("127.0.0.1", first + number))
            return first
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()


def tensors(rows, **changes):
    """Rows as tensors of the Open Inference Protocol."""
    types = {"age": "FP32", "town": "BYTES"}
    inputs = [
        {"name": n, "datatype": t, "shape": [len(rows), 1], "data": [row[n] for row in rows]}
        for n, t in types.items()
    ]
    inputs[0] |= changes
    return {"inputs": inputs}
