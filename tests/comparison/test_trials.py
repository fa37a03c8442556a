"""The trainings of a comparison: how many there are, and what is chosen from them."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import mtl_keras as mtl
from mtl_keras.comparison import baselines, trials
from mtl_keras.comparison.candidates import PART
from mtl_keras.datasets.split import PARTS
from mtl_keras.errors import DataError
from mtl_keras.jobs import Store
from mtl_keras.tasks import Binary, Quantiles
from tests.comparison.planted import planted


def experiment(*tasks, **training):
    return mtl.Experiment(
        tasks=dict.fromkeys(tasks, "regression"),
        architecture={"layers": [4], "members": 1, "number_embedding": "none"},
        training={"epochs": 1, **training},
    )


def compared(declared, data=None, **options):
    return declared.compare(table() if data is None else data, tries=0, baselines=False, **options)


def table(rows=300):
    random = np.random.default_rng(0)
    names = ["x0", "x1", "first", "second"]
    return pd.DataFrame(random.normal(size=(rows, len(names))), columns=names)


def test_how_many_trainings_there_are_and_how_long_they_take_is_told(monkeypatch):
    lines = []
    planted(monkeypatch, lambda name, truth, joint, random: truth + random.normal(size=len(truth)))
    compared(experiment("first", "second"), seeds=2, show=lines.append)
    assert "6 trainings" in lines
    assert [line for line in lines if "of 6 trainings finished, about" in line] == lines[3:4]
    lines.clear()
    compared(experiment("first", "second", networks=4), seeds=1, show=lines.append)
    assert "3 trainings, each of 4 networks" in lines


def test_settings_are_chosen_by_the_loss_of_what_answers(monkeypatch):
    """Of several networks, that is their mean, and not the first one."""
    rows = table()
    declared = experiment("first", networks=2, refit=0)
    run = declared.run(rows, show=None)
    data = declared.prepare(rows).data
    outputs = run.model.predict(data.x["validation"], verbose=0)["first"]
    expected = run.model.loss_of("first", data.y["validation"]["first"])(outputs)
    assert run.metadata["validation_losses"]["first"] == pytest.approx(expected, rel=1e-4)
    monkeypatch.setattr(trials.runs, "run", lambda *_, **__: run)
    split = rows.assign(**{PART: "test"})
    common = trials.Common({}, [split], declared.split)
    result = trials.carry_out(trials.Trial("joint", declared.to_dict(), 0), common)
    assert result.validation == run.metadata["validation_losses"]


def test_a_baseline_is_not_kept_for_other_features(tmp_path, monkeypatch):
    """The linear model of a column that leaks the target stayed after the column was dropped."""
    monkeypatch.setattr(trials, "carry_out", lambda _, common: trials.Result(about=common.joint))
    wanted, store = [trials.Trial("linear", "linear", 0)], Store(tmp_path, "rows")

    def kept(**joint):
        common = trials.Common({"training": 1, **joint}, [], mtl.datasets.Split())
        return trials.carry_out_all(wanted, common, store, None, None, lambda _: None)

    (first,) = kept(features=["x", "leak"]).values()
    (other,) = kept(features=["x"]).values()
    assert (first.about["features"], other.about["features"]) == (["x", "leak"], ["x"])
    (again,) = kept(features=["x"], training=2).values()  # which a baseline does not read
    assert again.about["training"] == 1


def test_a_task_without_labels_in_a_part_is_refused_before_any_training():
    """After trainings, it was an error about a column that nobody knows, or of NumPy."""
    rare = table().assign(second=[1.0, 2.0, *[np.nan] * 298])
    with pytest.raises(DataError, match=r"'second': none of its 2 labels is in the \w+ rows of s"):
        compared(experiment("first", "second"), data=rare, seeds=1, show=None)


def test_validation_rows_of_one_class_choose_no_linear_model():
    (problem,) = Binary("left").simple_problems()
    rows = {part: sparse.csr_matrix(np.arange(9.0)[:, None]) for part in PARTS}
    labels = {"train": np.arange(9) % 2.0, "validation": np.zeros(9), "test": np.zeros(9)}
    assert np.isfinite(baselines._solved("linear", problem, rows, labels)).all()


def test_a_linear_program_learns_from_rows_of_the_whole_table(monkeypatch):
    """A table may be sorted; the first rows alone said little about the others."""
    monkeypatch.setitem(baselines.MOST_ROWS, "quantile", 40)
    (problem,) = Quantiles("spend", levels=(0.5,)).simple_problems()
    rows = {part: sparse.csr_matrix(np.zeros((200, 1))) for part in PARTS}
    labels = {part: np.arange(200.0) for part in rows}
    assert 70 < baselines._solved("linear", problem, rows, labels)[0] < 130
