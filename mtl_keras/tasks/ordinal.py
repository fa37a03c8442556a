"""One of several classes that have an order."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mtl_keras.layers import CumulativeLogits
from mtl_keras.tasks.multiclass import Multiclass


@dataclass(frozen=True, repr=False)
class Ordinal(Multiclass):
    r"""A class on a scale (small, medium, large): one score, cut by learned thresholds.

    $P(y \le j) = \sigma(\theta_j - s(x))$ with $\theta_1 < \theta_2 < \dots$ (the proportional-odds
    model). The answers, the loss and the metric are those of `Multiclass`; far fewer parameters
    have to be learned, and confusing neighbours costs less than confusing the ends.

    Args:
        classes: The labels from the lowest to the highest. Default None: numbers ascending, texts
            in the order of the alphabet.

    References:
        McCullagh: "Regression Models for Ordinal Data", JRSS B 42, 1980.

    Example:

    >>> import pandas as pd
    >>> task = Ordinal("size", classes=("S", "M", "L"))
    >>> task.fit(pd.DataFrame({"size": ["M", "S", None, "M"]})).counts
    (1, 2, 0)
    """

    kind: ClassVar[str] = "ordinal"

    def head(self, representation: Any) -> Any:
        score = self._dense(1, "linear", representation)
        counts = np.array(self.counts or [1] * self.width) + 1.0
        below = np.cumsum(counts)[:-1] / counts.sum()
        cut = CumulativeLogits(self.width, dtype="float32", name=f"{self.slug}_thresholds")
        probabilities = cut(score)
        cut.start_at(np.log(below / (1 - below)))
        return probabilities
