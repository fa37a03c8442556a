"""Tables that no setting has seen: they are looked at once, at the end."""

import numpy as np
import pandas as pd

from .table import BINARY, CLASSES, NUMBER, Table, codes, is_


def personality(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(female=is_(table["gender"], 2), education=codes(table["education"]))


def developers(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(remote=is_(table["Remote"], "Remote"))


def injuries(table: pd.DataFrame) -> pd.DataFrame:
    coded = ["indust", "injtype", "injdes"]
    return table.assign(**{name: codes(table[name]) for name in coded})


def strikes(table: pd.DataFrame) -> pd.DataFrame:
    struck = table["birds_struck"].replace({"11-100": "more", "Over 100": "more"})
    return table.assign(
        log_height=np.log1p(table["height"]),
        struck=struck.where(struck != "0"),
        affected=table["effect"].notna().astype(int),  # "None" is empty in this copy
        date=pd.to_datetime(table["date"], format="%m/%d/%Y 0:00:00").dt.strftime("%Y-%m-%d"),
    )


def storms(table: pd.DataFrame) -> pd.DataFrame:
    rare = {"disturbance": "other low", "tropical wave": "other low"}
    rare |= {f"subtropical {of}": "subtropical" for of in ("storm", "depression")}
    return table.assign(
        status=table["status"].replace(rare), storm=table["name"] + table["year"].astype(str)
    )


def wages(table: pd.DataFrame) -> pd.DataFrame:
    coded = ["race", "ind_code", "occ_code"]
    return table.assign(**{name: codes(table[name]) for name in coded})


def movies(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        log_votes=np.log(table["votes"]),
        log_budget=np.log(table["budget"].where(table["budget"] > 0)),
        certificate=table["mpaa"].replace("NC-17", "R"),
    )


JUDGING = {
    "personality": Table(
        source="psych::bfi",
        targets={"age": NUMBER, "female": BINARY, "education": CLASSES},
        part="judging",
        rows=2_800,
        prepare=personality,
        drop=("gender",),
        why="25 answers on a scale say a little of who answered; small, all features alike",
    ),
    "developers": Table(
        source="modeldata::stackoverflow",
        targets={"Salary": NUMBER, "remote": BINARY, "CareerSatisfaction": NUMBER},
        part="judging",
        rows=5_594,
        prepare=developers,
        drop=("Remote",),
        why="pay, place and satisfaction of one job; one strong target beside two weak ones",
    ),
    "injuries": Table(
        source="wooldridge::injury",
        targets={"ldurat": NUMBER, "ltotmed": NUMBER, "hosp": BINARY},
        part="judging",
        rows=7_150,
        prepare=injuries,
        drop=(
            *("durat", "totmed", "ky", "mi", "afhigh", "lprewage", "lage", "highlpre"),
            *("head", "neck", "upextr", "trunk", "lowback", "lowextr", "occdis"),
            *("manuf", "construc"),
        ),
        why="length and cost of a claim at work; a category of 389 codes, noisy targets",
    ),
    "strikes": Table(
        source="openintro::birds",
        targets={
            "log_height": NUMBER,
            "speed": NUMBER,
            "struck": CLASSES,
            "affected": BINARY,
        },
        part="judging",
        rows=19_302,
        prepare=strikes,
        drop=("opid", "remarks", "height", "effect", "birds_seen", "birds_struck"),
        why="circumstances and outcome of a collision; categories of hundreds of values, dates",
    ),
    "storms": Table(
        source="dplyr::storms",
        targets={"wind": NUMBER, "pressure": NUMBER, "status": CLASSES},
        part="judging",
        rows=19_537,
        prepare=storms,
        drop=("name", "category", "tropicalstorm_force_diameter", "hurricane_force_diameter"),
        group="storm",
        why="strength of a storm from place and time; few smooth numbers, targets of one cause",
    ),
    "wages": Table(
        source="sampleSelection::nlswork",
        targets={"ln_wage": NUMBER, "hours": NUMBER, "union": BINARY},
        part="judging",
        rows=28_534,
        prepare=wages,
        group="idcode",
        why="pay, hours and union of a woman's job; a panel, a third of the union labels missing",
    ),
    "diamonds": Table(
        source="ggplot2::diamonds",
        targets={"price": NUMBER, "cut": CLASSES},
        part="judging",
        rows=53_940,
        why="price and grade of a stone from its measures; two strong targets, exact numbers",
    ),
    "movies": Table(
        source="ggplot2movies::movies",
        targets={
            "rating": NUMBER,
            "log_votes": NUMBER,
            "log_budget": NUMBER,
            "certificate": CLASSES,
        },
        part="judging",
        rows=58_788,
        prepare=movies,
        drop=("title", "votes", "budget", "mpaa", *(f"r{place}" for place in range(1, 11))),
        why="how a film is received; two of four targets with labels in a tenth of the rows",
    ),
}
