"""Texts and numbers that stand for a missing value, wherever a table is read."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.cli.arguments import missing_values as flags
from mtl_keras.datasets import placeholders
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.export import artifact, description, encoding_reader
from mtl_keras.export.encoding_file import encoding_of
from mtl_keras.features.encoder import raw_columns
from mtl_keras.plans import Plan
from mtl_keras.runs.identity import fingerprint
from mtl_keras.runs.prepare import prepare
from tests import without

pytestmark = pytest.mark.xdist_group("missing_values")

DECLARED = ["k.A.", 999]
NEVER, DAY = pd.Timestamp(1900, 1, 1), pd.Timestamp(2020, 3, 1)
DATE32 = pd.ArrowDtype(pa.date32())


def shop(rows=120):
    random = np.random.default_rng(0)
    table = pd.DataFrame({
        "age": random.integers(20, 60, rows),
        "size": random.normal(size=rows).round(3),
        "town": random.choice(["Bath", "Ely"], rows),
        "x_0": random.normal(size=rows),
        "x_1": random.normal(size=rows),
        "left": random.choice(["no", "yes"], rows),
        "spend": random.normal(5, 1, rows).round(3),
    })  # fmt: skip
    empty = table.astype(object)
    for place, column in enumerate(table):
        empty.loc[place::9, column] = None
    words = {"age": 999, "size": "k.A.", "town": "k.A.", "x_0": 999, "x_1": 999, "spend": "k.A."}
    return empty, empty.fillna({**words, "left": "k.A."})


def trained(data, **declared):
    experiment = mtl.Experiment(
        tasks={"left": "binary", "spend": "regression"},
        features={"x": "vector"},
        architecture={"layers": [4], "members": 1},
        training={"epochs": 1},
        data=data,
        **declared,
    )
    lines = []
    with without.training():
        return experiment.run(show=lines.append), "\n".join(lines)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of cells that are empty, and one of the same cells with placeholders; and a log."""
    folder = tmp_path_factory.mktemp("missing")
    empty, words = shop()
    empty.to_csv(folder / "empty.csv", index=False)
    words.to_csv(folder / "words.csv", index=False)
    first, _ = trained(folder / "empty.csv")
    second, log = trained(folder / "words.csv", missing_values=DECLARED)
    with without.report():
        second.export(folder / "model")
    return first, second, log, folder


def test_what_stands_for_a_missing_value_is_as_an_empty_cell_in_training(models):
    first, second, log, _ = models
    pd.testing.assert_frame_equal(first.test, second.test)
    assert [f.but(missing_values=()) for f in second.encoder.features] == first.encoder.features
    assert [t.get_config() for t in first.tasks] == [t.get_config() for t in second.tasks]
    assert "missing values: 'k.A.' in 14 rows of size, 14 rows of town" in log
    assert "999 in 14 rows of age" in log


def test_predictions_treat_it_so_in_tables_and_in_the_saved_model(models):
    *_, folder = models
    model = mtl.load(folder / "model")
    empty, words = pd.read_csv(folder / "empty.csv"), pd.read_csv(folder / "words.csv")
    pd.testing.assert_frame_equal(model.predict(words), model.predict(empty))
    with pytest.warns(UserWarning, match="trained on"):
        assert model.evaluate(words).to_dict() == model.evaluate(empty).to_dict()
    signature = tf.saved_model.load(str(folder / "model" / "1")).signatures["serving_default"]
    raw = raw_columns(model.features, empty.head(20))
    stated = dict(raw)
    stated["town"] = np.where(raw["town"] == "", "k.A.", raw["town"])
    for name in ("age", "size", "x"):
        stated[name] = np.where(np.isnan(raw[name]), np.float32(999), raw[name])
    one, other = (
        signature(**{name: tf.constant(values) for name, values in each.items()})
        for each in (raw, stated)
    )
    for name in one:
        assert np.array_equal(one[name], other[name])


def test_the_reader_of_an_exported_network_treats_it_so(models):
    _, second, *_ = models
    encoding = encoding_of(second.encoder)
    raw = raw_columns(second.encoder.features, second.test)
    stated = dict(raw)
    stated["town"] = np.where(raw["town"] == "", "k.A.", raw["town"])
    stated["age"] = np.where(np.isnan(raw["age"]), 999, raw["age"])
    expected, found = (encoding_reader.encode(encoding, each) for each in (raw, stated))
    for name, values in expected.items():
        assert np.array_equal(values, found[name])


def test_inspect_and_the_plan_show_it(models):
    *_, folder = models
    assert "missing values, besides empty ones: 'k.A.', 999" in description.describe(
        folder / "model"
    )
    version = artifact.latest(folder / "model")
    assert Plan.from_file(version / "assets.extra" / "experiment.toml").missing_values == DECLARED
    assert "and 'k.A.', 999 count as empty, too" in (folder / "model" / "README.md").read_text()


def test_a_stream_treats_it_so(models):
    first, *_, folder = models
    plan = Plan(
        tasks={"left": "binary", "spend": "regression"},
        features={"x": "vector"},
        data=folder / "words.csv",
        streaming=True,
        missing_values=dict.fromkeys(first.test, DECLARED),
    )
    rows = prepare(plan).rows["train"]
    assert rows["town"].dropna().isin(["Bath", "Ely"]).all() and rows["age"].max() < 60


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (pd.Series([1, 999]), ["999"], [1.0, None]),
        (pd.Series([2**60 + 1, 999]), [999], [2**60 + 1, None]),
        (pd.Series([1, 999], dtype="Int64"), [999], [1, None]),
        (pd.Series(["00", "0"]), ["00"], [None, "0"]),
        (pd.Series(["a", "?"], dtype="category"), ["?"], ["a", None]),
        (pd.Series([True, 1, "1", None], dtype=object), [1], [True, None, None, None]),
        (pd.Series([True, False]), [1], [True, False]),
        (pd.Series([-99.9, 1.5], dtype="float32"), [-99.9], [None, 1.5]),
        (pd.Series([-99.9, 1.5], dtype="Float32"), [-99.9, 1e300], [None, 1.5]),
        (pd.Series([Decimal("-99.9"), Decimal(2), b"? "]), [-99.9, "?"], [None, 2, None]),
        (
            pd.Series([np.float32(-99.9), np.int64(999), np.True_], dtype=object),
            [-99.9, 999, 1],
            [None, None, True],
        ),
        (pd.Series([["?"], "?"]), ["?"], [["?"], None]),
        (pd.Series([DAY, NEVER]), ["?", "1900-01-01"], [DAY, None]),
        (pd.Series([DAY, NEVER]).dt.tz_localize("UTC").dt.date, ["01.01.1900"], [DAY.date(), None]),
        (pd.Series([DAY.date(), NEVER.date()]).astype(DATE32), ["1900-01-01"], [DAY.date(), None]),
    ],
)
def test_columns_of_every_type(column, values, expected):
    found = placeholders.masked(column, values)
    assert [None if pd.api.types.is_scalar(x) and pd.isna(x) else x for x in found] == expected


def test_a_vector_learns_nothing_from_values_that_stand_for_a_missing_one():
    vectors = pd.Series([[1.0, 2.0], [-99.9, 4.0], [3.0, 6.0]])
    assert mtl.features.Vector("x", missing_values=(-99.9,)).fit(vectors).center == (2.0, 4.0)


def test_what_cannot_be_meant_is_refused():
    tasks = {"left": "binary"}
    with pytest.raises(ConfigError, match="list of texts and numbers"):
        Plan(tasks=tasks, missing_values=[True])
    with pytest.raises(ConfigError, match=r"Did you mean 'missing_values'"):
        mtl.Experiment(tasks=tasks, na_values=["?"])
    with pytest.raises(ConfigError, match="for all columns, or COLUMN=VALUE"):
        flags(["?", "age=999"])
    with pytest.raises(DataError, match=r"no column 'agee'.*Did you mean 'age'"):
        placeholders.applied(shop()[0], {"agee": [999]}, print)
    table = shop()[1]
    with pytest.raises(ConfigError, match="must have the same `missing_values`"):
        trained(table, missing_values={"x_1": [999]})


def test_a_training_is_resumed_with_the_values_that_it_began_with_alone(tmp_path):
    """Files that are read while training are known by their size, not by their cells."""
    shop()[0].to_csv(tmp_path / "shop.csv", index=False)
    found = []
    for values in ((), DECLARED):
        plan = Plan(
            {"spend": "regression"},
            data=tmp_path / "shop.csv",
            missing_values=values,
            streaming=True,
        )
        found.append(fingerprint(plan, prepare(plan, show=lambda line: None)))
    assert found[0] != found[1]
