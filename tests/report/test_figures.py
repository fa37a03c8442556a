"""Figures show what they are to show: their lines are the numbers that they were given."""

import dataclasses
import io
import json
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras import balancers, report
from mtl_keras.drawing import panels, style
from mtl_keras.drawing.figure import axes, svg
from mtl_keras.report import balancing
from mtl_keras.report.figures import Drawer
from mtl_keras.report.sections.importance import _dependences
from mtl_keras.report.sections.training import in_words as training_in_words

pytestmark = [pytest.mark.xdist_group("shop"), pytest.mark.usefixtures("rendered")]


def drawn(panel):
    figure, grid = axes(1, 1)
    panel.draw_on(grid[0, 0])
    figure.draw_without_rendering()
    return grid[0, 0]


@pytest.fixture(scope="module")
def figures(run):
    return run.figures()


def test_the_history_has_a_line_for_each_log(run, figures):
    history = run.history
    shown = {ax.get_title(): ax for ax in figures["history.png"].axes}
    logs = {f"{task.name}: loss": f"{task.name}_loss" for task in run.tasks}
    logs |= {"total loss": "loss", "left: AUC": "left_auc", "spend: MAE": "spend_mae"}
    for title, log in logs.items():
        lines = {line.get_label(): line.get_ydata() for line in shown[title].lines}
        np.testing.assert_array_equal(lines["training"], history[log])
        np.testing.assert_array_equal(lines["validation"], history[f"val_{log}"])
    weights = shown["weight of each task"]  # of many tasks a row of colors each
    learned = history[[f"{task.name}_weight" for task in run.tasks]]
    np.testing.assert_array_equal(weights.images[0].get_array(), learned.to_numpy().T)
    assert [text.get_text() for text in weights.get_yticklabels()] == [t.name for t in run.tasks]


def test_the_history_of_few_tasks_has_a_row_for_each_and_lines_of_their_weights():
    logs = {"epoch": [1, 2], "loss": [3.0, 2.0]}
    for task, weight in (("a", [1.0, 2.0]), ("b", [1.0, 50.0])):
        logs |= {f"{task}_loss": [1.0, 0.5], f"{task}_mae": [9.0, 8.0], f"{task}_weight": weight}
        logs |= {f"{task}_dropped": [0.0, 0.5]}  # the weights show it
    figure = report.history_figure(pd.DataFrame(logs), ["a", "b"])
    titles = [ax.get_title() for ax in figure.axes if ax.get_visible()]
    first = ["total loss", "weight of each task"]
    assert titles == [*first, "a: loss", "a: MAE", "b: loss", "b: MAE"]
    weights = figure.axes[1]
    lines = {line.get_label(): list(line.get_ydata()) for line in weights.lines}
    assert lines == {"a": [1.0, 2.0], "b": [1.0, 50.0]} and weights.get_yscale() == "log"
    figure.draw_without_rendering()
    assert "10" in [text.get_text() for text in weights.get_yticklabels()]  # not a power of ten


def test_the_epochs_of_a_refit_are_shaded_and_the_curves_say_so(run):
    logs = pd.DataFrame({"epoch": range(1, 7), "loss": 1.0, "a_loss": 1.0, "b_loss": 1.0})
    logs = logs.assign(a_best=logs["epoch"] == 5, b_best=logs["epoch"] == 2)
    shaded = {}
    for refit in (0, 3):
        figure = report.history_figure(logs, ["a", "b"], refit)
        axes_of = {ax.get_title(): ax for ax in figure.axes}
        shaded[refit] = [
            [patch.get_extents().transformed(ax.transData.inverted()).intervalx.tolist()]
            if (patch := next(iter(ax.patches), None))
            else []
            for ax in (axes_of["a: loss"], axes_of["b: loss"], axes_of["total loss"])
        ]
        assert ("trained again" in (figure.get_supxlabel() or "")) == bool(refit)
    assert shaded == {0: [[], [], []], 3: [[[2, 5]], [[1, 2]], []]}
    kept = {"epochs": 6, "best_epochs": {"a": 5, "b": 2}, "seconds": {"fit": 4.0}, "refit": 3}
    told = training_in_words(SimpleNamespace(metrics=kept, history=logs))
    assert "epoch 2 for b; epoch 5 for a. The last 3 epochs up to the chosen one" in told
    assert "The model has the weights of these epochs." in training_in_words(
        SimpleNamespace(metrics={**kept, "refit": 0}, history=logs)
    )
    left = SimpleNamespace(metrics={**kept, "finished": {"b": 4, "a": 6}}, history=logs)
    assert "trained no further while others still improve: b after epoch 4. From" in (
        training_in_words(left)
    )
    assert "no further" not in told
    assert bool(run.figures.history().get_supxlabel()) == bool(run.metadata["refit"])


def test_the_curves_of_the_first_of_several_networks_are_not_said_to_be_the_models():
    """Its weight may be 0."""
    logs = pd.DataFrame({"epoch": [1, 2], "loss": 1.0, "a_loss": 1.0, "a_best": [False, True]})
    kept = {"epochs": 2, "best_epochs": {"a": 2}, "seconds": {"fit": 4.0}}
    for refit in (0, 1):
        mixed = {**kept, "refit": refit, "network_weights": {"a": [0.0, 0.25, 0.75]}}
        told = training_in_words(SimpleNamespace(metrics=mixed, history=logs))
        assert "3 networks were trained" in told and "a 0%, 25%, 75%." in told
        assert "The first network has" in told and "The model has" not in told
        said = report.history_figure(logs, ["a"], refit, networks=3).get_supxlabel()
        assert "the first of 3 networks" in said and "The model has" not in said


def test_the_curves_of_a_task_that_was_trained_no_further_are_faded_from_there_on():
    logs = pd.DataFrame({"epoch": range(1, 7), "loss": 1.0, "a_loss": 1.0, "b_loss": 1.0})
    figure = report.history_figure(logs, ["a", "b"], finished={"a": 6, "b": 4})
    told = {}
    for ax in figure.axes:
        ends = [[line.get_xdata()[i] for i in (0, -1)] for line in ax.lines if line.get_alpha()]
        told[ax.get_title()] = (ends, [(text.get_text(), text.xy[0]) for text in ax.texts])
    assert told["b: loss"] == ([[4, 6]], [("trained no further", 4)])
    assert told["a: loss"] == told["total loss"] == ([], [])


def test_every_task_has_a_row_of_panels_with_something_in_them(run, figures):
    shown = figures["prediction.png"].axes
    assert len(shown) == 4 * len(run.tasks)
    for number, ax in enumerate(shown):
        assert ax.has_data() == ax.get_visible() == bool(ax.get_title())
        assert ax.get_title().startswith(f"{run.tasks[number // 4].name}: ") or number % 4 == 3
    matrices = {ax.get_title().split(":")[0] for ax in shown[3::4] if "confusion" in ax.get_title()}
    assert matrices == {"left", "segment", "size"}


@pytest.fixture(scope="module")
def records():
    """Per balancer what it recorded in a few epochs, as the artifact keeps it."""
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 4)).astype("float32")
    y = {"a": x[:, 0], "b": x[:, 0] - x[:, 1]}
    y["b"][::2] = np.nan  # what drops tasks drops the one with fewer labels
    of_balancers = {}
    for balancer in (balancers.PCGrad(), balancers.DST(weights={"count": 1.0})):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(4, activation="tanh")(inputs)
        outputs = {task: keras.layers.Dense(1)(hidden) for task in y}
        model = mtl.MultiTaskModel(inputs, outputs)
        model.compile("adam", loss="mse", balancer=balancer)
        model.fit(x, y, batch_size=8, epochs=4, verbose=0)
        of_balancers[type(balancer)] = json.loads(json.dumps(model.balancing))
    return of_balancers


@pytest.mark.parametrize(
    ("balancer", "expected"),
    [
        (balancers.PCGrad, ["Weight of each", "Gradient norm of each", "Agreement of each pair"]),
        (balancers.DST, ["Share of steps without"]),
    ],
)
def test_a_report_has_each_figure_of_its_balancer(records, balancer, expected):
    content = SimpleNamespace(balancing=records[balancer])
    shown = balancing.balancing(content, ["a", "b"], Drawer())
    assert all("svg" in figure for figure in shown)
    captions = [figure["caption"] for figure in shown]
    for words in expected:
        assert any(caption.startswith(words) for caption in captions), captions


def test_the_conflict_of_tasks_is_told_in_words():
    cosines = np.array([[1.0, 0.4, -0.3], [0.4, 1.0, -0.001], [-0.3, -0.001, 1.0]])
    content = SimpleNamespace(balancing=[{"cosines": cosines.tolist()}] * 2)
    told = balancing.conflict(content, ["a", "b", "c"])
    assert "1 of 3" in told and "a and c (mean cosine -0.30)" in told
    without = cosines.copy()
    without[0] = without[:, 0] = np.nan
    content.balancing.append({"cosines": without.tolist()})  # once `a` is finished
    assert balancing.conflict(content, ["a", "b", "c"]) == told
    shown = balancing.balancing(content, ["a", "b", "c"], Drawer())
    assert len(shown) == 2
    alike = SimpleNamespace(balancing=[{"cosines": np.abs(cosines).tolist()}])
    assert "b and c (mean cosine 0.00)" in balancing.conflict(alike, ["a", "b", "c"])


def test_many_tasks_are_rows_of_colors_and_few_are_lines():
    for tasks, lines in ((3, 3), (9, 0)):
        records = [{"weights": [1.0 + i * e for i in range(tasks)]} for e in range(4)]
        records[-1]["weights"][0] = np.nan  # which is finished
        drawer = lambda title, draw, note: draw  # noqa: E731
        names = [f"task {number}" for number in range(tasks)]
        (draw,) = balancing.balancing(SimpleNamespace(balancing=records), names, drawer)
        figure, grid = axes(1, 1)
        draw(grid[0, 0])
        assert len(grid[0, 0].lines) == lines and len(grid[0, 0].images) == (not lines)
        figure.draw_without_rendering()


def test_nothing_that_a_balancer_records_of_the_tasks_is_left_out(records):
    of_tasks = {
        key for key, value in records[balancers.PCGrad][0].items() if isinstance(value, list)
    }
    assert of_tasks == {*balancing.RECORDS, "cosines"}


def test_a_quantity_with_zeros_and_thousands_has_ticks_in_units():
    truth = np.concatenate([np.zeros(50), np.geomspace(1, 9000, 50)])
    scatter, residuals, deciles = panels.quantity("spend", truth, 1.01 * truth + 1, "pounds")
    ax = drawn(scatter)
    assert ax.get_title() == "spend: actual against predicted"
    assert [text.get_text() for text in ax.get_yticklabels()][-1] in ("1,000", "10,000")
    assert ax.get_xlabel() == "predicted (pounds)"
    assert drawn(residuals).patches and len(drawn(deciles).lines) == 2


@pytest.mark.filterwarnings("error")
def test_names_of_any_letters_and_length_are_drawn_and_numbers_stay_as_they_are():
    def odd(ax):
        ax.barh(["🙂" * 9, style.short("from $ to $")], [0.001, 0.005])
        ax.set_xticks([0.0, 0.00125])
        ax.set_title(style.short("a name " * 40))

    made = Drawer()("x" * 300, odd)
    assert "$ to $" in made["svg"] and ">0.00125</text>" in made["svg"]


def test_ticks_have_commas_and_names_stay_names():
    made = Drawer()("spend", lambda ax: ax.barh(["Bath", "Ulm"], [0, 20_000]))["svg"]
    for text in (">Bath<", ">Ulm<", ">10,000<"):
        assert text in made


def test_a_long_name_leaves_the_title_its_end_and_legends_hide_nothing():
    score = np.linspace(0, 1, 30)
    labels = [panels.OneLabel(name, np.arange(30) % 3 == n, score) for n, name in enumerate("abc")]
    name = "how satisfied the customer was after the last call"
    for panel in panels.classes(
        name, [dataclasses.replace(x, truth=x.truth * 1.0) for x in labels]
    ):
        ax = drawn(panel)
        assert ax.get_title().endswith(panel.title.rpartition(": ")[2])
        assert ax.get_title().startswith("how satis") and len(ax.get_title()) < 50
        assert ax.get_legend().get_window_extent().y1 < ax.get_window_extent().y0


def test_a_dozen_classes_leave_the_curves_their_room_and_are_told_in_per_cent():
    score = np.linspace(0, 1, 60)
    names = [f"a class with a long name {number}" for number in range(12)]
    heights = []
    for some in (names[:2], names):
        labels = [
            panels.OneLabel(x, (np.arange(60) % 12 == n) * 1.0, score) for n, x in enumerate(some)
        ]
        ax = drawn(panels.classes("x", labels)[0])
        heights.append(ax.get_window_extent().height)
        below = ax.xaxis.label.get_window_extent().y0
        assert ax.get_legend().get_window_extent().y1 < below
    assert heights[1] > 0.8 * heights[0]
    truth = np.arange(60) % 12
    answered = np.where(np.arange(60) < 15, 0, truth)
    shown = drawn(panels.confusion("x", names, truth, answered))
    written = {text.get_position(): text.get_text() for text in shown.texts[:-1]}
    assert written[0, 0] == "100" and written[0, 1] == "40" and written[1, 1] == "60"
    assert "0" not in written.values()


def test_a_class_without_test_rows_has_no_shares():
    """0.00 of no rows looked like a class that is never found."""
    here = np.array([0, 1, 1])
    shown = drawn(panels.confusion("x", ["a", "b", "rare"], here, here))
    assert {text.get_position()[1] for text in shown.texts[:-1]} == {0, 1}


def test_labels_that_all_rows_have_or_none_have_no_curves():
    score = np.array([0.1, 0.9, 0.5, 0.8])
    all_rows = panels.OneLabel("all", np.ones(4), score)
    some = panels.OneLabel("some", np.array([0.0, 1.0, np.nan, 1.0]), score)
    assert panels.classes("x", [all_rows]) == []
    roc, *_ = panels.classes("x", [all_rows, some])
    assert drawn(roc).lines[0].get_label() == "some: AUC 1.00"


def test_a_task_without_labels_in_the_test_rows_says_so(run):
    truths = {**run.truths["test"], "left": np.full(len(run.test), np.nan)}
    figure = report.prediction_figure(run.tasks, truths, run.predictions)
    assert figure.axes[0].get_title() == "left: nothing to show for the test rows"
    assert not figure.axes[1].get_visible()


def test_a_mean_of_probabilities_is_named_so():
    kinds = [mtl.tasks.Binary("left"), mtl.tasks.Regression("price", unit="EUR")]
    curves = [{"task": t.name, "curve": [{"age": 1, t.name: 0.2}]} for t in kinds]
    units = {task.name: task.unit for task in kinds}
    content = SimpleNamespace(tasks=kinds, units=units, explanation={"dependence": curves})
    _, grid = axes(1, 2)
    shows = _dependences(content, lambda title, show: show)
    for ax, show in zip(grid[:, 0], shows, strict=True):
        show(ax)
    assert [ax.get_ylabel() for ax in grid[:, 0]] == ["mean probability", "mean prediction (EUR)"]


def test_an_svg_is_laid_out_as_matplotlib_does_it_at_more_cost():
    places = []
    for write in (
        lambda made: svg(made, 1, "spend"),
        lambda made: made.savefig(io.BytesIO(), format="svg"),
    ):
        made, grid = axes(1, 1)
        grid[0, 0].plot([0, 0.002], label="joint")
        grid[0, 0].set_ylabel("predicted (pounds)")
        made.legend(loc="outside upper center")
        write(made)
        places.append((made.dpi, grid[0, 0].get_position().bounds))
    assert places[0] == places[1]
