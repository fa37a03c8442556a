"""The folder of a trained model: numbered SavedModels, and beside them all that tells of them."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from mtl_keras.errors import ArtifactError
from mtl_keras.export.serving import write_saved_model

EXTRA = "assets.extra"  # TensorFlow Serving's place for files of the user's in a SavedModel


def versions(folder: Path) -> list[int]:
    """Numbers of the complete versions of an artifact, ascending."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.name.isdigit()]
    return sorted(int(path.name) for path in found if (path / EXTRA / "schema.json").is_file())


def latest(folder: Path) -> Path:
    """The newest version of an artifact, or the version that `folder` itself is.

    Raises:
        ArtifactError: if there is none.
    """
    if (folder / EXTRA / "schema.json").is_file():
        return folder
    numbers = versions(folder)
    if not numbers:
        raise ArtifactError(
            f"There is no trained model in {folder}. Expected a folder such as "
            "saved_models/<name> that `mtl-keras train` or `Run.export` wrote."
        )
    return folder / str(numbers[-1])


@contextmanager
def new_version(folder: Path) -> Iterator[Path]:
    """A folder to write a new version to, which is the artifact's newest when the block ends.

    Until then it has a temporary name, and nothing of it stays if the block fails. Each version
    keeps its own copy of the files in `assets.extra`; those beside the versions are the newest
    version's.

    Args:
        folder: The artifact.

    Yields:
        The temporary folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    existing = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    version = folder / str(max(existing, default=0) + 1)
    unfinished = folder / f".unfinished-{version.name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        yield unfinished
        unfinished.rename(version)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    for file in (version / EXTRA).iterdir():
        copy = folder / f".unfinished-{file.name}"
        shutil.copyfile(file, copy)
        copy.replace(folder / file.name)


def write_model(version: Path, serving: keras.Model, network: keras.Model) -> None:
    """Write the SavedModel, and the trained network as a `.keras` file."""
    write_saved_model(serving, version)
    (version / EXTRA).mkdir(exist_ok=True)
    network.save(version / EXTRA / "model.keras")


def write_files(version: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files that tell of the model, by name."""
    for name, content in files.items():
        binary = content if isinstance(content, bytes) else content.encode("utf-8")
        (version / EXTRA / name).write_bytes(binary)


def read_files(version: Path) -> dict[str, str | bytes]:
    """The files of a version that tell of it, by name: text, or bytes where it is none.

    Raises:
        ArtifactError: if one cannot be read.
    """
    files: dict[str, str | bytes] = {}
    for path in sorted((version / EXTRA).iterdir()):
        try:
            text = path.suffix in (".json", ".csv", ".toml")
            files[path.name] = path.read_text(encoding="utf-8") if text else path.read_bytes()
        except (OSError, UnicodeDecodeError) as error:
            raise ArtifactError(f"{path} cannot be read: {error}. Export again.") from error
    return files


def replace_file(path: Path, text: str) -> Path:
    """Write a text file, whole or not at all."""
    unfinished = path.with_name(f".unfinished-{path.name}")
    unfinished.write_text(text, encoding="utf-8")
    return unfinished.replace(path)


def read_schema(version: Path) -> dict[str, Any]:
    """The schema of a version.

    Raises:
        ArtifactError: if it is damaged.
    """
    path = version / EXTRA / "schema.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}. Train and export again.") from error


def describe(folder: Path) -> str:
    """What the newest version of an artifact reads and answers, and how good it was."""
    version = latest(folder)
    schema = read_schema(version)
    judged = json.loads((version / EXTRA / "metrics.json").read_text(encoding="utf-8"))
    lines = [f"{schema['name']}, version {version.name}: {version}", "reads"]
    for feature in schema["features"]:
        name = feature["name"]
        slug = schema["inputs"][name]
        alias = "" if slug == name else f" (signature: {slug})"
        lines.append(f"  {name}: {feature['kind']}, {schema['input_dtypes'][name]}{alias}")
    lines.append("answers")
    for name, slug in schema["outputs"].items():
        alias = "" if slug == name else f" (signature: {slug})"
        lines.append(f"  {name}: {schema['output_dtypes'][name]}{alias}")
    lines.append("test rows")
    for task, result in judged["test"].items():
        scores = ", ".join(
            f"{metric} {value:.4g}"
            for metric, value in result["scores"].items()
            if value is not None
        )
        lines.append(f"  {task} ({result['kind']}, {result['rows']:,} rows): {scores}")
    if schema["dropped"]:
        lines.append("dropped columns")
        lines += [f"  {name}: {why}" for name, why in schema["dropped"].items()]
    return "\n".join(lines)
