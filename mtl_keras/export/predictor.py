"""A loaded model: tables in, tables of predictions out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from mtl_keras import datasets, errors
from mtl_keras.datasets import Stream, placeholders, text_encoding
from mtl_keras.drawing import notebook
from mtl_keras.evaluation import Check, Evaluation, evaluate
from mtl_keras.export import artifact
from mtl_keras.export.checking import check
from mtl_keras.export.coding import code_of
from mtl_keras.export.formats import Convertible, Exported, export
from mtl_keras.export.loading import network_of
from mtl_keras.export.prediction_files import Answering, Keep, write_all, write_each
from mtl_keras.export.scoring import EVALUATED_ROWS, codes_of, constants_of, groups_of, scored
from mtl_keras.export.served_model import ServedModel
from mtl_keras.export.serving import answer_rows
from mtl_keras.export.trained_rows import TrainedRows
from mtl_keras.features.encoder import mask_unreadable, read_columns, rows_per_call

BAD_CELLS = ("refuse", "missing")


class Predictor(ServedModel):
    """A trained model, loaded from an artifact: predicts for tables with the SavedModel.

    Args:
        path: The artifact, of which the newest version is loaded, or one of its numbered versions.
        custom_objects: Classes of tasks and features that are not part of mtl_keras, by name.
            Classes registered with Keras need not be listed.
        trusted: Names of packages that may be imported to find such classes; `"tensorflow"` also
            allows operations that access files. Default: none, because an artifact may come from
            someone else: see docs/loading_artifacts.md.
        bad_cells: What to do with cells that cannot be read, such as a word in a column of numbers:
            `"refuse"` (default) raises an error, `"missing"` warns and treats them as missing.
        encoding: The encoding of CSV and JSON files to read: see `datasets.read`. Default UTF-8.

    Attributes:
        features: The fitted features, which read the tables.
        tasks: The fitted tasks.
        schema: The content of `schema.json`.

    Raises:
        ArtifactError: if there is no model, or it is damaged.

    Example:

    >>> model = Predictor("saved_models/customers")  # doctest: +SKIP
    >>> model.predict("data/customers.csv").head()  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | Path,
        custom_objects: Mapping[str, type] | None = None,
        trusted: Collection[str] = (),
        bad_cells: str = "refuse",
        encoding: str = "utf-8",
    ) -> None:
        errors.check(bad_cells in BAD_CELLS, "bad_cells", f"be one of {BAD_CELLS}", bad_cells)
        self.bad_cells, self.encoding = bad_cells, text_encoding.checked(encoding)
        super().__init__(path, custom_objects, trusted)

    def __reduce__(self) -> tuple[Any, ...]:
        kind, arguments = super().__reduce__()
        return kind, (*arguments, self.bad_cells, self.encoding)

    def __repr__(self) -> str:
        lines = [f"  {what}: {value}" for what, value in self._facts().items()]
        return "\n".join([f"Predictor({str(self.path)!r})", *lines])

    def _repr_html_(self) -> str:
        return notebook.block(f"Predictor {self.schema['name']}", notebook.facts(self._facts()))

    def _facts(self) -> dict[str, str]:
        """Return what it reads and predicts, in words."""
        return {
            "version": self.path.name,
            "reads": ", ".join(f"{f.name} ({f.kind})" for f in self.features),
            "tasks": ", ".join(f"{task.name} ({task.kind})" for task in self.tasks),
            "answers": ", ".join(self.schema["outputs"]),
        }

    def predict(self, table: Any) -> pd.DataFrame:
        """Predict all tasks for each row of a table.

        Args:
            table: A DataFrame, or a path to a file, a folder or a pattern of files. Columns that
                the model does not read are ignored.

        Returns:
            A DataFrame with the index of the table. A binary task has a column with the label and
            `<task>_probability`; a multiclass task the label, and `<task>_probability_<label>` for
            each label; a multilabel task `<label>` and `<label>_probability` for each label; any
            other task the number, in units. If they are declared, there are also `<task>_low` and
            `<task>_high`, or `<task>_set`: see docs/intervals.md.

        Raises:
            DataError: if a column is missing, or a value is not of its kind.
        """
        table = datasets.opened(table, encoding=self.encoding)
        if isinstance(table, Stream):
            raise errors.DataError(
                f"The {table.rows:,} rows of {table.shown} do not fit into memory. Write the "
                "predictions to files with `predict_files`."
            )
        answers = self.answers(self.mask_unreadable(table, ()))
        return pd.DataFrame(self.columns(answers), index=table.index)

    def mask_unreadable(
        self, table: pd.DataFrame, judged: Sequence[Any] | None = None
    ) -> pd.DataFrame:
        """Return the table without cells that stand for a missing value, as in training.

        If `bad_cells` is `"missing"`, also without unreadable ones.

        Args:
            table: The table.
            judged: Tasks whose labels are read as well. Default None: all.
        """
        table = placeholders.applied(table, self.schema.get("missing_values", ()))
        if self.bad_cells == "refuse":
            return table
        with self.following("features"):
            return mask_unreadable(self.features, self.tasks if judged is None else judged, table)

    def predict_files(
        self,
        source: Any,
        output: str | Path,
        keep: Keep = False,
        escape_formulas: bool = False,
        show: Callable[[str], None] = lambda line: None,
        workers: int | None = None,
        address: str | None = None,
        chosen: Sequence[str] | None = None,
    ) -> None:
        """Predict for data of any size in constant memory, and write the predictions to files.

        Args:
            source: A path, folder, pattern or list of paths: see `datasets.Stream`.
            output: A folder, in which each file of the data gets a file of predictions. If this is
                called again, finished files are kept. Or a `.csv` or `.parquet` file for all.
            keep: Columns of the data to write beside the predictions, unchanged: True for all, or a
                list of names. Default False: none.
            escape_formulas: See `datasets.Writer`. Default False.
            show: A function that prints a line. Default: silence.
            workers: Number of files at a time, each in a process with its own copy of the model.
                The predictions are the same, byte for byte. See `comparison.compare`.
            address: A Ray cluster, on whose machines the model, the data and the output have the
                same paths. Default: as for `compare`.
            chosen: The columns of predictions to write. Default None: all.

        Raises:
            DataError: if a column is missing; or, after all other files are written, if a value is
                not of its kind.
            ConfigError: if the folder contains predictions of another model.
        """
        stream = source if isinstance(source, Stream) else Stream(source, self.encoding)
        with self.following("features"):
            columns = read_columns(self.features, stream.columns)
        rows, folder = rows_per_call(self.features), Path(output)
        how = Answering(self.predict, stream, columns, folder, rows, keep, escape_formulas, chosen)
        if folder.suffix and not folder.is_dir():
            write_all(how, folder, workers, show)
        else:
            model = f"{self.schema.get('training', '')}, version {self.path.name}"
            write_each(how, model, workers, address, show)

    def evaluate(self, table: Any, show: Callable[[str], None] = lambda line: None) -> Evaluation:
        """Evaluate the predictions for a table with labels.

        If the data do not fit into memory, about a million random rows are evaluated. Tasks whose
        columns are not in the table are left out. The baseline is the best constant on the training
        rows.

        Args:
            table: A DataFrame, or a path to a file, a folder or a pattern of files.
            show: A function that prints a line, for example if only a sample is evaluated. Default:
                silence.

        Raises:
            DataError: if the table has no task's columns.
        """
        found = scored(self, table, show)
        found.warn()
        with self.following("constants"):
            constants = constants_of(self.schema, found.tasks)
        return evaluate(
            found.tasks, found.truths, found.predictions, constants, found.regions, found.groups
        )

    def check(self, table: Any, show: Callable[[str], None] = lambda line: None) -> Check:
        """Compare the rows of a table, and the predictions for them, with the training data.

        If the data do not fit into memory, about a million random rows are checked. If the table
        has labels of a task, its scores are compared with those on the test rows.

        Args:
            table: A DataFrame, or a path to a file, a folder or a pattern of files.
            show: A function that prints a line. Default: silence.

        Raises:
            ArtifactError: if the artifact has no statistics of its training rows.
            DataError: if a column is missing, or a value is not of its kind.
        """
        rows = datasets.opened(table, show=show, encoding=self.encoding)
        if isinstance(rows, Stream):
            show(f"checking about {EVALUATED_ROWS:,} of {rows.rows:,} rows")
            rows = rows.sample(EVALUATED_ROWS)
        rows = self.mask_unreadable(rows)
        folder, groups = self.path / artifact.EXTRA, codes_of(groups_of(self, rows))
        seen = self.trained_on(rows)
        return check(folder, self.features, self.tasks, rows, self.answers, groups, seen)

    def export(self, path: str | Path, rows: Any = None) -> Exported:
        """Write the model in another format: ONNX (`.onnx`) or LiteRT (`.tflite`).

        The predictions are checked to be those of the SavedModel. The file reads raw rows, or
        encoded ones if the format lacks an operation for the encoding: see docs/formats.md.

        Args:
            path: The file.
            rows: A table on whose first 2,000 rows predictions are checked. Default: random rows
                like the training rows.

        Returns:
            A description of what was written, which prints as one line.

        Raises:
            ConfigError: if there is no such format, or a package is missing.
            ArtifactError: if the model cannot be converted, or if predictions differ; nothing is
                written then.
        """
        table = None if rows is None else datasets.read(rows, encoding=self.encoding)
        network = network_of(self.path, self._given, self._trusted)
        count, outputs = rows_per_call(self.features), self._signature.structured_outputs
        answer = partial(answer_rows, self._answer, rows=count, outputs={n: n for n in outputs})
        model = Convertible(self.path, self.schema, self.features, self.tasks, network, answer)
        return export(model, Path(path), table)

    def code(self) -> str:
        """Return a Python file that builds, compiles and trains the network: see `Run.code`.

        Raises:
            ArtifactError: if the artifact does not contain what the code needs.
            ConfigError: if no code can be written for a part of the network.
        """
        network = network_of(self.path, self._given, self._trusted, compiled=True)
        return code_of(self.path, self.schema, self.features, network)

    def trained_on(self, table: Any) -> float:
        """Return the approximate share of a table's rows that the model was trained on, 0 to 1.

        Rows are recognised by the columns that the model reads. The result is 0 if the artifact has
        no fingerprints of its training rows.
        """
        known = TrainedRows.read(self.path / artifact.EXTRA / "trained_rows.npz")
        if known is None:
            return 0.0
        rows = datasets.read(table, encoding=self.encoding)
        with self.following("features"):
            return known.seen(self.features, rows)


def load(
    path: str | Path,
    custom_objects: Mapping[str, type] | None = None,
    trusted: Collection[str] = (),
    bad_cells: str = "refuse",
    encoding: str = "utf-8",
) -> Predictor:
    """Load the newest version of an artifact, e.g. `saved_models/customers`.

    Args:
        path: The artifact.
        custom_objects: See `Predictor`.
        trusted: See `Predictor`.
        bad_cells: See `Predictor`.
        encoding: See `Predictor`.

    Returns:
        A `Predictor`.

    Raises:
        ArtifactError: if there is no model, or it is damaged.

    Example:

    >>> import mtl_keras as mtl
    >>> model = mtl.load("saved_models/customers")  # doctest: +SKIP
    >>> model.predict("data/customers.csv").head()  # doctest: +SKIP
    """
    return Predictor(path, custom_objects, trusted, bad_cells, encoding)
