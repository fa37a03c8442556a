"""A model in memory, with the metadata that MLServer publishes."""

import gc
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlserver.types import MetadataTensor, Parameters

from mtl_keras.export import Predictor
from mtl_keras.features import Feature
from mtl_keras.tasks import Task

DATATYPES = {"f": "FP32", "i": "INT64", "b": "BOOL", "O": "BYTES"}
"""The data type in the Open Inference Protocol for each kind of NumPy array."""

_NUMBERS = (float, int, type(None))


@dataclass(frozen=True)
class Loaded:
    """A version that has already predicted a row, so that the next one takes no extra time.

    Attributes:
        model: The model.
        inputs: Metadata of the columns that it reads.
        outputs: Metadata of the columns that it predicts, with the units of numbers.
    """

    model: Predictor
    inputs: list[MetadataTensor]
    outputs: list[MetadataTensor]

    @classmethod
    def of(cls, version: Path, trusted: Collection[str] = ()) -> "Loaded":
        """Load a version, and predict for an empty row.

        Everything in memory is then exempt from garbage collection, which would otherwise go
        through TensorFlow's objects again and again while requests wait, for a third of the
        processor's time.

        Raises:
            ArtifactError: if there is no model, or it is damaged.
        """
        model = Predictor(version, trusted=trusted)
        features: dict[str, Feature] = {}
        for feature in model.features:  # several may read one column
            features.setdefault(feature.source, feature)
        inputs = [
            MetadataTensor(
                name=source,
                datatype="BYTES" if feature.raw_dtype == "string" else "FP32",
                shape=[-1, *(feature.raw_shape or [1])],
                parameters=Parameters(
                    kind=feature.kind, signature=model.schema["inputs"][feature.name]
                ),
            )
            for source, feature in features.items()
        ]
        answers = model.answers(table_of({source: [None] for source in features}))
        outputs = [
            MetadataTensor(
                name=name,
                datatype=DATATYPES[values.dtype.kind],
                shape=[-1, 1],
                parameters=Parameters(task=task.name, **_unit(task, name)),
            )
            for task in model.tasks
            for name, values in task.answer_columns(answers).items()
        ]
        gc.unfreeze()  # a version that was replaced
        gc.collect()
        gc.freeze()
        return cls(model, inputs, outputs)


def table_of(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Return a table whose values keep their types, whatever else is in their columns.

    Example:

    >>> table = table_of({"age": [31, None], "code": [31, "007"]})
    >>> table.dtypes.astype(str).tolist(), table["code"].tolist()
    (['float64', 'object'], [31, '007'])
    """
    return pd.DataFrame({name: _column(values) for name, values in columns.items()})


def _column(values: Sequence[Any]) -> np.ndarray | pd.Series:
    """Return numbers as float64, which is fast, if all of them are exact; otherwise objects."""
    if all(type(v) in _NUMBERS and (type(v) is not int or abs(v) < 2**53) for v in values):
        return np.array(values, float)
    return pd.Series(values, dtype=object)


def _unit(task: Task, answer: str) -> dict[str, str]:
    """Return the unit of a prediction, if its task has one; probabilities have none."""
    return {"unit": task.unit} if task.unit and not task.is_probability(answer) else {}
