"""Work split into jobs that run in processes and whose results are kept on disk."""

from mtl_keras.jobs.lock import exclusive
from mtl_keras.jobs.processes import in_processes
from mtl_keras.jobs.replacing import replaced
from mtl_keras.jobs.store import UNREADABLE, Store

__all__ = ["UNREADABLE", "Store", "exclusive", "in_processes", "replaced"]
