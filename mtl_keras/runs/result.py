"""The result of an experiment: the trained model, its scores, and its artifact."""

import functools
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras import datasets
from mtl_keras.code import Trained
from mtl_keras.drawing import notebook
from mtl_keras.errors import no_column
from mtl_keras.evaluation import (
    Diagnostics,
    Evaluation,
    diagnose,
    explain,
    feature_cells,
    regions_of,
)
from mtl_keras.evaluation.predicted import by_task
from mtl_keras.export import TrainedRows
from mtl_keras.export.serving import answer_table, serving_model
from mtl_keras.features import Guesses
from mtl_keras.features.encoder import Encoder, raw_columns
from mtl_keras.model import MultiTaskModel
from mtl_keras.plans.plan import Plan
from mtl_keras.report import about
from mtl_keras.runs import description, exporting
from mtl_keras.runs.columns import row_names
from mtl_keras.runs.figures import Figures
from mtl_keras.tasks import Task
from mtl_keras.tracking import Recording

Arrays = Mapping[str, np.ndarray]


@dataclass(repr=False)
class Run:
    """The result of `Experiment.run`.

    Attributes:
        experiment: The experiment that was run.
        tasks: The tasks, fitted and calibrated.
        encoder: The fitted encoder.
        model: The trained network on encoded rows, with each task's best epoch.
        guesses: The kind guessed for each column, and why.
        history: Logs, a row per epoch. `<task>_best` marks the epoch from which the task is
            predicted.
        evaluation: Scores on the test rows.
        rows: Number of rows of each part of the split.
        test: The test rows of the table; a sample of them for a stream.
        truths: The labels by part and task, in the form used by evaluation.
        predictions: The predictions for the test rows, by task.
        regions: The intervals or sets of the test rows, for each task that has them.
        groups: The group of each test row, if rows were split by groups; otherwise None.
        sharing: How much each task uses of what is shared, on the validation rows: see
            `MultiTaskModel.sharing`.
        seconds: Time spent in each stage.
        metadata: `"calibration"`, the effect of calibrating the probabilities; `"refit"`,
            the number of epochs that were trained again with the validation rows; `"finished"`,
            the last epoch that trained each task that was finished before others;
            `"validation_losses"`, the loss of each task's predictions on the validation rows, from
            before they were trained on; `"search"` and `"grouping"`, what was tried for `"auto"`
            and for groups; `"leaks"`, features that alone
            explain a target; `"repeated_rows"`, test and validation rows that are also among the
            training rows.
        identity: A unique name of this training, kept when it is resumed.
        trained_at: When the training ended, in ISO format, UTC.
        trained: Fingerprints that recognise the training rows, or None.
        statistics: Counts of each feature's values in the training rows.
        recording: The connection to the experiment's tracker, if there is one.

    Example:

    >>> import mtl_keras as mtl
    >>> run = mtl.Experiment.from_file("data/customers.toml").run()  # doctest: +SKIP
    >>> print(run.evaluation)  # doctest: +SKIP
    >>> run.export("saved_models/customers")  # doctest: +SKIP
    """

    experiment: Plan
    tasks: list[Task]
    encoder: Encoder
    model: MultiTaskModel
    guesses: Guesses
    history: pd.DataFrame
    evaluation: Evaluation
    rows: dict[str, int]
    test: pd.DataFrame
    truths: Mapping[str, Mapping[str, np.ndarray]]
    predictions: Mapping[str, np.ndarray]
    regions: Mapping[str, np.ndarray]
    groups: np.ndarray | None
    sharing: pd.DataFrame
    seconds: dict[str, float] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    identity: str = field(default_factory=lambda: uuid.uuid4().hex)
    trained_at: str = field(default_factory=about.now)
    trained: TrainedRows | None = None
    statistics: dict[str, Any] = field(default_factory=dict)
    recording: Recording = field(default_factory=lambda: Recording(None))

    @property
    def figures(self) -> Figures:
        """Figures of the run: `run.figures.history()`, `.predictions()` and `.structure()`."""
        return Figures(self)

    def export(self, folder: str | Path) -> Path:
        """Write a new version of the artifact: a SavedModel and the files that describe it.

        Args:
            folder: E.g. `saved_models/customers`, which is created if it does not exist.

        Returns:
            The folder of the new version.
        """
        return exporting.export(self, Path(folder))

    def serving_model(self) -> keras.Model:
        """Return the Keras model to export: raw columns in, predictions in the user's units out."""
        return serving_model(self.encoder, self.model, self.tasks)

    def predict(self, table: Any) -> pd.DataFrame:
        """Predict all tasks for each row of a table, as the exported model does.

        Args:
            table: A DataFrame, or the path of a file in the experiment's `encoding`. Columns that
                the model does not read are ignored.

        Returns:
            The columns of `Predictor.predict`.

        Raises:
            DataError: if a column is missing, or a value is not of its kind.
        """
        rows = datasets.read(table, encoding=self.experiment.encoding)
        encoder = self.encoder
        serve, outputs = self._served
        columns = raw_columns(encoder.features, rows)
        answers = answer_table(serve, encoder.features, columns, encoder.input_slugs, outputs)
        named: dict[str, np.ndarray] = {}
        for task in self.tasks:
            named |= task.answer_columns(answers)
        return pd.DataFrame(named, index=rows.index)

    @functools.cached_property
    def _served(self) -> tuple[Any, dict[str, str]]:
        """Return the model to export as a function of raw columns, and its predictions' slugs."""
        serve = tf.function(self.serving_model(), autograph=False, reduce_retracing=True)
        return serve, description.answer_slugs(self)

    def predicted(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return the predictions for a table by task, in the form used by evaluation."""
        return self._predictions(self._outputs_for(table))

    def _predictions(self, outputs: Arrays) -> dict[str, np.ndarray]:
        return {task.name: task.prediction(outputs[task.name]) for task in self.tasks}

    def _outputs_for(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        return self.model.predict(self.encoder.encode(table), verbose=0)

    def code(self, folder: str | Path | None = None) -> str:
        """Return the network as a Python file, to edit and train by hand.

        The file creates the same Keras layers, reads encoded rows, and compiles and trains the
        network as the library does, as far as Keras can. Its first lines describe what differs.

        Args:
            folder: The artifact whose experiment prepares the rows. Default None:
                `saved_models/<name>`.

        Raises:
            ConfigError: if no code can be written for a part of the network: an operation that is
                not a layer, a model inside the network, or a class that cannot be imported.
        """
        plan = self.experiment
        return Trained(
            model=self.model,
            encoder=self.encoder,
            name=plan.name,
            training=plan.training,
            rows=self.rows["train"],
            epochs=description.best_epochs(self),
            folder=Path(folder or Path("saved_models") / plan.name),
            table=None if isinstance(plan.data, pd.DataFrame) else plan.data,
            target_aware=plan.architecture.number_embedding == "target_aware",
        ).code()

    def explanation(
        self, predict: explain.Predict | None = None, seconds: float = 2.0
    ) -> dict[str, Any]:
        """Return the importance of the features, partial dependence, and what is not explained.

        Args:
            predict: A function from a table to predictions by task, such as an exported model's.
                Default None: this run's.
            seconds: Approximate time limit for measuring the importance. Default 2.0.
        """
        predict = predict or self.predicted
        found = explain.explanation(
            self.tasks, predict, self.test, self.encoder.features, seconds=seconds
        )
        column = self.experiment.slices
        rows = None if column is None else self.slices(column).to_dict("records")
        return found | {"slices": rows and {"column": column, "rows": rows}}

    def slices(self, column: str) -> pd.DataFrame:
        """Return the model's scores on the test rows for each value of a column.

        Raises:
            DataError: if the table has no such column.
        """
        if column not in self.test.columns:
            raise no_column(column, "is to divide the rows into slices", self.test.columns)
        return explain.slices(by_task(self.tasks, *self._tested), self.test[column])

    @functools.cached_property
    def diagnostics(self) -> Diagnostics:
        """Return where the model is wrong on the test rows, by threshold, size, slice and row."""
        truths, predictions, _, groups = self._tested
        constants = self._constants
        cells = feature_cells(self.encoder.features, self.test)
        names, most = row_names(self.guesses, self.test), self.experiment.worst_rows
        return diagnose(self.tasks, truths, predictions, constants, cells, names, most, groups)

    @functools.cached_property
    def _tested(self) -> tuple[Arrays, Arrays, Arrays, np.ndarray | None]:
        """Return labels, predictions, regions and groups of `test`; for a stream, of a sample."""
        if len(self.test) == len(self.truths["test"][self.tasks[0].name]):
            return self.truths["test"], self.predictions, self.regions, self.groups
        truths = {task.name: task.truth(self.test) for task in self.tasks}
        outputs = self._outputs_for(self.test)
        groups = self.experiment.split.groups_in(self.test)
        return truths, self._predictions(outputs), regions_of(self.tasks, outputs), groups

    @functools.cached_property
    def _constants(self) -> dict[str, Arrays]:
        return {t.name: t.constants(self.truths["train"][t.name]) for t in self.tasks}

    @property
    def outputs(self) -> dict[str, Any]:
        """The network's output tensor for each task."""
        return {task.name: self.model.output[task.name] for task in self.tasks}

    @staticmethod
    def discard_checkpoint(folder: str | Path) -> None:
        """Remove the checkpoint of the training."""
        shutil.rmtree(folder, ignore_errors=True)

    def schema(self, serving: keras.Model) -> dict[str, Any]:
        """Return the inputs and outputs of the exported model, and how it was made."""
        return description.schema(self, serving, self._constants)

    def metrics(self) -> dict[str, Any]:
        """Return scores, numbers of rows, times, and epochs (in use, and with the lowest loss)."""
        return description.metrics(self)

    def __repr__(self) -> str:
        scores = [f"  {name}: {text}" for name, text in self._scores().items()]
        return "\n".join([f"Run of {self.experiment.name!r}: {self._size()}", *scores])

    def _repr_html_(self) -> str:
        rows = {"rows": ", ".join(f"{count:,} {part}" for part, count in self.rows.items())}
        facts = notebook.facts({**rows, **self._scores()})
        return notebook.block(f"Run of {self.experiment.name}", notebook.line(self._size()), facts)

    def _size(self) -> str:
        tasks, features = len(self.tasks), len(self.encoder.features)
        return (
            f"{tasks} task{'s' * (tasks > 1)}, {features} feature{'s' * (features > 1)}, "
            f"{self.model.count_params():,} parameters in the model, {len(self.history)} epochs"
        )

    def _scores(self) -> dict[str, str]:
        """Return the main score of each task on the test rows, in words."""
        found = {}
        for task, judged in zip(self.tasks, self.evaluation.tasks):
            name = task.measure.name
            value, _, _, baseline = judged.written(name)
            found[task.name] = f"{name} {value} (baseline: {baseline})"
        return found
