"""Several labels at once, each yes or no."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd

from mtl_keras.errors import DataError, check
from mtl_keras.layers import Decode
from mtl_keras.tasks.base import Task, plain_labels
from mtl_keras.tasks.binary import POSITIVE_WORDS, best_f1_threshold

NEGATIVE_WORDS = ("false", "no", "n", "f", "0", "negative", "neg")


@dataclass(frozen=True, repr=False)
class Multilabel(Task):
    """A task of several yes-or-no labels, one column each; any of them may be missing in a row.

    The head is one sigmoid unit per label, the loss binary cross-entropy averaged over the labels
    that are present, the metric the mean AUC.

    Args:
        labels: The columns, each 0/1, boolean or yes/no. Required.
        class_weight: `"balanced"`, or a dict from label to the weight of its positive rows.
        thresholds: Probability from which on each label is answered with yes. Default None: chosen
            on the validation rows to maximise each label's F1.
        counts: Positive and labelled rows of each label, one after the other. Learned.

    Example:

    >>> table = pd.DataFrame({"even": [1, 0, None], "loop": ["yes", "no", "yes"]})
    >>> task = Multilabel("attributes", labels=["even", "loop"]).fit(table)
    >>> task.encode(table).tolist()
    [[1.0, 1.0], [0.0, 0.0], [nan, 1.0]]
    """

    kind: ClassVar[str] = "multilabel"

    labels: tuple[str, ...] = ()
    class_weight: str | Mapping[str, float] | None = None
    thresholds: tuple[float, ...] | None = None
    counts: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        expected = "name at least two columns"
        check(len(self.labels) >= 2, f"{self.name}.labels", expected, self.labels)

    @property
    def columns(self) -> list[str]:
        return list(self.labels)

    @property
    def width(self) -> int:
        return len(self.labels)

    def fit(self, table: pd.DataFrame) -> Self:
        encoded = self.encode(table)
        for label, values in zip(self.labels, encoded.T):
            found = values[~np.isnan(values)]
            if len(found) == 0 or found.min() == found.max():
                what = "has no label" if len(found) == 0 else f"is constant (always {found[0]:g})"
                raise DataError(
                    f"Task {self.name!r}: column {label!r} {what} in the training rows. Remove it "
                    "from `labels`."
                )
        counts = np.stack([np.nansum(encoded, 0), (~np.isnan(encoded)).sum(0)], 1).astype(int)
        return self.but(counts=tuple(int(count) for count in counts.reshape(-1)))

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        return np.stack([self._encode_column(table[label]) for label in self.labels], axis=1)

    def _encode_column(self, column: pd.Series) -> np.ndarray:
        words = {**dict.fromkeys(POSITIVE_WORDS, 1.0), **dict.fromkeys(NEGATIVE_WORDS, 0.0)}
        labels = plain_labels(column)
        out = np.full(len(labels), np.nan, "float32")
        for row, label in enumerate(labels):
            if label is None:
                continue
            if str(label).lower() not in words:
                raise DataError(
                    f"Task {self.name!r}: column {column.name!r} must hold 0/1, booleans or "
                    f"yes/no. Received: {label!r} in row {column.index[row]}."
                )
            out[row] = words[str(label).lower()]
        return out

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
        return self._dense(self.width, "sigmoid", representation, bias=np.log(rate / (1 - rate)))

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

    def answers(self, output: Any) -> dict[str, Any]:
        thresholds = list(self.thresholds or [0.5] * self.width)
        return {
            self.name: Decode([False, True], threshold=thresholds)(output),
            f"{self.name}_probabilities": output,
        }

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        probabilities = answers[f"{self.name}_probabilities"]
        columns = {}
        for index, label in enumerate(self.labels):
            columns[label] = answers[self.name][:, index]
            columns[f"{label}_probability"] = probabilities[:, index]
        return columns
