"""Kinds of a user's own do all that the library's do: run, be judged, drawn, rivalled, served."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import features, report, tasks
from mtl_keras.cli import main
from mtl_keras.comparison.baselines import Matrices, predict
from mtl_keras.drawing.figure import axes
from mtl_keras.errors import ArtifactError, DataError
from mtl_keras.evaluation import explain, labelled
from mtl_keras.report.prediction import task_panels
from mtl_keras.search import settle
from tests import own, without

EXPERIMENT = mtl.Experiment(
    tasks=[own.Duration("hours"), tasks.Binary("late")],
    features=[own.Postcode("postcode"), "weight"],
    architecture={"kind": "shared_bottom", "layers": [16], "members": 2},
    training={"epochs": 12, "batch_size": 32, "learning_rate": 0.02},
    name="deliveries",
)

pytestmark = pytest.mark.xdist_group("own")


@pytest.fixture(scope="module")
def deliveries():
    return EXPERIMENT.run(own.table(), show=None)


def test_it_learns_and_is_judged_by_its_own_scores(deliveries):
    judged = deliveries.evaluation.to_frame().query("task == 'hours'").set_index("metric")
    assert list(judged.index) == ["mape", "within_a_factor_of_2"]
    assert judged["higher_is_better"].tolist() == [False, True]
    assert judged.loc["mape", "value"] < 0.6 * judged.loc["mape", "baseline"]
    assert "hours (duration," in str(deliveries.evaluation)


def test_its_constant_is_its_own(deliveries):
    truth = deliveries.truths["train"]["hours"]
    expected = np.exp(np.log(truth[labelled(truth)]).mean())
    stored = deliveries.schema(deliveries.serving_model())["constants"]["hours"]
    np.testing.assert_allclose(list(stored.values()), expected)


@pytest.mark.usefixtures("rendered")
def test_its_panels_stand_in_the_figure_of_all_tasks(deliveries):
    titles = [ax.get_title() for ax in deliveries.figures()["prediction.png"].axes]
    assert titles[0] == "hours: answered to actual" and "late: ROC curve" in titles
    truth, predicted = deliveries.truths["test"]["hours"], deliveries.predictions["hours"]
    (panel,) = task_panels(deliveries.tasks[0], truth, predicted)
    figure, grid = axes(1, 1)
    panel.draw_on(grid[0, 0])
    assert panel.caption == "How many times too long" and grid[0, 0].patches
    assert report.png(figure).startswith(b"\x89PNG")


def test_what_it_depends_on_is_explained(deliveries):
    postcode = next(f for f in deliveries.encoder.features if f.name == "postcode")
    curve = explain.dependence(deliveries.tasks, deliveries.predicted, deliveries.test, postcode)
    assert list(curve.columns) == ["postcode", "hours", "late"]
    mean = curve.groupby(curve["postcode"].str[:2])["hours"].mean()
    assert mean["SE"] > 1.3 * mean["CB"]
    kept = deliveries.explanation(seconds=0.1)["dependence"]
    assert "postcode" in {next(iter(each["curve"])) for each in kept}


@pytest.mark.parametrize("name", ["constant", "linear", "histogram gradient boosting"])
def test_simple_models_rival_it(name):
    prepared = EXPERIMENT.prepare(own.table())
    truths = prepared.truths()
    matrices = Matrices(prepared.encoder, prepared.rows, prepared.data.x)
    hours = prepared.tasks[0]
    truth = truths["test"]["hours"]
    answers = {n: predict(n, hours, matrices, truths) for n in ("constant", name)}
    assert answers[name].max() <= hours.longest
    mape = {n: hours.measure.value(truth[labelled(truth)], a[labelled(truth)])
            for n, a in answers.items()}  # fmt: skip
    assert name == "constant" or mape[name] < 0.6 * mape["constant"]


@pytest.fixture(scope="module")
def exported(deliveries, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "deliveries"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # no part of the report failed
        deliveries.export(folder)
    return folder


def test_its_export_answers_as_it_did_in_training(deliveries, exported):
    version = exported / "1"
    serve = tf.saved_model.load(version).signatures["serving_default"]
    rows = own.table(seed=1)
    rows.loc[0, "postcode"] = "ZZ9 9ZZ"  # an area that training never saw
    raw = {each.name: each.raw(rows[each.source]) for each in deliveries.encoder.features}
    served = serve(**{name: tf.constant(values) for name, values in raw.items()})
    answers = {name: values.numpy() for name, values in served.items()}
    outputs = deliveries.model.predict(deliveries.encoder.encode(rows), verbose=0)
    for task in deliveries.tasks:
        expected = task.prediction(outputs[task.name])
        np.testing.assert_allclose(task.prediction_from(answers), expected, rtol=1e-5)
    np.testing.assert_allclose(answers["hours_days"], answers["hours"] / 24, rtol=1e-6)


def test_an_artifact_finds_its_classes_where_it_is_told_to(deliveries, exported):
    rows = own.table(seed=1)
    with pytest.raises(ArtifactError, match=r"'tests\.own:Postcode'.*custom_objects=.*trusted="):
        mtl.load(exported)
    classes = {"Duration": own.Duration, "tests.own:Postcode": own.Postcode}
    for options in ({"trusted": ["tests"]}, {"custom_objects": classes}):
        predictor = mtl.load(exported, **options)
        found = predictor.predictions(rows)
        for task in deliveries.tasks:
            expected = task.prediction_from(deliveries.predict(rows))
            np.testing.assert_allclose(found[task.name], expected, rtol=1e-4)
        assert list(predictor.predict(rows))[:2] == ["hours", "hours_days"]
    assert "mape" in str(predictor.evaluate(rows))


FILE = """
name = "deliveries"
balancer = { kind = "tests.own:Slowest", power = 0.5 }
architecture = { kind = "tests.own:Pair", units = 8, members = 1, number_embedding = "none" }
[data]
path = "deliveries.csv"
[tasks]
hours = "tests.own:Duration"
late = "binary"
[features]
postcode = "tests.own:Postcode"
[training]
epochs = 2
batch_size = 64
"""


@pytest.fixture()
def file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.chdir(tmp_path)
    own.table().to_csv("deliveries.csv", index=False)
    Path("deliveries.toml").write_text(FILE)
    return "deliveries.toml"


def test_a_file_names_classes_and_the_command_line_trains_resumes_compares_and_predicts(
    file, without_report, capsys
):
    assert main(["train", file]) == 0
    capsys.readouterr()
    answers = ["predict", "saved_models/deliveries", "deliveries.csv", "-o", "answers.csv"]
    assert main(answers) == 1
    assert "'tests.own:Postcode'" in capsys.readouterr().err
    assert main([*answers, "--trust", "tests"]) == 0
    assert "hours_days" in pd.read_csv("answers.csv")

    experiment = mtl.Experiment.from_file(file)
    run = experiment.run(checkpoint="state", show=None)
    lines = []
    again = experiment.run(checkpoint="state", resume=True, show=lines.append)
    assert "resuming after epoch 2" in lines
    pd.testing.assert_frame_equal(again.history, run.history)
    assert type(run.model.balancer) is own.Slowest and run.model.balancer.power == 0.5
    again = mtl.Experiment.from_file("saved_models/deliveries/experiment.toml", trusted=["tests"])
    assert isinstance(again.architecture, own.Pair) and isinstance(again.tasks[0], own.Duration)

    with without.training():
        compared = experiment.compare(
            seeds=1, tries=0, also=["+tests.own:alike"], baselines=False, show=None
        )
    assert {"joint", "single-task", "+tests.own:alike"} <= set(compared.values)
    assert compared.measures["hours"].name == "mape"


@pytest.mark.slow
def test_own_classes_are_searched_through_like_others(monkeypatch):
    monkeypatch.setattr(settle, "ARCHITECTURES", ("shared_bottom", "tests.own:Pair"))
    monkeypatch.setattr(settle, "BALANCERS", ("tests.own:alike", "fixed"))
    monkeypatch.setattr(settle, "RUNGS", (1,))
    searched = EXPERIMENT.but(architecture="auto", balancer="auto", preset="fast",
                              training={"epochs": 1, "batch_size": 64})  # fmt: skip
    run = searched.run(own.table(), show=None)
    tried = {row["candidate"] for row in run.metadata["search"]}
    assert tried == {"shared_bottom", "tests.own:Pair", "tests.own:alike", "fixed"}


def test_its_own_errors_reach_the_user():
    with pytest.raises(DataError, match=r"hours above 0\. Received: -1"):
        EXPERIMENT.run(own.table().assign(hours=-1.0), show=None)


def test_a_kind_that_lacks_something_says_what_when_it_is_made():
    @dataclasses.dataclass(frozen=True, repr=False)
    class Halfway(tasks.Task):
        def fit(self, table: pd.DataFrame):
            return self

    with pytest.raises(TypeError, match=r"abstract.*answers.*encode.*head.*measures"):
        Halfway("x")
    assert Halfway.kind == "halfway"

    @dataclasses.dataclass(frozen=True, repr=False)
    class Unread(features.Feature):
        def fit(self, column: pd.Series):
            return self

    with pytest.raises(TypeError, match=r"abstract.*layer.*raw"):
        Unread("x")
