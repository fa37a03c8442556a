"""A trained model, loaded: tables in, tables of answers out."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras import datasets, features, tasks
from mtl_keras.errors import ArtifactError, DataError, nearest
from mtl_keras.evaluation import Evaluation, evaluate
from mtl_keras.export import artifact
from mtl_keras.features.encoder import raw_columns, rows_per_call


class Predictor:
    """Answers for tables, through the exported SavedModel.

    Args:
        path: The artifact (its newest version is loaded), or one numbered version of it.

    Attributes:
        features: The fitted features, by which tables are read.
        tasks: The fitted tasks.
        schema: The whole of `schema.json`.

    Raises:
        ArtifactError: if there is no model, or it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = artifact.latest(Path(path))
        self.schema = artifact.read_schema(self.path)
        self.features = [features.get(config) for config in self.schema["features"]]
        self.tasks = [tasks.get(config) for config in self.schema["tasks"]]
        try:
            self._loaded = tf.saved_model.load(str(self.path))  # kept: the signature needs it alive
        except (OSError, tf.errors.OpError) as error:
            raise ArtifactError(f"{self.path} is damaged: {error}") from error
        self._signature = self._loaded.signatures["serving_default"]

    def predict(self, table: Any) -> pd.DataFrame:
        """A row of answers for each row of the table, with its index.

        Args:
            table: A DataFrame, or a path to a CSV or Parquet file. Columns that the model does not
                read are ignored.

        Returns:
            For a binary task the label and `<task>_probability`; for a multiclass task the label
            and `<task>_probability_<label>` each; for a multilabel task `<label>` and
            `<label>_probability` each; for others the number, in units.

        Raises:
            DataError: if a column is missing, or a value is not of its kind.
        """
        table = datasets.read(table)
        answers = self._answers(table)
        columns: dict[str, np.ndarray] = {}
        for task in self.tasks:
            columns |= task.answer_columns(answers)
        return pd.DataFrame(columns, index=table.index)

    def evaluate(self, table: Any) -> Evaluation:
        """How good the answers are for a table that has labels.

        A task none of whose columns are in the table is left out. The constant to compare with is
        that of the training rows.

        Raises:
            DataError: if no task's columns are in the table.
        """
        table = datasets.read(table)
        judged = [task for task in self.tasks if set(task.columns) <= set(table.columns)]
        if not judged:
            wanted = [column for task in self.tasks for column in task.columns]
            raise DataError(
                f"The table has no labels: none of the columns {wanted}."
                f"{nearest(wanted[0], map(str, table.columns))}"
            )
        answers = self.predictions(table)
        predictions = {task.name: answers[task.name] for task in judged}
        truths = {task.name: task.truth(table) for task in judged}
        return evaluate(judged, truths, predictions, self.schema["constants"])

    def predictions(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Per task the answers as evaluation reads them: probabilities, or numbers in units."""
        answers = self._answers(table)
        return {task.name: task.answered(answers) for task in self.tasks}

    def _answers(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        slugs, rows = self.schema["inputs"], rows_per_call(self.features)
        raw = {slugs[name]: v for name, v in raw_columns(self.features, table).items()}
        try:
            parts = [
                self._signature(**{s: tf.constant(v[start : start + rows]) for s, v in raw.items()})
                for start in range(0, len(table), rows)
            ]
        except tf.errors.InvalidArgumentError:
            for feature in self.features:
                feature.refuse(raw[slugs[feature.name]])
            raise
        answers = {}
        for name, slug in self.schema["outputs"].items():
            values = np.concatenate([part[slug].numpy() for part in parts])
            if values.dtype == object:  # bytes: a few distinct texts, many rows
                codes, texts = pd.factorize(values)
                values = np.array([text.decode("utf-8") for text in texts], object)[codes]
            answers[name] = values
        return answers


def load(path: str | Path) -> Predictor:
    """Load the newest version of an artifact, e.g. `saved_models/customers`."""
    return Predictor(path)
