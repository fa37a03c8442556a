"""Several processes train as one does."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tomli_w

from mtl_keras.errors import ConfigError, TrainingError
from mtl_keras.training import workers
from tests import cases
from tests.feeding.test_feed import together, union
from tests.training import worker

WORKERS = {"worker": ["a:1", "b:2"]}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "be JSON"),
        ([1], "be an object with `cluster`"),
        ({"cluster": {"worker": ["a:1"], "ps": ["b:1"]}}, "at most a chief in `cluster`, not ps"),
        ({"cluster": {"worker": ["a", "b"]}}, "list addresses `host:port`"),
        ({"cluster": {"worker": 2}}, "list addresses `host:port`"),
        ({"cluster": {"worker": ["a:1", "a:1"]}}, "name each address once"),
        ({"cluster": WORKERS}, "have this process as `task`"),
        ({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}, "have this process"),
        ({"cluster": WORKERS, "task": {"type": "worker", "index": "0"}}, "have this process"),
    ],
    ids=str,
)
def test_a_cluster_that_is_none_is_refused(config, message):
    text = config if isinstance(config, str) else json.dumps(config)
    with pytest.raises(ConfigError, match=message) as raised:
        workers.place(text)
    assert text in str(raised.value)


def test_the_chief_is_the_first_worker():
    cluster = {"chief": ["c:1"], **WORKERS}
    tasks = [("chief", 0), ("worker", 0), ("worker", 1)]
    places = [
        workers.place(json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}}))
        for kind, index in tasks
    ]
    assert places == [(0, 3), (1, 3), (2, 3)]


BARRIER = (
    "Barrier timed out. Id: x::0. This usually\n# of tasks that reached the barrier: 2/3.\nThe "
    "first task at the barrier: /job:worker/replica:0/task:0. Some timed out task names:\n"
    "/job:worker/replica:0/task:1\n\nRPC: /tensorflow.CoordinationService/Barrier"
)
FAILED = (
    "Barrier failed because: task is set to ERROR: {} [type.googleapis.com/x='']. Barrier Id: x"
)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (BARRIER, r"Worker 2 \(b:2\) has not come to the next steps within 600 seconds\."),
        (
            "{{node Reduce}} Collective ops is aborted by: Error reported from /job:worker/task:1: "
            "Row group 3 is damaged.\nThe error could be from a previous operation.",
            r"Worker 2 \(b:2\) has ended: Row group 3 is damaged\. Start all",
        ),
        (
            FAILED.format("ABORTED: Row group 3 is damaged.") + ", Task: /job:chief/task:0",
            r"Worker 0 \(c:1\) has ended: Row group 3 is damaged\. Start all",
        ),
        (
            "Task (/job:worker/replica:0/task:1) is already in error before the barrier was "
            "called. Barrier Id: x::0 Task error: ABORTED: Row group 3 is damaged. "
            "[type.googleapis.com/x='']\n\nRPC: /tensorflow.CoordinationService/Barrier",
            r"Worker 2 \(b:2\) has ended: Row group 3 is damaged\. Start all",
        ),
        (
            FAILED.format("UNAVAILABLE: Task /job:worker/replica:0/task:1 heartbeat timeout."),
            r"Worker 2 \(b:2\) has gone or does not answer\. Start",
        ),
        (
            "Collective ops is aborted by: Deadline Exceeded\n\nRPC: /tensorflow."
            "CoordinationService/Heartbeat\n[[{{node /job:worker/replica:0/task:0/device:CPU:0}}]]",
            r"Worker 0 \(c:1\) has gone or does not answer\. Start",
        ),
        (
            "Barrier (x::26) is invoked by the task, but the service thinks it is the 27-th "
            "instance.\n\nRPC: /tensorflow.CoordinationService/Barrier",
            r"The other workers took this one for dead",
        ),
        (
            "Unexpected heartbeat request from an already-in-error task: /job:worker/replica:0/"
            "task:0",
            r"The other workers took this one for dead",
        ),
        (
            "Graph execution error:\n\nCollective ops is aborted by: Ring is broken\nMore",
            r"Another worker .*answer: Ring is broken\. Start",
        ),
    ],
)
def test_a_worker_that_has_gone_is_told_in_a_line(monkeypatch, message, told):
    task = {"type": "worker", "index": 0}
    cluster = {"chief": ["c:1"], "worker": ["a:1", "b:2"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    internal = message.startswith(("Barrier", "Task"))
    kind = tf.errors.InternalError if internal else tf.errors.UnavailableError
    together = workers.Workers(tf.distribute.get_strategy())
    monkeypatch.setattr(workers.atexit, "register", lambda function: None)
    with pytest.raises(TrainingError, match=told) as raised, together.ending_together():
        raise kind(None, None, message)
    assert "\n" not in str(raised.value)


def test_the_slurm_script_makes_each_task_a_worker(tmp_path):
    stubs = {
        "scontrol": "printf 'node1\\nnode2\\n'",
        "srun": 'for i in 0 1; do SLURM_PROCID=$i "$@"; done',
        "python": 'echo "$TF_CONFIG" "$@"',
    }
    for name, body in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    script = Path(__file__).parents[2] / "examples" / "cluster" / "slurm.sh"
    told = subprocess.run(
        ["bash", script, "a b.toml"],
        env={**os.environ, "PATH": path, "SLURM_JOB_NODELIST": "node[1-2]"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    configs = [line.partition(" -m ")[0] for line in told]
    assert [workers.place(config) for config in configs] == [(0, 2), (1, 2)]
    assert all(line.endswith("-m mtl_keras.train a b.toml --resume") for line in told)


def shop(folder):
    folder.mkdir()
    table = folder / "shop.csv"
    cases.table(300)[["age", "town", "left", "spend"]].to_csv(table, index=False)
    experiment = {
        "name": "shop",
        "data": {"path": str(table)},
        "preset": "fast",
        "tasks": {"left": "binary", "spend": "regression"},
        "architecture": {"kind": "shared_bottom", "layers": [8], "members": 1, "dropout": 0.0},
        "training": {"epochs": 2, "batch_size": 32, "learning_rate": 0.01},
    }
    (folder / "shop.toml").write_text(tomli_w.dumps(experiment))
    return folder


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def started(folder, count):
    """A process that starts those of a cluster on this machine, and prints their exit codes."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(count)]}
    tasks = ({"type": "worker", "index": index} for index in range(count))
    configs = [json.dumps({"cluster": cluster, "task": task}) for task in tasks]
    command = [sys.executable, "-m", "tests.training.worker", str(folder), *configs]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def streamed_by_one(parts: int) -> dict:
    """What a network becomes in one process on the batches that several have together."""
    model = worker.streaming_network()
    whole = worker.FEED.blocks(worker.STREAMED.batch_size)
    batches = tf.data.Dataset.from_generator(
        lambda: (union(each)[:2] for each in together(whole, parts)),
        output_signature=keras.tree.map_structure(
            lambda t: tf.TensorSpec([None, *t.shape[1:]], t.dtype), worker.FEED.like[:2]
        ),
    )
    x, y = worker.X, worker.Y
    log = model.fit(
        batches, epochs=2, steps_per_epoch=whole.steps, validation_data=(x, y), verbose=0
    )
    return {
        "weights": np.concatenate([w.reshape(-1) for w in model.get_weights()]),
        "logs": np.transpose([log.history[key] for key in ("loss", "c_loss", "val_loss")]),
        "steps": int(model.optimizer.iterations.numpy()),
    }


def test_two_processes_are_exactly_one(tmp_path, capsys):
    two, one = shop(tmp_path / "two"), shop(tmp_path / "one")
    starter = started(two, 2)
    worker.network_of(one)
    worker.experiment(one)
    codes = json.loads(starter.communicate(timeout=900)[0])
    outputs = [(two / f"printed_{number}.txt").read_text() for number in (0, 1)]
    assert codes == [1, 1], outputs  # after an error
    expected = np.load(one / "network_0.npz")
    for number in (0, 1):
        network = np.load(two / f"network_{number}.npz")
        assert network["steps"] == expected["steps"] == 2 * 3
        np.testing.assert_allclose(network["weights"], expected["weights"], atol=1e-5)
        np.testing.assert_allclose(network["logs"], expected["logs"], rtol=1e-5)
    expected = streamed_by_one(parts=2)
    for number in (0, 1):
        stream = np.load(two / f"stream_{number}.npz")
        assert stream["steps"] == expected["steps"] == 2 * 4
        np.testing.assert_allclose(stream["weights"], expected["weights"], atol=1e-5)
        np.testing.assert_allclose(stream["logs"], expected["logs"], rtol=1e-5)
        assert "resuming after epoch 1 and 2 steps of the next" in str(stream["said"])
    logs = [pd.read_csv(folder / "history.csv").astype(float) for folder in (one, two)]
    np.testing.assert_allclose(logs[1], logs[0], rtol=1e-3)
    diaries = [(folder / "diary.jsonl").read_text().splitlines() for folder in (one, two)]
    assert len(diaries[0]) == len(diaries[1]) == len(logs[0]) + 2  # begin and end, once each
    assert capsys.readouterr().out.split("epoch ")[0] in outputs[0]  # the chief prints for all
    assert "loss" not in outputs[1]
    told = [(two / f"told_{number}.txt").read_text() for number in (0, 1)]
    address, cause = r"127\.0\.0\.1:\d+", "Row group 3 of a.parquet cannot be read."
    assert re.match(rf"Worker 1 \({address}\) has ended: {re.escape(cause)} Start all", told[0])
    assert told[1] == cause
