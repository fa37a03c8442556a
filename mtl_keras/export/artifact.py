"""The folder of a trained model: numbered SavedModels and the files that describe them."""

import errno
import json
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtl_keras.datasets.unfinished import remove_what_the_dead_left, unfinished_path
from mtl_keras.errors import ArtifactError, naming, nearest, reading, shown
from mtl_keras.export.serving import write_saved_model
from mtl_keras.jobs import replace_file

EXTRA = "assets.extra"  # where TensorFlow Serving expects a user's files in a SavedModel
MLSERVER: Mapping[str, Mapping[str, Any]] = {
    "settings.json": {
        "model_repository_implementation": "mtl_keras.serving.Artifacts",
        "parallel_workers": 0,
        "grpc_max_message_length": 16 * 2**20,
        "debug": False,
    },
    "model-settings.json": {"implementation": "mtl_keras.serving.Runtime", "parallel_workers": 0},
}
"""What `mlserver start` reads: the first to serve this folder, the second in a folder of many."""


def versions(folder: Path) -> list[int]:
    """Return the numbers of the complete versions of an artifact, ascending."""
    if not folder.is_dir():
        return []
    numbered = [number for number in map(_number, folder.iterdir()) if number is not None]
    return sorted(n for n in numbered if _is_version(folder / str(n)))


def _number(path: Path) -> int | None:
    """Return the number of a version's folder, else None: `²` and `007` are not versions."""
    number = int(path.name) if path.name.isascii() and path.name.isdigit() else None
    return number if path.name == str(number) else None


def number_of(version: Path) -> int:
    """Return the number of a version; of one that is being written, the next free number."""
    others = (_number(path) or 0 for path in version.parent.iterdir())
    return _number(version) or max(others, default=0) + 1


def is_model(folder: Path) -> bool:
    """Return whether a folder is an artifact or one of its versions."""
    return _is_version(folder) or bool(versions(folder))


def _is_version(folder: Path) -> bool:
    return (folder / EXTRA / "schema.json").is_file()


def latest(folder: Path) -> Path:
    """Return the newest version of an artifact, or `folder` itself if it is a version.

    Raises:
        ArtifactError: if there is none.
    """
    if _is_version(folder):
        return folder
    numbers = versions(folder)
    if not numbers:
        raise ArtifactError(
            f"There is no trained model in {folder}.{_similar(folder)} Expected a folder such as "
            f"saved_models/<name> that `mtl-keras train` or `Run.export` wrote.{_instead(folder)}"
        )
    return folder / str(numbers[-1])


def models_in(folder: Path) -> list[Path]:
    """Return the artifacts that a folder contains."""
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    return [each for each in inside if versions(each)]


def is_of_models(folder: Path) -> bool:
    """Return whether a folder is an artifact or contains some, even if they are damaged."""
    return any(True for below in ("", "*/", "*/*/") for _ in folder.glob(below + EXTRA))


def _similar(folder: Path) -> str:
    """Return a hint naming the model beside a missing folder that was probably meant."""
    beside: list[Path] = []
    with suppress(OSError):  # of a folder that may not be read
        beside = [] if folder.exists() else models_in(folder.parent)
    return nearest(folder.name, [each.name for each in beside])


def _instead(folder: Path) -> str:
    """Return what a folder without a complete version has instead, as the end of an error."""
    if models := models_in(folder):
        return f" There are models in it: {', '.join(map(str, models[:9]))}."
    damaged = [path.parent for below in ("", "*/") for path in folder.glob(below + EXTRA)]
    return f" {damaged[0]} is damaged: it lacks {EXTRA}/schema.json." if damaged else ""


@contextmanager
def new_version(folder: Path) -> Iterator[Path]:
    """Yield a folder to write a version to, which becomes the newest one when the block ends.

    Until then it has a unique temporary name, and it is removed if the block fails. It gets the
    next free number when the block ends, so two concurrent writers create two versions. Each
    version has its own copy of the files in `assets.extra`; those beside the versions are copies of
    the newest version's.

    Args:
        folder: The artifact.

    Yields:
        The temporary folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_what_the_dead_left(folder)
    unfinished = unfinished_path(folder)
    unfinished.mkdir()
    try:
        yield unfinished
        version = _published(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        _copy_beside(folder)
    except OSError as error:
        warnings.warn(
            f"{version} is complete, but the copies of its files in {folder} are not: {error}.",
            stacklevel=3,
        )


def _published(unfinished: Path, folder: Path) -> Path:
    """Rename a finished folder to the first free version number, and return it."""
    number = number_of(unfinished)
    while True:
        try:
            return unfinished.rename(folder / str(number))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            number += 1  # another process was faster


def _copy_beside(folder: Path) -> None:
    """Copy the newest version's files beside the versions, even if a newer one is added.

    Settings of MLServer are only written if a user has changed none of them. Earlier exports wrote
    one file, or none.
    """
    written = {name: json.dumps(entries, indent=2) + "\n" for name, entries in MLSERVER.items()}
    present = {name: folder / name for name in written if (folder / name).exists()}
    if all(path.read_bytes() == written[name].encode() for name, path in present.items()):
        for name in written.keys() - present.keys():
            replace_file(folder / name, written[name])
    version = None
    while version != latest(folder):
        version = latest(folder)
        for file in (version / EXTRA).iterdir():
            replace_file(folder / file.name, file.read_bytes())


def version_of(folder: Path, training: str) -> Path | None:
    """Return the newest version from a training, given by its identity; None without one."""
    for number in reversed(versions(folder)):
        if read_schema(folder / str(number)).get("training") == training:
            return folder / str(number)
    return None


def write_model(version: Path, serving: keras.Model, network: keras.Model) -> None:
    """Write the SavedModel, and the trained network as a `.keras` file."""
    write_saved_model(serving, version)
    (version / EXTRA).mkdir(exist_ok=True)
    with naming(version / EXTRA / "model.keras"):
        network.save(version / EXTRA / "model.keras")


def write_files(version: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files that describe the model, by name."""
    for name, content in files.items():
        binary = content if isinstance(content, bytes) else content.encode("utf-8")
        with naming(version / EXTRA / name):
            (version / EXTRA / name).write_bytes(binary)


def read_files(version: Path) -> dict[str, str | bytes]:
    """Return the files that describe a version, by name: strings, or bytes of binary files.

    Raises:
        ArtifactError: if one cannot be read.
    """
    files: dict[str, str | bytes] = {}
    for path in sorted((version / EXTRA).iterdir()):
        text = path.suffix in (".json", ".csv", ".toml")
        with reading(path):
            files[path.name] = path.read_text(encoding="utf-8") if text else path.read_bytes()
    return files


def as_json(value: Any) -> str:
    """Return plain values as JSON; NaN and infinite numbers become null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """Replace NaN and infinite numbers, which JSON does not have, by None."""
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def read_schema(version: Path) -> dict[str, Any]:
    """Return the schema of a version.

    Raises:
        ArtifactError: if it is damaged.
    """
    path = version / EXTRA / "schema.json"
    schema = read_json(path)
    kinds = {"features": list, "tasks": list, "inputs": dict, "outputs": dict}
    missing = sorted(set(kinds) - set(schema))
    if missing:
        raise ArtifactError(f"{path} is damaged: it lacks {missing}. Train again.")
    for key, kind in kinds.items():
        if not isinstance(schema[key], kind):
            raise ArtifactError(
                f"{path} is damaged: {key!r} must be a {kind.__name__}. Received: "
                f"{shown(schema[key], 60)}. Train again."
            )
    return schema


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of an artifact.

    Raises:
        ArtifactError: if there is none.
    """
    with reading(path):
        value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ArtifactError(f"{path} is damaged: expected an object. Train and export again.")
    return value
