"""The sections about errors: residuals, weak slices, worst predictions, intervals."""

import json
import re
from types import SimpleNamespace

from mtl_keras.drawing.digits import numbers
from mtl_keras.report.figures import Drawer
from mtl_keras.report.sections.residuals import residuals
from mtl_keras.report.sections.weak_slices import weak_slices
from mtl_keras.report.sections.worst_rows import worst_rows
from mtl_keras.tasks import Regression


def content(**diagnostics):
    metrics = {"diagnostics": diagnostics} if diagnostics else {}
    task = Regression("spend", unit="pounds")
    return SimpleNamespace(metrics=metrics, tasks=[task], units={"spend": "pounds"})


def slice_of(**values):
    names = {"task": "spend", "feature": "town", "value": "Bath", "rows": 1234, "measure": "mae"}
    scores = {"score": 7.0, "low": 6.0, "high": 8.0, "elsewhere": 2.0, "constant": 9.0}
    return names | scores | values


def test_the_page_of_a_model_has_them_all(artifact):
    page = (artifact / "report.html").read_text()
    for section in ("residuals", "weak_slices", "worst_rows"):
        assert f'<h2 id="{section}">' in page
    kept = json.loads((artifact / "1" / "assets.extra" / "metrics.json").read_text())
    worst = kept["diagnostics"]["worst_rows"][0]
    assert worst["name"] in page and worst["name"].startswith("id ")
    ends = kept["test"]["left"]["intervals"]["roc_auc"]
    trained = kept["test"]["left"]["training"]["roc_auc"]
    for text in (
        " to ".join(numbers(ends, intervals=[ends])),
        *numbers([trained], intervals=[ends]),
    ):
        assert text in page
    (heat,) = re.findall(r'<table class="heat">.*?</table>', page, re.DOTALL)
    assert {f"{task['first']}" in heat for task in kept["diagnostics"]["correlation"]} == {True}


def test_a_weak_slice_is_told_with_its_interval_and_its_absence_is_said():
    told = str(weak_slices(content(weak_slices=[slice_of()], searched=5), Drawer()).__html__())
    for text in ("Bath", "1,234", "MAE (pounds)", "6.0 to 8.0", "9.0"):
        assert text in told, text
    told = str(weak_slices(content(weak_slices=[], searched=5), Drawer()).__html__())
    assert "In none of the 5 features is there a value or range" in told
    undetermined = slice_of(low=None, high=None)
    told = weak_slices(content(weak_slices=[undetermined], searched=5), Drawer())
    assert "6.0 to" not in str(told.__html__())


def test_what_is_not_wanted_or_not_known_is_left_out():
    """`worst_rows = 0`, and artifacts of a version that had no diagnostics."""
    assert worst_rows(content(worst_rows=[], searched=5), Drawer()) is None
    for section in (residuals, weak_slices, worst_rows):
        assert section(content(), Drawer()) is None
