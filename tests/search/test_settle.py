"""What an experiment leaves open: architectures and balancers by a search, groups by affinity."""

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError
from mtl_keras.search import settle
from mtl_keras.search.grouping import grouping
from mtl_keras.search.halving import successive_halving
from mtl_keras.training import Data
from tests import without

SMALL = {"layers": [8], "members": 1, "number_embedding": "none", "dropout": 0.0}


def table(rows=600):
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 6))
    made = pd.DataFrame(x, columns=[f"x{i}" for i in range(6)])
    made["a"] = x[:, 0] + x[:, 1]
    made["b"] = x[:, 0] + 0.8 * x[:, 1] + random.normal(0, 0.1, rows)
    made["c"] = -x[:, 0] + x[:, 3] * 2
    return made


TASKS = dict.fromkeys("abc", "regression")


def test_tasks_that_help_each_other_are_grouped(tmp_path):
    lines = []
    experiment = mtl.Experiment(
        tasks=TASKS,
        architecture={"kind": "grouped", **SMALL, "layers": [2]},
        training={"epochs": 2, "learning_rate": 0.01},
    )
    run = experiment.run(table(), show=lines.append)
    found = run.metadata["grouping"]
    assert found["groups"] == [["a", "b"], ["c"]]
    assert found["affinity"][0][1] > 0 > found["affinity"][0][2]
    assert found["cosines"][0][1] > 0.3 > found["cosines"][0][2]
    assert "groups: a + b; c" in lines
    assert run.experiment.architecture.groups == (("a", "b"), ("c",))
    names = {layer.name for layer in run.model.layers}
    assert {"group_1_1", "group_2_1"} <= names
    run.export(tmp_path / "grouped")
    page = (tmp_path / "grouped" / "report.html").read_text()
    assert "Groups chosen: a + b; c" in page and "could not be drawn" not in page


def test_groups_must_name_each_task_once():
    for groups, message in (([["a", "b"]], "Not named: .'c'."), ([["a", "d"]], "Received: 'd'")):
        with pytest.raises(ConfigError, match=message):
            mtl.Experiment(tasks=TASKS, architecture={"kind": "grouped", "groups": groups})


def test_many_tasks_are_joined_step_by_step():
    affinity = np.full((12, 12), -0.1)
    affinity[:6, :6] = affinity[6:, 6:] = 0.2
    names = [str(number) for number in range(12)]
    assert grouping(affinity, names) == [names[:6], names[6:]]


def test_halving_gives_the_worse_ones_up_early():
    epochs = []

    def train(names, count):
        for name in reversed(names):
            epochs.append((name, count))
            yield name, {"x": int(name) + 1 / count, "y": 10 * int(name)}

    best, rows = successive_halving("312", train, rungs=(2, 8), keep=0.67, show=lambda line: None)
    assert best == "1"
    assert [count for name, count in epochs if name == "3"] == [2]
    assert rows["candidate"].tolist() == ["3", "1", "2", "1", "2"]  # in whatever order they ended
    assert rows.loc[(rows["epochs"] == 8) & (rows["candidate"] == "1"), "score"].item() == 0


def test_auto_tries_and_tells(small_presets, monkeypatch):
    monkeypatch.setattr(settle, "ARCHITECTURES", ("shared_bottom", "single_task"))
    monkeypatch.setattr(settle, "BALANCERS", ("fixed", "uncertainty"))
    monkeypatch.setattr(settle, "RUNGS", (1,))
    lines = []
    experiment = mtl.Experiment(
        tasks={"a": "regression", "c": "regression"},
        features=["x0", "x3"],
        architecture="auto",
        balancer="auto",
        preset="fast",
        training={"epochs": 1},
    )
    with without.training():  # but those of the search
        run = experiment.run(table(300), show=lines.append)
    tried = pd.DataFrame(run.metadata["search"])
    assert set(tried["candidate"]) == {"shared_bottom", "single_task", "fixed", "uncertainty"}
    assert sum(": chose " in line for line in lines) == 2
    assert run.metrics()["search"] == run.metadata["search"]
    assert mtl.Experiment.from_dict(experiment.to_dict()).architecture == "auto"


@pytest.mark.parametrize("best", settle.ARCHITECTURES)
def test_the_best_by_validation_is_taken_and_not_another(best):
    """With trainings whose losses are planted."""
    good_balancer = settle.BALANCERS[-1]

    def short(plan, epochs, callbacks=()):
        kind, balancer = plan.architecture.get_config()["kind"], plan.balancer
        loss = 1.0 + (kind != best) + (balancer != good_balancer) - epochs / 100
        return pd.DataFrame({f"val_{task}_loss": [loss + 0.5, loss, loss + 0.1] for task in "abc"})

    plan = mtl.Experiment(tasks=TASKS, architecture="auto", balancer="auto")
    settled, tried = settle.settled(plan, Data({}, {}, {}), short, lambda line: None)
    assert settled.architecture.get_config()["kind"] == best
    assert settled.balancer == good_balancer
    losses = pd.DataFrame(tried["search"])
    longest = losses[losses["epochs"] == settle.RUNGS[-1]].groupby("what")["a"].min()
    np.testing.assert_allclose(longest, [2 - 0.12, 1 - 0.12])
