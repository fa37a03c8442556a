"""Intervals hold the true value as often as they say, whatever is drawn together."""

import numpy as np
import pytest

from mtl_keras.evaluation import evaluate, interval
from mtl_keras.evaluation.interval import measured
from mtl_keras.tasks import Binary, Regression
from mtl_keras.tasks.measures import MAE, Measure

MEAN = Measure.mean("mean", lambda truth, predicted: predicted)


@pytest.mark.parametrize(("rows", "among"), [(15, None), (150, None), (600, 300)])
def test_intervals_cover(rows, among, monkeypatch):
    """Of 200 samples, about 190 intervals should hold the mean; also where only some are drawn."""
    monkeypatch.setattr(interval, "MOST_ROWS", among or interval.MOST_ROWS)
    held = 0
    for trial in range(200):
        values = np.random.default_rng(trial).normal(size=rows)
        (found,) = measured([MEAN], values, values, seed=trial)
        held += found.interval[0] <= 0 <= found.interval[1]
        assert found.error == pytest.approx(rows**-0.5, rel=0.6)
    assert 182 <= held <= 198


def test_groups_are_drawn_as_a_whole():
    """Rows that repeat another tell nothing new: the interval is that of the groups."""
    values = np.random.default_rng(0).normal(size=40)
    groups = np.repeat([f"customer {n}" for n in range(40)], 25)
    (alone,) = measured([MEAN], values, values)
    (together,) = measured([MEAN], *[np.repeat(values, 25)] * 2, groups)
    (apart,) = measured([MEAN], *[np.repeat(values, 25)] * 2)
    assert together.error == pytest.approx(alone.error, rel=0.15)
    assert apart.error == pytest.approx(alone.error / 5, rel=0.15)
    assert together.rows == 1000 and together.value == pytest.approx(values.mean())


def test_many_rows_of_groups_are_drawn_from_some_of_the_groups(monkeypatch):
    values = np.repeat(np.random.default_rng(0).normal(size=200), 10)
    groups = np.repeat(np.arange(200), 10)
    (all_rows,) = measured([MEAN], values, values, groups)
    monkeypatch.setattr(interval, "MOST_ROWS", 1000)
    (some,) = measured([MEAN], values, values, groups)
    assert some.error == pytest.approx(all_rows.error, rel=0.2)
    assert some.value == all_rows.value and some.rows == 2000


def test_there_is_no_interval_where_rows_do_not_determine_one():
    truth, predicted = np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.8, 0.7])
    one_group = np.zeros(3)
    assert measured([MAE], truth[:1], predicted[:1])[0].interval is None
    assert measured([MAE], truth, predicted, one_group)[0].interval is None
    found = dict(zip(measures := Binary("y").measures, measured(measures, truth, predicted)))
    assert {m.name: each.interval is None for m, each in found.items()}["accuracy"]  # always 1
    area = Binary("y").measure
    (undefined,) = measured([area], np.ones(3), predicted)
    assert np.isnan(undefined.value) and undefined.interval is None


def test_the_draws_are_the_same_for_a_seed_and_in_any_order_of_the_rows():
    random = np.random.default_rng(0)
    truth, predicted = random.normal(size=(2, 300))
    measures = Regression("y").measures
    first, again = (measured(measures, truth, predicted) for _ in range(2))
    assert first == again != measured(measures, truth, predicted, seed=1)


def test_an_evaluation_has_an_interval_for_each_score_and_scores_of_training_rows():
    random = np.random.default_rng(0)
    truth = np.repeat(random.normal(size=60), 5)
    predicted = truth + np.repeat(random.normal(size=60), 5)
    truth[::50] = np.nan
    groups = np.repeat(np.arange(60), 5)
    task, constants = Regression("y"), {"y": Regression("y").constants(truth)}
    named = ([task], {"y": truth}, {"y": predicted}, constants)
    alone, together = evaluate(*named), evaluate(*named, groups=groups)
    assert list(alone.tasks[0].intervals) == ["rmse", "mae", "r2", "median_absolute_error"]
    narrow, wide = (np.ptp(each.tasks[0].intervals["rmse"]) for each in (alone, together))
    assert wide > 1.7 * narrow
    trained = evaluate(*named, training={"y": (truth, truth)})
    (row,) = [line for line in str(trained).splitlines() if "rmse" in line]
    low, high = alone.tasks[0].intervals["rmse"]
    assert 0.01 <= (high - low) / 2 < 0.1  # of which three decimals are two significant digits
    assert f"{low:.3f} to {high:.3f}" in row and row.split()[-2] == "0.000"
    assert trained.to_frame().set_index("metric").loc["rmse", ["low", "training"]].tolist() == [
        low,
        0.0,
    ]
    assert trained.to_dict()["y"]["training_rows"] == 294
