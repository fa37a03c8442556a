"""Work that is split into jobs: done in processes, kept on disk when it is finished."""

from mtl_keras.jobs.lock import exclusive
from mtl_keras.jobs.processes import in_processes
from mtl_keras.jobs.store import Store

__all__ = ["Store", "exclusive", "in_processes"]
