"""Networks of a user's own parts: what does not fit together is told in words."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError
from mtl_keras.runs.build import build
from mtl_keras.runs.networks import constant_losses
from mtl_keras.runs.prepare import prepare
from tests import own


@dataclass(frozen=True, repr=False)
class Pair(own.Duration):
    """A task whose head has two outputs, of which `width` says nothing."""

    def head(self, representation):
        return self.dense(2, "linear", representation)


@dataclass(frozen=True, repr=False)
class Second(own.Duration):
    """A task that answers with an output that `width` does not include."""

    def answers(self, output):
        return {self.name: output[:, 1]}


@dataclass(frozen=True, kw_only=True)
class Forgetful(mtl.architectures.Architecture):
    """An architecture that leaves out all tasks but the first one."""

    def represent(self, embed, tasks):
        return {tasks[0]: embed("shared")}


@pytest.mark.parametrize(
    ("task", "architecture", "message"),
    [
        (
            Pair("hours"),
            mtl.architectures.SharedBottom(layers=(4,), members=1),
            "Task 'hours': `head` of Pair returns 2 numbers per row, but its property `width` is 1",
        ),
        (
            Second("hours"),
            mtl.architectures.SharedBottom(),
            "Task 'hours': `answers` of Second reads more outputs than .*`width`, which is 1",
        ),
        (own.Duration("hours"), Forgetful(members=1), "`represent` of Forgetful .* 'late'"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(task, architecture, message):
    plan = mtl.Experiment(
        tasks=[task, mtl.tasks.Binary("late")], features=["weight"], architecture=architecture
    )
    with pytest.raises(ConfigError, match=message):
        build(plan, prepare(plan, own.table()))


def test_a_constant_is_judged_by_the_same_weighted_loss_as_a_network():
    """Which it is compared with, to end a training and to score a trial."""
    table = pd.DataFrame({"x": np.arange(100.0), "y": ["no", "no", "no", "yes"] * 25})
    task, features = mtl.tasks.Binary("y", class_weight="balanced"), {"x": "numeric"}
    network = {"architecture": {"kind": "shared_bottom", "layers": [2]}, "preset": "fast"}
    rows = prepare(mtl.Experiment([task], features, split={"stratify": "y"}, **network), table)
    model = build(mtl.Experiment([task], features, **network), rows)
    labels, weights = (part["validation"]["y"] for part in (rows.data.y, rows.data.weights))
    share = float(rows.tasks[0].average_output()[0, 0])
    losses = -np.where(labels == 1, np.log(share), np.log(1 - share))
    expected = float(np.mean(weights * losses))
    assert expected > 1.2 * losses.mean()
    assert constant_losses(rows, model)["y"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("layers", "warned"), [([4, 8], 1), ([8, 8], 0)])
def test_a_residual_without_effect_is_told(layers, warned):
    table = pd.DataFrame({"x": np.arange(60.0) % 7, "y": ["no", "yes", "no"] * 20})
    architecture = {"kind": "mmoe", "layers": layers, "residual": True, "members": 1}
    plan = mtl.Experiment({"y": "binary"}, {"x": "numeric"}, architecture=architecture)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        build(plan, prepare(plan, table))
    assert sum("`residual` has no effect" in str(each.message) for each in caught) == warned
