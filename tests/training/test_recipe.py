"""The recipe: how the learning rate rises and falls, how large batches are."""

import keras
import numpy as np
import pytest

from mtl_keras import Training

ROWS, BATCH, EPOCHS = 1000, 50, 10
STEPS = EPOCHS * ROWS // BATCH


def rates(**changes):
    options = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 0.1, "warmup": 0.25}
    optimizer = Training(**{**options, **changes}).optimizer(ROWS)
    schedule = keras.optimizers.schedules.deserialize(optimizer.get_config()["learning_rate"])
    return np.array([float(schedule(step)) for step in range(STEPS + 1)])


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_rate_rises_in_a_straight_line_over_the_warm_up(schedule):
    rising = rates(schedule=schedule)[: STEPS // 4 + 1]
    np.testing.assert_allclose(rising, np.linspace(0.1 / 20, 0.1, len(rising)), rtol=1e-4)


def test_after_the_warm_up_it_stays_or_falls_to_a_hundredth():
    after = STEPS // 4
    np.testing.assert_allclose(rates()[after:], 0.1, rtol=1e-5)
    falling = rates(schedule="cosine")[after:]
    progress = np.linspace(0, 1, len(falling))
    expected = 0.1 * (0.99 * (1 + np.cos(np.pi * progress)) / 2 + 0.01)
    np.testing.assert_allclose(falling, expected, rtol=1e-4)


def test_without_a_warm_up_it_starts_at_the_highest_rate():
    np.testing.assert_allclose(rates(warmup=0.0)[[0, -1]], 0.1, rtol=1e-6)


def test_a_batch_is_no_larger_than_the_rows():
    assert Training(batch_size=10**9).rows_per_step(70) == 70
