"""Soft sharing: separate layers, pulled towards each other by a penalty."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.errors import check
from mtl_keras.layers.ensemble import BatchEnsembleDense
from mtl_keras.layers.mixins import ArgumentsAsConfig

PENALTIES = ("l2", "trace")


class Tied(ArgumentsAsConfig, keras.layers.Layer):
    """Mixin: a layer whose `kernel` is tied to those of all layers of its group in a model.

    Args:
        units: Integer > 0.
        group: Name of the group.
        penalty: `"l2"`: the squared distance of each kernel to the group's mean; `"trace"`: the
            nuclear norm of the stacked kernels, each flattened to a row, which pulls them into a
            low-dimensional space. Default `"l2"`.
        strength: Float >= 0, strength of the penalty. Default 1e-3.

    `MultiTaskModel` adds the penalty to its losses.
    """

    def __init__(
        self,
        units: int,
        group: str = "",
        penalty: str = "l2",
        strength: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        check(penalty in PENALTIES, "penalty", "be 'l2' or 'trace'", penalty)
        check(strength >= 0, "strength", "be >= 0", strength)
        super().__init__(units, **kwargs)  # type: ignore[call-arg]
        self.group, self.penalty, self.strength = group, penalty, strength


@keras.saving.register_keras_serializable("mtl_keras")
class TiedDense(Tied, keras.layers.Dense):
    """A `keras.layers.Dense` tied to its group.

    Args:
        units: Integer > 0.
        group: Name of the group.
        penalty: `"l2"` or `"trace"`: see `Tied`. Default `"l2"`.
        strength: Float >= 0, strength of the penalty. Default 1e-3.

    Raises:
        ConfigError: if there is no such penalty, or its strength is negative.

    References:
        Duong et al.: "Low Resource Dependency Parsing: Cross-lingual Parameter Sharing in a Neural
        Network Parser", ACL 2015 (L2); Yang, Hospedales: "Trace Norm Regularised Deep Multi-Task
        Learning", ICLR 2017 workshop, https://arxiv.org/abs/1606.04038 (trace norm).

    Example:

    >>> TiedDense(8, group="trunk_1", penalty="trace").get_config()["penalty"]
    'trace'
    """


@keras.saving.register_keras_serializable("mtl_keras")
class TiedBatchEnsembleDense(Tied, BatchEnsembleDense):
    """A `BatchEnsembleDense` tied to its group by the kernel that all its members share.

    Args:
        units: Integer > 0.
        group: Name of the group.
        penalty: `"l2"` or `"trace"`: see `Tied`. Default `"l2"`.
        strength: Float >= 0, strength of the penalty. Default 1e-3.

    Raises:
        ConfigError: if there is no such penalty, or its strength is negative.

    Example:

    >>> TiedBatchEnsembleDense(8, group="trunk_1")(tf.ones([2, 4, 3])).shape
    TensorShape([2, 4, 8])
    """


def penalties(layers: Iterable[Any]) -> list[Any]:
    """The penalty of each group among some layers.

    Example:

    >>> pair = [TiedDense(1, use_bias=False, group="g", strength=1.0, name=n) for n in "ab"]
    >>> for layer, value in zip(pair, (1.0, 3.0)):
    ...     layer.build((None, 1))
    ...     _ = layer.kernel.assign([[value]])

    >>> [float(p) for p in penalties(pair)]
    [2.0]
    """
    groups: dict[str, dict[int, Tied]] = {}
    for layer in _all(layers):
        if isinstance(layer, Tied) and layer.built:
            groups.setdefault(layer.group, {})[id(layer)] = layer
    tied = [list(group.values()) for group in groups.values()]
    return [group[0].strength * _PENALTY[group[0].penalty](group) for group in tied]


def _all(layers: Iterable[Any]) -> Iterator[Any]:
    """Some layers, and those in models and wrappers among them."""
    for layer in layers:
        yield layer
        inner = [*getattr(layer, "layers", []), getattr(layer, "layer", None)]
        yield from _all(part for part in inner if part is not None)


def _kernel(layer: Any) -> Any:
    return tf.convert_to_tensor(layer.kernel, layer.variable_dtype)


def _distance(group: Sequence[Any]) -> Any:
    kernels = tf.stack([_kernel(layer) for layer in group])
    return keras.ops.sum((kernels - keras.ops.mean(kernels, axis=0, keepdims=True)) ** 2)


def _nuclear_norm(group: Sequence[Any]) -> Any:
    r"""The sum of singular values: $\mathrm{tr}\,G^{1/2}$ of the small matrix G of inner products.

    Its derivative with respect to G is $G^{-1/2} / 2$, which is used as a constant: differentiating
    eigenvectors would divide by differences of eigenvalues.
    """
    rows = tf.stack([keras.ops.reshape(_kernel(layer), (-1,)) for layer in group])
    gram = keras.ops.matmul(rows, keras.ops.transpose(rows))
    values, vectors = keras.ops.eigh(keras.ops.stop_gradient(gram))
    smallest = keras.ops.maximum(1e-6 * keras.ops.max(values), 1e-30)  # kernels may be all zero
    roots = keras.ops.sqrt(keras.ops.maximum(values, smallest))
    inverse = keras.ops.matmul(vectors / roots, keras.ops.transpose(vectors))
    half = keras.ops.sum(keras.ops.stop_gradient(inverse) * gram) / 2
    return half + keras.ops.stop_gradient(half)


_PENALTY = {"l2": _distance, "trace": _nuclear_norm}
