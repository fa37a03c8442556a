"""Binary classification."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.drawing import panels
from mtl_keras.drawing.digits import number
from mtl_keras.drawing.panels import OneLabel, Panel
from mtl_keras.drawing.thresholds import against_threshold
from mtl_keras.errors import DataError, check, shown
from mtl_keras.layers import Decode
from mtl_keras.tasks.classes import ClassTask, distinct
from mtl_keras.tasks.measures import AUC, Measure, average_precision, f1, log_losses
from mtl_keras.tasks.problem import Problem
from mtl_keras.tasks.stated import as_in_column, plain_labels
from mtl_keras.tasks.thresholds import (
    Costs,
    ThresholdCurve,
    best_f1_threshold,
    cheapest_threshold,
)

POSITIVE_WORDS = (
    *("true", "yes", "y", "t", "1", "positive", "pos"),
    *("wahr", "vrai", "ja", "oui", "si", "sí", "sì", "sim", "tak", "ano", "igen", "evet"),
    *("да", "ναι"),
)
NEVER = -1.0  # below every threshold, of which 0 is one
COSTS = ("false_positive", "false_negative")


@dataclass(frozen=True, repr=False)
class Binary(ClassTask):
    """A yes-or-no task: predicts a label, and the probability of the positive one.

    Labels may be booleans, two numbers or two strings. The positive one is True, the larger number,
    the string that means yes (`yes`, `true`, `y`, `1`, ...), or otherwise the later one in the
    alphabet.

    The head is one sigmoid unit, the loss binary cross-entropy, the metric AUC.

    Args:
        positive: The positive label. Default None: see above.
        threshold: Lowest probability at which the positive label is predicted. Default None: chosen
            on the validation rows to maximise F1, or to minimise `costs`.
        costs: The costs of wrong predictions: `{"false_positive": 1.0, "false_negative": 5.0}`.
            Default None: the threshold maximises F1.

    Example:

    >>> table = pd.DataFrame({"churned": ["no", "yes", None, "no"]})
    >>> task = Binary("churned").fit(table)
    >>> task.classes, task.encode(table).tolist()
    (('no', 'yes'), [0.0, 1.0, nan, 0.0])
    """

    also_called: ClassVar[str] = (
        "binary_classification classification classifier boolean bool yes_no sigmoid logistic "
        "binary_crossentropy"
    )
    single_probability: ClassVar[bool] = True

    positive: Any = None
    threshold: float | None = None
    costs: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.costs is not None:
            good = set(self.costs) == set(COSTS) and all(v >= 0 for v in self.costs.values())
            expected = f"have the keys {COSTS}, with values >= 0"
            check(good and any(self.costs.values()), f"{self.name}.costs", expected, self.costs)
        good = self.threshold is None or 0 <= self.threshold <= 1
        check(good, f"{self.name}.threshold", "be from 0 to 1", self.threshold)
        good = self.classes is None or len(self.classes) == 2
        check(
            good, f"{self.name}.classes", "list the negative and the positive label", self.classes
        )

    def fit(self, table: pd.DataFrame) -> Self:
        labels = list(self.classes or distinct(self, table))
        if len(labels) > 2:
            some = ", ".join(map(shown, labels[:4]))
            raise DataError(
                f"Task {self.name!r} is binary, but column {self.columns[0]!r} has "
                f"{len(labels):,} labels, such as {some}. Declare it as "
                f"{self.name}:multiclass, or as {self.name}:regression if it is a quantity."
            )
        stated = self.classes is not None and self.positive is None
        positive = labels[1] if stated else self._positive(labels)
        negative = labels[1] if labels[0] == positive else labels[0]
        return self._with_counts(table, (negative, positive))

    def _positive(self, labels: list[Any]) -> Any:
        if self.positive is not None:
            stated = list(plain_labels(pd.Series([self.positive], dtype=object)))
            (wanted,) = as_in_column(stated, labels)
            if wanted not in labels:
                raise DataError(
                    f"Task {self.name!r}: the positive label {self.positive!r} is not in column "
                    f"{self.columns[0]!r}, which has {labels}."
                )
            return wanted
        texts = [label for label in labels if isinstance(label, str)]
        affirmative = [label for label in texts if label.lower() in POSITIVE_WORDS]
        return affirmative[0] if len(affirmative) == 1 else labels[-1]

    def head(self, representation: Any) -> Any:
        negatives, positives = np.maximum(self.counts or (1, 1), 1)
        return self.dense(1, "sigmoid", representation, bias=float(np.log(positives / negatives)))

    def training_loss(self) -> Any:
        return "binary_crossentropy"

    def training_metrics(self) -> list[Any]:
        return ["auc"]

    def calibrate(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        fitted = super().calibrate(encoded, outputs)
        present = ~np.isnan(encoded)
        scores = np.asarray(fitted.calibrated(np.asarray(outputs)))[present].reshape(-1)
        truth = encoded[present] == 1
        if self.threshold is not None or not truth.any() or truth.all():
            return fitted
        if self.costs is not None:
            false_positive, false_negative = (self.costs[name] for name in COSTS)
            cheapest = cheapest_threshold(truth, scores, false_positive, false_negative)
            return fitted.but(threshold=cheapest)
        return fitted.but(threshold=best_f1_threshold(truth, scores))

    @property
    def cut(self) -> float:
        """The threshold; 0.5 until one is chosen."""
        return 0.5 if self.threshold is None else self.threshold

    def answers(self, output: Any) -> dict[str, Any]:
        output = self.calibrated(output)
        label = Decode(list(self.classes or (0, 1)), threshold=[self.cut])(output)
        return {
            self.name: label[:, 0],
            f"{self.name}_probability": output[:, 0],
            **self.set_answers(output),
        }

    @property
    def decision(self) -> str:
        if self.classes is None:
            return ""
        words = f"the positive class is {self.classes[1]!r}"
        if self.counts:
            total = sum(self.counts)
            words += f" ({100 * self.counts[1] / total:.0f}% of {total:,} training labels)"
        if self.threshold is not None:
            words += f", predicted when its probability is at least {number(self.threshold)}"
        return words

    @property
    def decision_aim(self) -> str:
        return "the highest F1" if self.costs is None else "the lowest cost"

    @property
    def decision_options(self) -> str:
        if self.classes is None:
            return ""
        other = shlex.quote(f"{self.name}={self.classes[0]}")
        return f"--positive {other}, --threshold {shlex.quote(f'{self.name}=0.5')}"

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        probability = f"{self.name}_probability"
        return {
            self.name: self.as_in_table(answers[self.name]),
            probability: answers[probability],
            **self.set_columns(answers),
        }

    def prediction_from(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        return answers[f"{self.name}_probability"]

    @property
    def measures(self) -> Sequence[Measure]:
        def answered(predicted: np.ndarray) -> np.ndarray:
            return np.asarray(predicted).reshape(-1) >= self.cut

        return (
            AUC,
            Measure("average_precision", True, average_precision),
            Measure.mean("log_loss", log_losses),
            Measure.mean("brier", lambda truth, p: (p.reshape(-1) - truth) ** 2),
            Measure.mean(
                "accuracy",
                lambda truth, p: answered(p) == (truth == 1),
                higher_is_better=True,
                constant=lambda truth: 1.0 if np.nanmean(truth) >= 0.5 else NEVER,
            ),
            Measure(
                "f1",
                True,
                lambda truth, p, weights: f1(truth, answered(p), weights),
                constant=lambda truth: 1.0,
            ),
        )

    def threshold_curves(self, truth: np.ndarray, predicted: np.ndarray) -> list[ThresholdCurve]:
        label = str((self.classes or (0, 1))[1])
        costs = None if self.costs is None else Costs(**self.costs)
        return [ThresholdCurve.of(truth, predicted, self.cut, label, costs)]

    def panels(self, truth: np.ndarray, predicted: np.ndarray) -> Sequence[Panel]:
        labels = [str(label) for label in self.classes or (0, 1)]
        answered = (predicted >= self.cut).astype(int)
        return [
            *panels.classes(self.name, [OneLabel(labels[1], truth, predicted)]),
            panels.confusion(self.name, labels, truth.astype(int), answered),
            *self._threshold_panels(truth, predicted),
        ]

    def _threshold_panels(self, truth: np.ndarray, predicted: np.ndarray) -> list[Panel]:
        (curve,) = self.threshold_curves(truth, predicted)
        x, in_use = curve.threshold, [curve.in_use]
        lines = {
            "precision": (x, curve.precision),
            "recall": (x, curve.recall),
            "F1": (x, curve.f1),
        }
        marked = f"The dashed line is the threshold in use, {number(curve.in_use)}."
        title = f"{self.name}: precision and recall by threshold"
        caption = (
            f"Scores if rows with at least this probability are predicted {curve.label}. {marked}"
        )
        shown = [against_threshold(title, lines, in_use, "score", caption)]
        if curve.cost is not None:
            cost, title = {"cost": (x, curve.cost)}, f"{self.name}: cost by threshold"
            shown.append(against_threshold(title, cost, in_use, "mean cost per row", marked))
        return shown

    def simple_problems(self) -> list[Problem]:
        return [Problem("log_loss", self.measure)]
