"""A trained model in another format: converted, and checked before it is written.

A format may lack operations for the encoding of raw rows. In this case only the network is
converted, and the encoding is written to a file beside it that `encoding_reader` reads.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras.errors import ArtifactError, check_installed, reading
from mtl_keras.evaluation.distribution import Distribution
from mtl_keras.export import artifact, encoding_reader
from mtl_keras.export.agreement import TOLERANCE, Disagreement, difference, rounding_of, steady
from mtl_keras.export.checking import STATISTICS
from mtl_keras.export.converters import Answer, Format, NotConvertible, format_for
from mtl_keras.export.encoding_file import encoding_of, not_read
from mtl_keras.export.serving import encoded_model, serving_model, write_saved_model
from mtl_keras.features import Feature
from mtl_keras.features.crossing import Crossing
from mtl_keras.features.encoder import Encoder, input_features, raw_columns
from mtl_keras.jobs import replace_file
from mtl_keras.tasks import Task

ROWS = 500  # number of rows to compare predictions on
MOST_ROWS = 2_000  # of a table
ENCODING = ".encoding.json"

Rows = dict[str, np.ndarray]


@dataclass(frozen=True)
class Convertible:
    """The model to export.

    Attributes:
        version: The folder of the artifact's version.
        schema: The content of its `schema.json`.
        features: Its features.
        tasks: Its tasks.
        network: Its network, from encoded groups to one output per task.
        answer: A function from raw rows to the SavedModel's predictions, both by slug.
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
            ArtifactError: if the artifact does not contain the values of its crossings, or if the
                network has other inputs.
        """
        try:
            crossings = [Crossing.from_config(c) for c in self.schema.get("crossings", ())]
        except (KeyError, TypeError) as error:
            raise ArtifactError(
                f"{self.version} does not contain the values of its crossings: it was written by "
                "an older mtl_keras, or is damaged. Train and export again."
            ) from error
        encoder = Encoder(self.features, crossings)
        encoded, read = _shapes(encoder.model.output), _shapes(self.network.input)
        if encoded != read:
            raise ArtifactError(
                f"The network in {self.version} reads {read}, but its features are encoded as "
                f"{encoded}: it was written by an older mtl_keras, or is damaged. Train and export "
                "again."
            )
        return encoder

    def origin(self) -> dict[str, Any]:
        """What its files say about it: its name, its version, and the names of its predictions."""
        answers = {slug: name for name, slug in self.schema["outputs"].items()}
        name, version = self.schema["name"], self.version.name
        return {"model": name, "version": version, "answers": answers}

    def rows(self, table: pd.DataFrame | None) -> Rows:
        """Return raw rows by slug: those of a table, or random ones like the training rows.

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
        with reading(path):
            return {
                slugs[feature.name]: _drawn(feature, kept["features"][feature.name], random)
                for feature in self.features
                if first[feature.name] == feature.name
            }


def _shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int | None, ...]]:
    return {name: tuple(tensors[name].shape) for name in sorted(tensors)}


def _drawn(feature: Feature, kept: Mapping[str, Any], random: np.random.Generator) -> np.ndarray:
    """Return raw values from a stored distribution, and some from outside it."""
    return feature.examples(Distribution.from_dict(kept).drawn(ROWS, random), random)


@dataclass(frozen=True)
class Exported:
    """The file that was written, and how its predictions compare.

    Attributes:
        path: The file.
        why_encoded: Why it reads encoded rows instead of raw ones; empty if it reads raw ones.
        unread: Features that `encoding_reader` cannot encode.
        rows: Number of rows on which predictions were compared.
        left_out: Number of rows that were left out, because rounding decides their predictions.
        difference: The largest relative difference of a number.
        rounding: How many times coarser than float32 the network computes. Default 1.
    """

    path: Path
    why_encoded: str
    unread: tuple[str, ...]
    rows: int
    left_out: int
    difference: float
    rounding: float = 1.0

    def __str__(self) -> str:
        reads = "raw rows"
        if self.why_encoded:
            beside = f"{encoding_path(self.path).name} and encoding_reader.py, beside it"
            reads = f"encoded rows ({self.why_encoded}); {beside}, encode raw ones"
            if self.unread:
                reads += f", all features but {', '.join(self.unread)}"
        edge = f" ({self.left_out:,} left out, too close to an edge)" if self.left_out else ""
        allowed = TOLERANCE * self.rounding
        half = f" (in half precision, {allowed:.0e} is allowed)" if self.rounding > 1 else ""
        return (
            f"{self.path}: reads {reads}. It predicts the same as the SavedModel for "
            f"{self.rows:,} rows{edge}: largest relative difference {self.difference:.0e}{half}"
        )


def encoding_path(path: Path) -> Path:
    """Return the path of the file that says how rows are encoded."""
    return path.with_name(path.stem + ENCODING)


def export(trained: Convertible, path: Path, table: pd.DataFrame | None = None) -> Exported:
    """Write a trained model in the format of the suffix.

    Args:
        trained: The model.
        path: The file, `.onnx` or `.tflite`.
        table: Rows to compare predictions on. Default: random ones like the training rows.

    Raises:
        ConfigError: if there is no such format, or its packages are missing.
        ArtifactError: if the predictions differ from the SavedModel's; nothing is written then.
    """
    form = format_for(path)
    check_installed(f"A {form.suffix} file", form.extra, *form.packages)
    encoder, drawn = trained.encoder(), trained.rows(table)
    network = encoded_model(trained.network, trained.tasks)
    rounding = rounding_of(trained.network)
    good = _steady(network, encoder, drawn, rounding)
    raw = {name: values[good] for name, values in drawn.items()}
    expected = trained.answer(raw)
    whole = serving_model(encoder, trained.network, trained.tasks, tables=False)
    compared = int(good.sum()), int((~good).sum())
    try:
        content, apart = _converted(form, whole, raw, expected, rounding)
    except (NotConvertible, Disagreement) as error:
        why = str(error)
    else:
        replace_file(path, content)
        return Exported(path, "", (), *compared, apart, rounding)
    encoding = {**trained.origin(), **encoding_of(encoder)}
    given = not_read(encoding, encoder, raw)
    inputs = encoding_reader.encode(encoding, raw, given)
    try:
        content, apart = _converted(form, network, inputs, expected, rounding)
    except (NotConvertible, Disagreement) as error:
        raise ArtifactError(f"{path} was not written: {error}. Serve the SavedModel.") from error
    reader = Path(encoding_reader.__file__)
    text = json.dumps(encoding, indent=1, ensure_ascii=False)
    replace_file(path.parent / reader.name, reader.read_bytes())
    replace_file(encoding_path(path), text)
    replace_file(path, content)
    return Exported(path, why, tuple(given), *compared, apart, rounding)


def _steady(network: keras.Model, encoder: Encoder, raw: Rows, rounding: float) -> np.ndarray:
    """Return which rows can be compared: see `steady`.

    Raises:
        ArtifactError: if most cannot.
    """

    models = encoder.model, network.get_layer("network"), network.get_layer("answers")
    encode, *stages = map(_function, models)
    good = steady(stages, encode(raw), rounding)
    if good.mean() < 0.5:
        raise ArtifactError(
            f"The predictions cannot be compared: rounding alone changes {(~good).sum():,} of "
            f"{len(good):,} rows. Serve the SavedModel."
        )
    return good


def _function(model: keras.Model) -> Callable[[Mapping[str, np.ndarray]], Rows]:
    """Return a model as a function of arrays."""

    def call(arrays: Mapping[str, np.ndarray]) -> Rows:
        answers = model({name: tf.constant(values) for name, values in arrays.items()})
        return {name: tensor.numpy() for name, tensor in answers.items()}

    return call


def _converted(
    form: Format, model: keras.Model, rows: Rows, expected: Rows, rounding: float
) -> tuple[bytes, float]:
    """Return a model in another format, and the largest difference of its predictions.

    Raises:
        NotConvertible: if the format lacks an operation.
        Disagreement: if the predictions differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(model, Path(folder))
        content = form.converted(Path(folder))
    return content, difference(expected, form.loaded(content)(rows), rounding)
