"""A model that is trained and exported in a few seconds, for tests that break things."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from tests.export import hostile


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


@pytest.fixture()
def planted(small_artifact, tmp_path, monkeypatch):
    """A copy of an artifact in the working directory, where a module of its author's lies, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(small_artifact, "small")
    for name in ("table.csv", "small.csv"):
        small_table(30).to_csv(name, index=False)
    Path("evil.py").write_text(hostile.EVIL)
    yield Path("small")
    sys.modules.pop("evil", None)
    assert not hostile.RUN.exists(), "code of the artifact's author ran"
