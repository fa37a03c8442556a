"""Nasty tables and odd declarations: equal answers, or a refusal that names what is wrong.

With `MTL_CASES=2000` it tries more; `benchmarks/tables.py` tells of all that it finds.
"""

import contextlib
import os
import random

import hypothesis
import keras
import pytest
from hypothesis import strategies

from tests.property import checks, tables

pytestmark = pytest.mark.usefixtures("rendered")  # names of columns are odd
MANY = int(os.environ.get("MTL_CASES", "0"))
CASES = {"prepared": 8, "untrained": 4, "whole": 1}


def tried(name):
    """A property that holds of a number of cases."""
    return hypothesis.settings(
        max_examples=MANY or CASES[name],
        deadline=None,
        derandomize=not MANY,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if MANY else [])],
    )


drawn = strategies.randoms(use_true_random=False).map(tables.drawn)


def succeeds_or_is_refused(check, case, **options):
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    with contextlib.suppress(checks.Refused):
        check(case, **options)


@tried("prepared")
@hypothesis.given(drawn)
def test_rows_are_prepared_alike_by_what_is_read_again(case):
    succeeds_or_is_refused(checks.prepared, case)


@tried("untrained")
@hypothesis.given(drawn)
def test_the_served_model_answers_as_the_network_does(case):
    succeeds_or_is_refused(checks.untrained, case)


@pytest.mark.slow  # as the table from a file below, but for reading it
@tried("whole")
@hypothesis.given(drawn)
def test_a_loaded_artifact_answers_as_its_run_did(case):
    succeeds_or_is_refused(checks.whole, case)


SERVED = (0, 8, 13, 27)  # seeds of cases that are not refused


@pytest.mark.parametrize("seed", SERVED)
def test_what_is_not_refused_is_served_as_the_network_answers(seed):
    checks.untrained(tables.drawn(random.Random(seed)))


@pytest.mark.parametrize("seed", SERVED[-1:])
def test_a_table_from_a_file_is_served_as_it_was_trained(seed):
    succeeds_or_is_refused(checks.whole, tables.drawn(random.Random(seed)), as_file=True)
