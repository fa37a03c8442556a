"""Tasks and features: to a plain dict and back, fitted or not."""

import json

import numpy as np
import pytest

from mtl_keras import backbones, features, tasks
from tests import cases


@pytest.mark.parametrize("task", cases.TASKS, ids=repr)
def test_a_task_survives_json_before_and_after_fit(task):
    for one in (task, task.fit(cases.table())):
        assert tasks.get(json.loads(json.dumps(one.get_config()))) == one


@pytest.mark.parametrize("feature", cases.FEATURES, ids=repr)
def test_a_feature_survives_json_before_and_after_fit(feature):
    for one in (feature, feature.fit(feature.select(cases.rich_table()))):
        assert features.get(json.loads(json.dumps(one.get_config()))) == one


@pytest.mark.parametrize("backbone", cases.BACKBONES, ids=lambda b: type(b).__name__)
def test_a_backbone_survives_json(backbone):
    again = backbones.get(json.loads(json.dumps(backbone.get_config())), backbone.reads)
    assert again.get_config() == backbone.get_config()


@pytest.mark.parametrize("task", cases.TASKS, ids=repr)
def test_missing_labels_are_nan_and_the_others_are_not(task):
    table = cases.table()
    encoded = task.fit(table).encode(table).reshape(len(table), -1)
    missing = table[task.columns].isna().to_numpy()
    np.testing.assert_array_equal(np.isnan(encoded), np.broadcast_to(missing, encoded.shape))


@pytest.mark.parametrize("task", cases.TASKS, ids=repr)
def test_a_perfect_output_is_answered_with_the_label(task):
    table = cases.table()
    fitted = task.fit(table)
    output = np.nan_to_num(fitted.encode(table)).reshape(len(table), -1)
    if fitted.simple_problems()[0].classes and output.shape[1] < fitted.width:  # indices of classes
        output = np.eye(fitted.width)[output[:, 0].astype(int)]
    output = np.broadcast_to(output, (len(table), fitted.width)).astype("float32")
    answers = {name: np.asarray(value) for name, value in fitted.answers(output).items()}
    answered = next(iter(fitted.answer_columns(answers).values()))
    present = table[task.columns[0]].notna().to_numpy()
    if answered.dtype == object:
        labels = table.loc[present, task.columns[0]]
        assert [text.decode() for text in answered[present]] == list(labels)
        return
    truth = fitted.truth(table).reshape(len(table), -1)[present, 0]
    np.testing.assert_allclose(answered[present].astype(float), truth, rtol=2e-3, atol=2e-2)
