"""What earlier releases wrote is read, and answers as it did."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import Experiment
from mtl_keras.errors import ArtifactError
from mtl_keras.runs import rewrite_report

RELEASES = sorted(path for path in Path(__file__).parent.iterdir() if path.name[0].isdigit())
each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)


@each_release
def test_an_artifact_answers_as_it_did(release):
    answers = mtl.load(release / "shop").predict(release / "rows.csv")
    expected = pd.read_csv(release / "answers.csv")
    pd.testing.assert_frame_equal(answers, expected, check_dtype=False, rtol=1e-4, atol=1e-5)


@each_release
def test_an_artifacts_report_and_experiment_are_read(release, tmp_path):
    shutil.copytree(release / "shop", tmp_path / "shop")
    assert rewrite_report(tmp_path / "shop").is_file()
    experiment = Experiment.from_file(release / "shop" / "1" / "assets.extra" / "experiment.toml")
    assert [task.name for task in experiment.tasks][:2] == ["left", "segment"]


@each_release
def test_an_artifact_of_another_encoding_is_not_exported(release, tmp_path):
    with pytest.raises(ArtifactError, match=r"written by an older mtl_keras.* Train and export"):
        mtl.load(release / "shop").export(tmp_path / "shop.onnx", release / "rows.csv")


@each_release
def test_a_network_of_an_artifact_is_read(release):
    network = keras.models.load_model(release / "shop" / "1" / "assets.extra" / "model.keras")
    assert isinstance(network, mtl.MultiTaskModel) and len(network.tasks) == 8


@each_release
def test_a_keras_file_answers_as_it_did_and_trains_on(release):
    expected = json.loads((release / "model.json").read_text())
    assert mtl.MultiTaskModel  # registers the classes with Keras
    model = keras.models.load_model(release / "model.keras")
    x = np.array(expected["x"], "float32")
    for task, answers in model.predict(x, verbose=0).items():
        np.testing.assert_allclose(answers, expected[task], atol=1e-6)
    assert int(model.optimizer.iterations) == expected["iterations"]
    for variable, value in zip(model.balancer.variables, expected["balancer"], strict=True):
        np.testing.assert_allclose(variable.numpy(), value, atol=1e-6)
    y = {"a": np.ones(len(x)), "b": np.ones(len(x))}
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()
