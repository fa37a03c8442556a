"""The table `[data]` of an experiment file."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_keras.datasets.text_encoding import UTF_8
from mtl_keras.declaring import registry


@dataclass
class _Data:
    path: str | list[str] | None = None
    sample_weight: str | dict[str, str] | None = None
    streaming: bool | None = None
    missing_values: Any = ()
    encoding: Any = UTF_8


def to_dict(plan: Any, folder: Path | None) -> dict[str, Any]:
    """The table of a plan; a DataFrame has no path.

    Args:
        plan: The `Plan`.
        folder: The folder that the file is for; None to keep paths as they are.
    """
    entries: dict[str, Any] = {}
    data = plan.data
    if isinstance(data, (list, tuple)):
        entries["path"] = [_path(path, folder) for path in data]
    elif isinstance(data, (str, Path)):
        entries["path"] = _path(data, folder)
    if plan.sample_weight:
        entries["sample_weight"] = plan.sample_weight
    if plan.streaming is not None:
        entries["streaming"] = plan.streaming
    if plan.missing_values:
        entries["missing_values"] = plan.missing_values
    if plan.encoding != UTF_8:
        entries["encoding"] = plan.encoding
    return entries


def from_dict(entries: Any, folder: str | Path) -> dict[str, Any]:
    """The arguments of a plan that a table has; relative paths are relative to `folder`.

    Args:
        entries: The table; or its `path` alone.
        folder: Folder of the file.

    Example:

    >>> from_dict({"path": "s3://events/2024", "streaming": True}, ".")["data"]
    's3://events/2024'
    >>> from_dict("shop.csv", "data")["data"].as_posix()
    'data/shop.csv'
    """
    if isinstance(entries, (str, list)):
        entries = {"path": entries}
    data = registry.construct(_Data, entries, "[data]")
    arguments = dict(vars(data))
    path: Any = arguments.pop("path")
    if isinstance(path, (list, tuple)):
        path = [_from(folder, each) for each in path]
    elif path is not None:
        path = _from(folder, path)
    return {"data": path, **arguments}


def _path(data: str | Path, folder: Path | None) -> str:
    """The path of a table, to be written to a file in `folder`; a URI as it is."""
    if "://" in str(data):
        return str(data)
    if folder is None:
        return Path(data).as_posix()
    whole = Path(data).resolve()
    if not (whole.is_relative_to(Path.cwd()) and folder.resolve().is_relative_to(Path.cwd())):
        return whole.name
    return Path(os.path.relpath(whole, folder.resolve())).as_posix()


def _from(folder: str | Path, path: str) -> str | Path:
    return path if "://" in path else Path(folder) / path
