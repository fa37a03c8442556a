"""The crossings of a plan: declared, or chosen on the training and validation rows."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from mtl_keras.errors import ConfigError, unknown
from mtl_keras.features import Crossing, Feature, crossings
from mtl_keras.features.encoder import GROUPS, Encoder, input_features, raw_columns
from mtl_keras.plans.plan import Plan
from mtl_keras.tasks import Task

ROWS = {"train": 50_000, "validation": 25_000}  # that crossings are chosen on
PLAIN = 20_000_000  # numbers of the group "plain" that are held for that


def crossed(
    plan: Plan,
    encoder: Encoder,
    tasks: Sequence[Task],
    rows: Mapping[str, pd.DataFrame],
    show: Callable[[str], None],
) -> Encoder:
    """An encoder that reads crossings as well, where the plan declares some or some are worth it.

    Args:
        plan: The plan.
        encoder: The fitted encoder of the features.
        tasks: The fitted tasks.
        rows: Training and validation rows; a sample of them for a stream.
        show: A function that prints a line.

    Raises:
        ConfigError: if a declared crossing names what is no feature, or none that can be crossed.
    """
    crossable = [feature for feature in encoder.features if feature.crossable]
    if plan.crossings == "auto":
        chosen = _chosen(encoder, crossable, tasks, rows)
    else:
        chosen = [_checked(names, encoder.features) for names in plan.crossings]
    if not chosen:
        return encoder
    raw = raw_columns(crossable, rows["train"])
    first = input_features(crossable)
    fitted = [
        crossing.fit([raw[first[name]] for name in crossing.features])
        for crossing in map(Crossing, chosen)
    ]
    how = "chosen" if plan.crossings == "auto" else "declared"
    values = ", ".join(f"{each.name} ({len(each.cells or ()):,} values)" for each in fitted)
    show(f"also read by exact value, as {how}: {values}")
    return Encoder(encoder.features, fitted)


def _chosen(
    encoder: Encoder,
    crossable: Sequence[Feature],
    tasks: Sequence[Task],
    rows: Mapping[str, pd.DataFrame],
) -> list[tuple[str, ...]]:
    quick = [f for f in encoder.features if set(encoder.columns[f.name]) <= set(GROUPS)]
    able = [feature for feature in crossable if feature.crossed]
    if not able:
        return []
    reader = encoder if len(quick) == len(encoder.features) else Encoder(quick)
    plain = reader.model.output.get("plain")
    width = 1 if plain is None else plain.shape[-1]
    some = {part: _spread(rows[part], min(most, PLAIN // width)) for part, most in ROWS.items()}
    first = input_features(able)
    raw = {part: raw_columns(able, table) for part, table in some.items()}
    return crossings.choose(
        able,
        {part: {f.name: raw[part][first[f.name]] for f in able} for part in some},
        {part: reader.encode(table) for part, table in some.items()},
        reader.category_sizes,
        {
            part: [task.distances(task.encode(table)) for task in tasks]
            for part, table in some.items()
        },
    )


def _checked(names: Sequence[str], features: Sequence[Feature]) -> tuple[str, ...]:
    known = {feature.name: feature for feature in features}
    for name in names:
        if name not in known:
            raise ConfigError(unknown("feature in `crossings`", name, list(known)))
        if not known[name].crossable:
            raise ConfigError(
                f"`crossings` must name features that are read as one value, such as numbers and "
                f"categories. Received: {name!r} ({known[name].kind}). Leave it out."
            )
    return tuple(names)


def _spread(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many rows of a table, evenly spaced."""
    return table.iloc[:: max(1, -(-len(table) // max(1, most)))]
