"""Runs an experiment from start to end: read, split, encode, build, fit, evaluate."""

import contextlib
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import keras

from mtl_keras import search, tracking
from mtl_keras.errors import ConfigError
from mtl_keras.jobs import exclusive
from mtl_keras.jobs.ray_cluster import Cluster
from mtl_keras.plans.plan import Plan
from mtl_keras.plans.readable import check_readable
from mtl_keras.runs.clock import Clock
from mtl_keras.runs.evaluated import evaluated
from mtl_keras.runs.identity import facts, fingerprint, identity
from mtl_keras.runs.networks import short, train
from mtl_keras.runs.on_cluster import check_begun_here, train_on_cluster
from mtl_keras.runs.prepare import prepare
from mtl_keras.runs.result import Run
from mtl_keras.runs.warnings import warn_of_rows
from mtl_keras.tracking import Recording
from mtl_keras.training import Fitting
from mtl_keras.training.workers import ALONE, workers


def run(
    plan: Plan,
    data: Any = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    show: Callable[[str], None] | None = print,
    cluster: Cluster | None = None,
) -> Run:
    """Run an experiment: read, split, encode, build, fit, evaluate.

    Args:
        plan: The plan.
        data: A path, folder, pattern, list of paths or DataFrame. Default: the plan's `data`.
        checkpoint: Folder for the checkpoint while the run trains.
        resume: Whether to resume from the checkpoint, if there is one.
        show: A function that prints a line; None for silence.
        cluster: The processes that train each network together, as workers of Ray. They also train
            the candidates of `"auto"` in parallel. Default: this process, or those that `TF_CONFIG`
            declares.

    Returns:
        A `Run` with the model, its history and its evaluation. `run.export(folder)` writes the
            artifact.

    Raises:
        ConfigError: if the plan could not be read from the artifact again, if the cluster cannot be
            used, or if the plan's tracker fails to begin.
        DataError: if the table does not fit the plan.
        TrainingError: if a task's loss is not finite.

    Example:

    >>> import mtl_keras as mtl
    >>> done = run(mtl.Experiment.from_file("data/customers.toml"))  # doctest: +SKIP
    >>> print(done.evaluation)  # doctest: +SKIP
    """
    show = show or (lambda line: None)
    check_readable(plan)
    if cluster is not None and workers() is not ALONE:
        raise ConfigError(
            "TF_CONFIG declares the processes of this training, so workers of a Ray cluster cannot "
            "train it. Unset TF_CONFIG, or ask for no workers."
        )
    declared = plan.training.tracking if workers().chief else None
    recording = Recording(None if declared is None else tracking.get(declared))
    with workers().ending_together(), recording.ending(), contextlib.ExitStack() as stack:
        if checkpoint is not None and workers().chief:
            stack.enter_context(one_at_a_time(Path(checkpoint)))
        elif checkpoint is None and cluster is not None:  # which hands a checkpoint over
            checkpoint = stack.enter_context(tempfile.TemporaryDirectory())
        folder = None if checkpoint is None else Path(checkpoint)
        return _carried_out(plan, data, folder, resume, show, cluster, recording)


def one_at_a_time(checkpoint: Path) -> AbstractContextManager[None]:
    """Within the block, keep other processes from training with this checkpoint."""
    if checkpoint.is_symlink():
        raise ConfigError(f"{checkpoint} is a symbolic link. Expected a folder. Remove the link.")
    lock = checkpoint.with_name(f"{checkpoint.name}.lock")
    return exclusive(lock, f"a training into {checkpoint.parent}")


def _carried_out(
    plan: Plan,
    data: Any,
    checkpoint: Path | None,
    resume: bool,
    show: Callable[[str], None],
    cluster: Cluster | None,
    recording: Recording,
) -> Run:
    """Prepare, choose, train and evaluate; arguments as in `run`."""
    together = workers()
    show = show if together.chief else lambda line: None
    clock = Clock(show)
    keras.utils.set_random_seed(plan.seed)
    rows = prepare(plan, data, show, clock)
    for task in rows.tasks:
        task.check_coverable(rows.data.y["validation"][task.name])
    with clock("choose"):
        some = rows.sampled()
        plan, tried = search.settled(plan, rows.data, partial(short, rows=some), show, cluster)
        leaks, repeated = warn_of_rows(some, show)
    name = identity(checkpoint if together.chief else None, resume)
    depends_on = "" if checkpoint is None else fingerprint(plan, rows)
    fitting = Fitting(
        rows.data, plan.training, checkpoint, depends_on, resume, show=show, workers=together
    )
    elsewhere = None
    if cluster is not None:
        elsewhere = partial(train_on_cluster, cluster=cluster, name=name)
    elif checkpoint is not None:
        check_begun_here(checkpoint, name)
    if recording.tracker is not None:
        recording.begin(plan.to_dict(), facts(name, rows))
    networks = [
        train(variant, number, rows, recording.watched(fitting, number), clock, elsewhere)
        for number, variant in enumerate(plan.variants())
    ]
    with clock("fit"):
        fitted = networks[0] if len(networks) == 1 else fitting.select(networks)
    with clock("evaluate"):
        result = evaluated(plan, rows, fitted, repeated, show)
    result.metadata |= {**tried, **leaks}
    result.seconds, result.identity, result.recording = clock.seconds, name, recording
    recording.end(result)
    return result
