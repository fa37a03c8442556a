"""Texts, images, vectors, sets and sequences: from the table to the SavedModel, and bad input."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import features, tasks
from mtl_keras.errors import ConfigError, DataError
from mtl_keras.export import encoding_reader
from mtl_keras.features.encoder import Encoder
from tests import cases, without
from tests.features.encoding import encoded

RICH = ["note", "embedding", "genres", "prices", "pages", "photo"]


@pytest.fixture(scope="module")
def rich_run():
    chosen = {feature.name: feature for feature in cases.FEATURES if feature.name in RICH}
    return mtl.Experiment(
        tasks={"left": "binary", "score": "regression"},
        features=[features.Numeric("age"), *chosen.values()],
        architecture={"kind": "mmoe", "experts": 2, "layers": [8], "members": 2, "bins": 4},
        training={"epochs": 2, "batch_size": 32},
        name="rich",
    ).run(cases.rich_table(), show=None)


@pytest.mark.slow
def test_the_export_answers_as_the_network_does(rich_run, tmp_path):
    rich_run.export(tmp_path / "rich")
    table = cases.rich_table()
    expected = rich_run.model.predict(rich_run.encoder.encode(table), verbose=0)
    answered = mtl.load(tmp_path / "rich").predict(table)
    np.testing.assert_allclose(answered["left_probability"], expected["left"][:, 0], atol=1e-5)
    loaded = keras.models.load_model(tmp_path / "rich" / "model.keras")
    again = loaded.predict(rich_run.encoder.encode(table), verbose=0)
    np.testing.assert_allclose(again["score"], expected["score"], atol=1e-5)

    serve = tf.saved_model.load(str(tmp_path / "rich" / "1")).signatures["serving_default"]
    picture = tf.io.encode_png(np.zeros((9, 7, 1), np.uint8))  # of another size
    one = serve(
        age=tf.constant([44.0]),
        note=tf.constant(["So good 🙂"]),
        embedding=tf.constant([[0.1, 0.2, float("nan")]]),
        genres=tf.constant(["ska, jazz"]),
        prices=tf.constant(["1.5 7e0"]),
        pages=tf.constant([""]),
        photo=picture[tf.newaxis],
    )
    assert np.isfinite(one["score"].numpy()).all()


def test_one_column_is_read_in_several_ways(tmp_path):
    table = cases.rich_table().assign(month=np.arange(len(cases.rich_table())) % 12 + 1.0)
    declared = mtl.Experiment(
        tasks={"left": "binary"},
        features=[
            features.Text("note", encoder={"kind": "lstm", "units": 4}, dimension=4),
            features.Text("bag", column="note", ngrams=2, dimension=4),
            features.Numeric("month"),
            features.Categorical("season", column="month"),
        ],
        architecture={"kind": "shared_bottom", "layers": [8], "members": 1},
        training={"epochs": 1},
        name="ways",
    )
    with without.training():
        run = declared.run(table, show=None)
    found = run.explanation()
    assert {row["feature"] for row in found["importance"]} == {"note", "month"}
    run.export(tmp_path / "ways")
    served = tf.saved_model.load(str(tmp_path / "ways" / "1")).signatures["serving_default"]
    assert set(served.structured_input_signature[1]) == {"note", "month", "season"}
    answers = mtl.load(tmp_path / "ways").predict(table)
    expected = run.predict(table)["left_probability"]
    np.testing.assert_allclose(answers["left_probability"], expected, atol=1e-5)
    page = (tmp_path / "ways" / "report.html").read_text()
    assert "(of note)" in page and "season=tf.constant(" in page and "bag=tf.constant(" not in page
    with pytest.raises(DataError, match=r"lacks columns that the model reads: 'month' \(numeric\)"):
        mtl.load(tmp_path / "ways").predict(table[["note"]])
    with pytest.raises(ConfigError, match="Two features are named 'note'"):
        mtl.Experiment({"left": "binary"}, [features.Text("note"), features.Numeric("note")])


def test_a_vector_is_found_in_numbered_columns_too():
    stacked = pd.DataFrame({"v": [[1.0, 4.0], None, [3.0, 8.0]], "y": [0, 1, 0]})
    spread = pd.DataFrame({"v_0": [1.0, None, 3.0], "v_1": [4.0, None, 8.0], "y": [0, 1, 0]})
    expected = [[-1.0, -1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    for table in (stacked, spread):
        vector = features.Vector("v", 2)
        fitted = vector.fit(vector.select(table))
        assert Encoder([fitted]).encode(table)["plain"].tolist() == expected
    guesses = features.infer(spread, ["y"], {"v": features.Vector("v")})
    assert [guess.column for guess in guesses] == ["v"]


def test_a_column_of_a_vector_that_is_missing_is_named():
    names = [f"x_{number}" for number in range(12)]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 12)), columns=names)
    vector = features.Vector("x")
    fitted = vector.fit(vector.select(table))
    checked = pytest.importorskip("mtl_keras.serving.requests", exc_type=ImportError).checked
    request = table.drop(columns=["x_7"]).to_dict("list")
    with pytest.raises(DataError, match=r"lacks columns that the model reads: 'x_7' \(vector\)\."):
        checked([fitted], request)
    with pytest.raises(DataError, match=r"'x_9' \(vector\) and 1 more\."):
        checked([fitted], {"x_11": [1.0]})
    with pytest.raises(DataError, match=r"reads: 'x' \(vector\)\."):
        checked([fitted], {"y": [1.0]})


def test_numbered_columns_are_those_of_the_training():
    """x_1 to x_3 were taken for x_0 to x_2, and a further column made the vector too long."""
    table = pd.DataFrame({f"x_{number}": [float(number), number + 2.0] for number in range(3)})
    vector = features.Vector("x")
    fitted = features.get(vector.fit(vector.select(table)).get_config())
    assert fitted.numbered == ("x_0", "x_1", "x_2")
    expected = Encoder([fitted]).encode(table)["plain"]
    for same in (table.assign(x_3=9.0), table[["x_2", "x_0", "x_1"]].assign(x_03=9.0)):
        np.testing.assert_array_equal(Encoder([fitted]).encode(same)["plain"], expected)
    listed = pd.DataFrame({"x": table.to_numpy().tolist()})
    np.testing.assert_array_equal(Encoder([fitted]).encode(listed)["plain"], expected)
    shifted = table.rename(columns=lambda name: f"x_{int(name[2:]) + 1}")
    with pytest.raises(DataError, match=r"that the model reads: 'x_0' \(vector\)\. E"):
        Encoder([fitted]).encode(shifted)
    with pytest.raises(DataError, match=r"lacks columns that the model reads: 'x' \(vector\)"):
        Encoder([fitted]).encode(pd.DataFrame({"x_7": [1.0]}))
    with pytest.raises(DataError, match="'x_1' and 'x1' have the same number"):
        vector.reads(["x_1", "x1", "x_2"])


def test_sets_and_sequences_are_read_from_lists_and_from_texts():
    lists = pd.Series([["jazz", "folk"], [], None, ["ska"], ["jazz"]])
    texts = pd.Series(["jazz, folk", "", None, "ska", " jazz"])
    for column in (lists, texts):
        feature = features.Categories("genres", min_frequency=2)
        assert encoded(feature, column, "plain")[1].tolist() == [
            [0, 1, 1], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1],
        ]  # fmt: skip
    numbers = features.Sequence("prices", length=2, center=0.0, scale=1.0)
    assert encoded(numbers, pd.Series([[1, 2, 3], "4.5", None]))[1].tolist() == [
        [[2, 1], [3, 1]], [[4.5, 1], [0, 0]], [[0, 0], [0, 0]],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("feature", "cells", "message"),
    [
        (features.Vector("v", 2), [[1.0, 2.0], [1.0]], "vector of 2 numbers.*Received: 1 in row 1"),
        (features.Vector("v"), [[1.0], "x"], "lists or arrays of numbers.*'x' in row 1"),
        (features.Categories("v"), [["a,b"]], "'a,b' in row 0 .* contains the separator"),
        (features.Sequence("v", of="numbers"), ["1 2", "1 two"], "'1 two' in row 1"),
        (features.Image("v"), ["no.png"], r"no image file .*no\.png, which row 0 names"),
        (features.Image("v"), [b"text"], "row 0 is not an image. Expected a PNG"),
        (features.Image("v"), [np.full((3, 3), -1.0)], "array of row 0 is not an image"),
        (features.Text("v"), [None, ""], "'v' has no text in the training rows"),
    ],
)
def test_a_bad_cell_is_named(feature, cells, message):
    column = pd.Series(cells, dtype=object)
    with pytest.raises(DataError, match=message):
        feature.fit(column)


def test_a_backbone_of_another_world_is_refused():
    with pytest.raises(ConfigError, match=r"reads images, not sequences\..*lstm"):
        features.Text("note", encoder="cnn")
    with pytest.raises(ConfigError, match=r"key of photo\.augment: 'turn'"):
        features.Image("photo", augment={"turn": 1})
    with pytest.raises(ConfigError, match="cannot be used"):
        features.Text("note", encoder="no_such_module:make").represent(
            keras.Input((3,), dtype="int32"), "a"
        )


def test_kinds_are_inferred_from_cells():
    table = cases.rich_table()
    kinds = {g.column: g.feature.kind for g in features.infer(table[["embedding", "photo"]])}
    assert kinds == {"embedding": "vector", "photo": "image"}
    long = pd.DataFrame({"review": [f"this is text number {n}" for n in range(200)]})
    assert features.infer(long)[0].feature == features.Text("review")
    lists = pd.DataFrame({"tags": [["a"], ["b", "c"]], "steps": [[1], [1, 2]]})
    assert [g.feature.kind for g in features.infer(lists)] == ["categories", "sequence"]


SEVERAL = {
    "lists": [[1, 2], [3]],
    "sets": [{1}, {2}],
    "mappings": [{"a": 1}, {"a": 2}],
    "arrays": [np.arange(2), np.arange(3)],
    "tuples": [(1, 2), (3, 4)],
    "a list among texts": ["a", ["b"]],
}


@pytest.mark.parametrize("kind", ["numeric", "categorical", "boolean", "date"])
@pytest.mark.parametrize("values", SEVERAL.values(), ids=SEVERAL)
def test_several_values_where_one_is_wanted_are_refused_by_name(kind, values):
    column = pd.Series(values * 5, dtype=object)
    with pytest.raises(DataError, match="Feature 'x'"):
        features.get(kind, "x").fit(column)


@pytest.mark.parametrize("values", SEVERAL.values(), ids=SEVERAL)
def test_several_values_in_a_task_are_refused_by_name(values):
    table = pd.DataFrame({"y": pd.Series(values * 5, dtype=object)})
    for kind in ("regression", "count", "quantiles", "zero_inflated_log_normal"):
        with pytest.raises(DataError, match="Task 'y'"):
            tasks.get(kind, "y").fit(table)


def test_words_that_keras_reserves_are_categories_like_others():
    column = pd.Series(["[UNK]", "a"] * 5)
    for kind in ("categorical", "categories", "sequence"):
        feature = features.get({"kind": kind, "min_frequency": 1}, "x").fit(column)
        made = Encoder([feature])
        (encoded,) = made.encode(pd.DataFrame({"x": ["[UNK]", "a", "never seen"]})).values()
        assert len(np.unique(encoded.reshape(3, -1), axis=0)) == 3


def test_names_that_the_encoder_makes_are_free_for_columns():
    names = ["num", "encode_num", "encoded_numeric", "encoded_plain", "encode_encode_num"]
    made = Encoder([features.Numeric(name).fit(pd.Series([1.0, 2.0])) for name in names])
    table = pd.DataFrame({name: [1.0, 2.0] for name in names})
    assert made.encode(table)["numeric"].shape == (2, len(names))


@pytest.mark.parametrize(
    ("kind", "options", "text", "known"),
    [
        ("sequence", {"separator": "\t", "of": "tokens"}, "Rio Negro\tOslo", ["Oslo", "Rio Negro"]),
        ("sequence", {"separator": "  ", "of": "tokens"}, "Rio Negro  Oslo", ["Oslo", "Rio Negro"]),
        ("sequence", {"of": "tokens"}, "a\tb\u00a0c", ["a", "b", "c"]),
        ("categories", {"encoding": "embedding"}, "jazz,\u00a0folk,", ["folk", "jazz"]),
        ("categories", {"separator": "\n", "encoding": "embedding"}, "a b\nc", ["a b", "c"]),
    ],
)
def test_parts_are_known_whatever_white_space_is_around_and_in_them(kind, options, text, known):
    column = pd.Series([text] * 5)
    fitted = features.get({"name": "x", "kind": kind, **options}).fit(column)
    assert sorted(fitted.vocabulary) == known
    raw = fitted.raw(column)[:1]
    encoded = fitted.layer()(tf.constant(raw))["own"].numpy()
    assert set(encoded.ravel().tolist()) == {2 + number for number in range(len(known))}
    read = getattr(encoding_reader, kind)(raw, vars(fitted))
    np.testing.assert_array_equal(read["own"], encoded)


def test_missing_members_are_no_tags_and_make_no_tokens_of_numbers():
    tags = pd.Series([["a", None], ["b", np.nan], [pd.NA], "a"])
    fitted = features.Categories("tags", min_frequency=1).fit(tags)
    assert fitted.vocabulary == ("a", "b") and fitted.raw(tags).tolist() == ["a", "b", "", "a"]
    numbers = pd.Series([[1.0, np.nan, 2.0], [3.0]])
    for declared in (features.Sequence("prices"), features.Sequence("prices", of="numbers")):
        with pytest.raises(DataError, match=r"sequence of numbers. Received: \[1\.0, nan, 2\.0\]"):
            declared.fit(numbers)
    with pytest.raises(DataError, match="contains the separator ' '"):
        features.Sequence("prices").fit(pd.Series([np.ones((2, 2))]))
    fitted = features.Sequence("prices").fit(numbers[1:])
    assert fitted.unreadable(numbers).tolist() == [True, False]


@pytest.mark.parametrize("text", ["['a', 'b']", '["a"]', "[]", "{'a'}", "('a',)", "[1, 2]"])
def test_a_list_that_was_written_as_a_string_is_refused(text):
    """As in a CSV file; its first tag would be `['a'`."""
    fitted = features.Categories("tags", vocabulary=("a", "b"))
    assert fitted.raw(pd.Series(["[deleted], (old)", "a [b]"])).tolist() == [
        "[deleted],(old)",
        "a [b]",
    ]
    for feature in (fitted, features.Sequence("tags", of="tokens", separator=",")):
        with pytest.raises(DataError, match=r"'tags' has lists that were written as strings"):
            feature.raw(pd.Series(["a", text]))
        assert feature.unreadable(pd.Series(["a", text])).tolist() == [False, True]


def test_a_vector_of_times_is_refused_and_numbers_that_are_alike_in_float32_are_told():
    table = pd.DataFrame({"v_0": pd.to_timedelta([1, 2], unit="s"), "v_1": [1.0, 2.0]})
    vector = features.Vector("v")
    with pytest.raises(DataError, match="is a vector and must contain numbers"):
        vector.fit(vector.select(table))
    times = [[1.7e9 + second, 1.0] for second in range(60)]
    for feature in (vector, features.Sequence("v")):
        with pytest.warns(UserWarning, match=r"'v': the numbers vary by only .* multiples of 128"):
            feature.fit(
                pd.Series([[row[0] for row in times]] if feature.kind == "sequence" else times)
            )
