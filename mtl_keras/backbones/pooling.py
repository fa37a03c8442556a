"""A bag of words."""

from dataclasses import dataclass
from typing import Any, ClassVar

from mtl_keras.backbones.base import Backbone
from mtl_keras.layers import SequencePooling


@dataclass(frozen=True, kw_only=True)
class Pooling(Backbone):
    """The mean and the maximum of the vectors, concatenated. Fast, and hard to beat for topics.

    References:
        Joulin et al.: "Bag of Tricks for Efficient Text Classification", EACL 2017.
        Shen et al.: "Baseline Needs More Love", ACL 2018 (mean and maximum).

    Example:

    >>> import keras
    >>> Pooling().represent(keras.Input((5, 4)), keras.Input((5,), dtype="bool"), "review").shape
    (None, 8)
    """

    reads: ClassVar[str] = "sequences"

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        return self._dropped(SequencePooling(name=f"{name}_pooled")(x, mask=mask), name)
