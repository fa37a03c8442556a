"""Reading tables, in memory or as streams, splitting their rows, and writing them."""

from mtl_keras.datasets.source import opened
from mtl_keras.datasets.split import Split
from mtl_keras.datasets.stream import Stream
from mtl_keras.datasets.synthetic import correlated_tasks
from mtl_keras.datasets.table import fingerprint, read
from mtl_keras.datasets.writing import Writer, check_writable, write

__all__ = [
    "Split",
    "Stream",
    "Writer",
    "check_writable",
    "correlated_tasks",
    "fingerprint",
    "opened",
    "read",
    "write",
]
