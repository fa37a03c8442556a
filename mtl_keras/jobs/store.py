"""Finished work kept on disk: plain values as JSON, arrays as npz, nothing that runs when read."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Store:
    """Results in a folder, so that work that was stopped goes on where it was.

    A result that cannot be read (cut off, or written by something else) is as if it were not there.

    Args:
        folder: The folder; None to keep nothing.
        content: What all results depend on, as text: results kept under another are not found.

    Example:

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Store(folder, "rows").save("one", {"seconds": 1.5}, {"x": np.arange(3)})
    >>> values, arrays = Store(folder, "rows").load("one")
    >>> values, arrays["x"].tolist(), Store(folder, "other rows").load("one")
    ({'seconds': 1.5}, [0, 1, 2], None)
    """

    folder: Path | None
    content: str

    def load(self, key: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """The values and arrays that were kept under a key, or None."""
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as saved:
                arrays = {name: saved[name] for name in saved.files}
            return json.loads(str(arrays.pop("values"))), arrays
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None

    def save(self, key: str, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Keep plain values and arrays under a key, whole or not at all."""
        path = self._path(key)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, values=json.dumps(values), **arrays)
        unfinished.replace(path)

    def _path(self, key: str) -> Path | None:
        if self.folder is None:
            return None
        name = hashlib.sha256(f"{key}{self.content}".encode()).hexdigest()[:16]
        return self.folder / f"{name}.npz"
