"""Tables that were declared last, when the judging ones had been looked at more than once."""

import numpy as np
import pandas as pd

from .table import BINARY, CLASSES, NUMBER, Table, codes


def tumours(table: pd.DataFrame) -> pd.DataFrame:
    recurred = table["recur"] == 1
    return table.assign(log_days_to_recurrence=np.log(table["rtime"]).where(recurred))


def donors(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(log_gift=np.log(table["gift"].where(table["gift"] > 0)))


def firms(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        patented=(table["patents"] > 0).astype(int),
        log_patents=np.log(table["patents"].where(table["patents"] > 0)),
        log_citations=np.log(table["cites"].where(table["cites"] > 0)),
        industry=codes(table["industry"]),
    )


def savers(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        participates=table["p401k"].where(table["e401k"] == 1),
        arcsinh_wealth=np.arcsinh(table["nettfa"]),
    )


def youths(table: pd.DataFrame) -> pd.DataFrame:
    some = ("1-2", "3-5", "6-9", "10-19", "20-29")
    days = table["text_while_driving_30d"]
    return table.assign(texts_driving=days.replace(dict.fromkeys(some, "some")))


def patients(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        log_visits=np.log1p(table["docvis"]), admitted=(table["hospvis"] > 0).astype(int)
    )


def workers(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(log_income=np.log(table["realrinc"]))


CONFIRMING = {
    "tumours": Table(
        source="survival::rotterdam",
        targets={"recur": BINARY, "death": BINARY, "log_days_to_recurrence": NUMBER},
        part="confirming",
        rows=2_982,
        prepare=tumours,
        drop=("pid", "rtime", "dtime"),
        why="whether and when a tumour returns, and whether the patient dies, from what is known "
        "after surgery; small, the time labelled where it returned",
    ),
    "donors": Table(
        source="wooldridge::charity",
        targets={"respond": BINARY, "log_gift": NUMBER},
        part="confirming",
        rows=4_268,
        prepare=donors,
        drop=("gift",),
        why="whether a letter brings a gift and how large it is, from earlier ones; few numbers, "
        "the gift labelled where there was one",
    ),
    "women": Table(
        source="wooldridge::fertil2",
        targets={"children": NUMBER, "idlnchld": NUMBER, "usemeth": BINARY},
        part="confirming",
        rows=4_361,
        drop=(
            *("ceb", "agefbrth", "knowmeth", "yearborn", "monthfm", "yearfm"),
            *("agesq", "urb_educ", "frsthalf", "educ0"),
        ),
        why="children that a woman has and wishes for, and contraception; a strong target beside "
        "two weak ones, half of some features missing",
    ),
    "firms": Table(
        source="sandwich::InstInnovation",
        targets={"patented": BINARY, "log_patents": NUMBER, "log_citations": NUMBER},
        part="confirming",
        rows=6_208,
        prepare=firms,
        drop=("patents", "cites", "dprecites", "drandd", "acompetition", "subsample"),
        group="company",
        why="whether a firm gets patents, how many, and how often they are cited; a panel, all "
        "numbers but an industry of 136 codes, strong signal",
    ),
    "savers": Table(
        source="wooldridge::k401ksubs",
        targets={
            "e401k": BINARY,
            "participates": BINARY,
            "pira": BINARY,
            "arcsinh_wealth": NUMBER,
        },
        part="confirming",
        rows=9_275,
        prepare=savers,
        drop=("p401k", "nettfa", "incsq", "agesq"),
        why="plans that a household saves with and what it owns; four targets, five features, "
        "one target labelled where another is true",
    ),
    "youths": Table(
        source="openintro::yrbss",
        targets={
            "physically_active_7d": NUMBER,
            "strength_training_7d": NUMBER,
            "texts_driving": CLASSES,
        },
        part="confirming",
        rows=13_583,
        prepare=youths,
        drop=("text_while_driving_30d",),
        why="habits of a pupil from body, home and other habits; weak targets, categories "
        "nearly alone",
    ),
    "patients": Table(
        source="COUNT::rwm5yr",
        targets={"log_visits": NUMBER, "admitted": BINARY, "outwork": BINARY},
        part="confirming",
        rows=19_609,
        prepare=patients,
        drop=(
            *("docvis", "hospvis", "self"),
            *("edlevel", "edlevel1", "edlevel2", "edlevel3", "edlevel4"),
        ),
        group="id",
        why="visits to a doctor, hospital and work of a person in a year; a panel, a noisy rare "
        "class beside a strong target",
    ),
    "workers": Table(
        source="stevedata::gss_wages",
        targets={
            "log_income": NUMBER,
            "prestg10": NUMBER,
            "wrkstat": CLASSES,
            "occrecode": CLASSES,
        },
        part="confirming",
        rows=61_697,
        prepare=workers,
        drop=("realrinc", "occ10"),
        why="work of a person, its income and its standing; eight and eleven classes beside two "
        "numbers, a third of the incomes missing",
    ),
}
