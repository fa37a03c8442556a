"""What workers of a cluster get is what there is: rows, features, tasks, a stream's feed."""

import dataclasses
import shlex
from pathlib import Path

import keras
import numpy as np
import pytest
import typer

import mtl_keras as mtl
from mtl_keras.cli.application import app
from mtl_keras.errors import ConfigError, TrainingError
from mtl_keras.jobs.ray_workers import Worker
from mtl_keras.runs.build import build
from mtl_keras.runs.on_cluster import check_begun_here, store_checkpoint
from mtl_keras.runs.prepare import prepare
from tests import cases, own
from tests.datasets.test_stream import parquet
from tests.test_own import EXPERIMENT


def sent(prepared):
    """As it is after Ray has pickled it."""
    pickle = pytest.importorskip("ray.cloudpickle")
    return pickle.loads(pickle.dumps(dataclasses.replace(prepared, rows={}, guesses=[])))


def assert_equal(one, other):
    for expected, got in zip(*map(keras.tree.flatten, (one, other)), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("feature", cases.FEATURES, ids=repr)
def test_each_kind_of_feature_encodes_the_same(feature):
    table = cases.rich_table()
    plan = cases.experiment(features=[feature], split=mtl.Split())
    prepared = prepare(plan, table)
    assert_equal(prepared.encoder.encode(table), sent(prepared).encoder.encode(table))


@pytest.mark.parametrize(
    ("plan", "table"),
    [(cases.experiment(), cases.table()), (EXPERIMENT, own.table())],
    ids=["all kinds of tasks", "classes of a user"],
)
def test_the_network_is_the_same(plan, table):
    prepared = prepare(plan, table)
    networks = []
    for rows in (prepared, sent(prepared)):
        keras.utils.set_random_seed(plan.seed)
        networks.append(build(plan, rows))
    assert_equal(*(network.get_weights() for network in networks))
    assert sent(prepared).tasks == prepared.tasks
    assert_equal(prepared.data.y, sent(prepared).data.y)


def test_a_stream_is_read_in_the_same_order(tmp_path):
    for number in range(2):
        parquet(tmp_path / f"{number}.parquet", cases.table(200, number), row_group_size=50)
    prepared = prepare(cases.experiment(streaming=True, split=mtl.Split()), tmp_path)
    assert prepared.data.feed is not None
    first = [next(iter(rows.data.feed.blocks(32).dataset())) for rows in (prepared, sent(prepared))]
    assert_equal(first[0][:2], first[1][:2])


def test_what_a_cluster_began_is_not_begun_anew_without_it(tmp_path):
    check_begun_here(tmp_path, "abc")
    (tmp_path / "network_2" / "abc_1" / "checkpoint_1").mkdir(parents=True)
    check_begun_here(tmp_path, "def")
    with pytest.raises(ConfigError, match=r"was started with workers\. Resume it with --workers"):
        check_begun_here(tmp_path, "abc")


def test_a_checkpoint_that_could_not_be_written_ends_the_training(tmp_path):
    chief = Worker(rank=0, job=lambda: None, folder=tmp_path, tell=print)
    with pytest.raises(TrainingError, match=r"checkpoint could not be written.*Free space"):
        store_checkpoint(chief, written=False)


def test_the_job_for_kuberay_asks_for_what_its_cluster_has():
    yaml = pytest.importorskip("yaml")
    text = (Path(__file__).parents[2] / "examples" / "cluster" / "rayjob.yaml").read_text()
    job = yaml.safe_load(text)["spec"]
    python, module, name, *arguments = shlex.split(job["entrypoint"])
    assert (python, module, name) == ("python", "-m", "mtl_keras.train")
    command = typer.main.get_command(app).commands["train"]
    options = command.make_context("train", arguments).params
    (group,) = job["rayClusterSpec"]["workerGroupSpecs"]
    assert options["workers"] == group["replicas"] and options["resume"]
    (container,) = group["template"]["spec"]["containers"]
    (mounted,) = container["volumeMounts"]
    assert str(options["models"]).startswith(mounted["mountPath"])
