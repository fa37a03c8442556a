"""What came out of an experiment: the trained model, how good it is, and its artifact."""

import functools
import platform
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tomli_w
from matplotlib.figure import Figure

from mtl_keras import __version__, report
from mtl_keras.declaring.naming import unique_names
from mtl_keras.declaring.references import packages_named
from mtl_keras.errors import DataError, nearest
from mtl_keras.evaluation import Diagnostics, Evaluation, cells_of, diagnose, explain, regions_of
from mtl_keras.export import Predictor, TrainedRows, artifact
from mtl_keras.export.checking import FILE as STATISTICS
from mtl_keras.export.checking import result_statistics
from mtl_keras.export.operations import TRUST
from mtl_keras.export.serving import serving_model
from mtl_keras.features import Guess
from mtl_keras.features.encoder import Encoder
from mtl_keras.model import MultiTaskModel
from mtl_keras.plans.plan import Plan
from mtl_keras.runs.clock import Clock
from mtl_keras.runs.columns import row_names
from mtl_keras.runs.files import as_json, as_npz, attempted, model_card_of, report_page_of
from mtl_keras.tasks import Task
from mtl_keras.tracking import Recording

Arrays = Mapping[str, np.ndarray]


@dataclass
class Run:
    """The result of `Experiment.run`.

    Attributes:
        experiment: The declaration.
        tasks: The tasks, fitted and calibrated.
        encoder: The fitted encoder.
        model: The trained network on encoded rows, with each task's best epoch.
        guesses: The kind guessed for each column, and why.
        history: Logs, a row per epoch; `<task>_best` marks the epoch that the
            task is answered from.
        evaluation: Scores on the test rows.
        rows: Number of rows of each part of the split.
        test: The test rows of the table; a sample of them for a stream.
        truths: Per part and task the labels, as evaluation reads them.
        predictions: Per task the predictions for the test rows.
        regions: Per task with intervals or sets, those of the test rows.
        groups: What the test rows of a group have in common, if they were split by groups; or None.
        sharing: What each task uses, on the validation rows: see `MultiTaskModel.sharing`.
        seconds: Time spent in each stage.
        metadata: `"calibration"`, what the correction of probabilities was worth; what was tried
            for all that was left open: `"search"`, `"grouping"`.
        identity: A unique name of this training, kept when it is resumed.
        trained_at: When the training ended, in ISO format, UTC.
        trained: Fingerprints that recognise the training rows; or None.
        statistics: Of the training rows, counts of each feature's values.
        recording: Tells the tracker of the experiment; without one, nobody.

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
    guesses: list[Guess]
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
    trained_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(" ", "seconds"))
    trained: TrainedRows | None = None
    statistics: dict[str, Any] = field(default_factory=dict)
    recording: Recording = field(default_factory=lambda: Recording(None))

    def figures(self) -> dict[str, Figure]:
        """The figures of the run, matplotlib, by file name."""
        names, truths = [task.name for task in self.tasks], self.truths["test"]
        return {
            "history.png": report.history_figure(self.history, names),
            "prediction.png": report.prediction_figure(self.tasks, truths, self.predictions),
        }

    def export(self, folder: str | Path) -> Path:
        """Write the artifact: a new numbered SavedModel, and the files that describe it.

        Args:
            folder: E.g. `saved_models/customers`; created if missing.

        Returns:
            The folder of the new version.
        """
        clock, folder = Clock(), Path(folder)
        with artifact.new_version(folder) as version:
            with clock("export"):
                serving = self.serving_model()
                artifact.write_model(version, serving, self.model)
                schema = self.schema(serving)
                artifact.write_files(version, {"schema.json": as_json(schema)})
            # What is in use here needs no further trust.
            trusted = packages_named([schema["features"], schema["tasks"]]) | {TRUST}
            with clock("figures"):
                pictures: dict[str, bytes] = attempted(
                    "the figures",
                    lambda: {name: report.png(figure) for name, figure in self.figures().items()},
                    {},
                )
            exported = functools.cache(lambda: Predictor(version, trusted=trusted))
            with clock("explanation"):
                # A report takes a tenth of a run at most, or a few seconds where that is less.
                seconds = min(max(0.02 * self.seconds.get("fit", 0.0), 1.0), 5.0)
                explanation: dict[str, Any] = attempted(
                    "the explanation",
                    lambda: self.explanation(exported().predictions, seconds),
                    {},
                )
                diagnosed: dict[str, Any] = attempted(
                    "the diagnostics", lambda: self.diagnostics.to_dict(), {}
                )
            self.seconds |= clock.seconds
            statistics: dict[str, Any] = attempted(
                "the statistics",
                lambda: result_statistics(
                    self.tasks, self.truths["train"], exported().predict(self.test)
                ),
                {"targets": {}, "answers": {}},
            )
            files = pictures | {
                STATISTICS: as_json({"features": self.statistics, **statistics}),
                "metrics.json": as_json(self.metrics() | {"diagnostics": diagnosed}),
                "history.csv": self.history.to_csv(index=False),
                "balancing.json": as_json(self.model.balancing),
                "structure.json": as_json(report.structure(self.model, self._outputs())),
                "explanation.json": as_json(explanation),
                "experiment.toml": tomli_w.dumps(self.experiment.to_dict(folder)),
                "trained_rows.npz": as_npz(vars(self.trained) if self.trained else {}),
                "predictions.npz": report.arrays(
                    self.tasks, self.truths["test"], self.predictions, self.groups
                ),
            }
            artifact.write_files(version, files)
            with clock("report"):
                page = attempted(
                    "the report", lambda: report_page_of(version, folder, trusted), None
                )
                card = attempted("the model card", lambda: model_card_of(version, trusted), None)
                made = {"report.html": page, "README.md": card}
                artifact.write_files(version, {n: text for n, text in made.items() if text})
        self.seconds |= clock.seconds
        written = artifact.version_of(folder, self.identity) or artifact.latest(folder)
        self.recording.exported(self, written)
        return written

    def serving_model(self) -> keras.Model:
        """The Keras model to export: raw columns in, answers in the user's units out."""
        return serving_model(self.encoder, self.model, self.tasks)

    def predict(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Per task the predictions for a table of raw columns, as evaluation reads them."""
        outputs = self._outputs_for(table)
        return {task.name: task.prediction(outputs[task.name]) for task in self.tasks}

    def _outputs_for(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        return self.model.predict(self.encoder.encode(table), verbose=0)

    def explanation(
        self, predict: explain.Predict | None = None, seconds: float = 2.0
    ) -> dict[str, Any]:
        """Importance of the features, how the mean answer depends on the first, and the gaps.

        Args:
            predict: From a table of raw columns to predictions by task, e.g. those of an exported
                model. Default None: `predict` of this run.
            seconds: About how long the shuffles of the importance may take. Default 2.0.
        """
        predict = predict or self.predict
        found = explain.explanation(
            self.tasks, predict, self.test, self.encoder.features, seconds=seconds
        )
        column = self.experiment.slices
        rows = None if column is None else self.slices(column).to_dict("records")
        return found | {"slices": rows and {"column": column, "rows": rows}}

    def slices(self, column: str) -> pd.DataFrame:
        """The model's scores on the test rows of each value of a column.

        Raises:
            DataError: if the table has no such column.
        """
        if column not in self.test.columns:
            raise DataError(
                f"The table has no column {column!r} to slice by."
                f"{nearest(column, map(str, self.test.columns))}"
            )
        truths, predictions, regions, groups = self._tested
        values = self.test[column]
        return explain.slices(self.tasks, truths, predictions, values, regions, groups)

    @functools.cached_property
    def diagnostics(self) -> Diagnostics:
        """Where the model is wrong on the test rows: by threshold, by size, by slice, by row."""
        truths, predictions, _, groups = self._tested
        constants = {t.name: t.constant(self.truths["train"][t.name]) for t in self.tasks}
        cells = cells_of(self.encoder.features, self.test)
        names, most = row_names(self.guesses, self.test), self.experiment.worst_rows
        return diagnose(self.tasks, truths, predictions, constants, cells, names, most, groups)

    @functools.cached_property
    def _tested(self) -> tuple[Arrays, Arrays, Arrays, np.ndarray | None]:
        """Labels, predictions, regions and groups of `test`, which of a stream is a sample."""
        if len(self.test) == len(self.truths["test"][self.tasks[0].name]):
            return self.truths["test"], self.predictions, self.regions, self.groups
        truths = {task.name: task.truth(self.test) for task in self.tasks}
        regions = regions_of(self.tasks, self._outputs_for(self.test))
        split = self.experiment.split  # the files of a sample's rows are not known
        groups = None if split.strategy == "file" else split.groups(self.test)
        return truths, self.predict(self.test), regions, groups

    def _outputs(self) -> dict[str, Any]:
        return {task.name: self.model.output[task.name] for task in self.tasks}

    @staticmethod
    def discard_checkpoint(folder: str | Path) -> None:
        """Remove the checkpoint of the training."""
        shutil.rmtree(folder, ignore_errors=True)

    def schema(self, serving: keras.Model) -> dict[str, Any]:
        """What the exported model reads and answers, and how it was made."""
        outputs, split = self.model.output, self.experiment.split
        answers = [name for task in self.tasks for name in task.answers(outputs[task.name])]
        slugs = unique_names(answers)
        return {
            "name": self.experiment.name,
            "training": self.identity,
            "trained_at": self.trained_at,
            "inputs": self.encoder.input_slugs,
            "input_dtypes": {f.name: f.raw_dtype for f in self.encoder.features},
            "outputs": slugs,
            "output_dtypes": {name: str(serving.output[slugs[name]].dtype) for name in answers},
            "features": [feature.get_config() for feature in self.encoder.features],
            "crossings": [crossing.get_config() for crossing in self.encoder.crossings],
            "dropped": {g.column: g.why for g in self.guesses if g.feature is None},
            "guesses": {g.column: g.why for g in self.guesses if g.feature is not None},
            "tasks": [task.get_config() for task in self.tasks],
            "constants": {
                task.name: task.constant(self.truths["train"][task.name]).tolist()
                for task in self.tasks
            },
            "group": split.column if split.strategy == "group" else None,
            "versions": {
                "python": platform.python_version(),
                "mtl_keras": __version__,
                **{name: version(name) for name in ("tensorflow", "keras")},
            },
        }

    def metrics(self) -> dict[str, Any]:
        """Scores, rows, times, and epochs: those in use, and those of the lowest loss."""
        return {
            "test": self.evaluation.to_dict(),
            "joint_coverage": self.evaluation.joint and vars(self.evaluation.joint),
            "rows": self.rows,
            "epochs": len(self.history),
            "best_epochs": {
                task.name: int(self.history.loc[self.history[f"{task.name}_best"], "epoch"].iloc[0])
                for task in self.tasks
            },
            "lowest_epochs": {
                task.name: int(self.history.loc[losses.idxmin(), "epoch"])
                for task in self.tasks
                if (losses := self.history[f"val_{task.name}_loss"]).notna().any()
            },
            "sharing": self.sharing.to_dict("records"),
            "parameters": self.model.count_params(),
            **self.metadata,
            "seconds": {stage: round(value, 3) for stage, value in self.seconds.items()},
        }
