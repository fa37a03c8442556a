"""Gates: weights over sources (experts, streams), and their weighted sum."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.mixins import ArgumentsAsConfig

SPARE_CODES = ("penalised", "reused")


class Gate(ArgumentsAsConfig, keras.layers.Layer):
    """Base class of gates: weights over sources, shown by `MultiTaskModel.sharing`.

    Args:
        reader: Name of the task (or stream) that reads through the gate.
        sources: Names of what it reads.

    Example:

    >>> from mtl_keras.layers import SoftmaxGate
    >>> isinstance(SoftmaxGate("churned", ["expert 1", "expert 2"]), Gate)
    True
    """

    def __init__(self, reader: str, sources: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reader, self.sources = reader, tuple(sources)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], len(self.sources))


@keras.saving.register_keras_serializable("mtl_keras")
class SoftmaxGate(Gate):
    r"""$g(x) = \mathrm{softmax}(W x / \tau)$, weights over the sources for each row.

    **Shape:** `(rows, ..., n)` to `(rows, ..., sources)`.

    Args:
        reader: Name of the task that reads through the gate.
        sources: Names of what it reads.
        temperature: Float > 0. Low values make the gate sparser. Default 1.0.
        use_bias: Whether to use a bias. Default False, as in the paper.
        dropout: Fraction of sources dropped per row in training. Default 0.0.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Ma et al.: "Modeling Task Relationships in Multi-task Learning with Multi-gate
        Mixture-of-Experts", KDD 2018, equation 6.

    Example:

    >>> gate = SoftmaxGate("churned", ["expert 1", "expert 2"])
    >>> round(float(tf.reduce_sum(gate(tf.ones([1, 3])))), 4)
    1.0
    """

    def __init__(
        self,
        reader: str,
        sources: Sequence[str],
        temperature: float = 1.0,
        use_bias: bool = False,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        check(temperature > 0, "temperature", "be > 0", temperature)
        check(0 <= dropout < 1, "dropout", "be from 0 up to, not including, 1", dropout)
        super().__init__(reader, sources, **kwargs)
        self.temperature, self.use_bias, self.dropout = temperature, use_bias, dropout
        self.logits = keras.layers.Dense(len(self.sources), use_bias=use_bias, name="logits")
        self.drop = keras.layers.Dropout(dropout, name="drop")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.logits.build(input_shape)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        weights = keras.ops.softmax(self.logits(x) / self.temperature, axis=-1)
        if not self.dropout:
            return weights
        kept = self.drop(weights, training=training)
        total = keras.ops.sum(kept, axis=-1, keepdims=True)
        return keras.ops.where(total > 0, kept / keras.ops.maximum(total, 1e-9), weights)


@keras.saving.register_keras_serializable("mtl_keras")
class DSelectGate(Gate):
    r"""The gate of DSelect-k, which learns to select at most `selectors` sources.

    Each selector reads $m = \lceil \log_2 n \rceil$ numbers as a binary code through the smooth
    step $S$ (0 below $-\gamma/2$, 1 above $\gamma/2$, a cubic in between): its weight for source
    $i$ is $r(i) = \prod_b S(z_b)^{\mathrm{bit}_b(i)} (1 - S(z_b))^{1 - \mathrm{bit}_b(i)}$. The
    gate is $\sum_j \mathrm{softmax}(w)_j r_j$. In training it adds `entropy` times the entropy of
    each selector to the losses.

    If n is not a power of two, some codes do not belong to a source. The paper adds the penalty $1
    / \sum_i r(i)$, so that no selector keeps such a code. Until the selectors have left these
    codes, the weights of a gate sum to less than one.

    Departures from the paper and the authors' code: entropy and penalty are means over rows, where
        the code has sums, so that their strength does not depend on the batch size. One is
        subtracted from the penalty, so that it is 0 if it has no effect, and it is limited to a
        thousand.

    **Shape:** `(rows, ..., n)` to `(rows, ..., sources)`; a static gate has the same weights in
    each row.

    Args:
        reader: Name of the task that reads through the gate.
        sources: Names of what it reads.
        selectors: Integer >= 1, k. Default 2.
        gamma: Float > 0, width of the smooth step. Default 1.0.
        entropy: Float >= 0, strength of the entropy loss. Default 1e-6, as in the official code.
        conditional: Whether codes and weights are computed from the row (`Dense`); else they are
            variables. Default False: static.
        spare_codes: What to do with codes of no source: `"penalised"`, or `"reused"`: a code c
            stands for source c mod n, so that each code is valid and the gate always sums to one,
            but starts with more weight on the first sources. Default "penalised".
        use_bias: Whether the weights of a conditional gate have a bias. Default True.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Hazimeh et al.: "DSelect-k: Differentiable Selection in the Mixture of Experts with
        Applications to Multi-Task Learning", NeurIPS 2021, https://arxiv.org/abs/2106.03760.

    Example:

    >>> gate = DSelectGate("churned", ["a", "b", "c", "d"])
    >>> round(float(tf.reduce_sum(gate(tf.ones([1, 3])))), 4)
    1.0
    """

    def __init__(
        self,
        reader: str,
        sources: Sequence[str],
        selectors: int = 2,
        gamma: float = 1.0,
        entropy: float = 1e-6,
        conditional: bool = False,
        spare_codes: str = "penalised",
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        check(selectors >= 1, "selectors", "be >= 1", selectors)
        check(gamma > 0, "gamma", "be > 0", gamma)
        check(entropy >= 0, "entropy", "be >= 0", entropy)
        good = spare_codes in SPARE_CODES
        check(good, "spare_codes", "be 'penalised' or 'reused'", spare_codes)
        super().__init__(reader, sources, **kwargs)
        self.selectors, self.gamma, self.entropy = selectors, gamma, entropy
        self.conditional, self.spare_codes, self.use_bias = conditional, spare_codes, use_bias
        count = len(self.sources)
        self.bits = max(1, math.ceil(math.log2(count)))
        numbers = np.arange(2**self.bits)
        self.codes = (numbers[:, None] >> np.arange(self.bits)) & 1  # (codes, bits)
        self.source_of_code = np.eye(count)[numbers % count]
        self.penalised = spare_codes == "penalised" and len(numbers) > count
        if self.penalised:
            self.source_of_code[count:] = 0.0

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        near = keras.initializers.RandomUniform(-self.gamma / 100, self.gamma / 100)
        size = self.selectors * self.bits
        if self.conditional:
            self.code_kernel = self.add_weight((input_shape[-1], size), near, name="code_kernel")
            self.code_bias = self.add_weight((size,), near, name="code_bias")
            self.weight_kernel = self.add_weight(
                (input_shape[-1], self.selectors), "random_uniform", name="weight_kernel"
            )
            if self.use_bias:
                self.weight_bias = self.add_weight(
                    (self.selectors,), "random_uniform", name="weight_bias"
                )
        else:
            self.code = self.add_weight((size,), near, name="code")
            self.weight = self.add_weight((self.selectors,), "random_uniform", name="weight")

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        if self.conditional:
            z = keras.ops.matmul(x, self.code_kernel) + self.code_bias
            logits = keras.ops.matmul(x, self.weight_kernel)
            weights = keras.ops.softmax(logits + self.weight_bias if self.use_bias else logits)
        else:
            one = keras.ops.zeros_like(x[..., :1])  # the same in every row
            z = one + self.code
            weights = one + keras.ops.softmax(self.weight)
        z = keras.ops.reshape(z, (-1, *z.shape[1:-1], self.selectors, 1, self.bits))
        steps = smooth_step(z, self.gamma)
        codes = keras.ops.cast(self.codes, steps.dtype)
        of_codes = keras.ops.prod(codes * steps + (1 - codes) * (1 - steps), axis=-1)
        chosen = keras.ops.matmul(of_codes, keras.ops.cast(self.source_of_code, steps.dtype))
        if training:
            self._add_losses(chosen)
        return keras.ops.sum(weights[..., None] * chosen, axis=-2)

    def _add_losses(self, chosen: Any) -> None:
        """Means over rows and members, and sums over selectors."""
        if self.entropy:
            entropies = -keras.ops.sum(chosen * keras.ops.log(chosen + 1e-6), axis=-1)
            self.add_loss(self.entropy * self.selectors * keras.ops.mean(entropies))
        if self.penalised:
            total = keras.ops.maximum(keras.ops.sum(chosen, axis=-1), 1e-3)
            self.add_loss(self.selectors * keras.ops.mean(1.0 / total - 1.0))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The layer of a config; one from release 0.1 lacks what was not open then."""
        return cls(**{"spare_codes": "reused", "use_bias": False, **config})


def smooth_step(t: Any, gamma: float = 1.0) -> Any:
    """A differentiable step: 0 up to -gamma/2, 1 from gamma/2 on, a cubic in between.

    Example:

    >>> smooth_step(tf.constant([-0.5, -0.25, 0.25, 0.5])).numpy().tolist()
    [0.0, 0.15625, 0.84375, 1.0]
    """
    t = keras.ops.clip(t, -gamma / 2, gamma / 2)
    return -2 / gamma**3 * t**3 + 3 / (2 * gamma) * t + 0.5


@keras.saving.register_keras_serializable("mtl_keras")
class WeightedSum(keras.layers.Layer):
    """The weighted sum of the sources.

    **Shape:** weights `(rows, ..., sources)` and a list of as many `(rows, ..., n)` to
    `(rows, ..., n)`.

    Example:

    >>> parts = [tf.constant([[1.0]]), tf.constant([[3.0]])]
    >>> WeightedSum()(tf.constant([[0.5, 0.5]]), parts).numpy().tolist()
    [[2.0]]
    """

    def build(self, *shapes: Any) -> None:
        """Does nothing: the layer has no variables."""

    def call(self, weights: tf.Tensor, sources: Sequence[tf.Tensor]) -> tf.Tensor:
        total = weights[..., :1] * sources[0]
        for number, source in enumerate(sources[1:], start=1):
            total = total + weights[..., number : number + 1] * source
        return total

    def compute_output_shape(self, weights_shape: Any, sources_shape: Any) -> Any:
        return sources_shape[0]


@keras.saving.register_keras_serializable("mtl_keras")
class StopGradient(keras.layers.Layer):
    """The identity, which stops the gradient.

    Example:

    >>> StopGradient()(tf.constant([1.0])).numpy().tolist()
    [1.0]
    """

    stopped = (0,)  # read by `mtl_keras.model.partition`

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return keras.ops.stop_gradient(x)

    def compute_output_spec(self, x: Any) -> keras.KerasTensor:
        return keras.KerasTensor(x.shape, dtype=x.dtype)
