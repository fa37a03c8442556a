"""Keras layers for multi-task networks.

A layer for one kind of task or feature is defined beside that kind.
"""

from mtl_keras.layers.adapters import BottleneckAdapter, LowRankUpdate
from mtl_keras.layers.answers import Decode, Unscale
from mtl_keras.layers.ascending import Ascending
from mtl_keras.layers.branching import BranchGate
from mtl_keras.layers.category import CategoryEmbedding
from mtl_keras.layers.ensemble import (
    BatchEnsembleDense,
    MemberDense,
    MemberMean,
    Members,
    WeightedMean,
)
from mtl_keras.layers.gates import DSelectGate, Gate, SoftmaxGate, StopGradient, WeightedSum
from mtl_keras.layers.mixing import CrossStitchUnit, DiscriminativeReduction, Mixing
from mtl_keras.layers.modulation import Modulation, Select
from mtl_keras.layers.number_embedding import PeriodicEmbedding, PiecewiseLinearEmbedding
from mtl_keras.layers.piecewise_table import PiecewiseLinearTable
from mtl_keras.layers.sequence import PositionEmbedding, Present, SequencePooling, TokenEmbedding
from mtl_keras.layers.sluice import LayerMixture, SluiceUnit, SubspaceOrthogonality
from mtl_keras.layers.tied import TiedBatchEnsembleDense, TiedDense
from mtl_keras.layers.transfer import InformationTransfer, OrderPenalty, TransferAttention

__all__ = [
    "Ascending",
    "BatchEnsembleDense",
    "BottleneckAdapter",
    "BranchGate",
    "CategoryEmbedding",
    "CrossStitchUnit",
    "DSelectGate",
    "Decode",
    "DiscriminativeReduction",
    "Gate",
    "InformationTransfer",
    "LayerMixture",
    "LowRankUpdate",
    "MemberDense",
    "MemberMean",
    "Members",
    "Mixing",
    "Modulation",
    "OrderPenalty",
    "PeriodicEmbedding",
    "PiecewiseLinearEmbedding",
    "PiecewiseLinearTable",
    "PositionEmbedding",
    "Present",
    "Select",
    "SequencePooling",
    "SluiceUnit",
    "SoftmaxGate",
    "StopGradient",
    "SubspaceOrthogonality",
    "TiedBatchEnsembleDense",
    "TiedDense",
    "TokenEmbedding",
    "TransferAttention",
    "Unscale",
    "WeightedMean",
    "WeightedSum",
]
