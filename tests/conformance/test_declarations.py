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
    encoded = task.fit(table).encode(table)
    missing = table[task.columns].isna().to_numpy()
    np.testing.assert_array_equal(np.isnan(encoded).reshape(missing.shape), missing)


@pytest.mark.parametrize("task", cases.TASKS, ids=repr)
def test_a_perfect_output_is_answered_with_the_label(task):
    table = cases.table()
    fitted = task.fit(table)
    encoded = np.nan_to_num(fitted.encode(table)).reshape(len(table), -1)
    output = encoded
    if task.kind in ("multiclass", "ordinal"):
        output = np.eye(fitted.width)[encoded[:, 0].astype(int)]
    elif encoded.shape[1] < fitted.width:
        output = np.repeat(encoded, fitted.width, axis=1)
    answers = fitted.answers(output.astype("float32"))
    columns = fitted.answer_columns({k: np.asarray(v) for k, v in answers.items()})
    present = table[task.columns[0]].notna().to_numpy()
    answered = columns[task.labels[0] if task.kind == "multilabel" else task.name][present]
    labels = table.loc[present, task.columns[0]]
    if task.kind in ("regression", "count", "quantiles"):
        np.testing.assert_allclose(answered, labels.astype(float), rtol=2e-3, atol=2e-2)
    elif task.kind == "multilabel":
        np.testing.assert_array_equal(answered, labels.astype(bool))
    else:
        assert [a.decode() for a in answered] == list(labels)
