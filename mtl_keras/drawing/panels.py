"""Panels: single plots of predictions against labels, to be drawn on matplotlib axes."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

from mtl_keras.drawing import style
from mtl_keras.drawing.log_ticks import tick_in_units

MAX_POINTS = 4000
CAPTION = 66  # letters in a line of a caption
TITLE = 44  # letters of a title
LOG_AXES = " Logarithmic axes."
MOST_CLASSES = 12  # whose shares are written into the confusion matrix
FEW = 6  # classes, up to which there is room for more about each


@dataclass(frozen=True)
class Panel:
    """One plot.

    Args:
        title: Its title, which begins with the name of what was predicted.
        draw: A function that draws it on given matplotlib axes, without the title.
        caption: How to read it, in a sentence. Default none.

    Example:

    >>> Panel("spend: residuals", lambda ax: ax.hist([0, 1]), "Above 0 it was too low.").title
    'spend: residuals'
    """

    title: str
    draw: Callable[[Any], None]
    caption: str = ""

    def draw_on(self, ax: Any) -> None:
        """Draw it with its title, and its caption below that, on axes."""
        self.draw(ax)
        lines = textwrap.wrap(self.caption, CAPTION)
        name, _, what = self.title.rpartition(": ")
        title = f"{style.short(name, TITLE - len(what))}: {what}" if name else what
        ax.set_title(title, fontsize=11, pad=6 + 10 * len(lines))
        below_title = {"transform": ax.transAxes, "ha": "center", "va": "bottom"}
        ax.text(0.5, 1.02, "\n".join(lines), fontsize=7.5, color=style.QUIET, **below_title)


def quantity(
    name: str, truth: np.ndarray, predicted: np.ndarray, unit: str = ""
) -> tuple[Panel, Panel, Panel]:
    """Actual against predicted, residuals, and calibration by decile of the predictions.

    Args:
        name: What was predicted, for the titles.
        truth: The labels, `(rows,)`, none missing.
        predicted: The predictions, `(rows,)`.
        unit: The unit of both, for the axes. Default none.
    """
    suffix = f" ({style.short(unit)})" if unit else ""
    # Zeros and thousands on one axis: positions in log(1 + value), ticks in units.
    heavy = truth.min() >= 0 and np.quantile(truth, 0.99) > 8 * max(np.median(truth), 1e-9)

    def position(values: np.ndarray) -> np.ndarray:
        return np.log1p(np.maximum(values, 0)) if heavy else values

    def scatter(ax: Any) -> None:
        rows = np.random.default_rng(0).permutation(len(truth))[:MAX_POINTS]
        x, y = position(predicted), position(truth)
        alpha = float(np.clip(500 / len(rows), 0.2, 0.7))
        ax.scatter(x[rows], y[rows], s=9, alpha=alpha, color=style.POINTS, lw=0, rasterized=True)
        _diagonal(ax, x, y)
        ax.set(xlabel=f"predicted{suffix}", ylabel=f"actual{suffix}")
        if heavy:
            tick_in_units(ax)

    def residuals(ax: Any) -> None:
        edge = np.quantile(np.abs(truth - predicted), 0.99)
        shown = np.clip(truth - predicted, -edge, edge)
        ax.hist(shown, bins=50, color=style.COLORS[0], alpha=0.85)
        ax.axvline(0, color=style.MUTED, lw=1, ls="--")
        ax.set(xlabel=f"actual − predicted{suffix}", ylabel="rows (log scale)", yscale="log")
        ax.yaxis.set_major_formatter(lambda rows, _: f"{rows:,g}")
        ax.yaxis.set_minor_formatter(lambda rows, _: "")

    def deciles(ax: Any) -> None:
        parts = np.array_split(np.argsort(predicted, kind="stable"), min(10, len(truth)))
        x = position(np.array([predicted[part].mean() for part in parts]))
        y = position(np.array([truth[part].mean() for part in parts]))
        ax.plot(x, y, "o-", color=style.COLORS[1], lw=1.5, ms=5)
        _diagonal(ax, x, y)
        ax.set(xlabel=f"mean predicted{suffix}", ylabel=f"mean actual{suffix}")
        if heavy:
            tick_in_units(ax)

    return (
        Panel(
            f"{name}: actual against predicted",
            scatter,
            "On the dashed line the prediction is exact." + (LOG_AXES if heavy else ""),
        ),
        Panel(
            f"{name}: residuals",
            residuals,
            "To the right of 0, predictions were too low. The outermost 1% of the rows are counted "
            "in the bars at either end.",
        ),
        Panel(
            f"{name}: calibration by decile",
            deciles,
            "The rows are sorted by prediction and divided into ten equal parts. On the dashed "
            "line, the mean of a part is predicted exactly." + (LOG_AXES if heavy else ""),
        ),
    )


def quantile_levels(
    name: str, truth: np.ndarray, predicted: np.ndarray, levels: Sequence[float]
) -> Panel:
    """How often the labels were at or below each predicted quantile.

    Args:
        name: What was predicted, for the title.
        truth: The labels, `(rows,)`.
        predicted: The quantiles, `(rows, levels)`.
        levels: The probabilities that they were predicted for.
    """

    def draw(ax: Any) -> None:
        shares = (truth[:, None] <= predicted).mean(axis=0)
        ax.plot([0, 1], [0, 1], color=style.MUTED, lw=1, ls="--")
        ax.plot(levels, shares, "o-", color=style.COLORS[1], lw=1.5, ms=6)
        ax.set(xlabel="level", ylabel="share of rows at or below", xlim=(0, 1), ylim=(0, 1))

    return Panel(
        f"{name}: calibration of the quantiles",
        draw,
        "On the dashed line, the share of labels at or below a quantile equals its level.",
    )


@dataclass(frozen=True)
class OneLabel:
    """One label against all others.

    Attributes:
        label: The label, for the legend.
        truth: Whether each row has it: 1, 0, or NaN if unknown.
        score: The predicted probability of the label.
    """

    label: str
    truth: np.ndarray
    score: np.ndarray


Line = tuple[str, np.ndarray, np.ndarray, dict[str, str]]
"""A label, whether each row has it, its predicted probability, and how its line looks."""


def classes(name: str, labels: Sequence[OneLabel]) -> list[Panel]:
    """ROC, precision-recall and calibration curves, one line per label.

    A label that no row or every row has is left out; if that applies to all labels, there are no
    panels.

    Args:
        name: What was predicted, for the titles.
        labels: The labels.
    """
    lines: list[Line] = []
    for one in labels:
        present = ~np.isnan(one.truth)
        truth, score = one.truth[present].astype(int), one.score[present]
        if len(truth) and 0 < truth.mean() < 1:
            lines.append((one.label, truth, score, style.line_style(len(lines))))
    if not lines:
        return []
    letters = style.MOST_LETTERS if len(lines) <= FEW else 14
    lines = [(style.short(line[0], letters), *line[1:]) for line in lines]
    several = len(lines) > 1
    return [
        Panel(
            f"{name}: ROC curve",
            partial(_roc, lines=lines),
            ("Each class against all others. " if several else "")
            + "AUC is the area under the curve; guessing gives the dashed line, an AUC of 0.5.",
        ),
        Panel(
            f"{name}: precision-recall curve",
            partial(_precision_recall, lines=lines),
            "AP is the average precision"
            + ("." if several else ". Guessing gives the dashed line, the share of positives."),
        ),
        Panel(
            f"{name}: calibration by decile",
            partial(_calibration, lines=lines),
            "The rows are sorted by probability and divided into ten equal parts. On the dashed "
            "line, the mean probability of a part is the share of its rows that have the label.",
        ),
    ]


def _roc(ax: Any, lines: Sequence[Line]) -> None:
    for label, truth, score, look in lines:
        false_positives, true_positives, _ = metrics.roc_curve(truth, score)
        text = f"{style.short(label)}: AUC {metrics.roc_auc_score(truth, score):.2f}"
        ax.plot(false_positives, true_positives, lw=1.8, label=text, **look)
    ax.plot([0, 1], [0, 1], color=style.MUTED, lw=1, ls="--")
    ax.set(xlabel="false positive rate", ylabel="true positive rate")
    style.legend(ax, len(lines))


def _precision_recall(ax: Any, lines: Sequence[Line]) -> None:
    for label, truth, score, look in lines:
        precision, recall, _ = metrics.precision_recall_curve(truth, score)
        text = f"{style.short(label)}: AP {metrics.average_precision_score(truth, score):.2f}"
        ax.plot(recall, precision, lw=1.8, label=text, **look)
    if len(lines) == 1:
        ax.axhline(lines[0][1].mean(), color=style.MUTED, lw=1, ls="--")
    ax.set(xlabel="recall", ylabel="precision", ylim=(0, 1.03))
    style.legend(ax, len(lines))


def _calibration(ax: Any, lines: Sequence[Line]) -> None:
    for label, truth, score, look in lines:
        shares, means = calibration_curve(truth, score, n_bins=10, strategy="quantile")
        ax.plot(means, shares, marker="o", lw=1.5, ms=4, label=style.short(label), **look)
    ax.plot([0, 1], [0, 1], color=style.MUTED, lw=1, ls="--")
    ax.set(xlabel="mean predicted probability", ylabel="actual share")
    if len(lines) > 1:
        style.legend(ax, len(lines))


def confusion(name: str, labels: Sequence[str], truth: np.ndarray, answered: np.ndarray) -> Panel:
    """The confusion matrix: how often each label was predicted for each actual label.

    Args:
        name: What was predicted, for the title.
        labels: The labels.
        truth: Index of each row's label.
        answered: Index of the predicted label.
    """
    labels = [style.short(label, 14) for label in labels]
    few = len(labels) <= FEW

    def draw(ax: Any) -> None:
        counts = metrics.confusion_matrix(truth, answered, labels=range(len(labels)))
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        ax.grid(False)
        crowded = len(labels) * max(map(len, labels)) > 30
        slanted = {"ha": "right", "rotation_mode": "anchor"} if crowded else {}
        turned = (30 if few else 45) if crowded else 0
        ax.set_xticks(range(len(labels)), labels, fontsize=8, rotation=turned, **slanted)
        ax.set_yticks(range(len(labels)), labels, fontsize=8)
        for (row, column), share in np.ndenumerate(shares if len(labels) <= MOST_CLASSES else []):
            if not counts[row].any():
                continue  # no row has this label: a share of nothing is no number
            text = f"{share:.2f}\n{counts[row, column]:,}" if few else f"{100 * share:.0f}"
            look = {"fontsize": 9 if few else 7, "color": style.ink(image.to_rgba(share))}
            if few or text != "0":
                ax.text(column, row, text, ha="center", va="center", **look)
        ax.set(xlabel="predicted", ylabel="actual")

    return Panel(
        f"{name}: confusion matrix",
        draw,
        "How the rows of each actual class were predicted: "
        + ("their share and their number." if few else "their share in %."),
    )


def _diagonal(ax: Any, x: np.ndarray, y: np.ndarray) -> None:
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    ax.plot(ends, ends, color=style.MUTED, lw=1, ls="--")
