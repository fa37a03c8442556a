"""The report: what is in it, and that a real browser shows it."""

import dataclasses
import json
import re
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
from markupsafe import escape
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from mtl_keras import features, report
from mtl_keras.comparison import Comparison
from mtl_keras.drawing import digits
from mtl_keras.evaluation import Difference
from mtl_keras.evaluation.distribution import Distribution, missing
from mtl_keras.report import columns, glossary, intervals, wording
from mtl_keras.report.about import periods
from mtl_keras.report.comparison import comparison_page
from mtl_keras.report.figures import Drawer
from mtl_keras.report.section import ENVIRONMENT
from mtl_keras.runs import rewrite_report
from mtl_keras.runs.files import model_card_of
from mtl_keras.tasks import Binary, Regression

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def page(artifact):
    return (artifact / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def comparison():
    tasks = [Binary("left"), Regression("spend <£>", unit="pounds")]
    values = {"joint": [0.8, 0.7], "single-task": [0.7, 0.9], "linear": [0.6, 0.95]}
    gains = {"joint": Difference(0.1, 0.05, 0.15), "linear": Difference(-0.1, -0.2, 0.01)}
    gains["single-task"] = Difference(0.0, 0.0, 0.0)
    return Comparison(
        name="shop",
        tasks=[task.name for task in tasks],
        measures={task.name: task.measure for task in tasks},
        units={task.name: task.unit for task in tasks},
        values={
            n: {t.name: [v[i], v[i] + 0.01] for i, t in enumerate(tasks)} for n, v in values.items()
        },
        differences={n: {t.name: gains[n] for t in tasks} for n in values},
        costs={n: {"seconds": 3.0, "parameters": 100.0, "size": 1e6} for n in values},
        chosen={n: ["", ""] for n in values},
        rows={"train": 60, "validation": 20, "test": 20},
        about={"Table": "shop.csv", "Rows": "100: 60 training, 20 validation, 20 test"},
    )


def test_the_page_stands_alone_and_tells_all(page, run):
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", page)  # nothing is fetched
    assert "could not be drawn" not in page
    for task in run.tasks:
        assert task.name in page or "account balance" in task.name
    words = ("Feature importance", "How to use it", "Seed 0", "TensorFlow 2.", "left out")
    for word in (*words, "Declared coverage 0.95", "all contain the true label in"):
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


def test_only_columns_of_dates_have_a_period():
    kept = {"low": 1.0, "high": 9.0}
    read = [features.Text("note"), features.Numeric("age"), features.Date("seen")]
    found = periods(read, dict.fromkeys(("note", "age", "seen"), kept))
    assert found == ["1970-01-02 to 1970-01-10 (seen)"]


def test_each_target_and_feature_has_its_distribution_and_each_decision_its_threshold(page, run):
    table = r'aria-label="(?:Targets|Features)">(.*?)</table>'
    targets, features = re.findall(table, page, re.DOTALL)
    labels = [label for task in run.tasks for label in task.columns]
    assert targets.count('<svg class="bars"') == len(labels)
    watched = {"age", "town", "member", "joined", "class"}
    assert features.count('<svg class="bars"') == len(watched)
    left = next(task for task in run.tasks if task.name == "left")
    assert f"<p>T{escape(left.decision[1:])}.</p>" in page
    assert f"{left.classes[1]!r}" in left.decision and f"{left.threshold:.4g}" in left.decision


@pytest.mark.parametrize(
    ("values", "words", "bars"),
    [
        (np.array(["a"] * 6 + ["b"] * 9 + [""], object), "b 60%, a 40%", 2),
        (np.r_[np.zeros(60), np.geomspace(1, 1e6, 40)], "min 0, median 0, max 1,000,000", 6),
        (np.full(9, np.nan), "", 0),
        (np.array(["", ""], object), "", 0),
        (np.array([1.0] * 9 + [np.nan]), "", 0),
    ],
)
def test_a_column_in_a_chart_and_a_few_words(values, words, bars):
    found = columns.summary(Distribution.of(values), digits.number)
    assert (found.words, found.chart.count("<rect")) == (words, bars)
    assert found.missing == pytest.approx(missing(values).mean())
    for width, height in re.findall(r'width="([\d.]+)" height="([\d.]+)"', found.chart):
        assert 0 < float(width) <= columns.WIDTH and 0 <= float(height) <= columns.HEIGHT


def test_a_page_names_files_without_their_folders():
    plan = 'path = ["/home/ann/a.csv", "../b.csv", "C:\\\\data\\\\c.csv"]\nunit = "km/h"\n'
    assert wording.without_folders(plan) == 'path = ["a.csv", "b.csv", "c.csv"]\nunit = "km/h"\n'


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


def test_the_report_is_made_anew_with_the_comparison(artifact, comparison, tmp_path):
    folder = shutil.copytree(artifact, tmp_path / "shop")
    before = (folder / "report.html").read_text()
    assert "A single training cannot tell" in before
    comparison.write(folder / "comparison")
    path = folder / "1" / "assets.extra" / "metrics.json"
    tried = {"what": "architecture", "epochs": 4, "candidate": "mmoe", "score": 0.0, "left": 0.5}
    path.write_text(json.dumps({**json.loads(path.read_text()), "search": [tried]}))
    plan = path.with_name("experiment.toml")
    plan.write_text(f'intended_use = "Not to decide <alone>."\n{plan.read_text()}')
    after = rewrite_report(folder).read_text()
    assert "<dd>Not to decide &lt;alone&gt;.</dd>" in after
    assert "Not to decide <alone>." in model_card_of(path.parents[1])
    assert "Train them together" in after and "Train them together" not in before
    assert "Candidates that were tried" in after and "Candidates that were tried" not in before


def test_the_boxes_of_the_network_hold_all_its_parameters(run):
    boxes = report.structure(run.model, run.outputs)
    assert sum(box["parameters"] for box in boxes) == run.model.count_params()
    assert {task for box in boxes for task in box["tasks"]} == {task.name for task in run.tasks}


def test_the_boxes_are_of_this_network_alone_and_none_stands_apart():
    trunk, heads = keras.layers.Dense(4), {task: keras.layers.Dense(1, name=task) for task in "ab"}
    first, again = keras.Input((3,), name="first"), keras.Input((3,), name="again")
    outputs = {task: head(trunk(first)) for task, head in heads.items()}
    for head in heads.values():
        head(trunk(again))  # as when the network is exported
    boxes = report.structure(keras.Model(first, outputs), outputs)
    assert [box["layers"][0] for box in boxes] == ["first", "a", "b"]
    assert [box["sources"] for box in boxes] == [[], [0], [0]]


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


@pytest.mark.parametrize("count", range(1, 14))
def test_the_last_row_of_figures_is_filled(count):
    figures = ENVIRONMENT.get_template("macros.html").module.figures
    made = str(figures([{"caption": "one", "svg": "<svg/>"}] * count))
    halves = made.count('<figure class="half">')
    thirds = count - halves
    assert thirds % 3 == 0 and (halves % 2 == 0 or count == 1)


def test_every_metric_of_a_task_is_explained(run):
    names = {name for task in run.evaluation.tasks for name in task.scores}
    assert names <= glossary.MEANINGS.keys()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None or shutil.which("chromedriver") is None:
        pytest.skip("there is no Chromium here (Debian: apt install chromium chromium-driver)")
    options = Options()
    options.binary_location = CHROMIUM
    for argument in (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
        "disable-background-networking", "disable-component-update",
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.mark.usefixtures("rendered")
def test_a_real_browser_shows_both_pages(browser, artifact, comparison, tmp_path):
    compared = tmp_path / "comparison.html"
    compared.write_text(comparison_page(json.loads(json.dumps(comparison.to_dict()))))
    for path in (artifact / "report.html", compared):
        for width in (1280, 390):
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
            )
            browser.get(path.as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.get_log("browser") == []
        asked = [
            json.loads(entry["message"])["message"] for entry in browser.get_log("performance")
        ]
        urls = [m["params"]["request"]["url"] for m in asked if m["method"].endswith("WillBeSent")]
        assert [u for u in urls if not u.startswith(("file:", "data:", "chrome"))] == []

    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.get((artifact / "report.html").as_uri())
    shown = "return [...document.querySelectorAll(arguments[0])].every((e) => e.offsetHeight > 0)"
    assert browser.execute_script(shown, "thead th, thead button, details pre")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.get(compared.as_uri())

    back = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(back)
    browser.find_element("id", "theme").click()
    assert browser.execute_script(back) != before

    table = browser.find_elements("css selector", "table.sortable")[1]
    head = table.find_elements("css selector", "th button")[1]
    for order in (1, -1):
        head.send_keys("\n")
        cells = table.find_elements("css selector", "tbody td:nth-child(2)")
        shown = [float(cell.get_attribute("data-value")) for cell in cells]
        assert shown == sorted(shown, reverse=order < 0)
