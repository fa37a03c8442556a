"""A gate that learns which one of several sources to read: a branch of a tree."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.gates import Gate


@keras.saving.register_keras_serializable("mtl_keras")
class BranchGate(Gate):
    r"""Selects one source: a random one at the start of training, and the most probable one later.

    The probabilities are $\mathrm{softmax}(s a)$ of learned numbers a. For its first `explore`
    training steps the layer draws $i = \arg\max(s a + g)$ with Gumbel noise g, and takes the
    gradient of $\mathrm{softmax}((s a + g) / \tau)$ (straight through) from step `warmup` on, when
    the sources have learned something; the temperature $\tau = \max(\tau_0 / \sqrt{1 +
    \text{step}}, 1/2)$ falls. After these steps, and outside of training, it selects the source
    with the largest a. All rows of a batch read the same source.

    **Shape:** `(rows, ..., n)` to `(rows, ..., sources)`, a 1 and zeros, the same in each row.

    Args:
        reader: Name of the task or branch that reads through the gate.
        sources: Names of what it reads.
        explore: Integer >= 0, training steps before the branch is fixed. Default 1000.
        warmup: Integer >= 0, training steps before the probabilities are learned. Default 400.
        temperature: Float > 0, tau_0. Default 50.0.
        strength: Float > 0, s: how much faster the probabilities are learned than other weights.
            Default 10.0.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Guo, Lee, Ulbricht: "Learning to Branch for Multi-Task Learning", ICML 2020,
        https://arxiv.org/abs/2006.01895.

    Example:

    >>> BranchGate("churned", ["branch 1", "branch 2"])(tf.ones([1, 3])).numpy().tolist()
    [[1.0, 0.0]]
    """

    def __init__(
        self,
        reader: str,
        sources: Sequence[str],
        explore: int = 1000,
        warmup: int = 400,
        temperature: float = 50.0,
        strength: float = 10.0,
        **kwargs: Any,
    ) -> None:
        check(explore >= 0, "explore", "be >= 0", explore)
        check(warmup >= 0, "warmup", "be >= 0", warmup)
        check(temperature > 0, "temperature", "be > 0", temperature)
        check(strength > 0, "strength", "be > 0", strength)
        super().__init__(reader, sources, **kwargs)
        self.explore, self.warmup = explore, warmup
        self.temperature, self.strength = temperature, strength
        self.random = keras.random.SeedGenerator()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.preference = self.add_weight((len(self.sources),), "zeros", name="preference")
        self.step = self.add_weight(
            (),
            "zeros",
            dtype="int32",
            trainable=False,
            aggregation="only_first_replica",
            name="step",
        )

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        logits = self.strength * keras.ops.cast(self.preference, "float32")
        chosen = self._one(logits)
        if training:
            exploring = self.step < self.explore
            drawn = self._drawn(logits)
            chosen = keras.ops.where(exploring, drawn, chosen)
            self.step.assign_add(1)
        return keras.ops.zeros_like(x[..., :1]) + keras.ops.cast(chosen, x.dtype)

    def _drawn(self, logits: Any) -> Any:
        """A source drawn at random: 1 for it and 0 for others, with the gradient of a softmax."""
        uniform = keras.random.uniform(logits.shape, 1e-7, 1.0, seed=self.random)
        noisy = logits - keras.ops.log(-keras.ops.log(uniform))
        step = keras.ops.cast(self.step, "float32")
        temperature = keras.ops.maximum(self.temperature / keras.ops.sqrt(1.0 + step), 0.5)
        soft = keras.ops.softmax(noisy / temperature)
        soft = soft * keras.ops.cast(self.step >= self.warmup, soft.dtype)
        return self._one(noisy) + soft - keras.ops.stop_gradient(soft)

    def _one(self, logits: Any) -> Any:
        return keras.ops.one_hot(keras.ops.argmax(logits), len(self.sources), dtype="float32")
