"""Reading tables, and splitting their rows."""

from mtl_keras.datasets.split import Split
from mtl_keras.datasets.synthetic import correlated_tasks
from mtl_keras.datasets.table import check_writable, fingerprint, read, write

__all__ = ["Split", "check_writable", "correlated_tasks", "fingerprint", "read", "write"]
