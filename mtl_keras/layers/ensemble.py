"""Implicit ensembles: many networks in one that share most weights (BatchEnsemble, TabM)."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision, LastAxis


@keras.saving.register_keras_serializable("mtl_keras")
class Members(ArgumentsAsConfig, keras.layers.Layer):
    """Copies the features for each of `members` networks, multiplied by its own random scales.

    All features of a section (the parts of one column's embedding) get one random scale per member,
    so that the members differ from the start. The scales are learned.

    **Shape:** `(rows, n)` to `(rows, members, n)`.

    Args:
        members: Integer > 0.
        sections: Widths of the sections, which add up to `n`. Default None: each feature is its own
            section.
        initializer: `"normal"` or `"signs"` (plus or minus one). Default `"normal"`, as TabM does
            where features are embedded.

    Raises:
        ConfigError: if an argument is not as described above.

    References:
        Gorishniy, Kotelnikov, Babenko: "TabM: Advancing Tabular Deep Learning with
        Parameter-Efficient Ensembling", ICLR 2025, https://arxiv.org/abs/2410.24210.

    Example:

    >>> Members(4, sections=[2, 1])(tf.ones([5, 3])).shape
    TensorShape([5, 4, 3])
    """

    def __init__(
        self,
        members: int,
        sections: Sequence[int] | None = None,
        initializer: str = "normal",
        **kwargs: Any,
    ) -> None:
        check(members >= 1, "members", "be >= 1", members)
        check(initializer in ("normal", "signs"), "initializer", "be normal or signs", initializer)
        super().__init__(**kwargs)
        self.members, self.initializer = members, initializer
        self.sections = None if sections is None else tuple(sections)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        width = input_shape[-1]
        check(
            self.sections is None or sum(self.sections) == width,
            "sections",
            f"add up to the {width} features",
            self.sections,
        )
        self.scale = self.add_weight((self.members, width), self._initial, name="scale")

    def _initial(self, shape: tuple[int, int], dtype: Any = None) -> Any:
        sections = self.sections or (1,) * shape[1]
        values = keras.random.normal((shape[0], len(sections)), dtype=dtype)
        if self.initializer == "signs":
            values = keras.ops.sign(values)
        return keras.ops.repeat(values, list(sections), axis=1)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        return features[:, None, :] * self.scale

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape[0], self.members, input_shape[1]


@keras.saving.register_keras_serializable("mtl_keras")
class BatchEnsembleDense(ArgumentsAsConfig, LastAxis, keras.layers.Layer):
    r"""A dense layer for all members: one shared matrix, and two scales and a bias per member.

    $y_m = \phi(((x_m \odot r_m) W) \odot s_m + b_m)$ with $r$ and $s$ one at the start.

    **Shape:** `(rows, members, n)` to `(rows, members, units)`.

    Args:
        units: Integer > 0.
        activation: Keras activation. Default none.
        kernel_regularizer: Keras regularizer of W. Default none.

    References:
        Wen, Tran, Ba: "BatchEnsemble: An Alternative Approach to Efficient Ensemble and Lifelong
        Learning", ICLR 2020, https://arxiv.org/abs/2002.06715.

    Example:

    >>> BatchEnsembleDense(8, "relu")(tf.ones([5, 4, 3])).shape
    TensorShape([5, 4, 8])
    """

    def __init__(
        self, units: int, activation: Any = None, kernel_regularizer: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        _, members, width = input_shape
        self.kernel = self.add_weight(
            (width, self.units), regularizer=self.kernel_regularizer, name="kernel"
        )
        self.input_scale = self.add_weight((members, width), "ones", name="input_scale")
        self.output_scale = self.add_weight((members, self.units), "ones", name="output_scale")
        self.bias = self.add_weight((members, self.units), "zeros", name="bias")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        # One matrix of all rows and members; as a product of three axes by two it would be the same
        # arithmetic in four times as many operations.
        flat = keras.ops.reshape(x * self.input_scale, (-1, self.kernel.shape[0]))
        product = keras.ops.reshape(
            keras.ops.matmul(flat, self.kernel), (-1, *self.output_scale.shape)
        )
        return self.activation(product * self.output_scale + self.bias)


@keras.saving.register_keras_serializable("mtl_keras")
class MemberDense(ArgumentsAsConfig, LastAxis, keras.layers.Layer):
    """A separate dense layer for each member, with no shared weights.

    **Shape:** `(rows, members, n)` to `(rows, members, units)`.

    Args:
        units: Integer > 0.
        activation: Keras activation. Default none.
        bias_initializer: Keras initializer of the biases. Default "zeros".

    Example:

    >>> MemberDense(2)(tf.ones([5, 4, 3])).shape
    TensorShape([5, 4, 2])
    """

    def __init__(
        self, units: int, activation: Any = None, bias_initializer: Any = "zeros", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        _, members, width = input_shape
        # Glorot's rule for one member; of the whole kernel, it would count members as inputs.
        limit = (6.0 / (width + self.units)) ** 0.5  # type: ignore[operator]
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight((members, width, self.units), uniform, name="kernel")
        self.bias = self.add_weight((members, self.units), self.bias_initializer, name="bias")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.activation(keras.ops.einsum("bkd,kdo->bko", x, self.kernel) + self.bias)


@keras.saving.register_keras_serializable("mtl_keras")
class MemberMean(FullPrecision):
    """The mean of the members' outputs.

    If this layer computes an output of a `MultiTaskModel`, the training loss is the mean of the
    members' losses, not the loss of their mean, which would make the members similar. Evaluation
    and prediction use the mean of the outputs.

    **Shape:** `(rows, members, n)` to `(rows, n)`.

    Example:

    >>> MemberMean()(tf.constant([[[0.0], [1.0]]])).numpy().tolist()
    [[0.5]]
    """

    def call(self, outputs: tf.Tensor) -> tf.Tensor:
        return keras.ops.mean(outputs, axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape[0], input_shape[2]


@keras.saving.register_keras_serializable("mtl_keras")
class WeightedMean(FullPrecision):
    """A mean of several tensors with fixed weights.

    **Shape:** a list of tensors of one shape to that shape.

    Args:
        weights: A float per tensor.

    Example:

    >>> WeightedMean([0.25, 0.75])([tf.constant([0.0]), tf.constant([4.0])]).numpy().tolist()
    [3.0]
    """

    def __init__(self, weights: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shares = tuple(weights)

    def build(self, input_shape: Any) -> None:
        """Does nothing: the weights are fixed."""

    def call(self, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        return sum(share * tensor for share, tensor in zip(self.shares, tensors))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weights": list(self.shares)}
