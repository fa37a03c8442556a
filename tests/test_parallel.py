"""Work in parallel, in processes and as Ray tasks: the same results, errors and files as alone."""

import contextlib
import functools
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.cli import main
from mtl_keras.errors import ConfigError, DataError, TrainingError
from mtl_keras.jobs import executor, in_parallel, ray_cluster, ray_tasks
from mtl_keras.runs import story
from mtl_keras.search import settle
from tests import own, without
from tests.export.conftest import small_experiment, small_table
from tests.jobs.divided import OnlyHere, around, killed, of_process, refused, waiting

pytestmark = pytest.mark.xdist_group("ray")

KINDS = """
from dataclasses import dataclass
from tests import own

@dataclass(frozen=True, kw_only=True)
class Wide(own.Pair):
    pass

@dataclass(frozen=True, repr=False)
class Code(own.Postcode):
    pass
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What this process does by itself, with classes that it alone was told where to find."""
    folder = tmp_path_factory.mktemp("alone")
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("elsewhere").mkdir()
        Path("elsewhere/kinds.py").write_text(KINDS)
        patch.syspath_prepend(folder / "elsewhere")
        declared = mtl.Experiment(
            tasks={"hours": "tests.own:Duration"},
            features={"postcode": "kinds:Code", "weight": "numeric", "late": "drop"},
            architecture={"kind": "kinds:Wide", "units": 8, "members": 1},
            balancer={"kind": "tests.own:Slowest", "power": 0.5},
            training={"epochs": 1, "batch_size": 64},
            name="deliveries",
        )
        with without.report():
            declared.run(own.table(), show=None).export("model")
        rows = own.table().drop(columns=["hours", "late"])
        for number in range(3):
            Path("rows").mkdir(exist_ok=True)
            rows.astype(str).iloc[number::3].to_parquet(f"rows/{number}.parquet")
        model = mtl.load("model", trusted=["kinds", "tests"])
        model.predict_files("rows", "answers", keep=["postcode"], chosen=["hours"])
        yield {
            "declared": declared,
            "model": model,
            "answers": contents("answers"),
        }
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).glob("*.parquet")}


def compared(declared, **options):
    options = {"seeds": 1, "tries": 0, "baselines": False, "show": None, **options}
    return declared.compare(own.table(), **options)


def tried(declared, cluster=None):
    """What a search tried, and the losses."""
    rows, plan = declared.prepare(own.table()), declared.but(balancer="auto")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settle, "BALANCERS", ("tests.own:alike", "fixed"))
        patch.setattr(settle, "RUNGS", (1,))
        short = functools.partial(story.short, rows=rows)
        return settle.settled(plan, rows.data, short, lambda line: None, cluster)[1]["search"]


@pytest.fixture(scope="module")
def ray():
    with ray_cluster.connected() as ray:
        yield ray


@pytest.fixture(scope="module", params=["processes", "ray"])
def engine(request, alone):
    """Where work runs that is done two jobs at a time."""
    if request.param == "ray":
        request.getfixturevalue("ray")
    return request.param


@pytest.fixture(scope="module")
def block(engine):
    with contextlib.ExitStack() as block:
        yield block


@pytest.fixture(scope="module")
def work(block):
    """One executor for several tests: processes take seconds to start."""
    return block.enter_context(executor(np.arange(4.0), 2))


@pytest.mark.slow
def test_each_process_gets_the_common_argument_once(work):
    results = list(work(of_process, [0, 1, 2, 3, 0, 1]))
    assert sorted((job, value) for job, (_, _, value) in results) == [
        (job, float(job)) for job in (0, 0, 1, 1, 2, 3)
    ]
    processes = {process for _, (process, _, _) in results}
    assert os.getpid() not in processes
    assert len({(process, common) for _, (process, common, _) in results}) == len(processes)


def test_results_come_in_order_of_completion(work, tmp_path):
    first, second = jobs = [tmp_path / "?told", tmp_path / "made"]
    results = work(waiting, jobs)
    assert next(results)[0] == second
    (tmp_path / "told").touch()
    assert [job for job, _ in results] == [first]


def test_an_error_is_the_one_that_was_raised(work):
    with pytest.raises(DataError, match=r"^Row 7 has no age\.$"):
        list(work(refused, [7]))


def test_what_runs_elsewhere_keeps_its_work_to_itself_and_imports_what_it_needs(work, engine):
    assert [told for _, told in work(around, [0])] == [(False, False)]
    assert ray_cluster.wanted() == (engine == "ray")


def test_answers_are_the_same_and_a_bad_row_costs_its_file_alone(alone, engine, capfd):
    rows = pd.read_parquet("rows/1.parquet")
    rows.replace({"weight": {rows["weight"].iloc[5]: "heavy"}}).to_parquet("rows/1.parquet")
    predict = ["predict", "model", "rows", "-o", engine, "--workers", "2"]
    predict += ["--id", "postcode", "--columns", "hours"]
    trust = ["--trust", "kinds", "--trust", "tests"]
    assert main([*predict, *trust]) == 1
    error = capfd.readouterr().err
    assert "oneDNN" not in error  # TensorFlow's notices, of the processes that help
    assert "1 of 3 files have no predictions" in error and "1.parquet" in error and "heavy" in error
    rows.to_parquet("rows/1.parquet")
    assert contents(engine) == {n: alone["answers"][n] for n in ("0.parquet", "2.parquet")}
    said = []
    same = {"keep": ["postcode"], "chosen": ["hours"]}
    alone["model"].predict_files("rows", engine, show=said.append, workers=2, **same)
    assert said[:2] == [
        "2 of 3 files were finished before and are kept",
        "a file is not divided: 1 of 2 workers have one to predict",
    ]
    assert contents(engine) == alone["answers"]


def test_the_end_of_a_block_ends_what_runs(work, block, tmp_path):
    """After the tests that need the processes, of which it ends one or both."""
    running = work(waiting, [tmp_path / "?never", tmp_path / "made"])
    assert next(running)[0].name == "made"
    running.close()
    block.close()  # which returns


@pytest.mark.slow
def test_a_comparison_of_own_classes_finds_the_same(alone, ray):
    found = compared(alone["declared"], workers=2).values
    by_one = compared(alone["declared"], workers=1).values
    assert found.keys() == by_one.keys() == {"joint", "single-task"}
    for name, values in by_one.items():
        np.testing.assert_allclose(found[name]["hours"], values["hours"], rtol=1e-6)


@pytest.mark.slow
def test_a_search_finds_the_same(alone, ray):
    declared = alone["declared"]
    for found, expected in zip(tried(declared, mtl.Cluster(2)), tried(declared), strict=True):
        assert found["candidate"] == expected["candidate"]
        assert found["hours"] == pytest.approx(expected["hours"], rel=1e-6)


@pytest.mark.slow
def test_a_search_of_settings_that_was_interrupted_goes_on(ray, tmp_path):
    pytest.importorskip("optuna")
    space = {"training.learning_rate": {"low": 1e-3, "high": 0.1, "log": True}}
    experiment = small_experiment(2).but(search=space)
    options = {"trials": 5, "folder": tmp_path, "workers": 2}

    def interrupt(line):
        if line.startswith("  2/5"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment.tune(small_table(), show=interrupt, **options)
    said = []
    found = experiment.tune(small_table(), show=said.append, **options)
    kept = next(line for line in said if line.startswith("trials that were finished before: "))
    assert 2 <= int(kept.rpartition(" ")[2]) < 5
    judged = found.trials[found.trials["state"] != "failed"]
    assert len(judged) == judged["training.learning_rate"].nunique() == 5
    assert said[-1].startswith("  5/5  trial ")


def test_a_module_that_ray_does_not_find_is_one_line(ray):
    with pytest.raises(
        ConfigError, match=r"^A Ray process .* No module named 'shop'\. Install .*$"
    ):
        list(in_parallel(of_process, [0], OnlyHere()))


def test_a_task_whose_process_is_killed_runs_again_and_then_is_told_of(ray, tmp_path, monkeypatch):
    assert dict(in_parallel(killed, [tmp_path / "a"], None)) == {tmp_path / "a": "after all"}
    monkeypatch.setattr(ray_tasks, "RETRIES", 0)
    with pytest.raises(TrainingError, match=r"was killed.*\(WorkerCrashedError\).*is kept"):
        list(in_parallel(killed, [tmp_path / "b"], None))
