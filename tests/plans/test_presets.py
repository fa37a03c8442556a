"""Presets set what is left open, and several networks become one."""

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.errors import ConfigError
from mtl_keras.plans import presets
from tests import cases


def declared(**changes):
    return mtl.Experiment(tasks={"left": "binary"}, **changes)


def test_a_preset_sets_what_is_left_open():
    fast = declared(preset="fast")
    assert fast.architecture.members == 3 and fast.training.epochs == 12
    mine = declared(
        preset="fast", architecture={"kind": "mmoe", "members": 5}, training={"epochs": 7}
    )
    assert mine.architecture.members == 5 and mine.architecture.bins == 16
    assert mine.training.epochs == 7 and mine.training.patience == fast.training.patience
    exact = declared(preset="fast", training=mtl.Training(), architecture=cases.ARCHITECTURES[0])
    assert exact.training == mtl.Training() and exact.architecture == cases.ARCHITECTURES[0]


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_a_preset_survives_a_file(preset):
    one = declared(preset=preset, training={"epochs": 60})
    again = mtl.Experiment.from_dict(one.to_dict())
    assert again.training == one.training and again.architecture == one.architecture


def test_an_unknown_preset_is_named():
    with pytest.raises(ConfigError, match="Did you mean 'best'"):
        declared(preset="bets")


@pytest.fixture(scope="module")
def several():
    return cases.experiment(
        tasks=[cases.TASKS[0], cases.TASKS[4]],
        features=["age", "town"],
        architecture={"kind": "shared_bottom", "layers": [8], "members": 2, "bins": 8},
        training={"epochs": 2, "batch_size": 64, "networks": 2},
    )


@pytest.mark.slow
def test_several_networks_become_one_that_is_as_good_on_validation(several, tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_keras.runs.result.Run.figures", lambda _: {})
    monkeypatch.setattr("mtl_keras.runs.exporting.report_page_of", lambda *_: "<html>")
    lines = []
    run = several.run(cases.table(), checkpoint=tmp_path / "state", show=lines.append)
    assert [line for line in lines if line.startswith("network 2 of 2")]
    weights = [line for line in lines if line.startswith("weights of the networks")]
    assert len(weights) == 2
    assert [len(each) for each in run.metadata["network_weights"].values()] == [2, 2]
    assert set(run.predictions) == {"left", "balance"}
    folder = run.export(tmp_path / "made")
    served = mtl.load(folder).predict(cases.table())
    assert np.isfinite(served["balance"]).all()

    again = several.run(
        cases.table(), checkpoint=tmp_path / "state", resume=True, show=lambda line: None
    )
    np.testing.assert_allclose(again.predictions["balance"], run.predictions["balance"], rtol=1e-4)
