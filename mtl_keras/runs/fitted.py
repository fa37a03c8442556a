"""Fits the encoder, with its crossings, and the tasks of a plan to its training rows."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from mtl_keras.datasets.cells import first_of
from mtl_keras.errors import ConfigError, DataError, unknown
from mtl_keras.features import Crossing, Feature, Guesses, crossings
from mtl_keras.features.crossing import in_words
from mtl_keras.features.encoder import GROUPS, Encoder
from mtl_keras.plans.joint import covering_together
from mtl_keras.plans.plan import Plan
from mtl_keras.runs import columns
from mtl_keras.tasks import Task

MOST_ROWS = {"train": 50_000, "validation": 25_000}  # rows on which crossings are chosen


def fitted(
    plan: Plan, guesses: Guesses, rows: Mapping[str, pd.DataFrame], show: Callable[[str], None]
) -> tuple[Encoder, list[Task]]:
    """Return the encoder, with the crossings that it reads, and the tasks.

    Args:
        plan: The plan.
        guesses: The feature of each column.
        rows: Training and validation rows; a sample of them for a stream.
        show: A function that prints a line.

    Raises:
        DataError: if the rows do not fit the plan.
        ConfigError: if two predictions would have the same name.
    """
    train = rows["train"]
    tasks = [task.fit(train) for task in covering_together(plan.tasks, plan.joint_coverage)]
    columns.check_answers(tasks)
    features = [guess.feature for guess in guesses if guess.feature is not None]
    encoder = Encoder([feature.fit(feature.select(train)) for feature in features])
    return crossed(plan, encoder, tasks, rows, show), tasks


def crossed(
    plan: Plan,
    encoder: Encoder,
    tasks: Sequence[Task],
    rows: Mapping[str, pd.DataFrame],
    show: Callable[[str], None],
) -> Encoder:
    """Return an encoder that also reads crossings, if they are declared or worth it.

    Args:
        plan: The plan.
        encoder: The fitted encoder of the features.
        tasks: The fitted tasks.
        rows: Training and validation rows; a sample of them for a stream.
        show: A function that prints a line.

    Raises:
        ConfigError: if a declared crossing names something that is not a feature, or cannot be
            crossed.
        DataError: if it names a feature of whole numbers that are not distinct in float32.
    """
    features = {feature.name: feature for feature in encoder.features}
    if plan.crossings == "auto":
        chosen = []
        for names in _chosen(encoder, tasks, rows):
            merged = _merged(names, features, rows["train"])
            if merged:
                show(f"warning: {' × '.join(names)} is not read by exact value. {merged}")
            else:
                chosen.append(names)
    else:
        chosen = [_checked(names, features) for names in plan.crossings]
        for names in chosen:
            if merged := _merged(names, features, rows["train"]):
                raise DataError(f"Crossing {' × '.join(names)!r} is not possible. {merged}")
    if not chosen:
        return encoder
    made = [
        Crossing(names).fit([_raw(features[name], rows["train"]) for name in names])
        for names in chosen
    ]
    show(in_words([crossing.summary() for crossing in made]))
    return Encoder(encoder.features, made)


def _chosen(
    encoder: Encoder, tasks: Sequence[Task], rows: Mapping[str, pd.DataFrame]
) -> list[tuple[str, ...]]:
    some = [columns.thinned(rows[part], most) for part, most in MOST_ROWS.items()]
    candidates = [each for each in encoder.features if each.crossable and each.crossed]
    tabular = [
        each
        for each in encoder.features
        if each.raw_shape == () and set(encoder.columns[each.name]) <= set(GROUPS)
    ]
    if not candidates:
        return []
    reader = encoder if len(tabular) == len(encoder.features) else Encoder(tabular)
    encoded = [reader.encode(table) for table in some]
    return crossings.choose(
        {each.name: np.concatenate([_raw(each, table) for table in some]) for each in candidates},
        {group: np.concatenate([part[group] for part in encoded]) for group in encoded[0]},
        reader.category_sizes,
        [np.concatenate([task.distances(task.encode(table)) for table in some]) for task in tasks],
        len(some[0]),
    )


def _checked(names: Sequence[str], features: Mapping[str, Feature]) -> tuple[str, ...]:
    for name in names:
        if name not in features:
            raise ConfigError(unknown("feature in `crossings`", name, list(features)))
        if not features[name].crossable:
            raise ConfigError(
                f"`crossings` must name features that are read as one value, such as numbers and "
                f"categories. Received: {name!r} ({features[name].kind}). Leave it out."
            )
    return tuple(names)


def _merged(names: Sequence[str], features: Mapping[str, Feature], train: pd.DataFrame) -> str:
    """Return why exact values are not distinct to the network, in words; "" if they are."""
    for name in names:
        column = features[name].select(train)
        merged = features[name].indistinct(column)
        if merged.any():
            return (
                f"Feature {name!r} contains numbers such as {first_of(column, merged)}, which the "
                "network, which reads float32, cannot tell from its neighbours. Declare the "
                "feature as categorical."
            )
    return ""


def _raw(feature: Feature, table: pd.DataFrame) -> np.ndarray:
    return feature.raw(feature.select(table))
