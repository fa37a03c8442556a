"""Tables and declarations, drawn at random: two of three are sound, the others odd.

One generator, `drawn`, has two drivers: Hypothesis, which shrinks what fails, in
`tests/property/test_tables.py`, and plain seeds in `benchmarks/tables.py`.
"""

import dataclasses
import random
from typing import Any

import numpy as np
import pandas as pd

from tests.property.columns import COLUMNS, NAMES, UNUSABLE

SOUND = 0.7  # share of cases whose every part can be trained with

TASKS: dict[str, tuple[str, ...]] = {  # columns that suit each kind of task
    "binary": ("booleans", "yes_no", "zero_one", "boolean_gaps", "categories", "string_type"),
    "multiclass": ("few", "few_gaps", "integers", "many", "rare", "number_categories", "nullable"),
    "ordinal": ("number_categories", "counts", "nullable", "booleans"),
    "regression": ("floats", "gaps", "integers", "offset", "commas", "money", "tiny", "float32"),
    "quantiles": ("floats", "gaps", "money", "arrow_numbers", "percent", "thousands"),
    "count": ("counts", "zero_one", "nullable", "arrow_numbers"),
    "zero_inflated_log_normal": ("money_zeros", "counts", "money"),
}
OPTIONS: dict[str, list[dict[str, Any]]] = {  # that suit any of these columns
    "binary": [
        {"class_weight": "balanced"},
        {"calibration": "temperature"},
        {"calibration": "isotonic"},
        {"costs": {"false_positive": 1.0, "false_negative": 5.0}},
        {"weight": 0.5},
        {"threshold": 0.3},
        {"set": 0.5},
    ],
    "multiclass": [
        {"class_weight": "balanced"},
        {"calibration": "temperature"},
        {"calibration": "isotonic"},
        {"weight": 1e6},
        {"set": 0.5},
    ],
    "ordinal": [{"weight": 0.1}, {"set": 0.5}],
    "regression": [
        {"loss": "huber"},
        {"loss": "mae"},
        {"unit": "£ per 100 %"},
        {"scale": 2.0},
        {"interval": 0.5},
    ],
    "quantiles": [
        {"levels": [0.5]},
        {"levels": [0.1, 0.9]},
        {"levels": [0.001, 0.999]},
        {"interval": 0.5},
    ],
    "count": [{"weight": 2}, {"interval": 0.5}],
    "zero_inflated_log_normal": [{"weight": 3}, {"interval": 0.5}],
}
ODD_OPTIONS: dict[str, list[dict[str, Any]]] = {  # that suit some columns, or none
    "binary": [
        {"class_weight": {"yes": 3.0}},
        {"class_weight": {"1": 1e12}},
        {"classes": ["no", "yes"]},
        {"classes": ["yes"]},
        {"weight": 0.0},
        {"weight": -1},
        {"weight": float("inf")},
        {"threshold": 2.0},
        {"positive": "yes"},
        {"label_smoothing": 0.1},
    ],
    "multiclass": [
        {"class_weight": {"a": float("nan")}},
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
        {"scale": 1e-30},
        {"scale": "a"},
        {"interval": 0.9, "transform": "log1p"},
        {"interval": 1.5},
    ],
    "quantiles": [{"levels": [0.9, 0.1]}, {"levels": []}, {"levels": [0, 1]}],
    "count": [{"dispersion": 1.0}, {"interval": 0.99}],
    "zero_inflated_log_normal": [{"unit": ""}],
}
NUMBERS = ("floats", "gaps", "integers", "points", "commas", "offset", "nullable", "sparse")
FEATURES: tuple[tuple[Any, tuple[str, ...]], ...] = (  # declarations, and columns that suit them
    ("drop", tuple(COLUMNS)),
    ("numeric", (*NUMBERS, "money", "percent", "scientific", "booleans")),
    ({"kind": "numeric", "scaling": "robust"}, NUMBERS),
    ({"kind": "numeric", "scaling": "quantile"}, NUMBERS),
    ({"kind": "numeric", "transform": "log1p"}, ("counts", "money_zeros", "ids")),
    ("categorical", ("few", "few_gaps", "many", "integers", "unicode", "reserved", "codes")),
    ({"kind": "categorical", "min_frequency": 1}, ("few", "rare", "mixed", "categories")),
    ("boolean", ("booleans", "yes_no", "boolean_gaps", "zero_one")),
    ("date", ("iso", "german", "dates", "zoned", "day_objects")),
    ({"kind": "date", "format": "%d.%m.%Y"}, ("german",)),
    ("text", ("sentences", "few_gaps", "unicode", "uuids", "blank")),
    ("vector", ("lists", "arrays")),
    ({"kind": "vector", "size": 2}, ("arrays",)),
    ("categories", ("text_lists", "ragged", "tuples", "sets")),
    ({"kind": "categories", "encoding": "embedding", "min_frequency": 1}, ("text_lists",)),
    ("sequence", ("text_lists", "ragged", "sentences")),
    ("image", ("pixels",)),
)
ODD_FEATURES = (
    "boolean",
    "image",
    {"kind": "date", "format": "%Q"},
    {"kind": "categorical", "vocabulary": ["a", "a"]},
    {"kind": "categorical", "vocabulary": []},
    {"kind": "boolean", "values": ["a", "b"]},
    {"kind": "vector", "size": 2},
    {"kind": "sequence", "separator": "e"},
    {"kind": "text", "encoder": "gru"},
    {"kind": "nothing"},
    3,
)
TRAININGS: tuple[dict[str, Any], ...] = (
    {"batch_size": 10**9},
    {"batch_size": 7},
    {"average": 0},
    {"best_epoch": "joint"},
    {"schedule": "cosine"},
    {"networks": 2},
)
ODD_TRAININGS: tuple[dict[str, Any], ...] = (
    {"batch_size": 1},
    {"learning_rate": 1e30},
    {"epochs": 0},
    {"batch_size": "many"},
    {"batch_size": 2.5},
)
TINY = {"layers": [4], "members": 1, "number_embedding": "none"}
ARCHITECTURES: tuple[dict[str, Any], ...] = (
    {"kind": "shared_bottom", **TINY},
    {"kind": "shared_bottom", **TINY, "members": 2},
    {"kind": "single_task", **TINY},
    {"kind": "mmoe", **TINY, "experts": 2},
)
BALANCERS = ("uncertainty", "pcgrad", "dwa")


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
    odd = choose.random() >= SOUND
    names = choose.sample(NAMES, choose.randint(3, 9))
    kinds: dict[Any, str] = {}
    declared: dict[str, Any] = {"tasks": _tasks(choose, kinds, names, odd)}
    rest = [name for name in names if name not in kinds and name not in declared["tasks"]]
    if choose.random() < 0.8 or not odd:
        kinds["age"] = "floats"
    for name in rest:
        kinds[name] = choose.choice(list(COLUMNS))
        if kinds[name] in UNUSABLE and (not odd or choose.random() < 0.7):
            kinds[name] = "gaps"
    if features := _features(choose, kinds, rest, odd):
        declared["features"] = features
    declared |= _network(choose, odd)
    free = [name for name in rest if odd or name not in declared.get("features", ())]
    declared |= _split(choose, kinds, free, odd)
    table = pd.DataFrame({name: pd.Series(COLUMNS[k](values, rows)) for name, k in kinds.items()})
    if choose.random() < 0.15:
        table.index = choose.choice(
            [table.index[::-1], table.index * 0, table.index.map(str), table.index + 0.5]
        )
    if odd and choose.random() < 0.05:
        table = table.assign(**{"1": 1.5}).rename(columns={"age": 1})
    return Case(table, kinds, declared)


def _tasks(
    choose: random.Random, kinds: dict[Any, str], names: list[str], odd: bool
) -> dict[str, Any]:
    """Up to three tasks, with their columns."""
    tasks: dict[str, Any] = {}
    for name in names[: choose.randint(1, min(3, len(names) - 1))]:
        kind = choose.choice([*TASKS, "multilabel"])
        if kind == "multilabel":
            labels = [f"{name} {end}" for end in "ab"]
            kinds |= {label: choose.choice(TASKS["binary"][:4]) for label in labels}
            tasks[name] = {"kind": kind, "labels": labels}
            continue
        strange = odd and choose.random() < 0.25
        kinds[name] = choose.choice(list(COLUMNS) if strange else TASKS[kind])
        options = [*OPTIONS[kind], *(ODD_OPTIONS[kind] if odd else ())]
        tasks[name] = {"kind": kind, **(choose.choice(options) if choose.random() < 0.3 else {})}
        if choose.random() < 0.15:  # an answer of another name than its column
            other = choose.choice(["quantiles", "probability", "x"] if odd else ["x", "again"])
            tasks[f"{name}_{other}"] = {"kind": kind, "column": name}
    return tasks


def _features(choose: random.Random, kinds: dict[Any, str], rest: list[str], odd: bool) -> Any:
    """Declarations of some features, None where all kinds are guessed."""
    if rest and choose.random() < 0.4:
        features = {}
        for name in choose.sample(rest, min(len(rest), choose.randint(1, 3))):
            features[name], suited = choose.choice(FEATURES)
            if not odd or choose.random() < 0.6:
                kinds[name] = choose.choice(suited)
            if odd and choose.random() < 0.3:
                features[name] = choose.choice(ODD_FEATURES)
        return features
    return rest if rest and choose.random() < 0.15 else None


def _network(choose: random.Random, odd: bool) -> dict[str, Any]:
    """A small network, and how it is trained for an epoch."""
    trainings = [*TRAININGS, *(ODD_TRAININGS if odd else ())]
    kind = choose.choice(ARCHITECTURES) if choose.random() < 0.3 else ARCHITECTURES[0]
    network: dict[str, Any] = {
        "architecture": kind,
        "training": {"epochs": 1, **(choose.choice(trainings) if choose.random() < 0.2 else {})},
    }
    if choose.random() < 0.15:
        network["balancer"] = choose.choice(BALANCERS)
    return network


def _split(
    choose: random.Random, kinds: dict[Any, str], free: list[str], odd: bool
) -> dict[str, Any]:
    """A split, weights and slices by columns of the table, of which some have no other use."""
    declared: dict[str, Any] = {}
    asked = choose.random()
    if asked < 0.06:
        declared["split"] = {"stratify": choose.choice(list(kinds))}
    elif asked < 0.2 and free:
        strategy = choose.choice(["group", "time", "column"])
        column = choose.choice(free)
        if not odd or choose.random() < 0.5:
            suited = {"group": "many", "time": "iso", "column": "parts"}
            kinds[column] = suited[strategy]
        declared["split"] = {"strategy": strategy, "column": column}
    elif asked < 0.22:
        test = choose.choice([0.3, 0.01, 0.9, 2.0] if odd else [0.3])
        declared["split"] = {"validation": 0.01 if odd else 0.2, "test": test}
    if choose.random() < 0.08:
        column = choose.choice(free or list(kinds))
        declared["sample_weight"] = column
        if column in free and (not odd or choose.random() < 0.8):
            strange = ["infinite", "all_nan"] if odd else []
            kinds[column] = choose.choice(["money_zeros", "zero_one", *strange])
    if choose.random() < 0.1:
        declared["slices"] = choose.choice(list(kinds))
    if choose.random() < 0.05:
        declared["preset"] = "fast"
    return declared
