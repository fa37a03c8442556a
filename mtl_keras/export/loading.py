"""Loads the models in an artifact: the SavedModel and the Keras network."""

import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from mtl_keras import __version__
from mtl_keras.declaring.registry import without_imports
from mtl_keras.errors import ArtifactError
from mtl_keras.export.artifact import EXTRA
from mtl_keras.export.operations import check_operations
from mtl_keras.features import Feature


def warn_if_newer(version: Path, schema: Mapping[str, Any]) -> None:
    """Warn if a newer mtl_keras wrote a version: this one may read some of its columns otherwise.

    Args:
        version: The folder.
        schema: The content of its `schema.json`.
    """
    made_with = schema.get("versions")  # version 0.1 had none
    written = str(made_with.get("mtl_keras", "")) if isinstance(made_with, dict) else ""
    if _numbers(written) > _numbers(__version__):
        warnings.warn(
            f"{version} was written by mtl_keras {written}, which is newer than this one "
            f"({__version__}). Its columns may be read differently. Update mtl_keras.",
            stacklevel=2,
        )


def _numbers(version: str) -> list[int]:
    """Return the numbers of a version: `[0, 2, 0]`."""
    return [int(part) for part in re.findall("[0-9]+", version)]


def loaded(
    version: Path, schema: Mapping[str, Any], features: Sequence[Feature], trusted: bool
) -> Any:
    """Return the SavedModel of a version, whose signature fits the schema.

    Args:
        version: The folder.
        schema: The content of its `schema.json`.
        features: Its features.
        trusted: Whether operations that access files are allowed.

    Raises:
        ArtifactError: if it is damaged, or accesses files.
    """
    if not trusted:
        check_operations(version)
    try:
        model = tf.saved_model.load(str(version))
    except Exception as error:  # on damaged files, TensorFlow raises errors of many types
        raise ArtifactError(
            f"The SavedModel in {version} is damaged ({type(error).__name__}): {_why(error)}. "
            "Train and export again."
        ) from error
    if "serving_default" not in model.signatures:
        raise ArtifactError(f"{version} is damaged: it has no signature serving_default.")
    signature, slugs = model.signatures["serving_default"], schema["inputs"]
    inputs, answers = signature.structured_input_signature[1], signature.structured_outputs
    strange = {f.name for f in features if not _fits(f, inputs.get(slugs.get(f.name)))}
    strange |= {name for name, slug in schema["outputs"].items() if slug not in answers}
    if strange:
        raise ArtifactError(
            f"{version / EXTRA / 'schema.json'} does not describe the SavedModel beside it, "
            f"which has no {sorted(strange)}, or of another type. Train and export again."
        )
    return model


def _fits(feature: Feature, spec: Any) -> bool:
    """Return whether a SavedModel's input, if there is one, takes the values of a feature."""
    wanted = tf.TensorShape((None, *feature.raw_shape))
    return (
        isinstance(spec, tf.TensorSpec)
        and spec.dtype.name == feature.raw_dtype
        and spec.shape.is_compatible_with(wanted)
    )


def network_of(
    version: Path,
    custom_objects: Mapping[str, Any],
    trusted: Collection[str],
    compiled: bool = False,
) -> keras.Model:
    """Return the trained network of a version, from encoded groups to one output per task.

    Args:
        version: The folder.
        custom_objects: Classes that are not part of mtl_keras, by name.
        trusted: Packages that may be imported.
        compiled: Whether to compile it as in training. Default False.

    Raises:
        ArtifactError: if it cannot be read.
    """
    path = version / EXTRA / "model.keras"
    try:
        with without_imports(custom_objects, trusted):
            return keras.models.load_model(path, dict(custom_objects), compile=compiled)
    except Exception as error:  # on damaged files, Keras raises errors of many types
        raise ArtifactError(
            f"{path} cannot be read ({type(error).__name__}): {_why(error)}. If it has layers of "
            "your own, register them with Keras or pass `custom_objects`; else train again."
        ) from error


def _why(error: Exception) -> str:
    return " ".join(str(getattr(error, "message", error)).split())[:300].rstrip(".")
