"""Copies of training rows are told from rows that are alike because they are coarse."""

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.evaluation import repeated_rows
from tests.export.conftest import small_experiment, small_table

N = 3000


def coarse(random):
    return {"town": random.integers(0, 4, N), "member": random.integers(0, 2, N)}


def mixed(random):
    job = random.integers(0, 8, N)
    age = random.integers(18, 70, N)
    return {"age": age, "born": 2000 - age, "job": job, "sector": job // 2}


def fine(random):
    return {"income": random.normal(size=N), "town": random.integers(0, 4, N)}


def texts(random):
    words = random.zipf(1.3, (N, 40)).clip(0, 9999)
    return {"text": np.where(np.arange(40) < random.integers(5, 30, (N, 1)), words, 0)}


def constant(random):
    return {"income": np.zeros(N)}


def classes(random):
    return random.integers(0, 2, N).astype("float32")


def amounts(random):
    return random.normal(size=N).astype("float32")


def found(features, labels, copies=0):
    random = np.random.default_rng(1)
    again = np.concatenate([np.arange(N), random.integers(0, N, copies)])
    again = random.permutation(again)
    x, columns = {}, {}
    for name, values in features.items():
        group = f"own_{name}" if values.ndim > 1 else name
        x[group] = values[again].reshape(len(again), -1).astype("float32")
        columns[name] = {group: range(1)}
    train, test = slice(N // 5, None), slice(0, N // 5)
    return repeated_rows(
        columns,
        {"train": {g: v[train] for g, v in x.items()}, "test": {g: v[test] for g, v in x.items()}},
        {"train": {"task": labels[again][train]}, "test": {"task": labels[again][test]}},
    )


@pytest.mark.parametrize("labels", [classes, amounts])
@pytest.mark.parametrize("features", [coarse, mixed, fine, texts, constant])
def test_rows_that_are_alike_by_chance_are_no_copies(features, labels):
    random = np.random.default_rng(0)
    assert not found(features(random), labels(random)).copies


@pytest.mark.parametrize("labels", [classes, amounts])
@pytest.mark.parametrize("features", [fine, texts])
@pytest.mark.parametrize("copies", [N // 10, 2 * N])
def test_copies_are_found(features, labels, copies):
    random = np.random.default_rng(0)
    result = found(features(random), labels(random), copies)
    assert result.copies and result.same_labels == pytest.approx(1, abs=0.01)
    assert result.repeated > 0.8 * 600 * (1 - (1 - 1 / N) ** copies)


def test_other_rows_of_the_same_products_are_no_copies():
    random = np.random.default_rng(0)
    product = random.integers(0, 300, N)
    features = {"product": product, "price": random.random(300)[product]}
    result = found(features, amounts(random))
    assert result.many and not result.copies and result.same_labels < 0.1


def test_copies_are_told_by_training_report_card_and_evaluation(tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_keras.runs.result.Run.figures", lambda _: {})
    table = small_table(600)
    table["income"] = np.random.default_rng(0).normal(size=600)
    table = table.iloc[np.r_[:600, :100]].reset_index(drop=True)
    lines: list[str] = []
    run = small_experiment().run(table, show=lines.append)
    (warning,) = [line for line in lines if "are also among the training rows" in line]
    assert "of 140 test rows (" in warning and "of 105 validation rows (" in warning
    assert "100% of the labels the same" in warning and "--split group" in warning
    run.export(tmp_path / "small")
    assert "The same rows in training and test." in (tmp_path / "small/report.html").read_text()
    assert (
        "are copies of training rows" in (tmp_path / "small/1/assets.extra/README.md").read_text()
    )
    with pytest.warns(UserWarning, match="of these rows were trained on"):
        mtl.load(tmp_path / "small").evaluate(run.test)
