"""Runs of MLflow: what they hold, that they go on, and that their model answers as the artifact."""

import importlib.util
import os
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError
from mtl_keras.tracking import Facts, MLflow, Recording
from tests import own
from tests.export.conftest import small_experiment, small_table

MISSING = [name for name in ("mlflow", "sqlalchemy") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(
        bool(MISSING), reason=f"needs {', '.join(MISSING)}: pip install 'mtl_keras[mlflow]'"
    ),
    pytest.mark.xdist_group("mlflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow"),  # of SQLAlchemy, by MLflow
]
FACTS = Facts("0" * 32, "ab" * 8, {"train": 8, "test": 2}, ("age",))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The address of a database, and MLflow's client for it."""
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where models are stored
        yield uri, mlflow.MlflowClient(uri)


@pytest.fixture()
def mlflow(place):
    module = sys.modules["mlflow"]
    before = module.get_tracking_uri()
    module.set_tracking_uri(place[0])
    yield module
    module.set_tracking_uri(before)


def runs_of(client, name):
    return client.search_runs([client.get_experiment_by_name(name).experiment_id])


def table():
    """Names that MLflow does not accept, whole numbers, dates and gaps."""
    rows = small_table().rename(columns={"spend": "spend (£)"})
    rows["visits"] = np.arange(len(rows)) % 7
    rows["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(len(rows)), "D")
    rows.loc[::9, "town"] = None
    return rows


def test_a_run_has_parameters_metrics_data_files_and_a_model(place, mlflow, tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_keras.runs.exporting.report_page_of", lambda *_: "<html>")
    uri, client = place
    tracker = MLflow(experiment="shop", uri=uri, run_name="first", register="small")
    experiment = small_experiment().but(
        tasks={"left": "binary", "spend (£)": "regression"},
        balancer="uncertainty",
        training={"epochs": 2, "tracking": tracker},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # nothing could not be recorded
        trained = experiment.run(table(), checkpoint=tmp_path / "state", show=None)
        version = trained.export(tmp_path / "small")
    (run,) = runs_of(client, "shop")
    assert run.info.status == "FINISHED" and run.info.run_name == "first"
    assert run.data.tags["mtl_keras.training"] == trained.identity
    assert run.data.params["architecture.layers"] == "[4]"
    assert run.data.params["tasks.spend ___.kind"] == "regression"
    assert not [name for name in run.data.params if "tracking" in name]
    for name in ("loss", "val_left_auc", "left_weight"):
        kept = client.get_metric_history(run.info.run_id, name)
        assert [metric.step for metric in kept] == [1, 2]
        assert [metric.value for metric in kept] == pytest.approx(trained.history[name].tolist())
    scores = trained.evaluation.to_dict()["left"]["scores"]
    assert run.data.metrics["test/left/roc_auc"] == pytest.approx(scores["roc_auc"])
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.name == "small" and len(data.dataset.digest) == 16
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"experiment.json", "experiment.toml", "figures", "metrics.json", "report.html"} <= files

    rows = table().drop(columns=["left", "spend (£)"])
    expected = mtl.load(version).predict(rows)
    for address in ("models:/small/1", f"runs:/{run.info.run_id}/model"):
        loaded = mlflow.pyfunc.load_model(address)
        pd.testing.assert_frame_equal(loaded.predict(rows), expected)
    signature = loaded.metadata.signature
    assert signature.inputs.input_names() == ["age", "town", "visits", "since"]
    assert [str(kind) for kind in signature.outputs.input_types()] == [
        "DataType.string", "DataType.double", "DataType.double"]  # fmt: skip
    whole = rows.assign(age=40, since=rows["since"].astype(str), town="Bath")
    pd.testing.assert_frame_equal(loaded.predict(whole), mtl.load(version).predict(whole))

    experiment.run(table(), checkpoint=tmp_path / "state", resume=True, show=None)
    (again,) = runs_of(client, "shop")
    assert again.info.run_id == run.info.run_id and again.info.status == "FINISHED"
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 2


def test_a_model_with_classes_of_its_own_is_read_back(place, mlflow, tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_keras.runs.exporting.report_page_of", lambda *_: "<html>")
    monkeypatch.setattr("mtl_keras.runs.result.Run.figures", lambda _: {})
    uri, client = place
    experiment = mtl.Experiment(
        tasks=[own.Duration("hours")],
        features=[own.Postcode("postcode"), "weight"],
        architecture={"layers": [4], "members": 1, "number_embedding": "none"},
        training={"epochs": 1, "tracking": {"kind": "mlflow", "uri": uri}},
        name="deliveries",
    )
    trained = experiment.run(own.table(), show=None)
    trained.export(tmp_path / "deliveries")
    (run,) = runs_of(client, "deliveries")  # the experiment's name
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    hours = loaded.predict(own.table().drop(columns=["hours", "late"]))["hours"]
    np.testing.assert_allclose(hours, trained.predict(own.table())["hours"], rtol=1e-4)


def test_a_training_that_fails_or_goes_on_is_told(place):
    uri, client = place
    plan = {"name": "failing", "training": {"epochs": 1}}
    recording = Recording(MLflow(uri=uri))
    with pytest.raises(KeyboardInterrupt), recording.ending():
        recording.begin(plan, FACTS)
        raise KeyboardInterrupt
    assert [run.info.status for run in runs_of(client, "failing")] == ["FAILED"]
    Recording(MLflow(uri=uri)).begin({**plan, "seed": 3}, FACTS)
    (run,) = runs_of(client, "failing")
    assert run.info.status == "RUNNING"
    many = {f"task {number}_loss": 0.5 for number in range(1100)}
    tracker = MLflow(uri=uri)
    with pytest.MonkeyPatch.context() as patch:  # another process makes the experiment meanwhile
        found = iter([None, client.get_experiment_by_name("failing")])
        patch.setattr(tracker._client, "get_experiment_by_name", lambda name: next(found))
        tracker.begin(plan, FACTS)
    tracker.epoch(1, many)  # more than MLflow takes at once
    assert len(client.get_run(run.info.run_id).data.metrics) == 1100


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://127.0.0.1:9", r"MLflow cannot record the training \(.*refused.*Nothing was"),
        ("postgresql://me:secret@host/db", "must not contain a password"),
    ],
)
def test_an_address_that_does_not_do_is_told_before_the_first_epoch(uri, message, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match=message) as raised:
        Recording(MLflow(uri=uri)).begin({"name": "x", "training": {}}, FACTS)
    assert "secret" not in str(raised.value)


def test_a_run_that_could_not_begin_is_not_gone_on_with(place):
    uri, client = place
    plan, tracker = {"name": "halfway", "training": {}}, MLflow(uri=uri)

    def full(*_):
        raise OSError("no space left")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ConfigError, match="no space left"):
        patch.setattr("mtl_keras.tracking.mlflow.MLflow._log_data", full)
        Recording(tracker).begin(plan, FACTS)
    (halfway,) = runs_of(client, "halfway")
    assert halfway.info.status == "FAILED"
    Recording(tracker).begin(plan, FACTS)
    states = {run.info.run_id: run.info.status for run in runs_of(client, "halfway")}
    assert sorted(states.values()) == ["FAILED", "RUNNING"]


@pytest.mark.parametrize(("stated", "retries"), [(None, "2"), ("5", "5")])
def test_a_server_is_given_up_soon_at_the_beginning_alone(stated, retries, monkeypatch):
    variable, seen = "MLFLOW_HTTP_REQUEST_MAX_RETRIES", []
    monkeypatch.delenv(variable, raising=False)
    if stated is not None:
        monkeypatch.setenv(variable, stated)
    monkeypatch.setattr(MLflow, "_begin", lambda *_: seen.append(os.environ[variable]))
    MLflow().begin({}, FACTS)
    assert seen == [retries] and os.environ.get(variable) == stated


def test_it_is_written_to_a_file_and_read_back(place):
    tracker = MLflow(uri=place[0], register="small")
    assert tracker.get_config() == {"kind": "mlflow", "uri": place[0], "register": "small"}
    again = small_experiment().but(training={"tracking": tracker}).to_dict()["training"]
    assert mtl.tracking.get(again["tracking"]) == tracker
    with pytest.raises(ConfigError, match=r"'mlflow'.*`register`.*string"):
        mtl.tracking.get({"kind": "mlflow", "register": 3})
