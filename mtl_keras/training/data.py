"""The rows of a training, encoded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from mtl_keras.feeding import Feed


@dataclass(frozen=True)
class Data:
    """Encoded rows by part (`"train"`, `"validation"`, `"test"`).

    Attributes:
        x: The network's inputs.
        y: Labels by task.
        weights: Sample weights by task, for tasks that have any.
        means: By part and task, what the weights of a part were divided by, so that their mean is
            1. Default: none were.
        feed: The stream of training rows, if `x` and `y` contain a sample of them. Default None.

    Example:

    >>> x = {"train": {"numeric": np.zeros((8, 2))}}
    >>> Data(x, {"train": {"spend": np.zeros(8)}}, {"train": {}}).feed is None
    True
    """

    x: Mapping[str, Any]
    y: Mapping[str, Mapping[str, np.ndarray]]
    weights: Mapping[str, Mapping[str, np.ndarray]]
    means: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    feed: Feed | None = None

    def training_and_validation(self) -> "Data":
        """The same data with the validation rows appended to the training rows.

        The weights of both are on one scale, that of the training rows.

        Example:

        >>> x = {"train": np.zeros((8, 2)), "validation": np.zeros((4, 2))}
        >>> y = {part: {"spend": rows[:, 0]} for part, rows in x.items()}
        >>> data = Data(x, y, {"train": {}, "validation": {}})
        >>> data.training_and_validation().training_rows
        12
        """

        def joined(by_part: Mapping[str, Any]) -> Any:
            parts = by_part["train"], by_part["validation"]
            return {"train": keras.tree.map_structure(lambda *two: np.concatenate(two), *parts)}

        train, validation = (self.means.get(part, {}) for part in ("train", "validation"))
        rescaled = {
            task: weight * np.float32(validation.get(task, 1.0) / (train.get(task, 1.0) or 1.0))
            for task, weight in self.weights["validation"].items()
        }
        weights = joined({**self.weights, "validation": rescaled})
        return Data(joined(self.x), joined(self.y), weights)

    @property
    def validation_rows(self) -> int:
        """Number of validation rows."""
        return len(next(iter(self.y["validation"].values())))

    @property
    def training_rows(self) -> int:
        """Number of rows of an epoch."""
        if self.feed is not None:
            return self.feed.total
        return len(next(iter(self.y["train"].values())))
