"""Where the bins of number embeddings are placed."""

import numpy as np
import pandas as pd
import pytest

from mtl_keras import tasks
from mtl_keras.architectures.bins import tree_edges
from tests import cases


def uniform(rows=2000) -> tuple[np.ndarray, np.random.Generator]:
    random = np.random.default_rng(0)
    return random.uniform(size=(rows, 1)), random


def test_the_numbers_of_classes_mean_nothing():
    """Class 1 lies above 0.7, and classes 0 and 2, below it, have its number as their mean."""
    x, random = uniform()
    labels = np.where(x[:, 0] > 0.7, "b", random.choice(["a", "c"], len(x)))
    table = pd.DataFrame({"y": labels})
    table.loc[::7, "y"] = None
    task = tasks.Multiclass("y").fit(table)
    found = tree_edges(x, [task.distances(task.encode(table))], bins=2)[0]
    np.testing.assert_allclose(found[1:-1], [0.7], atol=0.01)


def test_no_edge_where_labels_are_missing():
    x, _ = uniform()
    label = np.where(x[:, 0] > 0.8, np.nan, x[:, 0] > 0.5)
    np.testing.assert_allclose(tree_edges(x, [label], bins=8)[0][1:-1], [0.5], atol=0.01)


def test_each_task_and_each_label_of_one_keeps_its_own_rows():
    x, random = uniform(4000)
    columns = [(x[:, 0] > edge) * 1.0 for edge in (0.3, 0.5, 0.8)]
    columns[0][random.random(len(x)) < 0.4] = np.nan
    columns[1][::2] = columns[2][1::2] = np.nan  # no row has both labels
    together = [columns[0], np.stack(columns[1:], axis=1)]  # the last two: of one task
    found = tree_edges(x, together, bins=8)[0]
    np.testing.assert_allclose(found[1:-1], [0.3, 0.5, 0.8], atol=0.01)


def test_bins_hold_rows_and_are_no_more_than_asked_for():
    x, random = uniform()
    near = [(x[:, 0] > edge) * 1.0 for edge in (0.5, 0.501, 0.502)]
    assert len(tree_edges(x, near, bins=8)[0]) == 3
    noise = [x[:, 0] + random.normal(0, 0.1, len(x)), np.full(len(x), np.nan)]
    for bins in (1, 2, 5, 48):
        edges = tree_edges(x, noise, bins)[0]
        assert len(edges) <= bins + 1
        assert np.histogram(x[:, 0], edges)[0].min() >= 64


@pytest.mark.parametrize("task", cases.TASKS, ids=repr)
def test_labels_as_distances_have_the_same_gaps(task):
    table = cases.table()
    fitted = task.fit(table)
    encoded = fitted.encode(table)
    distances = fitted.distances(encoded).reshape(len(table), -1)
    missing = np.isnan(encoded).reshape(len(table), -1)
    np.testing.assert_array_equal(np.isnan(distances).any(1), missing.any(1))
