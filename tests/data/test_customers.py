"""The customers table: no column knows the future."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_customers", DATA / "make_customers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def transactions():
    random = np.random.default_rng(0)
    days = pd.to_timedelta(random.integers(0, 540, 3000), "D")
    return pd.DataFrame(
        {
            "customer_id": random.integers(0, 300, 3000).astype(str),
            "date": pd.Timestamp("1997-01-01") + days,
            "discs": random.integers(1, 9, 3000),
            "dollars": random.uniform(5, 90, 3000).round(2),
        }
    )


def test_features_do_not_change_with_what_happens_after_the_cutoff(script, transactions):
    future = transactions["date"] > script.CUTOFF
    assert future.sum() > 500
    another_future = transactions.assign(
        dollars=transactions["dollars"].where(~future, 9999.0),
        discs=transactions["discs"].where(~future, 77),
    )
    expected = script.features(transactions)
    pd.testing.assert_frame_equal(script.features(another_future), expected)
    pd.testing.assert_frame_equal(script.features(transactions[~future]), expected)


def test_targets_count_the_39_weeks_after_the_cutoff_only(script, transactions):
    targets = script.targets(transactions)
    assert (script.END - script.CUTOFF).days == 39 * 7
    some = targets[~targets["churned"]].iloc[0]
    own = transactions[transactions["customer_id"] == some["customer_id"]]
    window = own[(own["date"] > script.CUTOFF) & (own["date"] <= script.END)]
    assert some["orders"] == len(window) and np.isclose(some["spend"], window["dollars"].sum())
    pd.testing.assert_frame_equal(
        script.targets(transactions.assign(dollars=transactions["dollars"]).iloc[::-1]), targets
    )


def test_the_committed_table_is_what_its_page_says(script):
    table = pd.read_csv(DATA / "customers.csv")
    assert len(table) == table["customer_id"].nunique() == 23_570
    assert pd.to_datetime(table["first_order"]).max() <= script.CUTOFF
    assert (table["churned"] == (table["orders"] == 0)).all()
    page = (DATA / "README.md").read_text()
    assert all(column in page for column in table.columns)
