"""Make `data/customers.csv` from the CDNOW transactions that the package `lifetimes` ships.

Run with `python data/make_customers.py` after `pip install -e .[data]`. Everything but the targets
is known on the evening of 1997-09-30; the targets are what happened in the 39 weeks after.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd

CUTOFF = pd.Timestamp("1997-09-30")
END = pd.Timestamp("1998-06-30")


def read_transactions() -> pd.DataFrame:
    """All transactions: customer_id, date, discs, dollars."""
    found = importlib.util.find_spec("lifetimes")  # located, not imported: it is only a data source
    if found is None or found.origin is None:
        sys.exit("The package `lifetimes` is not installed. Run: pip install -e '.[data]'")
    path = Path(found.origin).parent / "datasets" / "CDNOW_master.txt"
    table = pd.read_csv(
        path,
        sep=r"\s+",
        header=0,
        names=["customer_id", "date", "discs", "dollars"],
        dtype={"customer_id": str, "date": str},
    )
    return table.assign(date=pd.to_datetime(table["date"], format="%Y%m%d"))


def features(transactions: pd.DataFrame, cutoff: pd.Timestamp = CUTOFF) -> pd.DataFrame:
    """What is known of each customer at the end of `cutoff`, one row each."""
    past = transactions[transactions["date"] <= cutoff].sort_values(
        ["customer_id", "date"], kind="stable"
    )
    by_customer = past.groupby("customer_id")
    first, last = by_customer.first(), by_customer.last()
    table = pd.DataFrame(index=first.index)
    table["first_order"] = first["date"].dt.date
    table["cohort_month"] = first["date"].dt.strftime("%Y-%m")
    table["first_weekday"] = first["date"].dt.day_name()
    weekdays = past.assign(weekday=past["date"].dt.day_name())
    counts = weekdays.groupby(["customer_id", "weekday"]).size().unstack(fill_value=0)
    table["usual_weekday"] = counts.idxmax(axis=1)
    table["basket"] = pd.cut(
        by_customer["discs"].mean(), [0, 1, 3, np.inf], labels=["one disc", "two or three", "more"]
    ).astype(object)

    table["past_orders"] = by_customer.size()
    table["past_discs"] = by_customer["discs"].sum()
    table["past_spend"] = by_customer["dollars"].sum().round(2)
    table["first_spend"] = first["dollars"]
    table["last_spend"] = last["dollars"]
    table["largest_spend"] = by_customer["dollars"].max()
    table["spend_per_order"] = (table["past_spend"] / table["past_orders"]).round(2)
    table["spend_per_disc"] = (table["past_spend"] / table["past_discs"]).round(2)
    table["days_since_last"] = (cutoff - last["date"]).dt.days
    table["days_as_customer"] = (cutoff - first["date"]).dt.days

    gaps = by_customer["date"].diff().dt.days
    gaps = gaps[gaps > 0].groupby(past["customer_id"])  # orders of one day are one visit
    table["mean_gap"] = gaps.mean().round(1)
    table["last_gap"] = gaps.last()
    for days in (30, 60, 90):
        recent = past[past["date"] > cutoff - pd.Timedelta(days=days)].groupby("customer_id")
        table[f"orders_{days}d"] = recent.size()
        table[f"spend_{days}d"] = recent["dollars"].sum().round(2)
    counted = [name for name in table if name.startswith(("orders_", "spend_")) and name[-1] == "d"]
    table[counted] = table[counted].fillna(0)
    table["active_months"] = past["date"].dt.to_period("M").groupby(past["customer_id"]).nunique()
    weekend = (past["date"].dt.day_of_week >= 5).groupby(past["customer_id"])
    table["weekend_share"] = weekend.mean().round(3)
    table["ordered_once"] = table["past_orders"] == 1
    for name in table.columns[table.dtypes == "float64"]:
        if name.startswith("orders_") or name == "last_gap":
            table[name] = table[name].astype("Int64")
    return table.reset_index()


def targets(
    transactions: pd.DataFrame, cutoff: pd.Timestamp = CUTOFF, end: pd.Timestamp = END
) -> pd.DataFrame:
    """What each customer did after `cutoff`, up to and including `end`."""
    known = transactions.loc[transactions["date"] <= cutoff, "customer_id"].unique()
    future = transactions[(transactions["date"] > cutoff) & (transactions["date"] <= end)]
    by_customer = future.groupby("customer_id")
    table = pd.DataFrame(index=pd.Index(sorted(known), name="customer_id"))
    table["orders"] = by_customer.size().reindex(table.index, fill_value=0)
    table["spend"] = by_customer["dollars"].sum().reindex(table.index, fill_value=0.0).round(2)
    table.insert(0, "churned", table["orders"] == 0)
    return table.reset_index()


def main() -> None:
    transactions = read_transactions()
    table = features(transactions).merge(targets(transactions), on="customer_id")
    path = Path(__file__).with_name("customers.csv")
    table.to_csv(path, index=False)
    print(f"{path}: {len(table):,} customers, {table.shape[1]} columns")


if __name__ == "__main__":
    main()
