"""One of several classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mtl_keras.errors import DataError
from mtl_keras.layers import Decode
from mtl_keras.tasks.base import ClassTask, distinct

MAX_CLASSES = 1000


@dataclass(frozen=True, repr=False)
class Multiclass(ClassTask):
    """A task with one of several labels: a probability of each, and the most probable.

    Labels may be texts, booleans or numbers. The head is a softmax over the classes, the loss
    sparse categorical cross-entropy, the metric accuracy.

    Example:

    >>> table = pd.DataFrame({"segment": ["b", "a", None, "c"]})
    >>> task = Multiclass("segment").fit(table)
    >>> task.classes, task.encode(table).tolist()
    (('a', 'b', 'c'), [1.0, 0.0, nan, 2.0])
    """

    kind: ClassVar[str] = "multiclass"

    @property
    def width(self) -> int:
        return len(self.classes or ())

    def fit(self, table: pd.DataFrame) -> Self:
        classes = self.classes or tuple(distinct(self, table))
        if len(classes) > MAX_CLASSES:
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} has {len(classes)} labels, more "
                f"than {MAX_CLASSES}. Is it a quantity ({self.name}:regression) or an identifier?"
            )
        return self._counted(table, classes)

    def head(self, representation: Any) -> Any:
        counts = np.array(self.counts or [1] * self.width) + 1.0
        return self._dense(
            self.width, "softmax", representation, bias=np.log(counts / counts.sum())
        )

    def training_loss(self) -> Any:
        return "sparse_categorical_crossentropy"

    def training_metrics(self) -> list[Any]:
        return ["accuracy"]

    def answers(self, output: Any) -> dict[str, Any]:
        output = self.calibrated(output)
        return {
            self.name: Decode(list(self.classes or ()))(output),
            f"{self.name}_probabilities": output,
        }

    def answer_columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        probabilities = answers[f"{self.name}_probabilities"]
        return {
            self.name: answers[self.name],
            **{
                f"{self.name}_probability_{label}": probabilities[:, index]
                for index, label in enumerate(self.classes or ())
            },
        }
