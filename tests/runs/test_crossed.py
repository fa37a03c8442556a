"""Crossings in an experiment: chosen, told, declared, refused."""

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError, DataError

ROWS = 3000


def table() -> pd.DataFrame:
    """Sales by month and day, with a few days that are unlike the others, and a note on each."""
    random = np.random.default_rng(0)
    month, day = random.integers(1, 13, ROWS), random.integers(1, 29, ROWS)
    effects = random.normal(size=(13, 29))
    effects -= effects.mean(axis=0) + effects.mean(axis=1, keepdims=True)
    of_the_day = effects[month, day]
    return pd.DataFrame(
        {
            "month": month,
            "day": np.where(random.random(ROWS) < 0.1, None, day),
            "note": random.choice(["sunny and warm", "rain", "a storm"], ROWS),
            "price": random.normal(size=ROWS),
            "sales": of_the_day + random.normal(size=ROWS) / 2,
            "returned": (of_the_day + random.normal(size=ROWS) > 1).astype(int),
        }
    )


TASKS = {"sales": "regression", "returned": "binary"}
NOTE = {"note": {"kind": "text", "min_frequency": 1}}


@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_chosen_is_told_and_read_after_the_features(streaming, tmp_path):
    said: list[str] = []
    data = table()
    if streaming:
        data.to_parquet(tmp_path / "sales.parquet", row_group_size=500)
        data = tmp_path / "sales.parquet"
    experiment = mtl.Experiment(TASKS, features=NOTE, streaming=streaming)
    prepared = experiment.prepare(data, said.append)
    best = prepared.encoder.crossings[0]  # a stream is split by its path, so chance may add one
    assert best.name == "month × day"
    known = len(best.combinations)
    assert f"also read by exact value: month × day ({known} values)" in "\n".join(said)
    assert prepared.encoder.crossing_sizes[0] == known + 2
    indices = prepared.data.x["validation"]["crossed"][:, 0]
    assert len(np.unique(indices)) > 100
    assert experiment.but(crossings=[]).prepare(data).encoder.crossings == []


def test_a_feature_that_is_not_to_be_crossed_is_not():
    declared = {**NOTE, "day": {"kind": "numeric", "crossed": False}}
    experiment = mtl.Experiment.from_dict({"tasks": TASKS, "features": declared})
    assert experiment.prepare(table()).encoder.crossings == []
    again = mtl.Experiment.from_dict(experiment.to_dict())
    assert again.prepare(table()).encoder.crossings == []


def test_declared_crossings_are_read_whatever_they_explain():
    said: list[str] = []
    experiment = mtl.Experiment(TASKS, features=NOTE, crossings=[["month"], ("day", "month")])
    experiment = mtl.Experiment.from_dict(experiment.to_dict())
    made = experiment.prepare(table(), said.append)
    assert [crossing.name for crossing in made.encoder.crossings] == ["month", "day × month"]
    assert "exact value: month (12 values), day × month" in "\n".join(said)


@pytest.mark.filterwarnings("ignore:Feature 'article'. the numbers vary by only:UserWarning")
def test_whole_numbers_that_float32_merges_are_not_crossed():
    random = np.random.default_rng(0)
    code = random.integers(0, 40, ROWS)
    effect = random.normal(size=40)[code]
    data = pd.DataFrame(
        {
            "article": 2**24 + code,
            "price": random.normal(size=ROWS),
            "sales": effect + random.normal(size=ROWS) / 4,
            "returned": (effect + random.normal(size=ROWS) > 0).astype(int),
        }
    )
    said: list[str] = []
    assert mtl.Experiment(TASKS).prepare(data, said.append).encoder.crossings == []
    (told,) = [line for line in said if "by exact value" in line]
    assert "article is not read by exact value. Feature 'article' contains numbers such as" in told
    with pytest.raises(DataError, match=r"'article' is not possible.* Declare .* categorical"):
        mtl.Experiment(TASKS, crossings=[["article"]]).prepare(data)
    prepared = mtl.Experiment(TASKS, features={"article": "categorical"}).prepare(data)
    assert len(np.unique(prepared.data.x["train"]["categorical"])) == 40
    small = data.assign(article=data["article"] - 2**23)
    crossings = mtl.Experiment(TASKS).prepare(small).encoder.crossings
    assert [crossing.name for crossing in crossings] == ["article"]


@pytest.mark.parametrize(
    ("crossings", "message"),
    [
        ([["month", "dya"]], "'dya'.*Did you mean 'day'"),
        ([["month", "note"]], r"read as one value.*'note' \(text\)"),
        ([["price"]], "'price' has no combination"),
    ],
)
def test_crossings_that_cannot_be_are_refused(crossings, message):
    experiment = mtl.Experiment(TASKS, features=NOTE, crossings=crossings)
    with pytest.raises((ConfigError, DataError), match=message):
        experiment.prepare(table())
