"""Tables that no setting has seen before, and that settings may be chosen on."""

import numpy as np
import pandas as pd

from .table import BINARY, CLASSES, NUMBER, Table, codes, is_


def houses(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        log_price=np.log(table["price"]),
        kitchen=table["Kitchen.Qual"].replace("Po", "Fa"),
        fireplace=(table["Fireplaces"] > 0).astype(int),
    )


def pupils(table: pd.DataFrame) -> pd.DataFrame:
    present = table[["read3", "math3", "lunch3"]].notna().any(axis=1)
    table = table[present].assign(free_lunch=is_(table["lunch3"], "free"))
    schools = [f"schoolid{grade}" for grade in "k123"]
    return table.assign(**{name: codes(table[name]) for name in schools})


def force(table: pd.DataFrame) -> pd.DataFrame:
    texts = table.select_dtypes(["object", "string"])
    table = table.assign(**{name: texts[name].str.strip() for name in texts})
    common = ["Bodily Force", "Chemical Irritant", "Taser"]
    when = pd.to_datetime(table["response_datetime"])
    return table.assign(
        force_type=table["force_type"].where(table["force_type"].isin(common), "Other"),
        injured=is_(table["subject_injury"], "Yes"),
        date=when.dt.strftime("%Y-%m-%d"),
        hour=when.dt.hour,
        precinct=codes(table["precinct"]),
    )


def covid(table: pd.DataFrame) -> pd.DataFrame:
    valid = table["result"].where(table["result"] != "invalid")
    return table.assign(
        positive=is_(valid, "positive"),
        log_hours_to_lab=np.log1p(table["col_rec_tat"].clip(lower=0)),
        log_hours_to_result=np.log1p(table["rec_ver_tat"].clip(lower=0)),
    )


def health(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        any_expense=table["binexp"],
        admitted=(table["totadm"] > 0).astype(int),
        log_visits=np.log1p(table["mdvis"]),
        plan=codes(table["plan"]),
        site=codes(table["site"]),
    )


def crashes(table: pd.DataFrame) -> pd.DataFrame:
    crash = table["caseid"].str.rsplit(":", n=1).str[0]  # without the number of the vehicle
    return table.assign(
        killed=is_(table["dead"], "dead"),
        severity=codes(table["injSeverity"].where(table["injSeverity"] <= 4)),
        crash=table["yearacc"].astype(str) + ":" + crash,
    )


def rodents(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(male=is_(table["sex"], "M"), plot_id=codes(table["plot_id"]))
    measured = table[["male", "weight", "hindfoot_length"]].notna().any(axis=1)
    return table[(table["taxa"] == "Rodent") & measured]


def voters(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(ideology=codes(table["ideo"]))


CHOOSING = {
    "houses": Table(
        source="openintro::ames",
        targets={"log_price": NUMBER, "kitchen": CLASSES, "fireplace": BINARY},
        part="choosing",
        rows=2_930,
        prepare=houses,
        drop=("Order", "PID", "price", "Kitchen.Qual", "Fireplaces", "Fireplace.Qu"),
        why="price and equipment of a house; small and wide, many categories, strong signal",
    ),
    "pupils": Table(
        source="AER::STAR",
        targets={"read3": NUMBER, "math3": NUMBER, "free_lunch": BINARY},
        part="choosing",
        rows=6_695,
        prepare=pupils,
        drop=("lunch3",),
        why="two marks and the need of a child in third grade, from the years before; alike "
        "targets, a third of the features missing",
    ),
    "force": Table(
        source="openintro::mn_police_use_of_force",
        targets={"force_type": CLASSES, "injured": BINARY},
        part="choosing",
        rows=12_925,
        prepare=force,
        drop=("subject_injury", "force_type_action"),
        group="response_datetime",
        why="what was done and what came of it; categories nearly alone, a quarter of the labels",
    ),
    "covid": Table(
        source="medicaldata::covid_testing",
        targets={
            "positive": BINARY,
            "log_hours_to_lab": NUMBER,
            "log_hours_to_result": NUMBER,
        },
        part="choosing",
        rows=15_524,
        prepare=covid,
        drop=(
            *("fake_first_name", "fake_last_name", "test_id", "result", "ct_result"),
            *("col_rec_tat", "rec_ver_tat"),
        ),
        group="subject_id",
        why="result of a test and the time it takes; a rare class beside two durations",
    ),
    "health": Table(
        source="sampleSelection::RandHIE",
        targets={
            "any_expense": BINARY,
            "lnmeddol": NUMBER,
            "log_visits": NUMBER,
            "admitted": BINARY,
        },
        part="choosing",
        rows=20_190,
        prepare=health,
        drop=(
            *("binexp", "meddol", "outpdol", "drugdol", "suppdol", "mentdol", "inpdol"),
            *("totadm", "inpmis", "mentvis", "mdvis", "notmdvis"),
            *("fchild", "lfam", "lpi", "logc", "fmde", "xghindx", "linc", "lnum"),
        ),
        group="zper",
        why="whether and how much care a person needs in a year; four targets, all noisy, the "
        "expense labelled where there was one",
    ),
    "crashes": Table(
        source="DAAG::nassCDS",
        targets={"killed": BINARY, "severity": CLASSES},
        part="choosing",
        rows=26_217,
        prepare=crashes,
        drop=("dead", "injSeverity", "caseid", "weight", "abcat"),
        group="crash",
        why="outcome for an occupant; a rare class inside an ordered one",
    ),
    "rodents": Table(
        source="ratdat::complete",
        targets={"male": BINARY, "weight": NUMBER, "hindfoot_length": NUMBER},
        part="choosing",
        rows=33_145,
        prepare=rodents,
        drop=("record_id", "sex", "genus", "species", "taxa"),
        why="measures of an animal from species, place and date; two strong targets beside a "
        "weak one",
    ),
    "voters": Table(
        source="stevedata::TV16",
        targets={"votetrump": BINARY, "pid7na": NUMBER, "ideology": CLASSES},
        part="choosing",
        rows=64_600,
        prepare=voters,
        drop=("uid", "ideo", "lrelig", "lcograc", "lemprac"),
        why="vote, party and ideology of one person; strongly related targets, weak features",
    ),
}
