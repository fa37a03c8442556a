"""Dropped scheduled task (Malhotra, Vatsa and Singh, 2023)."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.balancers.base import Balancer, next_seed
from mtl_keras.errors import check

METRICS = ("depth", "count", "incompleteness", "stagnancy", "floor")


@keras.saving.register_keras_serializable("mtl_keras")
class DST(Balancer):
    r"""Drops tasks at random, with probabilities that depend on their training progress.

    In every batch, task $k$ is kept with probability $P_k$, independently of the other tasks: $L =
    \sum_k b_k L_k$, $b_k \sim \mathrm{Bernoulli}(P_k)$. $P_k$ is recomputed after every epoch from
    four metrics and a floor, weighted by $\lambda$ (scaled to a sum of 1):

    | metric | value |
    |---|---|
    | depth | $D_k / \max_j D_j$, $D_k$ layers between an input and the output |
    | count | $c_k / \max_j c_j$, $c_k$ labels of the task |
    | incompleteness | $\min(1, I_k / \bar I)$, $I_k$ the loss over that of the first epoch |
    | stagnancy | $\min(1, \bar R / R_k)$, $R_k$ the relative change of the loss over an epoch |
    | floor | 1 |

    Each can be used alone: `DST(weights={"stagnancy": 1.0})`. If all tasks are dropped, the one
    with the largest P is kept. A dropped task has a gradient of zero; an optimizer's momentum and
    weight decay still move its own parameters.

    **Caveat.** The abstract names the four metrics; the formulas above are reconstructed from it,
    not taken from the paper, and there is no official code. The direction of stagnancy is the least
    certain (here a stagnating task is kept, a fast one dropped more often). Losses are mean
    training losses of an epoch, and $P_u = P_r = 1$ in the first two epochs. Our additions: the
    rule if all tasks are dropped, and `unbiased`.

    Args:
        weights: $\lambda$: a mapping from metric (`"depth"`, `"count"`, `"incompleteness"`,
            `"stagnancy"`, `"floor"`) to weight >= 0; 0 for a metric that is not named. Default
            None: all equal.
        unbiased: Whether a kept task has the weight $1 / P_k$, so that the expected gradient is
            that of the plain sum. Default False.
        seed: Integer seed of the draws. Default 0.

    References:
        Malhotra, Vatsa, Singh: "Dropped Scheduled Task: Mitigating Negative Transfer in Multi-task
        Learning using Dynamic Task Dropping", TMLR 2023,
        https://openreview.net/forum?id=myjAVQrRxS

    Example:

    >>> from mtl_keras.balancers import Setup
    >>> balancer = DST(weights={"depth": 1.0, "floor": 1.0})
    >>> balancer.setup(Setup(["a", "b"], depths=[4, 2]))
    >>> balancer.probabilities.numpy()
    array([1.  , 0.75], dtype=float32)
    """

    also_called = "dropped_scheduled_task"
    drops = True
    when = "Tasks with few labels or slow tasks beside dominant ones. Cheaper but noisier steps."

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        unbiased: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        metrics = dict.fromkeys(METRICS, 1.0) if weights is None else dict(weights)
        check(set(metrics) <= set(METRICS), "weights", f"have keys among {METRICS}", weights)
        good = all(value >= 0 for value in metrics.values()) and sum(metrics.values()) > 0
        check(good, "weights", "be >= 0, and not all 0", weights)
        super().__init__(**kwargs)
        self.metric_weights = metrics
        self.unbiased = unbiased
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weights": self.metric_weights}

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.draws = self.add_state((), name="draws")
        self.counts = self.add_state(input_shape, 1.0, name="counts")
        self.first = self.add_state(input_shape, np.nan, name="first")
        self.last = self.add_state(input_shape, np.nan, name="last")
        start = self._probabilities(np.ones(input_shape), np.ones(input_shape))
        self.probabilities = self.add_state(input_shape, start, name="probabilities")

    def weigh(
        self, losses: tf.Tensor, present: tf.Tensor, gramian: tf.Tensor | None = None
    ) -> tf.Tensor:
        seed = next_seed(self.seed, self.draws)
        uniform = tf.random.stateless_uniform(losses.shape, seed)
        probabilities = tf.convert_to_tensor(self.probabilities.value)
        kept = present & (uniform < probabilities)
        likeliest = tf.argmax(tf.where(present, probabilities, -1.0))
        only = tf.one_hot(likeliest, losses.shape[0], on_value=True, off_value=False) & present
        kept = tf.cast(tf.where(tf.reduce_any(kept), kept, only), tf.float32)
        return self.preferences * (kept / probabilities if self.unbiased else kept)

    def on_epoch_end(self, losses: np.ndarray, labels: np.ndarray) -> None:
        first, last = self.first.numpy(), self.last.numpy()
        known = np.isfinite(losses)
        self.counts.assign(np.maximum(labels, 0.0))
        ones = np.ones_like(first)
        unfinished, stagnant = ones, ones
        if int(self.epochs.numpy()) >= 1:
            with np.errstate(all="ignore"):
                share = losses / first
                unfinished = np.minimum(1, share / np.nanmean(share)) if known.any() else ones
                change = np.abs(last - losses) / last
                stagnant = np.minimum(1, np.nanmean(change) / change) if known.any() else ones
            unfinished, stagnant = (np.where(np.isfinite(m), m, 1) for m in (unfinished, stagnant))
        self.first.assign(np.where(np.isnan(first) & known, losses, first))
        self.last.assign(np.where(known, losses, last))
        self.probabilities.assign(self._probabilities(unfinished, stagnant))

    def _probabilities(self, unfinished: np.ndarray, stagnant: np.ndarray) -> np.ndarray:
        depths = np.asarray(self.depths, float)
        counts = self.counts.numpy()
        metrics = {
            "depth": depths / depths.max(),
            "count": counts / max(counts.max(), 1e-8),
            "incompleteness": unfinished,
            "stagnancy": stagnant,
            "floor": np.ones_like(depths),
        }
        total = sum(self.metric_weights.values())
        mixed = sum(share / total * metrics[name] for name, share in self.metric_weights.items())
        return np.clip(mixed, 1e-3, 1.0)
