"""Work divided into jobs that run in parallel and whose results are stored on disk."""

from mtl_keras.jobs.lock import exclusive
from mtl_keras.jobs.parallel import executor, in_parallel
from mtl_keras.jobs.replacing import replace_file, replaced
from mtl_keras.jobs.store import Store

__all__ = ["Store", "exclusive", "executor", "in_parallel", "replace_file", "replaced"]
