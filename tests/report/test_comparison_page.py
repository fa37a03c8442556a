"""The page of a comparison: what is better, and by how much."""

import dataclasses
import json
import re

import numpy as np
import pytest

from mtl_keras.evaluation import Difference
from mtl_keras.report import intervals
from mtl_keras.report.comparison import comparison_page


@pytest.mark.usefixtures("rendered")
@pytest.mark.filterwarnings("error")
def test_a_comparison_has_one_direction_of_better_and_one_seed_will_do(comparison):
    same = dict.fromkeys(comparison.tasks, Difference(0.0, 0.0, 0.0))
    one = dataclasses.replace(
        comparison,
        values={n: {t: v[:1] for t, v in of.items()} for n, of in comparison.values.items()},
        differences={**comparison.differences, "joint": same},
    )
    page = comparison_page(one.to_dict())
    assert "could not be drawn" not in page and "1 seed," in page
    page = comparison_page(comparison.to_dict())
    spend = page[page.index('<h3 id="task-2">') : page.index('id="overall"')]
    order = re.findall(r'<tr[^>]*><th scope="row">([^<]+)</th>', spend)
    assert order == ["joint", "single-task", "linear"]  # by gain, though a lower RMSE is better
    assert "+0.10" in spend and "+0.05 to +0.15" in spend and "worse · gain · better" in spend
    assert "(RMSE (pounds); lower is better)" in spend and "+0.10 pounds" in spend
    gains = re.findall(r'<th scope="row">(?:joint|linear)</th><td class="number" data-value="'
                       r'[^"]+">([+-])', page[page.index('id="overall"') :])  # fmt: skip
    assert gains == ["+", "-"]


def test_what_a_comparison_is_about_and_how_its_gains_are_written(comparison):
    page = comparison_page(comparison.to_dict())
    assert "<dt>Table</dt><dd>shop.csv</dd>" in page
    text, html = str(comparison), comparison._repr_html_()
    small = dataclasses.replace(  # the same in a unit of which there are a million times fewer
        comparison,
        values={n: {t: [1e-6 * v for v in vs] for t, vs in of.items()}
                for n, of in comparison.values.items()},
        differences={n: {t: Difference(*(1e-6 * np.array(dataclasses.astuple(d))))
                         for t, d in of.items()} for n, of in comparison.differences.items()},
    )  # fmt: skip
    for written, told in (("+0.10", text), ("+0.05 to +0.15", html), ("+1.00e-07", str(small))):
        assert written in told
    widths = {line.index("helped") for line in text.splitlines() if line.endswith("helped")}
    assert len(widths) == 1


def test_the_picture_of_gains_has_better_on_the_right_and_arrows_for_what_is_far_off():
    gains = [(0.02, 0.01, 0.03), (-0.01, -0.02, 0.005), (-9.0, -9.5, -8.5)]
    drawn = intervals.picture(gains, reference=0)
    better, worse, far = drawn.bars
    assert worse.middle < drawn.zero < better.low < better.middle
    assert worse.low < drawn.zero < worse.low + worse.width  # its interval contains 0
    assert better.middle == pytest.approx(better.low + better.width / 2, abs=0.02)
    assert far.arrow == "←" and not better.arrow
    places = [place for place, _ in drawn.ticks]
    assert places == sorted(places) and all(0 < place < 100 for place in places)
    assert (drawn.zero in places) and len({text for _, text in drawn.ticks}) == len(places)
    assert intervals.picture([(0.0, 0.0, 0.0)], reference=0).zero == 50


def test_a_comparison_on_a_single_row_has_a_page_without_intervals(comparison, tmp_path):
    """Its page failed after the last training."""
    lone = {task: Difference(0.2, np.nan, np.nan) for task in comparison.tasks}
    differences = dict.fromkeys(comparison.values, lone)
    single = dataclasses.replace(comparison, differences=differences)
    page = single.write(tmp_path).read_text()
    assert "– to –" in page and '<td class="number" data-value="nan"' not in page
    written = json.loads((tmp_path / "comparison.json").read_text(), parse_constant=pytest.fail)
    assert {row["low"] for row in written["results"]} == {None}
