"""Networks of a user's own parts: what does not fit together is told in words."""

from dataclasses import dataclass

import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError
from mtl_keras.runs.build import build
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
