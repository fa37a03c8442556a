"""A multi-task model in scikit-learn's pipelines, cross-validation and conventions."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtl_keras import architectures, errors, tasks
from mtl_keras.sklearn import MultiTaskEstimator
from tests import cases

SMALL = {
    "architecture": {"layers": [8], "members": 1, "number_embedding": "none"},
    "training": {"epochs": 5, "learning_rate": 0.05, "batch_size": 16},
}
COLUMNS = ["age", "town", "joined"]
TARGETS = ["left", "segment", "spend"]

pytestmark = pytest.mark.xdist_group("sklearn")


@pytest.fixture(scope="module")
def table():
    made = cases.table(200)
    return made.assign(spend=2 * made["age"].fillna(40) + made["spend"].isna())


@pytest.fixture(scope="module")
def fitted(table):
    model = MultiTaskEstimator(missing_values=["?", 999], **SMALL)
    return model.fit(*marked(table[COLUMNS], table[TARGETS]))


def marked(X, y):
    """With values that mean missing in place of some empty cells."""
    y = y.assign(segment=y["segment"].astype(object).where(y["segment"].notna(), "?"))
    return X.assign(age=X["age"].fillna(999.0)), y


def test_a_table_of_mixed_targets_is_answered_as_one(fitted, table):
    kinds = {task.name: task.kind for task in fitted.tasks_}
    assert kinds == {"left": "binary", "segment": "multiclass", "spend": "regression"}
    answers = fitted.predict(table[COLUMNS])
    assert answers.columns.tolist() == TARGETS and len(answers) == len(table)
    assert set(answers["segment"]) <= set(table["segment"].dropna())
    probabilities = fitted.predict_proba(table[COLUMNS])
    assert [p.shape[1] for p in probabilities] == [len(c) for c in fitted.classes_]
    assert all(np.allclose(p.sum(axis=1), 1, atol=1e-5) for p in probabilities)
    assert fitted.score(table[COLUMNS], table[TARGETS]) > 0.5
    assert fitted.feature_names_in_.tolist() == COLUMNS


def test_predictions_have_the_index_of_their_rows(fitted, table):
    """pandas aligns rows by it, so that a new column would have the predictions of other rows."""
    rows = table[COLUMNS]
    for other in (rows.iloc[::-1], rows.set_axis(rows.index + 1000)):
        assert fitted.predict(other).index.equals(other.index)
    pd.testing.assert_frame_equal(
        fitted.predict(rows.iloc[::-1]).sort_index(), fitted.predict(rows)
    )


def test_it_answers_the_same_once_pickled_and_trains_the_same_once_cloned(fitted, table):
    rows = table[COLUMNS].head(20)
    loaded = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(loaded.predict(rows), fitted.predict(rows))
    again = clone(fitted).fit(table[COLUMNS], table[TARGETS])
    pd.testing.assert_frame_equal(again.predict(rows), fitted.predict(rows))
    assert clone(fitted).get_params() == fitted.get_params()


def test_it_works_in_a_pipeline_and_in_cross_validation(table):
    numbers = table[["age"]].to_numpy()
    model = make_pipeline(StandardScaler(), MultiTaskEstimator(**SMALL))
    options = {"cv": 2, "error_score": "raise", "return_estimator": True}
    found = cross_validate(model, numbers, table["spend"].to_numpy(), **options)
    assert (found["test_score"] > 0.3).all()
    with pytest.raises(errors.ConfigError, match=r"No task has classes: y \(regression\)"):
        found["estimator"][0].predict_proba(numbers)


def test_arguments_within_arguments_are_set_by_name():
    model = make_pipeline(MultiTaskEstimator(architecture="mmoe", balancer={"kind": "cagrad"}))
    before = clone(model)
    grid = {"architecture__experts": 2, "architecture__layers": [8], "balancer__c": 0.3}
    name = "multitaskestimator__"
    model.set_params(**{name + key: value for key, value in grid.items()})
    model.set_params(**{f"{name}training__epochs": 2, f"{name}preset": "fast"})
    changed = model[-1]
    assert changed.architecture == {"kind": "mmoe", "experts": 2, "layers": [8]}
    assert changed.balancer == {"kind": "cagrad", "c": 0.3}
    assert changed.training == {"epochs": 2} and changed.preset == "fast"
    assert before[-1].architecture == "mmoe", "a clone shares no mapping"
    changed.set_params(architecture="ple", architecture__layers=[4])  # in any order
    assert changed.architecture == {"kind": "ple", "layers": [4]}
    with pytest.raises(ValueError, match="Invalid parameter 'arhcitecture'"):
        changed.set_params(arhcitecture__layers=[4])
    declared = MultiTaskEstimator(architecture=architectures.MMoE())
    with pytest.raises(errors.ConfigError, match=r"`architecture__layers` needs `architecture` as"):
        declared.set_params(architecture__layers=[4])


def test_a_column_of_y_without_a_task_is_no_feature(table):
    with pytest.raises(errors.DataError, match=r"columns without a task: 'segment', 'spend'"):
        MultiTaskEstimator({"left": "binary"}, **SMALL).fit(table[COLUMNS], table[TARGETS])


def test_an_array_of_texts_is_refused_with_advice(table):
    with pytest.raises(errors.DataError, match=r"Pass a DataFrame.*set_output"):
        MultiTaskEstimator(**SMALL).fit(table[COLUMNS].to_numpy(), table[TARGETS])


def test_rows_without_weight_are_as_if_they_were_not_there(table):
    """Thresholds were chosen on them, too."""
    rows, left = table[["age"]], table["left"].fillna("no")
    other = left.map({"no": "yes", "yes": "no"})
    weights = np.repeat([1.0, 0.0], len(rows))
    both = pd.concat([rows, rows]), pd.concat([left, other])
    alone = MultiTaskEstimator(**SMALL).fit(rows, left, weights[: len(rows)])
    beside = MultiTaskEstimator(**SMALL).fit(*both, weights)
    pd.testing.assert_series_equal(beside.predict(rows), alone.predict(rows))


def test_mistakes_are_told(table):
    numbers = table[["age"]]
    with pytest.raises(errors.DataError, match="X has columns of y"):
        MultiTaskEstimator(**SMALL).fit(numbers, numbers)
    with pytest.raises(errors.DataError, match=r"same rows\. Received: 200 and 10"):
        MultiTaskEstimator(**SMALL).fit(numbers, table["spend"].head(10))


@pytest.mark.parametrize(
    "target",
    [
        np.array(["ja", "nein"]),  # whose positive class is the first by name
        tasks.Ordinal("y", classes=("S", "M", "L")),
    ],
    ids=["binary", "ordinal"],
)
def test_scores_of_probabilities_are_those_of_the_right_classes(table, target):
    numbers = table[["age"]].fillna(0)
    if isinstance(target, tasks.Ordinal):
        place = pd.qcut(numbers["age"].rank(method="first"), 3, labels=False)
        declared, y = {"y": target}, pd.Series(np.array(target.classes)[place], name="y")
    else:
        declared = {"y": "binary"}
        y = pd.Series(target[(numbers["age"] < numbers["age"].median()).astype(int)], name="y")
        numbers, y = numbers.to_numpy(), y.to_numpy(str)
    model = MultiTaskEstimator(declared, **SMALL).fit(numbers, y, sample_weight=np.ones(len(y)))
    assert model.classes_.tolist() == sorted(set(y)) and model.n_features_in_ == 1
    assert model.predict(numbers).shape == y.shape, "the form of a single target"
    assert model.predict_proba(numbers).shape == (len(y), len(model.classes_))
    of_truth = model.predict_proba(numbers)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    assert (of_truth > 1 / len(model.classes_)).mean() > 0.5, "else the test shows nothing"
    value = get_scorer("neg_log_loss")(model, numbers, y)
    assert value == pytest.approx(np.log(of_truth).mean(), rel=1e-4)
    if declared["y"] == "binary":
        assert get_scorer("roc_auc")(model, numbers, y) > 0.8
        with pytest.raises(ValueError, match="2 features"):
            model.predict(np.ones((3, 2)))


def test_values_that_mean_missing_are_empty_cells(fitted, table):
    X, y = marked(table[COLUMNS], table[TARGETS])
    assert (X["age"] == 999).any() and (y["segment"] == "?").any()
    assert "?" not in fitted.classes_[1]
    pd.testing.assert_frame_equal(fitted.predict(X), fitted.predict(table[COLUMNS]))
    assert fitted.score(X, y) == fitted.score(table[COLUMNS], table[TARGETS])


def test_score_reads_labels_as_training_does(table):
    """Numbers with a missing label are floats, and were all wrong; so were spaces and bytes."""
    old, present = table["age"] > table["age"].median(), table.index % 5 > 0
    labels = {"floats": (0.0, 1.0), "spaces": (" no", "yes "), "bytes": (b"no", b"yes")}
    labels["as shares"] = (0.25, 0.1)
    y = pd.DataFrame({
        name: pd.Series(np.where(old, yes, no).astype(object)).where(present).infer_objects()
        for name, (no, yes) in labels.items()
    }).assign(n=table["age"])  # fmt: skip
    declared = {**dict.fromkeys(labels, "binary"), "n": "regression"}
    model = MultiTaskEstimator(declared, **SMALL).fit(table[["age"]], y)
    present &= y["n"].notna()
    alone = model.score(table[["age"]][present], y[present])
    assert alone > 0.9, "all are known from the only feature"


def test_predictions_have_the_order_of_y(table):
    numbers = table[["age"]].fillna(0).to_numpy()
    y = np.stack([numbers[:, 0] > 40, 1000 + numbers[:, 0]], axis=1)
    model = MultiTaskEstimator({"y1": "regression", "y0": "binary"}, **SMALL).fit(numbers, y)
    predicted = model.predict(numbers)
    assert set(predicted[:, 0]) <= {0, 1} and predicted[:, 1].mean() > 900


def test_a_task_of_several_columns_is_refused_before_training(table):
    both = tasks.Multilabel("both", labels=("a", "b"))
    y = pd.DataFrame({"a": table["age"] > 40, "b": table["age"] > 30})
    with pytest.raises(errors.ConfigError, match="predicts one column per task"):
        MultiTaskEstimator({"both": both}, **SMALL).fit(table[["age"]], y)
