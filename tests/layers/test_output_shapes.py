"""The shape and type that a layer says its output has, beside what `call` gives.

Keras builds graphs from what a layer says, without a call.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import layers

PAIR = ["a", "b"]


def ones(*shape):
    return np.ones((2, *shape), "float32")


def whole(*shape):
    return np.ones((2, *shape), "int32")


# Of each public layer: how it is made, and two rows of its inputs.
LAYERS = {
    "Ascending": (lambda: layers.Ascending(), [ones(3)]),
    "BatchEnsembleDense": (lambda: layers.BatchEnsembleDense(5), [ones(4, 3)]),
    "BottleneckAdapter": (lambda: layers.BottleneckAdapter(2), [ones(4, 3)]),
    "BranchGate": (lambda: layers.BranchGate("t", PAIR), [ones(4, 3)]),
    "CategoryEmbedding": (lambda: layers.CategoryEmbedding([9, 3]), [whole(2)]),
    "CrossStitchUnit": (lambda: layers.CrossStitchUnit(PAIR), [[ones(4, 3), ones(4, 3)]]),
    "DSelectGate": (lambda: layers.DSelectGate("t", PAIR, conditional=True), [ones(4, 3)]),
    "Decode": (lambda: layers.Decode([1, 2, 5]), [ones(3)]),
    "DiscriminativeReduction": (lambda: layers.DiscriminativeReduction(PAIR), [[ones(3), ones(3)]]),
    "InformationTransfer": (lambda: layers.InformationTransfer(), [ones(3), ones(3)]),
    "LayerMixture": (lambda: layers.LayerMixture(), [[ones(4, 3), ones(4, 3)]]),
    "LowRankUpdate": (lambda: layers.LowRankUpdate(5), [ones(4, 3)]),
    "MemberDense": (lambda: layers.MemberDense(5), [ones(4, 3)]),
    "MemberMean": (lambda: layers.MemberMean(), [ones(4, 3)]),
    "Members": (lambda: layers.Members(4), [ones(3)]),
    "Modulation": (lambda: layers.Modulation(), [ones(4, 3), ones(4, 3)]),
    "OrderPenalty": (lambda: layers.OrderPenalty(), [ones(1), ones(1)]),
    "PeriodicEmbedding": (lambda: layers.PeriodicEmbedding(3, dimension=2), [ones(3)]),
    "PiecewiseLinearEmbedding": (lambda: layers.PiecewiseLinearEmbedding(3, 4, 2), [ones(3)]),
    "PiecewiseLinearTable": (lambda: layers.PiecewiseLinearTable(3, 4, 2), [ones(3)]),
    "PositionEmbedding": (lambda: layers.PositionEmbedding(), [ones(4, 3)]),
    "Present": (lambda: layers.Present(), [ones(4, 3)]),
    "Select": (lambda: layers.Select([2, 0]), [whole(4, 3)]),
    "SequencePooling": (lambda: layers.SequencePooling(), [ones(4, 3)]),
    "SluiceUnit": (lambda: layers.SluiceUnit(PAIR), [[ones(4, 2), ones(4, 2)]]),
    "SoftmaxGate": (lambda: layers.SoftmaxGate("t", PAIR), [ones(4, 3)]),
    "StopGradient": (lambda: layers.StopGradient(), [whole(4, 3)]),
    "TiedBatchEnsembleDense": (lambda: layers.TiedBatchEnsembleDense(5, "g"), [ones(4, 3)]),
    "TiedDense": (lambda: layers.TiedDense(5, "g"), [ones(4, 3)]),
    "TokenEmbedding": (lambda: layers.TokenEmbedding(9, 2), [whole(4)]),
    "TransferAttention": (lambda: layers.TransferAttention(), [ones(4, 3), ones(4, 3)]),
    "Unscale": (lambda: layers.Unscale(), [ones(1)]),
    "WeightedMean": (lambda: layers.WeightedMean([0.5, 0.5]), [[ones(3), ones(3)]]),
    "WeightedSum": (lambda: layers.WeightedSum(), [ones(4, 2), [ones(4, 3), ones(4, 3)]]),
}
BASES = {"Gate", "Mixing"}


def test_every_public_layer_is_listed():
    public = {
        name for name in layers.__all__ if issubclass(getattr(layers, name), keras.layers.Layer)
    }
    assert set(LAYERS) == public - BASES


@pytest.fixture(params=["float32", "mixed_bfloat16"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield
    keras.config.set_dtype_policy(before)


def described(tensors):
    return keras.tree.map_structure(
        lambda tensor: f"{keras.backend.standardize_dtype(tensor.dtype)} {tuple(tensor.shape)}",
        tensors,
    )


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_says_what_its_call_gives_without_a_call(name):
    make, rows = LAYERS[name]
    given = [[tf.constant(part) for part in x] if isinstance(x, list) else tf.constant(x)
             for x in rows]  # fmt: skip
    layer = make()
    output = layer(*given)
    layer.call = None  # so that a layer which does not say its shape fails
    symbols = keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, x.dtype.name), given)
    assert described(layer(*symbols)) == described(output)
