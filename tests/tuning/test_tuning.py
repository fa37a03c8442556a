"""Searching settings: the space, the front, going on, and the experiment that comes out."""

import contextlib
import dataclasses
import json
import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import tuning
from mtl_keras.cli import main
from mtl_keras.errors import ConfigError
from mtl_keras.plans import Plan
from mtl_keras.tuning.space import Choice, Range, changed, current, space_of
from mtl_keras.tuning.storage import StudyStorage
from tests import without
from tests.export.conftest import small_experiment, small_table

pytest.importorskip("optuna")
SPACE = {
    "training.learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
    "architecture.layers": [[4], [8]],
}


def plan(**changes) -> Plan:
    return Plan(tasks={"left": "binary", "spend": "regression"}, **changes)


def test_settings_are_changed_wherever_they_are():
    made = changed(
        plan(architecture={"layers": [8], "members": 2}, data="x.csv"),
        {
            "architecture.kind": "mmoe",
            "training.learning_rate": 0.01,
            "balancer": "famo",
            "tasks.spend.weight": 0.5,
        },
    )
    assert type(made.architecture).__name__ == "MMoE" and made.architecture.members == 2
    assert made.training.learning_rate == 0.01 and made.data == "x.csv"
    assert [task.weight for task in made.tasks] == [1.0, 0.5]
    assert made.to_dict()["balancer"] == "famo" or made.to_dict()["balancer"]["kind"] == "famo"


def test_the_default_space_holds_the_declared_plan():
    found = space_of(None, plan())
    assert found["tasks.left.weight"] == Range(0.3, 3.0, log=True)
    own = current(plan(), found)
    assert own["architecture.layers"] == json.dumps([256, 128]) and own["balancer"] == '"fixed"'
    assert current(plan(balancer="pcgrad"), found) is None
    nested = {"architecture": {"dropout": {"low": 0.0, "high": 0.5}, "members": [1, 4]}}
    assert space_of(nested, plan()) == {
        "architecture.dropout": Range(0.0, 0.5),
        "architecture.members": Choice((1, 4)),
    }


@pytest.mark.parametrize(
    ("space", "told"),
    [
        ({"architecture.droput": [0.1]}, r"\[search\] .*'droput'.*dropout"),
        ({"training.learning_rate": {"low": 1, "high": 0}}, "have low < high"),
        ({"training.epochs": 3}, "must be a list of values, or have low and high"),
        ({"tasks.gone.weight": [1.0]}, "no task 'gone'. Tasks: left, spend"),
        ({"balancer": ["pcgard"]}, "pcgrad"),
        ({"training.networks": [1, 4]}, "no effect on a trial, which trains one network"),
    ],
)
def test_a_mistake_in_the_space_is_named(space, told):
    with pytest.raises(ConfigError, match=told):
        space_of(space, plan())


def test_what_cannot_be_searched_is_said_before_any_training():
    with pytest.raises(ConfigError, match="gone"):
        tuning.tune(plan(), small_table(), front=["gone"])
    with pytest.raises(ConfigError, match="need a `folder` or a `storage`"):
        tuning.tune(plan(), small_table(), workers=2, show=lambda line: None)
    with pytest.raises(ConfigError, match="balancer = 'auto' must be in the space"):
        tuning.tune(plan(balancer="auto"), small_table(), space=SPACE)
    optuna = pytest.importorskip("optuna")
    with pytest.raises(ConfigError, match=r"'nix://x' cannot be opened: .*nix\. Expected an addr"):
        StudyStorage("shop", None, "nix://x").study(optuna, 0, 1)


def untrained(plan, callbacks, rows):
    """What a trial tells, without its training."""
    callbacks[0].on_epoch_end(0, {"val_left_loss": 0.1, "val_spend_loss": 0.1})
    return [{}]


def test_a_search_goes_on_and_its_best_trial_is_an_experiment(tmp_path, monkeypatch):
    experiment = small_experiment(3).but(search=SPACE)
    lines: list[str] = []
    first = experiment.tune(small_table(), trials=1, folder=tmp_path, show=lines.append)
    assert len(first.trials) == 1 and "trial 0: " in "".join(lines)
    assert first.trials.loc[0, "architecture.layers"] == [4]  # as declared
    lines.clear()
    several = experiment.but(training=dataclasses.replace(experiment.training, networks=2))
    with monkeypatch.context() as patch:
        patch.setattr("mtl_keras.tuning.objective.short", untrained)  # what it says is looked at
        several.tune(small_table(), trials=2, show=lines.append)
    assert "each trial trains one network, as the first of the 2" in "".join(lines)
    assert re.search(r"1 of 2 trials finished, about \d+ s left, if all take as long", str(lines))
    lines.clear()
    found = experiment.tune(small_table(), trials=2, folder=tmp_path, show=lines.append)
    assert any(line == "trials that were finished before: 1" for line in lines)
    assert len(found.trials) == 2
    pd.testing.assert_frame_equal(found.trials.head(1), first.trials)
    complete = found.trials[found.trials["state"] == "complete"]
    assert found.best == complete["score"].idxmin()
    tuned = mtl.Experiment.from_file(found.write(tmp_path))
    assert tuned.training.learning_rate == complete.loc[found.best, "training.learning_rate"]
    assert list(tuned.architecture.layers) == complete.loc[found.best, "architecture.layers"]
    assert (tmp_path / "tuning.png").stat().st_size > 1000
    assert "trial" in str(found)
    with pytest.raises(ConfigError, match="no complete trial 99"):
        found.experiment(99)


def test_after_an_interruption_nothing_is_drawn_twice_and_the_declared_plan_is_tried(monkeypatch):
    optuna = pytest.importorskip("optuna")
    storage = optuna.storages.InMemoryStorage()
    rates: list[float] = []

    def trained(plan, callbacks, rows):
        rates.append(plan.training.learning_rate)
        if len(rates) in (1, 4):
            raise KeyboardInterrupt
        return untrained(plan, callbacks, rows)

    monkeypatch.setattr("mtl_keras.tuning.objective.short", trained)
    declared = plan(architecture={"layers": [4]})
    for trials in (4, 4, 5):
        with contextlib.suppress(KeyboardInterrupt):
            table, quiet = small_table(), {"show": lambda line: None}
            found = tuning.tune(declared, table, trials, space=SPACE, storage=storage, **quiet)
    assert rates[:2] == [declared.training.learning_rate] * 2
    assert len(set(rates[1:])) == len(rates[1:]) == 6
    states = ["failed", "complete", "complete", "failed", *["complete"] * 3]
    assert found.trials["state"].tolist() == states


def test_what_a_killed_search_left_does_not_stop_the_next_one(tmp_path, monkeypatch):
    optuna = pytest.importorskip("optuna")
    monkeypatch.chdir(tmp_path)
    where, journal = StudyStorage("shop", Path("tuning"), None), tmp_path / "tuning" / "trials.log"
    with where.alone():
        where.study(optuna, 0, 0).add_trial(optuna.create_trial(value=0.5))
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"work')
    journal.with_name("trials.log.lock").symlink_to("tuning/trials.log")
    with where.alone():
        assert [path.name for path in journal.parent.glob("trials*")] == ["trials.log"]
        study, links = where.study(optuna, 0, 0), []
        monkeypatch.setattr(os, "symlink", lambda target, link: links.append(target))
        monkeypatch.setattr(os, "rename", lambda source, target: None)
        monkeypatch.setattr(os, "unlink", lambda path: None)
        study.add_trial(optuna.create_trial(value=0.25))
        assert set(links) == {str(journal)}  # Optuna waits forever for a link that leads nowhere
    assert [trial.value for trial in where.study(optuna, 0, 0).trials] == [0.5, 0.25]
    assert journal.read_bytes().startswith(whole)


def test_the_front_is_what_no_trial_beats_in_all_tasks():
    losses = pd.DataFrame(
        {"state": "complete", "score": 0.0, "left": [-0.5, -0.4, -0.4, -0.1],
         "spend": [-0.1, -0.3, -0.2, -0.9], "lr": 0.1}
    )  # fmt: skip
    found = tuning.Tuning(plan(), losses, ["lr"], ["left", "spend"], front_of=("left", "spend"))
    assert found.front.index.tolist() == [0, 1, 3]
    ax = found.figure().axes[0]
    assert np.allclose(ax.lines[0].get_ydata(), [-0.1, -0.3, -0.9])
    assert "the best trade-offs" in str(found)


def test_the_command_writes_an_experiment_to_train(tmp_path, without_report, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small_table().to_csv("shop.csv", index=False)
    (tmp_path / "shop.toml").write_text(
        'name = "shop"\n[data]\npath = "shop.csv"\n[tasks]\nleft = "binary"\nspend = "regression"\n'
        '[architecture]\nlayers = [4]\nmembers = 1\nnumber_embedding = "none"\n'
        "[training]\nepochs = 2\n[search]\ntraining.learning_rate = { low = 0.001, high = 0.1 }\n"
    )
    monkeypatch.setattr("mtl_keras.tuning.objective.short", untrained)
    arguments = ["tune", "shop.toml", "--trials", "2", "--front", "left", "--front", "spend"]
    assert main(arguments) == 0, capsys.readouterr()
    written = tmp_path / "saved_models" / "shop" / "tuning"
    assert "the best trade-offs" in capsys.readouterr().out
    assert json.loads((written / "tuning.json").read_text())["front"]
    assert tomllib.loads((written / "tuned.toml").read_text())["training"]["learning_rate"] > 0
    with without.training():
        assert main(["train", str(written / "tuned.toml"), "--name", "tuned"]) == 0
