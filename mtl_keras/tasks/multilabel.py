"""Multilabel classification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras.datasets import cells
from mtl_keras.drawing import panels
from mtl_keras.drawing.digits import number
from mtl_keras.drawing.panels import OneLabel, Panel
from mtl_keras.drawing.thresholds import against_threshold
from mtl_keras.errors import ConfigError, DataError, check, unknown
from mtl_keras.layers import Decode
from mtl_keras.tasks.base import Task
from mtl_keras.tasks.binary import POSITIVE_WORDS
from mtl_keras.tasks.classes import check_class_weight
from mtl_keras.tasks.label_measures import macro_f1, mean_auc, micro_f1, most_frequent_labels
from mtl_keras.tasks.measures import AUC, Measure, log_losses
from mtl_keras.tasks.problem import Problem
from mtl_keras.tasks.stated import coded_labels
from mtl_keras.tasks.thresholds import ThresholdCurve, best_f1_threshold

NEGATIVE_WORDS = (
    *("false", "no", "n", "f", "0", "negative", "neg"),
    *("nein", "non", "não", "nie", "ne", "nem", "hayır", "нет", "όχι"),
)
WORDS = {**dict.fromkeys(POSITIVE_WORDS, 1.0), **dict.fromkeys(NEGATIVE_WORDS, 0.0)}


@dataclass(frozen=True, repr=False)
class Multilabel(Task):
    """Several yes-or-no labels, one column each, any of which may be missing in a row.

    The head is one sigmoid unit per label, the loss is the binary cross-entropy averaged over the
    labels that are present, and the metric is the mean AUC.

    Args:
        labels: The columns, each 0/1, boolean or yes/no. Required.
        class_weight: `"balanced"`, or a dict from label to the weight of its positive rows.
        thresholds: Lowest probability at which each label is predicted. Default None: chosen on the
            validation rows to maximise each label's F1.
        counts: Number of positive and of labelled rows, for each label in turn. Learned.

    Example:

    >>> table = pd.DataFrame({"even": [1, 0, None], "loop": ["yes", "no", "yes"]})
    >>> task = Multilabel("attributes", labels=["even", "loop"]).fit(table)
    >>> task.encode(table).tolist()
    [[1.0, 1.0], [0.0, 0.0], [nan, 1.0]]
    """

    also_called: ClassVar[str] = "multilabel_classification multi_hot tags categories"
    is_quantity: ClassVar[bool] = False

    labels: tuple[str, ...] = ()
    class_weight: str | Mapping[str, float] | None = None
    thresholds: tuple[float, ...] | None = None
    counts: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        expected = "name at least two columns"
        check(len(self.labels) >= 2, f"{self.name}.labels", expected, self.labels)
        good = len(set(self.labels)) == len(self.labels)
        check(good, f"{self.name}.labels", "name each column once", self.labels)
        columns = [name for label in self.labels for name in (label, f"{label}_probability")]
        good = len(set(columns)) == len(columns)
        expected = "still differ as `<label>_probability`, the names of their probabilities"
        check(good, f"{self.name}.labels", expected, self.labels)
        check_class_weight(self)
        if isinstance(self.class_weight, Mapping):
            for label in self.class_weight:
                if label not in self.labels:
                    raise ConfigError(
                        f"`class_weight` of task {self.name!r}: "
                        + unknown("label", label, self.labels)
                    )

    @property
    def columns(self) -> list[str]:
        return list(self.labels)

    @property
    def width(self) -> int:
        return len(self.labels)

    def fit(self, table: pd.DataFrame) -> Self:
        encoded = self.encode(table)
        for label, values in zip(self.labels, encoded.T):
            present = values[~np.isnan(values)]
            if len(present) == 0 or present.min() == present.max():
                what = "is constant" if len(present) else "has no label"
                what += f" (always {present[0]:g})" if len(present) else ""
                raise DataError(
                    f"Task {self.name!r}: column {label!r} {what} in the training rows. Remove it "
                    "from `labels`."
                )
        counts = np.stack([np.nansum(encoded, 0), (~np.isnan(encoded)).sum(0)], 1).astype(int)
        return self.but(counts=tuple(int(count) for count in counts.reshape(-1)))

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        return np.stack([self._encode_column(table[label]) for label in self.labels], axis=1)

    def unreadable(self, column: pd.Series) -> np.ndarray:
        codes, labels = coded_labels(column)
        strange = [n for n, label in enumerate(labels) if str(label).lower() not in WORDS]
        return np.isin(codes, strange)

    def _encode_column(self, column: pd.Series) -> np.ndarray:
        codes, labels = coded_labels(column)
        what = f"Task {self.name!r}: column {column.name!r} must contain 0/1, booleans or yes/no"
        cells.refuse(what, column, self.unreadable(column), "Clean the column.")
        numbers = [*(WORDS[str(label).lower()] for label in labels), np.nan]
        return np.array(numbers, "float32")[codes]

    def label_columns(self, truth: np.ndarray) -> dict[str, np.ndarray]:
        words = np.select([truth == 1, truth == 0], ["yes", "no"], "").astype(object)
        return self._named(self.labels, words)

    def sample_weight(self, encoded: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        positive, labelled = np.array(self.counts, float).reshape(-1, 2).T
        if self.class_weight == "balanced":
            yes = labelled / (2 * np.maximum(positive, 1))
            no = labelled / (2 * np.maximum(labelled - positive, 1))
        else:
            assert isinstance(self.class_weight, Mapping)
            yes = np.array([self.class_weight.get(label, 1.0) for label in self.labels])
            no = np.ones(self.width)
        return np.where(encoded == 1, yes, no).astype("float32")

    def head(self, representation: Any) -> Any:
        counts = self.counts or (1, 2) * self.width
        positive, labelled = np.array(counts, float).reshape(-1, 2).T
        rate = (positive + 1) / (labelled + 2)
        return self.dense(self.width, "sigmoid", representation, bias=np.log(rate / (1 - rate)))

    def training_loss(self) -> Any:
        return "binary_crossentropy"

    def training_metrics(self) -> list[Any]:
        return [keras.metrics.AUC(multi_label=True, num_labels=self.width, name="auc")]

    def calibrate(self, encoded: np.ndarray, outputs: np.ndarray) -> Self:
        if self.thresholds is not None:
            return self
        thresholds = []
        for truth, scores in zip(encoded.T, np.asarray(outputs).T):
            truth, scores = truth[~np.isnan(truth)] == 1, scores[~np.isnan(truth)]
            usable = truth.any() and not truth.all()
            thresholds.append(best_f1_threshold(truth, scores) if usable else 0.5)
        return self.but(thresholds=tuple(thresholds))

    @property
    def cuts(self) -> np.ndarray:
        """The threshold of each label; 0.5 until one is chosen."""
        return np.array(self.thresholds or [0.5] * self.width)

    def answers(self, output: Any) -> dict[str, Any]:
        return {
            self.name: Decode([False, True], threshold=self.cuts.tolist())(output),
            f"{self.name}_probabilities": output,
        }

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        probabilities = answers[f"{self.name}_probabilities"]
        columns = {}
        for index, label in enumerate(self.labels):
            columns[label] = answers[self.name][:, index]
            columns[f"{label}_probability"] = probabilities[:, index]
        return columns

    @property
    def decision(self) -> str:
        if self.thresholds is None:
            return ""
        each = [f"{label} {number(cut)}" for label, cut in zip(self.labels, self.thresholds)]
        return f"a label is predicted when its probability is at least: {', '.join(each)}"

    @property
    def decision_aim(self) -> str:
        return "the highest F1 of each"

    def prediction_from(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        return answers[f"{self.name}_probabilities"]

    @property
    def measures(self) -> Sequence[Measure]:
        """The measures, which ignore missing labels."""
        return (
            Measure("mean_auc", True, mean_auc),
            Measure(
                "macro_f1",
                True,
                partial(macro_f1, cuts=self.cuts),
                constant=lambda truth: np.ones(self.width),
            ),
            Measure(
                "micro_f1", True, partial(micro_f1, cuts=self.cuts), constant=most_frequent_labels
            ),
            Measure.mean("log_loss", lambda t, p: np.nanmean(log_losses(t, p), axis=1)),
        )

    @property
    def scored_on(self) -> str:
        return f"the labels {', '.join(sorted(self.labels))}"

    def threshold_curves(self, truth: np.ndarray, predicted: np.ndarray) -> list[ThresholdCurve]:
        curves = []
        for column, label in enumerate(self.labels):
            present = ~np.isnan(truth[:, column])
            if present.any():
                labels, scores = truth[present, column], predicted[present, column]
                curves.append(ThresholdCurve.of(labels, scores, self.cuts[column], label))
        return curves

    def panels(self, truth: np.ndarray, predicted: np.ndarray) -> Sequence[Panel]:
        labels = [
            OneLabel(label, truth[:, column], predicted[:, column])
            for column, label in enumerate(self.labels)
        ]
        curves = self.threshold_curves(truth, predicted)
        f1_by_threshold = against_threshold(
            f"{self.name}: F1 by threshold",
            {curve.label: (curve.threshold, curve.f1) for curve in curves},
            [curve.in_use for curve in curves],
            "F1",
            "The dashed lines are the thresholds in use.",
        )
        return [*panels.classes(self.name, labels), f1_by_threshold]

    def in_words(self, truth: np.ndarray, predicted: np.ndarray) -> list[tuple[str, str]]:
        """Return the labels of each row, and the probability of each that is not missing."""
        words = []
        for labels, probabilities in zip(truth, predicted):
            named = list(zip(self.labels, labels, probabilities))
            has = ", ".join(name for name, label, _ in named if label == 1) or "none"
            told = (f"{name} {each:.1%}" for name, label, each in named if not np.isnan(label))
            words.append((has, ", ".join(told)))
        return words

    def named_predictions(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        return self._named(self.labels, predicted)

    def simple_problems(self) -> list[Problem]:
        return [
            Problem("log_loss", AUC, labels=itemgetter((slice(None), column)))
            for column in range(self.width)
        ]

    def from_simple_problems(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        return np.column_stack(answers)
