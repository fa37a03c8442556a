"""Keras layers of our own: raw columns in, what is shared between, answers out."""

from mtl_keras.layers.adapters import BottleneckAdapter, LowRankUpdate
from mtl_keras.layers.answers import Decode, Isotonic, Temperature, Unscale
from mtl_keras.layers.boolean import BooleanEncoding
from mtl_keras.layers.category import CategoryEmbedding, CategoryEncoding
from mtl_keras.layers.date import DateEncoding
from mtl_keras.layers.ensemble import (
    BatchEnsembleDense,
    MemberDense,
    MemberMean,
    Members,
    WeightedMean,
)
from mtl_keras.layers.gates import (
    DSelectGate,
    Gate,
    SoftmaxGate,
    StopGradient,
    WeightedSum,
)
from mtl_keras.layers.heads import Ascending, CumulativeLogits, ZeroInflatedLogNormalParameters
from mtl_keras.layers.image import ImageEncoding
from mtl_keras.layers.mixing import (
    CrossStitchUnit,
    DiscriminativeReduction,
    LayerMixture,
    Mixing,
    SluiceUnit,
    SubspaceOrthogonality,
)
from mtl_keras.layers.number_embedding import PeriodicEmbedding, PiecewiseLinearEmbedding
from mtl_keras.layers.numeric import NumericEncoding
from mtl_keras.layers.sequence import (
    PositionEmbedding,
    Present,
    SequencePooling,
    TokenEmbedding,
)
from mtl_keras.layers.several_values import CategoriesEncoding, SequenceEncoding, VectorEncoding
from mtl_keras.layers.text import TextEncoding, Tokenised
from mtl_keras.layers.tied import TiedBatchEnsembleDense, TiedDense
from mtl_keras.layers.transfer import InformationTransfer, OrderPenalty

__all__ = [
    "Ascending",
    "BatchEnsembleDense",
    "BooleanEncoding",
    "BottleneckAdapter",
    "CategoriesEncoding",
    "CategoryEmbedding",
    "CategoryEncoding",
    "CrossStitchUnit",
    "CumulativeLogits",
    "DSelectGate",
    "DateEncoding",
    "Decode",
    "DiscriminativeReduction",
    "Gate",
    "ImageEncoding",
    "InformationTransfer",
    "Isotonic",
    "LayerMixture",
    "LowRankUpdate",
    "MemberDense",
    "MemberMean",
    "Members",
    "Mixing",
    "NumericEncoding",
    "OrderPenalty",
    "PeriodicEmbedding",
    "PiecewiseLinearEmbedding",
    "PositionEmbedding",
    "Present",
    "SequenceEncoding",
    "SequencePooling",
    "SluiceUnit",
    "SoftmaxGate",
    "StopGradient",
    "SubspaceOrthogonality",
    "Temperature",
    "TextEncoding",
    "TiedBatchEnsembleDense",
    "TiedDense",
    "TokenEmbedding",
    "Tokenised",
    "Unscale",
    "VectorEncoding",
    "WeightedMean",
    "WeightedSum",
    "ZeroInflatedLogNormalParameters",
]
