"""A comparison that was never run, for the pages about it."""

import pytest

from mtl_keras.comparison import Comparison
from mtl_keras.evaluation import Difference
from mtl_keras.tasks import Binary, Regression


@pytest.fixture(scope="module")
def comparison():
    tasks = [Binary("left"), Regression("spend <£>", unit="pounds")]
    values = {"joint": [0.8, 0.7], "single-task": [0.7, 0.9], "linear": [0.6, 0.95]}
    gains = {"joint": Difference(0.1, 0.05, 0.15), "linear": Difference(-0.1, -0.2, 0.01)}
    gains["single-task"] = Difference(0.0, 0.0, 0.0)
    return Comparison(
        name="shop",
        tasks=[task.name for task in tasks],
        measures={task.name: task.measure for task in tasks},
        units={task.name: task.unit for task in tasks},
        values={
            n: {t.name: [v[i], v[i] + 0.01] for i, t in enumerate(tasks)} for n, v in values.items()
        },
        differences={n: {t.name: gains[n] for t in tasks} for n in values},
        costs={n: {"seconds": 3.0, "parameters": 100.0, "size": 1e6} for n in values},
        chosen={n: ["", ""] for n in values},
        rows={"train": 60, "validation": 20, "test": 20},
        about={"Table": "shop.csv", "Rows": "100: 60 training, 20 validation, 20 test"},
    )
