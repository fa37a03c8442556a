"""A model that is trained and exported in a few seconds, for tests that break things."""

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl


def small_table(rows: int = 80) -> pd.DataFrame:
    random = np.random.default_rng(0)
    age = random.normal(40, 10, rows).round(1)
    return pd.DataFrame(
        {
            "age": age,
            "town": random.choice(["Bath", "Ely"], rows),
            "left": np.where(age + random.normal(size=rows) > 40, "yes", "no"),
            "spend": (age * 3 + random.normal(size=rows)).round(2),
        }
    )


def small_experiment(epochs: int = 1) -> mtl.Experiment:
    return mtl.Experiment(
        tasks={"left": "binary", "spend": "regression"},
        architecture={"layers": [4], "members": 1, "number_embedding": "none"},
        training={"epochs": epochs},
        name="small",
    )


@pytest.fixture(scope="session")
def small_run():
    return small_experiment().run(small_table(), show=None)


@pytest.fixture(scope="session")
def small_artifact(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "small"
    small_run.export(folder)
    return folder
