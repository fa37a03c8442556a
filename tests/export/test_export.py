"""The artifact: whole or not at all, the same answers as in training, TensorFlow alone."""

import json
import pickle
import shutil
import subprocess
import sys
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.errors import ArtifactError, ConfigError, DataError
from mtl_keras.export import artifact as folder_of
from mtl_keras.export.description import describe
from mtl_keras.export.serving import write_saved_model
from mtl_keras.features.crossing import Crossing
from mtl_keras.features.encoder import Encoder
from tests import cases
from tests.export.conftest import small_table

FILES = {"model.keras", "experiment.toml", "schema.json", "metrics.json"} | {
    "history.png",
    "history.csv",
    "balancing.json",
    "prediction.png",
}


def test_layout_and_versions(run, artifact):
    assert {path.name for path in artifact.iterdir()} >= FILES | {"1"}
    assert {path.name for path in (artifact / "1").iterdir()} >= {"saved_model.pb", "variables"}
    metrics = json.loads((artifact / "metrics.json").read_text())
    assert metrics["test"] == run.evaluation.to_dict()
    assert not [path for path in artifact.iterdir() if "unfinished" in path.name]


def test_answers_equal_those_of_training_row_by_row(run, predictor):
    table = cases.table(seed=1)
    answers = predictor.predict(table)
    outputs = run.model.predict(run.encoder.encode(table))
    for task in run.tasks:
        expected = task.prediction(outputs[task.name])
        if task.kind == "binary":
            np.testing.assert_allclose(answers[f"{task.name}_probability"], expected, atol=1e-6)
        elif task.kind in ("multiclass", "ordinal"):
            names = [f"{task.name}_probability_{label}" for label in task.classes]
            np.testing.assert_allclose(answers[names], expected, atol=1e-6)
        elif task.kind == "multilabel":
            names = [f"{label}_probability" for label in task.labels]
            np.testing.assert_allclose(answers[names], expected, atol=1e-6)
        elif task.kind == "quantiles":
            names = [f"{task.name}_q{level:g}" for level in task.levels]
            np.testing.assert_allclose(answers[names], expected, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_allclose(answers[task.name], expected, rtol=1e-4)
    assert set(answers["left"]) <= {"yes", "no"} and set(answers["segment"]) <= {"a", "b", "c"}
    assert answers.index.equals(table.index)


def test_what_is_read_by_exact_value_is_told_and_asks_for_no_further_column(run, artifact):
    known = [len(crossing.combinations) for crossing in run.encoder.crossings]
    assert known[0] > 4 and known[1] == 2
    line = f"also read by exact value: town × member ({known[0]} values), class (2 values)"
    assert line in describe(artifact).split("\n")
    schema = folder_of.read_schema(folder_of.latest(artifact))
    again = Encoder(run.encoder.features, list(map(Crossing.from_config, schema["crossings"])))
    table = cases.table(seed=1)
    np.testing.assert_array_equal(
        again.encode(table)["crossed"], run.encoder.encode(table)["crossed"]
    )
    assert list(schema["inputs"]) == [feature.name for feature in run.encoder.features]


def test_extra_columns_are_ignored_and_odd_values_answered(predictor):
    table = cases.table(5).assign(extra=1)
    table["town"] = "Atlantis"
    table["age"] = [None, 1e20, -1e20, 0, 44]
    answers = predictor.predict(table)
    assert np.isfinite(answers.select_dtypes("number").to_numpy()).all()


def test_missing_columns_and_wrong_values_are_named(predictor):
    table = cases.table(5)
    with pytest.raises(DataError, match=r"'town' \(categorical\).*'joined' \(date\)"):
        predictor.predict(table.drop(columns=["town", "joined"]))
    with pytest.raises(DataError, match=r"'age' is numeric\. Received: 'old' in row 2"):
        predictor.predict(table.assign(age=["1", "2", "old", "", None]))


def test_bad_cells_are_counted_named_by_line_and_may_count_as_missing(
    predictor, artifact, tmp_path
):
    table, path = cases.table(8), tmp_path / "rows.csv"
    table["age"] = table["age"].astype(object)
    table.loc[[2, 5], "age"] = ["old", "very"]
    table["joined"] = ["soon", *table["joined"][1:].astype(str)]
    table.to_csv(path, index=False)
    line = f"'old' in row 2 (line 4 of {path}), the first of 2 such cells in 8 rows"
    with pytest.raises(DataError) as refused:
        predictor.predict(path)
    told = str(refused.value)
    assert line in told and f"'soon' in row 0 (line 2 of {path})" in told  # both columns at once
    assert "--bad-cells missing" in told
    lenient = mtl.load(artifact, bad_cells="missing")
    with pytest.warns(UserWarning) as warned:
        answers = lenient.predict(path)
    lines = [str(each.message) for each in warned]
    assert [each.split(" of ")[0] for each in lines] == ["Column 'age'", "Column 'joined'"]
    counted = (
        "2 of 8 cells cannot be read and count as missing; the first is 'old' in row 2 (line 4"
    )
    assert counted in lines[0]
    table.loc[[2, 5], "age"], table.loc[0, "joined"] = None, None
    pd.testing.assert_frame_equal(answers, predictor.predict(table))
    table["spend"] = ["much", *table["spend"][1:]]
    with pytest.warns(UserWarning, match="Column 'spend': 1 of 8 cells cannot be read"):
        assert "spend" in [each.task for each in lenient.evaluate(table).tasks]
    assert pickle.loads(pickle.dumps(lenient)).bad_cells == "missing"  # as workers get it
    with pytest.raises(ConfigError, match="`bad_cells` must be one of"):
        mtl.load(artifact, bad_cells="ignore")


def test_files_in_a_declared_encoding_are_read(predictor, tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    cases.table(40).to_csv(path, index=False, encoding="cp1252")  # a column's name has a £
    for use in (predictor.predict, predictor.evaluate, predictor.check, predictor.trained_on):
        monkeypatch.setattr(predictor, "encoding", "utf-8")
        with pytest.raises(DataError, match="is not UTF-8 text"):
            use(path)
        monkeypatch.setattr(predictor, "encoding", "cp1252")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rows that were trained on
            assert use(path) is not None
    assert pickle.loads(pickle.dumps(predictor)).encoding == "cp1252"  # as workers get it


def test_evaluate_judges_the_tasks_that_have_labels(predictor):
    table = cases.table(seed=2).drop(columns=["segment", "likes_tea"])
    assert [each.task for each in predictor.evaluate(table).tasks] == [
        "left", "spend", "balance", "paid", "visits", "score", "size", "gift",
    ]  # fmt: skip
    with pytest.raises(DataError, match="no labels"):
        predictor.evaluate(table[["age"]])


def test_rows_that_were_trained_on_are_known_again(predictor):
    with pytest.warns(UserWarning, match=r"About \d\d% of these rows were trained on"):
        predictor.evaluate(cases.table())
    assert 0.5 < predictor.trained_on(cases.table()) < 0.8  # 65% train
    assert predictor.trained_on(cases.table(seed=1)) < 0.02


def test_plain_tensorflow_answers_where_nothing_of_ours_is_imported(artifact, predictor, tmp_path):
    table = cases.table(3, seed=4)
    schema = json.loads((artifact / "schema.json").read_text())
    rows = {
        slug: [None if pd.isna(value) else value for value in table[name]]
        for name, slug in schema["inputs"].items()
    }
    script = """
import json, sys
sys.modules["mtl_keras"] = None  # not to be had
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
rows, dtypes = json.loads(sys.argv[2]), json.loads(sys.argv[3])
missing = {"float32": float("nan"), "string": ""}
answers = serve(**{
    name: tf.constant([missing[dtypes[name]] if v is None else v for v in values], dtypes[name])
    for name, values in rows.items()})
print(json.dumps({
    name: [v.decode() if isinstance(v, bytes) else v for v in t.numpy().tolist()]
    for name, t in answers.items()}))
"""
    dtypes = {schema["inputs"][name]: dtype for name, dtype in schema["input_dtypes"].items()}
    done = subprocess.run(
        [sys.executable, "-c", script, str(artifact / "1"), json.dumps(rows), json.dumps(dtypes)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    answers, expected = json.loads(done.stdout), predictor.predict(table)
    assert answers["left"] == expected["left"].tolist()
    np.testing.assert_allclose(np.array(answers["spend"], float), expected["spend"], rtol=1e-5)
    assert schema["outputs"]["balance"] in answers


def test_a_task_whose_name_begins_anothers_answers_for_itself_alone():
    short, long = (
        mtl.tasks.Regression("plan"),
        mtl.tasks.Multiclass("plan_next", classes=("a", "b")),
    )
    answers = {
        "plan": np.zeros(2),
        "plan_next": np.array(["a", "b"]),
        "plan_next_probabilities": np.ones((2, 2)),
    }
    assert list(short.answer_columns(answers)) == ["plan"]
    assert "plan_next_probability_b" in long.answer_columns(answers)


def test_a_failed_export_leaves_no_version(small_run, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(folder_of, "write_saved_model", fail)
    with pytest.raises(OSError, match="disk full"):
        small_run.export(tmp_path / "small")
    assert list((tmp_path / "small").iterdir()) == []
    with pytest.raises(ArtifactError, match="no trained model"):
        mtl.load(tmp_path / "small")


def test_a_column_of_nothing_but_unknown_values_is_told(small_artifact):
    table = small_table(40)
    with pytest.warns(
        UserWarning, match="'town': none of the values, such as '(BATH|ELY)', is known"
    ):
        mtl.load(small_artifact).predict(table.assign(town=table["town"].str.upper()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mtl.load(small_artifact).predict(table.assign(town=["Rome", *table["town"][1:]]))
        mtl.load(small_artifact).predict(table.head(3).assign(town="Rome"))


def test_a_misspelt_model_is_named(small_artifact):
    with pytest.raises(ArtifactError, match=f"Did you mean '{small_artifact.name}'"):
        mtl.load(f"{small_artifact}x")
    with pytest.raises(ArtifactError, match=r"no trained model in .*\. Expected a folder"):
        mtl.load(small_artifact.with_name("nothing-like-it"))  # though all else of the path is


def test_a_second_export_is_a_second_version(small_run, small_artifact, tmp_path, without_report):
    folder = shutil.copytree(small_artifact, tmp_path / "small")
    assert small_run.export(folder).name == "2"
    assert mtl.load(folder).path.name == "2" and mtl.load(folder / "1").path.name == "1"
    assert (folder / "report.html").read_text() == "<html>"  # the newest version's


def test_a_report_that_fails_does_not_lose_the_model(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr(small_run, "explanation", lambda *_: 1 / 0)
    monkeypatch.setattr("mtl_keras.runs.figures.Figures.__call__", lambda figures: 1 / 0)
    with pytest.warns(UserWarning) as warned:
        small_run.export(tmp_path / "model")
    messages = " ".join(str(warning.message) for warning in warned)
    for what in ("figures", "explanation"):
        assert f"{what} could not be made (ZeroDivisionError" in messages
    assert len(mtl.load(tmp_path / "model").predict(small_table(4))) == 4
    assert "report.html" in {path.name for path in (tmp_path / "model").iterdir()}


def test_the_signature_is_one_scalar_per_row_and_column(predictor):
    _, inputs = predictor._signature.structured_input_signature
    assert all(spec.shape.as_list() == [None] for spec in inputs.values())
    assert {spec.dtype for spec in inputs.values()} == {tf.float32, tf.string}


class Counted(keras.layers.Layer):
    calls = 0

    def call(self, x):
        Counted.calls += 1
        return x + 1


def test_no_model_is_traced_but_for_the_answers_that_are_written(tmp_path):
    word = keras.Input((), dtype="string", name="word")
    inner = keras.Model(word, Counted()(keras.layers.StringLookup(vocabulary=["a", "b"])(word)))
    model = keras.Model({"word": word}, {"number": inner(word)})
    Counted.calls = 0
    write_saved_model(model, tmp_path / "model")
    assert Counted.calls <= 2  # of 4, if the tables are looked for in models instead of layers
    loaded = tf.saved_model.load(tmp_path / "model")
    answers = loaded.signatures["serving_default"](word=tf.constant(["b", "z"]))
    assert answers["number"].numpy().tolist() == [3, 1]
