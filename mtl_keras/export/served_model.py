"""The exported model in memory: tables in, arrays of predictions out."""

import contextlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras import features, tasks
from mtl_keras.declaring.references import reference
from mtl_keras.declaring.registry import without_imports
from mtl_keras.errors import ArtifactError, reading, shown
from mtl_keras.export import artifact
from mtl_keras.export.loading import loaded, warn_if_newer
from mtl_keras.export.operations import TRUST
from mtl_keras.export.serving import answer_table
from mtl_keras.features.encoder import raw_columns, warn_of_unknown
from mtl_keras.features.guesses import IDENTIFIER


class ServedModel:
    """A version of an artifact, with the tasks and features that give its arrays a meaning.

    The part of a `Predictor`, which describes the arguments, that knows the SavedModel.
    """

    def __init__(
        self, path: str | Path, custom_objects: Mapping[str, type] | None, trusted: Collection[str]
    ) -> None:
        self.path = artifact.latest(Path(path))
        self._given, self._trusted = dict(custom_objects or {}), tuple(trusted)
        self.schema = artifact.read_schema(self.path)
        warn_if_newer(self.path, self.schema)
        with reading(self._schema_path), without_imports(custom_objects, trusted):
            self.features = [features.get(config) for config in self.schema["features"]]
            self.tasks = [tasks.get(config) for config in self.schema["tasks"]]
        self._loaded = loaded(self.path, self.schema, self.features, TRUST in trusted)
        self._signature = self._loaded.signatures["serving_default"]

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process load the artifact itself, with the classes that this one found."""
        found = {reference(type(each)): type(each) for each in (*self.features, *self.tasks)}
        return type(self), (self.path, {**found, **self._given}, self._trusted)

    def answers(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return the outputs of the SavedModel for a table, by name, as arrays.

        Raises:
            DataError: if a column is missing, or a value is not of its kind.
        """
        with self.following("features"):
            columns = raw_columns(self.features, table)
        warn_of_unknown(self.features, columns)
        inputs, outputs = self.schema["inputs"], self.schema["outputs"]
        return answer_table(self._answer, self.features, columns, inputs, outputs)

    def columns(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the columns of `predict` for the result of `answers`."""
        columns: dict[str, np.ndarray] = {}
        with self.following("outputs"):
            for task in self.tasks:
                columns |= task.answer_columns(answers)
        return columns

    def predictions_from(self, answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return what `predictions` does, for the result of `answers`."""
        with self.following("outputs"):
            return {task.name: task.prediction_from(answers) for task in self.tasks}

    def predictions(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return an array to evaluate for each task: probabilities, or numbers in units."""
        return self.predictions_from(self.answers(table))

    @property
    def identifiers(self) -> list[str]:
        """Columns of the training table that were dropped because they look like identifiers."""
        dropped = self.schema.get("dropped", {})
        return [name for name, why in dropped.items() if str(why).startswith(IDENTIFIER)]

    @contextlib.contextmanager
    def following(self, key: str) -> Iterator[None]:
        """Within the block, raise an ArtifactError if the schema's `key` makes it fail."""
        try:
            yield
        except KeyError as error:
            raise ArtifactError(
                f"{self._schema_path} is damaged: {key!r} lacks {error}. Train and export again."
            ) from error
        except (MemoryError, TypeError, tf.errors.ResourceExhaustedError) as error:
            raise ArtifactError(
                f"{self._schema_path} is damaged, or memory is short: what {key!r} says cannot be "
                f"followed ({type(error).__name__}: {shown(str(error))}). Train and export again."
            ) from error

    @property
    def _schema_path(self) -> Path:
        return self.path / artifact.EXTRA / "schema.json"

    def _answer(self, part: dict[str, tf.Tensor]) -> Mapping[str, tf.Tensor]:
        return self._signature(**part)
