"""Workers of a Ray cluster train as one process does, also if one of them is killed."""

import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.jobs.ray_cluster import Cluster
from mtl_keras.jobs.ray_workers import together
from mtl_keras.training import workers
from tests.jobs.divided import keep_and_fail
from tests.training.test_workers import shop

pytestmark = [
    pytest.mark.xdist_group("ray_train"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),  # of Ray's own settings
]


@pytest.fixture(scope="module")
def cluster():
    """Two workers of one local Ray for all tests, which hears of what happens at once."""
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
        patch.setenv("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
        patch.setenv("RAY_worker_niceness", "0")  # other tests run beside them
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield Cluster(2)
        ray.shutdown()


def worker_processes():
    """The identifiers of Ray Train's workers that this process has started."""
    parents, names = {}, {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            stat, name = (process / "stat").read_text(), (process / "cmdline").read_text()
        except OSError:  # it has just ended
            continue
        parents[int(process.name)] = int(stat.rpartition(")")[2].split()[1])
        names[int(process.name)] = name
    own = os.getpid()
    return sorted(
        process
        for process, name in names.items()
        if name.startswith("ray::RayTrainWorker") and parents.get(parents[process]) == own
    )


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(cluster, tmp_path):
    training = {"epochs": 12, "patience": 12}
    declared = mtl.Experiment.from_file(shop(tmp_path / "shop") / "shop.toml", training=training)
    training["tracking"] = {"kind": "tests.own:Diary", "path": str(tmp_path / "diary.jsonl")}
    tracked = mtl.Experiment.from_file(tmp_path / "shop" / "shop.toml", training=training)
    state = tmp_path / "state"
    told, alone = [], []

    def kill(line):
        kept = any(state.glob("*/checkpoint_manager_snapshot.json"))
        if kept and "/12 " in line and not any("was lost" in line for line in told):
            os.kill(worker_processes()[-1], signal.SIGKILL)
        told.append(line)

    expected = declared.run(show=alone.append)
    run = tracked.run(checkpoint=state, show=kill, workers=cluster)
    losses = [column for column in run.history if column.endswith("_loss")]
    assert len(run.history) == 12 and len(losses) == 5
    np.testing.assert_allclose(run.history[losses], expected.history[losses], rtol=1e-4)
    for got, wanted in zip(run.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)
    (again,) = [number for number, line in enumerate(told) if line.startswith("a worker was lost")]
    assert told[again + 1].startswith("resuming after epoch ")
    untimed = [[re.sub(r" +\d+\.\d\d s\b", "", line) for line in lines] for lines in (alone, told)]
    assert set(untimed[0]) <= set(untimed[1])  # all that one process prints
    assert {path.name for path in state.iterdir()} == {"identity", "training.npz"}
    diary = [json.loads(line)["what"] for line in (tmp_path / "diary.jsonl").open()]
    assert (diary[0], diary[-1]) == ("begin", "end")
    assert sorted(diary[1:-1]) == sorted(f"epoch {number}" for number in range(1, 13))


def test_errors_come_back_as_they_are_and_what_was_kept_stays(cluster, tmp_path):
    told = []
    with pytest.raises(DataError, match=r"^Column 'age' holds a text in row 7\.$"):
        together(cluster, keep_and_fail, "seven", tmp_path, "network", told.append)
    assert told == ["job: seven"]  # from the chief alone, once: an error of ours is final
    (kept,) = tmp_path.glob("network/checkpoint_*/note")
    assert kept.read_text() == "kept"
    until = time.monotonic() + 300  # Ray ends its processes after it has answered
    while worker_processes() and time.monotonic() < until:
        time.sleep(0.1)
    assert not worker_processes()


def test_more_than_the_machine_has_is_refused_at_once(cluster, tmp_path):
    for wanted, each in (
        (Cluster(50), "1 CPU"),
        (Cluster(1, gpus_per_worker=1), "1 CPU and 1 GPU"),
    ):
        message = rf"no room for \d+ workers with {each} each. The cluster has 2 CPU .* 0 GPU"
        with pytest.raises(ConfigError, match=message):
            together(wanted, keep_and_fail, None, tmp_path, "none", print)


def test_what_cannot_be_sent_is_told_without_its_content(cluster, tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be sent to workers: TypeError: .* Expected"):
        together(cluster, keep_and_fail, threading.Lock(), tmp_path, "none", print)


def test_bad_numbers_of_workers_are_refused():
    with pytest.raises(ConfigError, match=r"`workers` must be a whole number >= 1"):
        mtl.Experiment(tasks={"left": "binary"}).run(workers=0)


def test_processes_of_tf_config_are_not_workers_of_ray(monkeypatch):
    declared = workers.Workers(strategy=object())
    monkeypatch.setattr("mtl_keras.runs.story.workers", lambda: declared)
    with pytest.raises(ConfigError, match="Unset TF_CONFIG"):
        mtl.Experiment(tasks={"left": "binary"}).run(workers=2)
