"""The tables on which the settings of the presets were chosen."""

import numpy as np
import pandas as pd

from .table import BINARY, CLASSES, NUMBER, Table


def customers(table: pd.DataFrame) -> pd.DataFrame:
    table["log_spend"] = np.log1p(table.pop("spend"))
    return table


def loans(table: pd.DataFrame) -> pd.DataFrame:
    table["grade"] = table["grade"].replace(dict.fromkeys("EFG", "E+"))
    table["long_term"] = (table.pop("term") == 60).astype(int)
    return table.drop(columns=[name for name in table if name.startswith("paid_")])


def hotel(table: pd.DataFrame) -> pd.DataFrame:
    table["upgraded"] = (table["reserved_room_type"] != table["assigned_room_type"]).astype(int)
    spaces = table["required_car_parking_spaces"].astype(str)
    table["parking"] = (~spaces.isin(["0", "none"])).astype(int)
    return table


def flights(table: pd.DataFrame) -> pd.DataFrame:
    known = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest"]
    known += ["distance", "hour", "minute", "flight"]
    late = (table["arr_delay"] > 15).astype(float).where(table["arr_delay"].notna())
    return table[known].assign(
        air_time=table["air_time"], late=late, cancelled=table["dep_time"].isna().astype(int)
    )


KNOWN = {
    "customers": Table(
        source="data/customers.csv",
        targets={"churned": BINARY, "orders": NUMBER, "log_spend": NUMBER},
        part="known",
        rows=23_570,
        prepare=customers,
        drop=("customer_id",),
    ),
    "telco": Table(
        source="modeldata::wa_churn",
        targets={"churn": BINARY, "tenure": NUMBER},
        part="known",
        rows=7_043,
        drop=("total_charges",),
    ),
    "loans": Table(
        source="openintro::loans_full_schema",
        targets={"interest_rate": NUMBER, "grade": CLASSES, "long_term": BINARY},
        part="known",
        rows=10_000,
        prepare=loans,
        drop=("sub_grade", "installment", "balance", "loan_status", "emp_title"),
    ),
    "hotel": Table(
        source="modeldata::hotel_rates",
        targets={
            "avg_price_per_room": NUMBER,
            "total_of_special_requests": NUMBER,
            "parking": BINARY,
            "upgraded": BINARY,
        },
        part="known",
        rows=15_402,
        prepare=hotel,
        drop=("arrival_date_num", "assigned_room_type", "required_car_parking_spaces"),
    ),
    "flights": Table(
        source="nycflights13::flights",
        targets={"air_time": NUMBER, "late": BINARY, "cancelled": BINARY},
        part="known",
        rows=336_776,
        prepare=flights,
    ),
}
