"""Several backbones side by side."""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from mtl_keras.backbones.base import Backbone
from mtl_keras.errors import check


@dataclass(frozen=True, kw_only=True)
class Parallel(Backbone):
    """Several backbones in parallel, such as a bag of words and an LSTM, concatenated.

    Args:
        parts: The backbones: names, mappings or objects. Default ("pooling", "lstm").

    Example:

    >>> from mtl_keras import backbones
    >>> both = backbones.get(["pooling", {"kind": "lstm", "units": 32}], "sequences")
    >>> [type(part).__name__ for part in both.parts]
    ['Pooling', 'LSTM']
    """

    reads: ClassVar[str] = "sequences"
    parts: tuple[Any, ...] = ("pooling", "lstm")
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(len(self.parts) >= 1, "parts", "name at least one backbone", self.parts)

    def represent(self, x: Any, mask: Any, name: str) -> Any:
        vectors = [
            part.represent(x, mask, f"{name}_part_{number}")
            for number, part in enumerate(self.parts, start=1)
        ]
        together = keras.layers.Concatenate(name=f"{name}_parts")
        return self._dropped(vectors[0] if len(vectors) == 1 else together(vectors), name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "parts": [part.get_config() for part in self.parts]}
