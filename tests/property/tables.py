"""Nasty tables and odd declarations, drawn at random, and what must hold of a run with them.

One generator, `drawn`, has two drivers: Hypothesis, which shrinks what fails, in
`tests/property/test_tables.py`, and plain seeds in `benchmarks/tables.py`.
"""

import contextlib
import dataclasses
import json
import random
import tempfile
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import features, tasks
from mtl_keras.datasets import write
from mtl_keras.errors import MTLError
from mtl_keras.export.artifact import describe
from mtl_keras.features.encoder import raw_columns
from mtl_keras.runs import story
from mtl_keras.runs.build import build
from mtl_keras.runs.files import as_json
from mtl_keras.runs.prepare import prepare

NAMES = (
    "a b",
    "straße",
    "年齢",
    "num",
    "NUM",
    "network",
    "encoder",
    "serving",
    "self",
    "class",
    "numeric",
    "plain",
    "categorical",
    "own_x",
    "_",
    ".",
    "a.b",
    "a/b",
    "100 %",
    "{}",
    "x" * 300,
    "0",
    "-1",
    "name",
    "kind",
    "index",
    "loss",
    "val_loss",
    "epoch",
    "inputs",
    "training",
    "mask",
    "y_probability",
    "x",
    "x_words",
    "x_head",
    "x_mean",
    "trunk",
    "shared",
    "numeric_features",
    "encode_num",
    "'quoted'",
    "🙂",
    "None",
    "nan",
    "true",
    "drop",
)


def texts_of(values: Any) -> list[Any]:
    """The values as texts in an object column."""
    return [str(value) for value in values]


def later(start: str, amounts: np.ndarray, unit: str) -> pd.DatetimeIndex:
    """Moments so long after a start."""
    return pd.Timestamp(start) + pd.to_timedelta(amounts, unit)


COLUMNS = {
    "floats": lambda r, n: r.normal(size=n),
    "gaps": lambda r, n: np.where(r.random(n) < 0.3, np.nan, r.normal(size=n)),
    "infinite": lambda r, n: np.where(r.random(n) < 0.1, np.inf, r.normal(size=n)),
    "integers": lambda r, n: r.integers(-5, 90, n),
    "float32": lambda r, n: r.normal(size=n).astype("float32"),
    "nullable": lambda r, n: pd.array(
        [None if x < 0.2 else int(9 * x) for x in r.random(n)], "Int64"
    ),
    "huge": lambda r, n: r.normal(size=n) * 1e300,
    "large": lambda r, n: r.integers(2**60, 2**62, n),
    "beyond": lambda r, n: [10**30 + int(x) for x in r.integers(0, 9, n)],
    "tiny": lambda r, n: r.normal(size=n) * 1e-300,
    "offset": lambda r, n: 1e9 + r.normal(size=n),
    "complex": lambda r, n: r.normal(size=n) + 1j,
    "points": lambda r, n: texts_of(r.normal(size=n).round(3)),
    "commas": lambda r, n: [f"{x:.2f}".replace(".", ",") for x in r.normal(size=n)],
    "thousands": lambda r, n: [f"{x:,.2f}" for x in r.normal(size=n) * 1e5],
    "money": lambda r, n: [f"${x:,.2f}" for x in np.abs(r.normal(size=n)) * 1e3],
    "percent": lambda r, n: [f"{x:.1f} %" for x in r.random(n) * 100],
    "scientific": lambda r, n: [f"{x:.2e}" for x in r.normal(size=n)],
    "booleans": lambda r, n: r.random(n) < 0.5,
    "boolean_gaps": lambda r, n: pd.array([None if x < 0.2 else x < 0.6 for x in r.random(n)]),
    "yes_no": lambda r, n: r.choice(["yes", "no"], n).astype(object),
    "zero_one": lambda r, n: r.integers(0, 2, n),
    "few": lambda r, n: r.choice(["a", "b", "c "], n).astype(object),
    "few_gaps": lambda r, n: [None if x < 0.2 else "abc"[int(3 * x)] for x in r.random(n)],
    "unicode": lambda r, n: r.choice(["é", "e\u0301", "\u200b", "🙂", "\x00"], n).astype(object),
    "reserved": lambda r, n: r.choice(["[UNK]", "nan", "None", "\x1f"], n).astype(object),
    "surrogates": lambda r, n: pd.Series(r.choice(["\ud800", "b"], n).tolist(), dtype=object),
    "iso": lambda r, n: texts_of(later("2020-01-31", r.integers(0, 900, n), "D")),
    "german": lambda r, n: [f"{d}.{m}.2021" for d, m in r.integers(1, 13, (n, 2))],
    "dates": lambda r, n: later("2020-01-31", r.integers(0, 900, n), "D"),
    "zoned": lambda r, n: later("2020-01-31 00:00+01:00", r.integers(0, 900, n), "h"),
    "ancient": lambda r, n: [f"{y}-01-01" for y in r.integers(1, 3000, n)],
    "periods": lambda r, n: pd.period_range("2020-01", periods=n, freq="M"),
    "timedeltas": lambda r, n: pd.to_timedelta(r.integers(0, 900, n), "h"),
    "clock_times": lambda r, n: list(later("2020", r.integers(0, 86400, n), "s").time),
    "day_objects": lambda r, n: list(later("2020", r.integers(0, 900, n), "D").date),
    "mixed": lambda r, n: [[1, "a", None, 2.5, True][i] for i in r.integers(0, 5, n)],
    "mixed_lists": lambda r, n: [[1, [2], "a"][i] for i in r.integers(0, 3, n)],
    "dicts": lambda r, n: [{"a": int(x)} for x in r.integers(0, 3, n)],
    "lists": lambda r, n: [[float(x)] * 3 for x in r.normal(size=n)],
    "ragged": lambda r, n: [list(range(x)) for x in r.integers(0, 5, n)],
    "arrays": lambda r, n: list(r.normal(size=(n, 2)).astype("float32")),
    "pixels": lambda r, n: list(r.integers(0, 256, (n, 5, 4), np.uint8)),
    "empty_arrays": lambda r, n: [np.zeros((0, 0))] * n,
    "text_lists": lambda r, n: [list(r.choice(["a", "b", "c"], k)) for k in r.integers(0, 4, n)],
    "tuples": lambda r, n: [tuple(row) for row in r.integers(0, 3, (n, 2)).tolist()],
    "sets": lambda r, n: [set(row) for row in r.integers(0, 3, (n, 2)).tolist()],
    "none": lambda r, n: [None] * n,
    "all_nan": lambda r, n: np.full(n, np.nan),
    "blank": lambda r, n: [""] * n,
    "constant": lambda r, n: [7] * n,
    "nearly_constant": lambda r, n: [1.0] * (n - 1) + [2.0],
    "bytes": lambda r, n: [bytes([65 + int(x)]) for x in r.integers(0, 3, n)],
    "categories": lambda r, n: pd.Categorical(r.choice(["a", "b"], n), ["b", "a", "unused"]),
    "number_categories": lambda r, n: pd.Categorical(r.integers(1, 4, n), [1, 2, 3], ordered=True),
    "intervals": lambda r, n: pd.cut(r.random(n), 3),
    "ids": lambda r, n: np.arange(n) + 100,
    "codes": lambda r, n: [f"{x:05d}" for x in r.integers(0, 99, n)],
    "uuids": lambda r, n: [f"{x:032x}" for x in r.integers(0, 2**60, n)],
    "sentences": lambda r, n: [" ".join(r.choice(["tea", "%"], k)) for k in r.integers(0, 6, n)],
    "long": lambda r, n: ["w " * int(k) for k in r.integers(1, 2000, n)],
    "paths": lambda r, n: [f"{x}.png" for x in r.integers(0, 9, n)],
    "string_type": lambda r, n: pd.array(r.choice(["u", "v"], n), "string"),
    "arrow_numbers": lambda r, n: pd.array(r.integers(0, 9, n), "int64[pyarrow]"),
    "sparse": lambda r, n: pd.arrays.SparseArray(r.integers(0, 2, n).astype(float)),
    "counts": lambda r, n: r.poisson(2.0, n),
    "money_zeros": lambda r, n: np.where(r.random(n) < 0.4, 0.0, np.exp(r.normal(size=n))),
    "negative": lambda r, n: -1 - r.random(n),
    "parts": lambda r, n: r.choice(["train", "validation", "test"], n).astype(object),
    "rare": lambda r, n: ["rare", *r.choice(["a", "b"], n - 1).tolist()],
    "many": lambda r, n: [f"v{x}" for x in r.integers(0, 40, n)],
}  # fmt: skip

SUITED = {
    "binary": ("booleans", "yes_no", "zero_one", "boolean_gaps", "categories", "string_type"),
    "multiclass": ("few", "few_gaps", "integers", "many", "rare", "number_categories", "nullable"),
    "ordinal": ("number_categories", "counts", "few", "nullable"),
    "regression": ("floats", "gaps", "integers", "offset", "commas", "money", "huge", "tiny"),
    "quantiles": ("floats", "gaps", "money", "arrow_numbers", "large"),
    "count": ("counts", "zero_one", "nullable", "arrow_numbers"),
    "zero_inflated_log_normal": ("money_zeros", "counts", "money"),
}
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "binary": [
        {"class_weight": "balanced"},
        {"class_weight": {"yes": 3.0}},
        {"class_weight": {"1": 1e12}},
        {"calibration": "temperature"},
        {"calibration": "isotonic"},
        {"classes": ["no", "yes"]},
        {"classes": ["yes"]},
        {"costs": {"false_positive": 1.0, "false_negative": 5.0}},
        {"weight": 0.0},
        {"weight": -1},
        {"weight": float("inf")},
        {"threshold": 2.0},
        {"positive": "yes"},
        {"label_smoothing": 0.1},
    ],
    "multiclass": [
        {"class_weight": "balanced"},
        {"class_weight": {"a": float("nan")}},
        {"calibration": "temperature"},
        {"calibration": "isotonic"},
        {"classes": ["a", "b", "c"]},
        {"classes": ["a", "zzz"]},
        {"classes": ["a"]},
        {"classes": [1, "1"]},
        {"weight": 1e30},
    ],
    "ordinal": [{"classes": ["a", "b", "c"]}, {"classes": [1, 2, 3]}, {"classes": [3, 2, 1]}],
    "regression": [
        {"transform": "log1p"},
        {"loss": "poisson"},
        {"loss": "huber"},
        {"loss": "mae"},
        {"scale": 1e-30},
        {"scale": "a"},
        {"unit": "£ per 100 %"},
    ],
    "quantiles": [
        {"levels": [0.5]},
        {"levels": [0.1, 0.9]},
        {"levels": [0.9, 0.1]},
        {"levels": [0.001, 0.999]},
        {"levels": []},
        {"levels": [0, 1]},
    ],
    "count": [{"dispersion": 1.0}],
    "zero_inflated_log_normal": [{"weight": 3}],
}
FEATURE_KINDS = (
    "drop",
    "numeric",
    "categorical",
    "boolean",
    "date",
    "text",
    "vector",
    "categories",
    "sequence",
    "image",
    {"kind": "numeric", "scaling": "robust"},
    {"kind": "numeric", "scaling": "quantile"},
    {"kind": "numeric", "transform": "log1p"},
    {"kind": "date", "format": "%Q"},
    {"kind": "date", "format": "%d.%m.%Y"},
    {"kind": "categorical", "min_frequency": 1},
    {"kind": "categorical", "vocabulary": ["a", "a"]},
    {"kind": "categorical", "vocabulary": []},
    {"kind": "categories", "encoding": "embedding", "min_frequency": 1},
    {"kind": "boolean", "values": ["a", "b"]},
    {"kind": "vector", "size": 2},
    {"kind": "sequence", "separator": "e"},
    {"kind": "text", "encoder": "gru"},
    {"kind": "nothing"},
    3,
)
TRAININGS: tuple[dict[str, Any], ...] = (
    {"batch_size": 10**9},
    {"batch_size": 1},
    {"learning_rate": 1e30},
    {"average": 0},
    {"best_epoch": "joint"},
    {"schedule": "cosine"},
    {"networks": 2},
    {"epochs": 0},
    {"batch_size": "many"},
    {"batch_size": 2.5},
)
UNUSABLE = ("infinite", "huge", "paths", "empty_arrays", "mixed_lists", "dicts", "surrogates")
TINY = {"kind": "shared_bottom", "layers": [4], "members": 1, "number_embedding": "none"}


@dataclasses.dataclass
class Case:
    """A table and a declaration.

    Attributes:
        table: The table.
        kinds: What each of its columns was made as.
        declared: Arguments of `mtl_keras.Experiment`.
    """

    table: pd.DataFrame
    kinds: dict[Any, str]
    declared: dict[str, Any]

    def __repr__(self) -> str:
        return f"{len(self.table)} rows of {self.kinds}, {self.declared}"


def drawn(choose: random.Random) -> Case:
    """A case of a source of chance, which Hypothesis may steer."""
    rows = choose.randint(40, 120)
    values = np.random.default_rng(choose.randrange(1000))
    names = choose.sample(NAMES, choose.randint(3, 9))
    kinds: dict[Any, str] = {}
    declared_tasks: dict[str, Any] = {}
    for name in names[: choose.randint(1, min(3, len(names) - 1))]:
        kind = choose.choice([*SUITED, "multilabel"])
        if kind == "multilabel":
            labels = [f"{name} {end}" for end in "ab"]
            kinds |= {label: choose.choice(SUITED["binary"][:4]) for label in labels}
            declared_tasks[name] = {"kind": kind, "labels": labels}
            continue
        strange = choose.random() < 0.1
        kinds[name] = choose.choice(list(COLUMNS) if strange else SUITED[kind])
        options = choose.choice(OPTIONS[kind]) if choose.random() < 0.25 else {}
        declared_tasks[name] = {"kind": kind, **options}
        if choose.random() < 0.15:  # an answer of another name than its column
            declared_tasks[f"{name}_{choose.choice(['quantiles', 'probability', 'x'])}"] = {
                "kind": kind,
                "column": name,
            }
    rest = [name for name in names if name not in kinds and name not in declared_tasks]
    if choose.random() < 0.8:
        kinds["age"] = "floats"
    for name in rest:
        kinds[name] = choose.choice(list(COLUMNS))
        if kinds[name] in UNUSABLE and choose.random() < 0.7:
            kinds[name] = "gaps"
    declared: dict[str, Any] = {
        "tasks": declared_tasks,
        "architecture": TINY,
        "training": {"epochs": 1, **(choose.choice(TRAININGS) if choose.random() < 0.2 else {})},
    }
    if choose.random() < 0.4 and rest:
        declared["features"] = {
            name: choose.choice(FEATURE_KINDS if choose.random() < 0.3 else ("categorical", "drop"))
            for name in choose.sample(rest, min(len(rest), choose.randint(1, 3)))
        }
    elif choose.random() < 0.1 and rest:
        declared["features"] = rest
    declared |= _split(choose, kinds, list(kinds), rest)
    table = pd.DataFrame({name: pd.Series(COLUMNS[k](values, rows)) for name, k in kinds.items()})
    if choose.random() < 0.15:
        table.index = choose.choice(
            [table.index[::-1], table.index * 0, table.index.map(str), table.index + 0.5]
        )
    if choose.random() < 0.05:
        table = table.assign(**{"1": 1.5}).rename(columns={"age": 1})
    return Case(table, kinds, declared)


def _split(
    choose: random.Random, kinds: dict[Any, str], names: list[Any], rest: list[str]
) -> dict[str, Any]:
    """A split, weights and slices by columns of the table."""
    declared: dict[str, Any] = {}
    asked = choose.random()
    if asked < 0.06:
        declared["split"] = {"stratify": choose.choice(names)}
    elif asked < 0.2 and rest:
        strategy = choose.choice(["group", "time", "column"])
        column = choose.choice(rest)
        if choose.random() < 0.7:
            suited = {"group": "many", "time": "iso", "column": "parts"}
            kinds[column] = suited[strategy]
        declared["split"] = {"strategy": strategy, "column": column}
    elif asked < 0.22:
        declared["split"] = {"validation": 0.01, "test": choose.choice([0.01, 0.9, 2.0])}
    if choose.random() < 0.08:
        column = choose.choice(rest or names)
        declared["sample_weight"] = column
        if choose.random() < 0.8 and column in rest:
            kinds[column] = choose.choice(["money_zeros", "zero_one", "infinite", "all_nan"])
    if choose.random() < 0.1:
        declared["slices"] = choose.choice(names)
    if choose.random() < 0.05:
        declared["preset"] = "fast"
    return declared


# What must hold


class Refused(Exception):
    """The case was refused as it should be; the text is the message."""


@contextlib.contextmanager
def refusals_of(case: Case):
    """Turns an error of the library's own, which names what is wrong, into `Refused`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MTLError as error:
        message = str(error)
        names = {*map(str, case.table.columns), *case.declared["tasks"]}
        says = [f"`{name}" for name in ("split", "training", "weight", "tasks")]
        named = any(name in message or repr(name)[1:-1] in message for name in names)
        assert named or "`" in message or any(s in message for s in (*says, "split", "table")), (
            f"names neither a column nor a task: {message}"
        )
        assert len(message) < 2500, f"a message of {len(message)} characters: {message[:300]}"
        raise Refused(message) from error


def prepared(case: Case) -> None:
    """Rows are prepared, and features and tasks are the same once written down and read again."""
    with refusals_of(case):
        plan = mtl.Experiment(**case.declared)
        plan.check_readable()
        rows = prepare(plan, case.table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = json.loads(as_json([f.get_config() for f in rows.encoder.features]))
        read = [features.get(config) for config in again]
        for name, raw in raw_columns(rows.encoder.features, rows.rows["test"]).items():
            reread = raw_columns(read, rows.rows["test"])[name]
            assert raw.dtype == reread.dtype, name
            np.testing.assert_array_equal(raw, reread, err_msg=str(name))
        for part in rows.data.x:
            for group, encoded in rows.data.x[part].items():
                assert np.isfinite(encoded).all(), f"{group} of {part} is not finite"
        again = json.loads(as_json([task.get_config() for task in rows.tasks]))
        for task, config in zip(rows.tasks, again):
            np.testing.assert_array_equal(
                task.truth(rows.rows["test"]), tasks.get(config).truth(rows.rows["test"])
            )


def untrained(case: Case) -> None:
    """All of a run but the training: the served model gives the answers of the network."""
    with refusals_of(case), mock.patch.object(story, "train", _not_trained):
        run = mtl.Experiment(**case.declared).run(case.table, show=None)
    with warnings.catch_warnings():  # nothing is refused once the network is there
        warnings.simplefilter("ignore")
        serving = run.serving_model()
        schema = json.loads(as_json(run.schema(serving)))
        as_json(run.metrics())
        slugs = schema["inputs"]
        raw = raw_columns(run.encoder.features, run.test)
        served = serving({slugs[name]: tf.constant(values) for name, values in raw.items()})
        answers = {name: np.asarray(served[slug]) for name, slug in schema["outputs"].items()}
        outputs = run.model.predict(run.encoder.encode(run.test), verbose=0)
        for task in run.tasks:
            for name, answer in task.answers(outputs[task.name]).items():
                same(name, np.asarray(answer), answers[name])
        read = [tasks.get(config) for config in schema["tasks"]]
        for task in read:
            same(task.name, run.predictions[task.name], task.answered(answers))


def _not_trained(plan: Any, number: int, rows: Any, fitting: Any, clock: Any) -> Any:
    model = build(plan, rows)
    history = {"epoch": [1]} | {f"{task.name}_best": [True] for task in rows.tasks}
    return model, pd.DataFrame(history)


def same(name: str, expected: np.ndarray, received: np.ndarray) -> None:
    """Raise an AssertionError if answers differ, or are no answers."""
    assert expected.shape == received.shape, f"{name}: {expected.shape}, {received.shape}"
    if expected.dtype.kind == "f":
        assert np.isfinite(expected).all(), f"answers {name!r} are not finite"
        scale = max(float(np.abs(expected).max(initial=0)), 1e-30)
        np.testing.assert_allclose(
            received, expected, rtol=1e-3, atol=1e-4 * scale, err_msg=str(name)
        )
    else:  # a number on the edge between two labels may fall to either side
        assert np.mean(expected == received) > 0.9, f"answers {name!r} differ"


def whole(case: Case, as_file: bool = False) -> None:
    """A run from its table to the artifact and back, the table from a CSV file if that is asked."""
    with tempfile.TemporaryDirectory() as temporary:
        data: Any = case.table
        if as_file:
            data = Path(temporary) / "table.csv"
            try:
                write(case.table, data)
            except (UnicodeEncodeError, ValueError, TypeError):
                return  # a table that no CSV file can hold
        with refusals_of(case):
            run = mtl.Experiment(**case.declared).run(data, show=None)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            _exported_and_read(run, Path(temporary) / "models")
        lost = [str(w.message) for w in warned if "could not be made" in str(w.message)]
        assert not lost, lost


def _exported_and_read(run: Any, folder: Path) -> None:
    run.export(folder)
    loaded = mtl.load(folder)
    served = loaded.predictions(run.test)
    for task in run.tasks:
        same(task.name, run.predictions[task.name], served[task.name])
    assert len(loaded.predict(run.test)) == len(run.test)
    assert str(loaded.evaluate(run.test))
    assert describe(folder)
    mtl.Experiment.from_file(folder / "experiment.toml")


LEVELS = {"prepared": prepared, "untrained": untrained, "whole": whole}
