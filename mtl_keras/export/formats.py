"""A trained model in another format: converted, and checked before it is written.

A format may lack operations that the encoding of raw rows needs. Then the network behind the
encoding is converted, and the encoding is written beside it, for `encoding_reader` to follow.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtl_keras.errors import ArtifactError, shown
from mtl_keras.evaluation.distribution import Distribution
from mtl_keras.export import artifact, encoding_reader
from mtl_keras.export.agreement import Disagreement, difference
from mtl_keras.export.checking import FILE as STATISTICS
from mtl_keras.export.converters import Answer, Format, NotConvertible, format_for
from mtl_keras.export.encoding_file import encoding_of, not_read
from mtl_keras.export.serving import encoded_model, serving_model, write_saved_model
from mtl_keras.features import Feature
from mtl_keras.features.crossing import Crossing
from mtl_keras.features.encoder import Encoder, input_features, raw_columns
from mtl_keras.jobs import replaced
from mtl_keras.tasks import Task

ROWS = 500  # that the answers are compared on
MOST_ROWS = 10_000  # of a table
ENCODING = ".encoding.json"

Rows = dict[str, np.ndarray]


@dataclass(frozen=True)
class Trained:
    """What is exported.

    Attributes:
        version: The folder of the artifact's version.
        schema: The content of its `schema.json`.
        features: Its features.
        tasks: Its tasks.
        network: Its network, from encoded groups to one output per task.
        answer: A function from raw rows to the SavedModel's answers, both by slug.
    """

    version: Path
    schema: Mapping[str, Any]
    features: Sequence[Feature]
    tasks: Sequence[Task]
    network: keras.Model
    answer: Answer

    def encoder(self) -> Encoder:
        """The encoder of its training.

        Raises:
            ArtifactError: if the artifact does not tell what its crossings know.
        """
        try:
            crossings = [Crossing.from_config(c) for c in self.schema.get("crossings", ())]
        except (KeyError, TypeError) as error:
            raise ArtifactError(
                f"{self.version} does not tell the values of its crossings: it was written by an "
                "older mtl_keras, or is damaged. Train and export again."
            ) from error
        return Encoder(self.features, crossings)

    def rows(self, table: pd.DataFrame | None) -> Rows:
        """Raw rows by slug: a table's, or some like those of the training, drawn at random.

        Raises:
            ArtifactError: if the artifact has no statistics of its training rows.
        """
        slugs = self.schema["inputs"]
        if table is not None:
            columns = raw_columns(self.features, table.iloc[:MOST_ROWS])
            return {slugs[name]: values for name, values in columns.items()}
        path = self.version / artifact.EXTRA / STATISTICS
        if not path.is_file():
            raise ArtifactError(
                f"{path.parent} has no {STATISTICS} to draw rows from: it was written by an older "
                "mtl_keras, or the figures could not be taken. Name rows to compare on: `rows`, or "
                "--check TABLE."
            )
        kept, random = artifact.read_json(path), np.random.default_rng(0)
        first = input_features(self.features)
        try:
            return {
                slugs[feature.name]: _drawn(feature, kept["features"][feature.name], random)
                for feature in self.features
                if first[feature.name] == feature.name
            }
        except (KeyError, TypeError, ValueError) as error:
            why = shown(str(error))
            raise ArtifactError(f"{path} is damaged: {why}. Train and export again.") from error


def _drawn(feature: Feature, kept: Mapping[str, Any], random: np.random.Generator) -> np.ndarray:
    """Raw values like those that an artifact keeps the distribution of, and unlike ones."""
    then = Distribution.from_dict({key: each for key, each in kept.items() if key != "unknown"})
    return feature.examples(then.drawn(ROWS, random), random)


@dataclass(frozen=True)
class Exported:
    """What was written, and how it compares.

    Attributes:
        path: The file.
        why_encoded: Why it reads encoded rows instead of raw ones; empty if it does not.
        unread: Features whose encoding `encoding_reader` cannot follow.
        rows: Number of rows that it was compared on.
        difference: The largest difference of a number: see `differing`.
    """

    path: Path
    why_encoded: str
    unread: tuple[str, ...]
    rows: int
    difference: float

    def __str__(self) -> str:
        reads = "raw rows"
        if self.why_encoded:
            beside = f"{encoding_path(self.path).name} and encoding_reader.py, beside it"
            reads = f"encoded rows ({self.why_encoded}); {beside}, encode raw ones"
            if self.unread:
                reads += f", but not the features {', '.join(self.unread)}"
        return (
            f"{self.path}: reads {reads}. It answers {self.rows:,} rows as the SavedModel does: "
            f"largest relative difference {self.difference:.0e}"
        )


def encoding_path(path: Path) -> Path:
    """The file beside an exported network that says how rows are encoded."""
    return path.with_name(path.stem + ENCODING)


def export(trained: Trained, path: Path, table: pd.DataFrame | None = None) -> Exported:
    """Write a trained model in the format that the suffix names.

    Args:
        trained: The model.
        path: The file, `.onnx` or `.tflite`.
        table: Rows to compare the answers on. Default: some like those of the training.

    Raises:
        ConfigError: if there is no such format, or its packages are missing.
        ArtifactError: if the answers differ from the SavedModel's; nothing is written then.
    """
    form = format_for(path)
    form.check_installed()
    encoder, raw = trained.encoder(), trained.rows(table)
    expected = trained.answer(raw)
    reads_raw = serving_model(encoder, trained.network, trained.tasks, tables=False)
    files, why, unread = {}, "", ()
    try:
        content, difference = _checked(form, reads_raw, raw, expected)
    except (NotConvertible, Disagreement) as error:
        why, encoding = (
            str(error),
            {
                "model": trained.schema["name"],
                "version": trained.version.name,
                "answers": {slug: name for name, slug in trained.schema["outputs"].items()},
                **encoding_of(encoder),
            },
        )
        given = not_read(encoding, encoder, raw)
        unread = tuple(given)
        inputs = encoding_reader.encode(encoding, raw, given)
        reads_encoded = encoded_model(trained.network, trained.tasks)
        try:
            content, difference = _checked(form, reads_encoded, inputs, expected)
        except (NotConvertible, Disagreement) as again:
            raise ArtifactError(
                f"{path} was not written: {again}. Serve the SavedModel."
            ) from again
        reader = Path(encoding_reader.__file__)
        files = {
            path.parent / reader.name: reader.read_bytes(),
            encoding_path(path): json.dumps(encoding, indent=1, ensure_ascii=False).encode(),
        }
    for file, written in {**files, path: content}.items():
        with replaced(file) as opened:
            opened.write(written)
    return Exported(path, why, unread, len(next(iter(raw.values()))), difference)


def _checked(form: Format, model: keras.Model, rows: Rows, expected: Rows) -> tuple[bytes, float]:
    """A model converted to a format, and the largest difference of its answers.

    Raises:
        NotConvertible: if the format lacks an operation.
        Disagreement: if the answers differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(model, Path(folder))
        content = form.converted(Path(folder))
    return content, difference(expected, form.loaded(content)(rows))
