"""Fits the encoder and the tasks of a plan to its training rows."""

from collections.abc import Callable, Mapping

import pandas as pd

from mtl_keras.features import Guesses
from mtl_keras.features.encoder import Encoder
from mtl_keras.plans.joint import covering_together
from mtl_keras.plans.plan import Plan
from mtl_keras.runs import columns
from mtl_keras.runs.crossed import crossed
from mtl_keras.tasks import Task


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
