"""The command line: `python -m benchmarks.quality`."""

import argparse
import json
import os
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pandas as pd

from . import __doc__ as description
from .case import Case
from .check import check
from .models import MODELS, RIVALS
from .running import Results, shown
from .scores import report
from .table import ROWS
from .tables import named


def words(text: str) -> list[str]:
    return text.split(",")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--tables", type=words, default=["known"], help="tables, or parts of them")
    usual = f"default: all but {', '.join(RIVALS)}"
    add("--models", type=words, default=[], help=f"of {', '.join(MODELS)}; {usual}")
    add("--seeds", type=int, default=3, help="how many")
    add("--first", type=int, default=0, help="the first seed")
    add("--limit", type=int, default=ROWS, help="at most this many rows of a table")
    add("--results", type=Path, default=Path(__file__).with_name("results"))
    add("--beside", type=Path, help="a folder of results of another state of the library")
    add("--report", action="store_true", help="only show what there is")
    add("--part", default="test", choices=["validation", "test"], help="rows of the report")
    add("--check", action="store_true", help="only check that the tables are as declared")
    trial = {"dest": "trials", "nargs": 2, "metavar": ("NAME", "JSON"), "action": "append"}
    add("--try", default=[], help="another setting of ours: keys of an experiment", **trial)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    tables = named(given.tables)
    if given.check:
        check(tables)
        return
    trials = {name: json.loads(text) for name, text in given.trials}
    models = given.models + [name for name in trials if name not in given.models]
    for name in models:
        if name not in MODELS and name not in trials:
            raise SystemExit(f"No model {name!r}. There are: {', '.join(MODELS)}.")
    models = models or [name for name in MODELS if given.report or name not in RIVALS]
    results, found = Results(given.results, trials), []
    for seed in range(given.first, given.first + given.seeds):
        for table in tables:
            case = Case(table, seed, given.limit)
            for rows in results(case, models, compute=not given.report):
                found += rows
                if not given.report:
                    print(shown(rows), flush=True)
            if given.beside is not None:
                other = Results(given.beside, trials)
                for rows in other(case, models, compute=False):
                    found += [{**r, "model": f"{r['model']} ({given.beside.name})"} for r in rows]
    if not found:
        raise SystemExit(f"There are no results in {given.results}.")
    print(report(pd.DataFrame(found), given.part))


if __name__ == "__main__":
    main()
