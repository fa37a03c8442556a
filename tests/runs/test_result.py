"""What a run shows of itself, and how it answers."""

import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.drawing import notebook
from mtl_keras.features import infer


def test_a_run_answers_as_its_artifact_does(run, predictor):
    rows = run.test.head(30)
    pd.testing.assert_frame_equal(run.predict(rows), predictor.predict(rows), rtol=1e-4)


def test_a_run_refuses_what_its_artifact_refuses(run):
    with pytest.raises(mtl.errors.DataError, match=r"lacks columns.*'town'"):
        run.predict(run.test.drop(columns="town"))


def test_figures_have_names(run):
    titles = [ax.get_title() for ax in run.figures.history().axes]
    assert titles[0] == "total loss" and "left: loss" in titles
    words = [text.get_text() for text in run.figures.structure().axes[0].texts]
    assert "input: numeric" in words


def test_results_are_tables_in_a_notebook(run, predictor):
    shown = {
        "experiment": run.experiment,
        "run": run,
        "evaluation": run.evaluation,
        "guesses": run.guesses,
        "predictor": predictor,
    }
    for name, each in shown.items():
        html, text = each._repr_html_(), repr(each)
        assert html.count("<table>") == html.count("</table>") == 1, name
        assert "<script" not in html, name
        assert "<" not in text and len(text) < 12_000, name
    assert repr(run).splitlines()[0].startswith("Run of 'shop': 10 tasks, ")
    assert repr(run.evaluation) == str(run.evaluation)


def test_names_of_columns_cannot_become_html():
    hostile = "<script>alert(1)</script>&\"'"
    table = pd.DataFrame({hostile: [1.5, 2.5, 2.5, 9.0], "left": ["yes", "no", "no", "yes"]})
    experiment = mtl.Experiment(tasks={hostile: "regression"}, features={"left": "boolean"})
    for each in (infer(table), experiment):
        assert "<script>" not in each._repr_html_()
        assert "&lt;script&gt;alert(1)" in each._repr_html_()


def test_long_tables_end():
    html = notebook.table(["column"], [(str(number),) for number in range(1000)])
    assert html.count("<tr>") == 1 + notebook.MOST_ROWS and "and 940 more" in html
    assert repr(infer(pd.DataFrame({f"x{n}": [1, 2, 2] for n in range(40)}))).endswith("10 more")
