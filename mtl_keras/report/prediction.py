"""What was predicted, beside what was."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter
from sklearn import metrics
from sklearn.calibration import calibration_curve

from mtl_keras.evaluation import labelled
from mtl_keras.report import style
from mtl_keras.tasks import Quantiles, Task

MAX_POINTS = 4000
PANELS = 3


def prediction_figure(
    tasks: Sequence[Task],
    truths: Mapping[str, np.ndarray],
    predictions: Mapping[str, np.ndarray],
) -> Figure:
    """A row of panels per task.

    For a quantity or a count: actual against predicted, the residuals, and the mean of the actual
    values per tenth of the rows by prediction. For classes: ROC, precision-recall and calibration
    curves, one line per class or label.
    """
    figure, grid = style.axes(PANELS, len(tasks))
    for row, task in zip(grid, tasks):
        task_panels(row, task, truths[task.name], predictions[task.name])
    return figure


def task_panels(row: Sequence[Any], task: Task, truth: np.ndarray, predicted: np.ndarray) -> None:
    """The three panels of one task, on three axes."""
    predicted = np.asarray(predicted)
    present = labelled(truth)
    truth, predicted = truth[present], predicted[present]
    if len(truth) == 0:
        row[0].set_title(f"{task.name}: no labels in the test rows", fontsize=11)
    elif isinstance(task, Quantiles):
        _quantiles(row, task, truth, predicted)
    elif task.kind in ("regression", "count"):
        _quantity(row, task, truth, predicted)
    else:
        _classes(row, task, truth, predicted)


def _quantity(row: Any, task: Task, truth: np.ndarray, predicted: np.ndarray) -> None:
    unit = f" ({task.unit})" if task.unit else ""
    shown = np.random.default_rng(0).permutation(len(truth))[:MAX_POINTS]
    heavy = truth.min() >= 0 and np.quantile(truth, 0.99) > 8 * max(np.median(truth), 1e-9)
    squash = np.log1p if heavy else (lambda values: values)
    x, y = squash(np.maximum(predicted, 0)) if heavy else predicted, squash(truth)
    alpha = float(np.clip(300 / len(shown), 0.12, 0.6))

    row[0].scatter(x[shown], y[shown], s=9, alpha=alpha, color=style.POINTS, lw=0, rasterized=True)
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    row[0].plot(ends, ends, color=style.MUTED, lw=1, ls="--")
    row[0].set(xlabel=f"predicted{unit}", ylabel=f"actual{unit}")
    r2 = metrics.r2_score(truth, predicted) if len(truth) > 1 else np.nan
    row[0].set_title(f"{task.name}: actual and predicted, R² {r2:.2f}", fontsize=11)

    edge = np.quantile(np.abs(truth - predicted), 0.99)
    row[1].hist(np.clip(truth - predicted, -edge, edge), bins=50, color=style.COLORS[0], alpha=0.85)
    row[1].axvline(0, color=style.MUTED, lw=1, ls="--")
    row[1].set(xlabel=f"actual - predicted{unit}", ylabel="rows", yscale="log")
    row[1].yaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,g}"))
    row[1].yaxis.set_minor_formatter(NullFormatter())
    row[1].set_title(f"{task.name}: residuals (ends: 1 % beyond)", fontsize=11)

    tenths = np.array_split(np.argsort(predicted, kind="stable"), min(10, len(truth)))
    means = np.array([predicted[part].mean() for part in tenths])
    mean_x = squash(np.maximum(means, 0) if heavy else means)
    mean_y = squash(np.array([truth[part].mean() for part in tenths]))
    row[2].plot(mean_x, mean_y, "o-", color=style.COLORS[1], lw=1.5, ms=5)
    ends = [min(mean_x.min(), mean_y.min()), max(mean_x.max(), mean_y.max())]
    row[2].plot(ends, ends, color=style.MUTED, lw=1, ls="--")
    row[2].set(xlabel=f"mean predicted{unit}", ylabel=f"mean actual{unit}")
    row[2].set_title(f"{task.name}: mean per tenth of the rows", fontsize=11)
    if heavy:  # zeros and thousands on one axis: positions in log(1 + value), ticks in units
        for ax in (row[0], row[2]):
            _unit_ticks(ax)


def _quantiles(row: Any, task: Quantiles, truth: np.ndarray, predicted: np.ndarray) -> None:
    """The middle quantile as a quantity; in place of residuals, how often each level held."""
    _quantity(row, task, truth, predicted[:, task.middle])
    row[1].clear()
    held = (truth[:, None] <= predicted).mean(axis=0)
    row[1].plot([0, 1], [0, 1], color=style.MUTED, lw=1, ls="--")
    row[1].plot(task.levels, held, "o-", color=style.COLORS[1], lw=1.5, ms=6)
    row[1].set(xlabel="level", ylabel="share of rows at or below", xlim=(0, 1), ylim=(0, 1))
    row[1].set_title(f"{task.name}: calibration of the quantiles", fontsize=11)


def _unit_ticks(ax: Any) -> None:
    highest = np.expm1(max(ax.get_xlim()[1], ax.get_ylim()[1]))
    values = [0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5, 1e6, 1e7]
    if highest > 50:
        values = [v for v in values if v == 0 or v >= 1]
    if highest > 5000:
        values = [v for v in values if not str(int(v)).startswith("3")]
    ticks = [value for value in values if value <= highest]
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator(list(np.log1p(ticks))))
        axis.set_major_formatter(FuncFormatter(lambda v, _: _in_units(np.expm1(v))))


def _in_units(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:.2g}"


def _classes(row: Any, task: Task, truth: np.ndarray, predicted: np.ndarray) -> None:
    lines = _one_against_rest(task, truth, predicted)
    roc, precision_recall, calibration = row
    for (label, positive, score), color in zip(lines, style.COLORS * len(lines)):
        false, true, _ = metrics.roc_curve(positive, score)
        auc = metrics.roc_auc_score(positive, score)
        roc.plot(false, true, color=color, lw=1.8, label=f"{label} {auc:.3f}")
        precision, recall, _ = metrics.precision_recall_curve(positive, score)
        average = metrics.average_precision_score(positive, score)
        precision_recall.plot(
            recall, precision, color=color, lw=1.8, label=f"{label} {average:.3f}"
        )
        actual, claimed = calibration_curve(positive, score, n_bins=10, strategy="quantile")
        calibration.plot(claimed, actual, "o-", color=color, lw=1.5, ms=4, label=label)
        if len(lines) == 1:
            share = positive.mean()
            precision_recall.axhline(share, color=style.MUTED, lw=1, ls="--")
    for ax in (roc, calibration):
        ax.plot([0, 1], [0, 1], color=style.MUTED, lw=1, ls="--")
    roc.set(xlabel="false positive rate", ylabel="true positive rate")
    roc.set_title(f"{task.name}: ROC, area", fontsize=11)
    precision_recall.set(xlabel="recall", ylabel="precision", ylim=(0, 1.03))
    precision_recall.set_title(f"{task.name}: precision-recall, average", fontsize=11)
    calibration.set(xlabel="predicted probability", ylabel="actual share")
    calibration.set_title(f"{task.name}: calibration", fontsize=11)
    if len(lines) <= 12:
        for ax in (roc, precision_recall):
            ax.legend(frameon=False, fontsize=8, loc="lower right" if ax is roc else "lower left")


def confusion_panel(ax: Any, task: Task, truth: np.ndarray, predicted: np.ndarray) -> None:
    """How often each label was answered for each."""
    present = ~np.isnan(truth)
    truth, predicted = truth[present].astype(int), np.asarray(predicted)[present]
    if task.kind == "binary":
        threshold = getattr(task, "threshold", None)
        answered = (predicted.reshape(-1) >= (0.5 if threshold is None else threshold)).astype(int)
    else:
        answered = predicted.argmax(axis=1)
    labels = [str(label)[:14] for label in getattr(task, "classes", None) or (0, 1)]
    counts = metrics.confusion_matrix(truth, answered, labels=range(len(labels)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ax.grid(False)
    crowded = len(labels) * max(map(len, labels)) > 30
    ax.set_xticks(range(len(labels)), labels, fontsize=8, rotation=30 if crowded else 0)
    ax.set_yticks(range(len(labels)), labels, fontsize=8)
    if len(labels) <= 12:
        for (row, column), share in np.ndenumerate(shares):
            text = f"{share:.2f}\n{counts[row, column]:,}" if len(labels) <= 6 else f"{share:.2f}"
            color = "#fefefe" if share > 0.6 else "#101010"
            size = 9 if len(labels) <= 6 else 6
            ax.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
    ax.set(xlabel="answered", ylabel="actual")
    ax.set_title(f"{task.name}: confusion", fontsize=11)


def _one_against_rest(
    task: Task, truth: np.ndarray, predicted: np.ndarray
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Label, whether each row has it, its score; for labels that some rows have and some not."""
    if task.kind == "binary":
        classes = getattr(task, "classes", None) or (0, 1)
        candidates = [(str(classes[1]), truth, predicted)]
    elif task.kind in ("multiclass", "ordinal"):
        classes = getattr(task, "classes", None) or ()
        candidates = [
            (str(label), (truth == index).astype(float), predicted[:, index])
            for index, label in enumerate(classes)
        ]
    else:
        candidates = [
            (label, truth[:, index], predicted[:, index])
            for index, label in enumerate(getattr(task, "labels", ()))
        ]
    lines = []
    for label, positive, score in candidates:
        present = ~np.isnan(positive)
        positive, score = positive[present].astype(int), score[present]
        if len(positive) and 0 < positive.mean() < 1:
            lines.append((label, positive, score))
    return lines
