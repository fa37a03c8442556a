"""Counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mtl_keras.errors import DataError
from mtl_keras.layers import Unscale
from mtl_keras.tasks.measures import Measure
from mtl_keras.tasks.numeric import NumericTask
from mtl_keras.tasks.poisson import POISSON_DEVIANCE, PoissonDeviance
from mtl_keras.tasks.problem import Problem


@dataclass(frozen=True, repr=False)
class Count(NumericTask):
    """A number of events, 0 or more: predicts the expected number.

    The head is the exponential of a linear unit (a log link), the loss is half the Poisson
    deviance, and the training metric is the mean absolute error. Labels are divided by their mean,
    which changes neither the optimum nor the deviance but keeps the loss on the scale of other
    tasks' losses.

    Example:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"orders": [0, 1, None, 2]})
    >>> Count("orders").fit(table).encode(table).tolist()
    [0.0, 1.0, nan, 2.0]
    """

    also_called: ClassVar[str] = "poisson integer events number_of_events"

    @property
    def log_link(self) -> bool:
        return True

    def unscale(self) -> Unscale:
        return Unscale(0.0, self.scale or 1.0, limits=self.limits or (None, None))

    def training_loss(self) -> Any:
        return PoissonDeviance()

    @property
    def measures(self) -> Sequence[Measure]:
        return POISSON_DEVIANCE, *super().measures

    def simple_problems(self) -> list[Problem]:
        return [Problem("poisson", self.measure)]

    def _check_values(self, values: np.ndarray) -> None:
        self._refuse_negative(values, "for a count")
        parts = values[np.abs(values - np.round(values)) > 1e-6]
        if len(parts):
            raise DataError(
                f"Task {self.name!r}: column {self.columns[0]!r} must contain whole numbers for a "
                f"count. Received: {parts[0]:.10g}. For a quantity, use {self.name}:regression; "
                "with loss = 'poisson', it is learned like a count."
            )
