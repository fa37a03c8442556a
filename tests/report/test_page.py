"""The report: what is in it."""

import dataclasses
import json
import re
import shutil
from html import unescape

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from mtl_keras.drawing import digits
from mtl_keras.features import Date
from mtl_keras.report.figures import Drawer
from mtl_keras.report.sections.use import _example
from mtl_keras.runs import rewrite_report
from mtl_keras.runs.reports import model_card_of


@pytest.fixture(scope="module")
def page(artifact):
    return (artifact / "report.html").read_text(encoding="utf-8")


def test_the_page_stands_alone_and_tells_all(page, run):
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", page)  # nothing is fetched
    assert "could not be drawn" not in page
    for task in run.tasks:
        assert task.name in page or "account balance" in task.name
    words = ("Feature importance", "How to use it", "Seed 0", "TensorFlow 2.", "left out")
    for word in (*words, "The declared coverage is 0.95", "all contain their true labels in"):
        assert word in page
    figures = re.findall(r"<svg role=\"img\" aria-label=\"([^\"]+)\"", page)
    assert len(figures) == page.count("<svg ") - page.count('<svg class="bars"') > 20
    assert not re.search(r">-0\.?0*<", page)
    identifiers = re.findall(r'\bid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))


def test_a_figure_that_fails_says_so_and_the_page_goes_on():
    drawn = Drawer()("A line", lambda ax: 1 / 0)
    assert drawn["caption"] == "A line" and "svg" not in drawn
    assert drawn["error"] == "ZeroDivisionError: division by zero"


def test_the_head_says_what_the_page_is_about(page, artifact):
    schema = json.loads((artifact / "schema.json").read_text())
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", page))
    assert facts["Trained"] == f"{schema['trained_at'][:16]} UTC"
    rows = json.loads((artifact / "metrics.json").read_text())["rows"]
    assert facts["Rows"].startswith(f"{sum(rows.values())}: {rows['train']} training")
    period = facts["Period of the training rows"]
    assert re.fullmatch(r"2020-\d\d-\d\d to 2022-\d\d-\d\d \(joined\)", period)
    assert facts["Intended use"] == "not stated by the author"


def test_each_target_and_feature_has_its_distribution_and_each_decision_its_threshold(page, run):
    table = r'aria-label="(?:Targets|Features)">(.*?)</table>'
    targets, features = re.findall(table, page, re.DOTALL)
    labels = [label for task in run.tasks for label in task.columns]
    assert targets.count('<svg class="bars"') == len(labels)
    watched = {"age", "town", "member", "joined", "class"}
    assert features.count('<svg class="bars"') == len(watched)
    left = next(task for task in run.tasks if task.name == "left")
    assert f"<p>T{escape(left.decision[1:])}.</p>" in page
    assert (
        f"{left.classes[1]!r}" in left.decision and digits.number(left.threshold) in left.decision
    )


def test_the_code_has_values_of_the_training_rows(page):
    """A date was `"…"`, which counts as a missing one."""
    values = dict(re.findall(r"^    (\w+)=tf.constant\(\[(.+)\]\),", unescape(page), re.MULTILINE))
    assert 18 < float(values["age"]) < 90 and values["town"].strip('"').isalpha()
    assert "model.predict(&#34;new_rows.csv&#34;)" in page
    joined = Date("joined").fit(pd.Series(["2020-01-31", "2022-01-31", "2022-03-31"]))
    assert _example(joined, "string", {"edges": [18_300.0, 18_800.0]}) == '"2021-06-22"'
    assert _example(joined, "string", {}) == '"…"'


def test_the_importance_finds_what_matters(run):
    found = pd.DataFrame(run.explanation()["importance"])
    spend = found[found["task"] == "score"].set_index("feature")["drop"]
    assert spend.idxmax() == "age"
    assert spend["class"] < 0.2 * spend["age"]


def test_slices_cut_numbers_and_name_the_missing(run):
    table = run.slices("town")
    assert "missing" in set(table["value"])
    visits = table[table["task"] == "visits"].groupby("measure")
    labelled = np.isfinite(run.truths["test"]["visits"]).sum()
    assert (visits["rows"].sum() == labelled).all() and "conformal_coverage" in visits.groups
    assert set(table[table["task"] == "balance"]["measure"]) == {"rmse", "mean_residual"}
    assert run.slices("age")["value"].nunique() == 5


def test_the_report_is_made_anew_with_the_comparison(artifact, run, comparison, tmp_path):
    folder = shutil.copytree(artifact, tmp_path / "shop")
    before = (folder / "report.html").read_text()
    assert "A single training does not show" in before
    comparison.write(folder / "comparison")
    assert "Train them together" not in rewrite_report(folder).read_text(), "it is of other tasks"
    names = [task.name for task in run.tasks]
    dataclasses.replace(
        comparison,
        tasks=names,
        measures={task.name: task.measure for task in run.tasks},
        units=dict.fromkeys(names, ""),
        values={n: dict.fromkeys(names, v["left"]) for n, v in comparison.values.items()},
        differences={n: dict.fromkeys(names, d["left"]) for n, d in comparison.differences.items()},
    ).write(folder / "comparison")
    path = folder / "1" / "assets.extra" / "metrics.json"
    tried = {"what": "architecture", "epochs": 4, "candidate": "mmoe", "score": 0.0, "left": 0.5}
    path.write_text(json.dumps({**json.loads(path.read_text()), "search": [tried]}))
    plan = path.with_name("experiment.toml")
    plan.write_text(f'intended_use = "Not to decide <alone>."\n{plan.read_text()}')
    after = rewrite_report(folder).read_text()
    assert "<dd>Not to decide &lt;alone&gt;.</dd>" in after
    assert "Not to decide <alone>." in model_card_of(path.parents[1])
    third = shutil.copytree(folder / "1", folder / "3")
    assert 'tf.saved_model.load("shop/3")' in model_card_of(third)
    assert "saved_models/shop/3" in rewrite_report(folder).read_text()
    assert "Train them together" in after and "Train them together" not in before
    told = "The comparison was on other rows (100: 60 training, 20 validation, 20 test) than"
    assert told in after
    assert "mean ROC AUC was: joint 0.805, single-task 0.705 and linear 0.605.</p>" in after
    assert "In the comparison" not in before
    assert "Candidates that were tried" in after and "Candidates that were tried" not in before
