"""Half precision: what is trained follows the policy, columns and answers do not."""

import importlib.util
import re

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError
from mtl_keras.export.converters import Onnx
from mtl_keras.layers import MemberMean
from mtl_keras.layers.mixins import FullPrecision, dtype_policy
from tests import cases

SMALL = mtl.architectures.SharedBottom(layers=(8,), tower=(4,), members=2, bins=4)
TASKS = [mtl.tasks.Binary("left"), mtl.tasks.Regression("balance", column="account balance (£)")]


@pytest.mark.parametrize("feature", cases.FEATURES, ids=lambda feature: feature.kind)
def test_a_column_is_encoded_in_full_precision(feature):
    fitted = feature.fit(cases.rich_table()[feature.source])
    with dtype_policy("mixed_float16"):
        assert isinstance(fitted.layer(), FullPrecision)


def test_answers_are_given_in_full_precision(run):
    for task in run.tasks:
        output = task.average_output()
        answers = task.answers(output)
        with dtype_policy("mixed_bfloat16"):
            for name, values in task.answers(output).items():
                np.testing.assert_array_equal(values, answers[name])


def test_a_network_in_half_precision_is_trained_exported_and_written_as_code(
    tmp_path, without_report
):
    training = mtl.Training(epochs=2, best_epoch="joint", refit=0, dtype_policy="mixed_float16")
    table = cases.table(300)
    declared = {"tasks": TASKS, "architecture": SMALL, "training": training}
    features = ["age", "town", "member", "joined"]  # a kind of column each
    run = cases.experiment(features=features, **declared).run(table, show=None)
    computed = {layer.name: layer.compute_dtype for layer in run.model.layers if layer.weights}
    assert computed["shared_1"] == "float16" and computed["left_head"] == "float32"
    means = [layer for layer in run.model.layers if isinstance(layer, MemberMean)]
    assert {layer.compute_dtype for layer in means} == {"float32"}
    assert np.isfinite(run.history["loss"]).all()
    run.export(tmp_path / "shop")
    predictor = mtl.load(tmp_path / "shop")
    outputs = run.model.predict(run.encoder.encode(table), verbose=0)
    left = predictor.predict(table)["left_probability"]
    np.testing.assert_allclose(left, outputs["left"][:, 0], rtol=5e-3)
    assert 'dtype_policy = "mixed_float16"' in (tmp_path / "shop/experiment.toml").read_text()
    if all(importlib.util.find_spec(name) for name in Onnx.packages):
        told = str(predictor.export(tmp_path / "shop.onnx", table))
        assert re.search(r"difference \S+ \(in half precision, 1e-03 is allowed\)$", told)
    code = predictor.code()
    assert 'dtype="mixed_float16"' in code
    assert "optimizer.inner_optimizer.exclude_from_weight_decay" in code
    assert keras.config.dtype_policy().name == "float32"


def test_the_global_policy_is_declared_so_that_other_processes_know_it():
    with dtype_policy("mixed_bfloat16"):
        assert mtl.Training().dtype_policy == "mixed_bfloat16"
    assert mtl.Training().dtype_policy is None
    with dtype_policy("float64"), pytest.raises(ConfigError, match=r"dtype_policy.*mixed_float16"):
        mtl.Training()
