"""Results on disk: plain values as JSON, arrays as npz; reading them executes no code."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtl_keras.errors import UNREADABLE
from mtl_keras.jobs.replacing import replaced


@dataclass(frozen=True)
class Store:
    """Results in a folder, so that interrupted work continues where it stopped.

    A result that cannot be read (truncated, or written by something else) counts as missing.

    Args:
        folder: The folder; None to store nothing.
        content: What all results depend on, as a string. Results that were stored with a different
            one are not found.

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
        """Return the values and arrays stored under a key, or None."""
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as saved:
                arrays = {name: saved[name] for name in saved.files}
            values = json.loads(str(arrays.pop("values")))
        except UNREADABLE:
            return None
        return (values, arrays) if isinstance(values, dict) else None

    def save(self, key: str, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Store plain values and arrays under a key, atomically."""
        path = self._path(key)
        if path is None:
            return
        with replaced(path) as file:
            np.savez_compressed(file, allow_pickle=False, values=json.dumps(values), **arrays)

    def _path(self, key: str) -> Path | None:
        if self.folder is None:
            return None
        name = hashlib.sha256(f"{key}{self.content}".encode()).hexdigest()[:16]
        return self.folder / f"{name}.npz"
