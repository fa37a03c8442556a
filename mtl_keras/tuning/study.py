"""Runs a search: trials of settings, each of which is a training."""

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl_keras.errors import ConfigError, TrainingError, unknown
from mtl_keras.jobs import in_parallel, ray_cluster
from mtl_keras.plans import Plan
from mtl_keras.runs.build import build
from mtl_keras.runs.networks import constant_losses
from mtl_keras.runs.prepare import prepare
from mtl_keras.runs.prepared import Prepared
from mtl_keras.training.progress import counted, moving
from mtl_keras.tuning.objective import Objective, optuna_module
from mtl_keras.tuning.space import Space, changed, current, space_of
from mtl_keras.tuning.storage import START, StudyStorage
from mtl_keras.tuning.tuning import Tuning


def tune(
    plan: Plan,
    data: Any = None,
    trials: int = 40,
    timeout: float | None = None,
    space: Mapping[str, Any] | None = None,
    front: Sequence[str] = (),
    folder: str | Path | None = None,
    storage: str | None = None,
    workers: int = 1,
    address: str | None = None,
    show: Callable[[str], None] = print,
) -> Tuning:
    """Search the settings with which an experiment predicts best, on its validation rows.

    Optuna's tree-structured Parzen estimator suggests the settings of each trial, and trials that
    are worse than the median at the same epoch are pruned. Test rows are not used.

    Args:
        plan: The experiment. Settings that are `"auto"` must be in the space.
        data: As for `Experiment.run`. Default: the plan's.
        trials: Number of trials, including those of earlier calls. Default 40.
        timeout: Seconds after which no new trial starts. Default None: no limit.
        space: The search space: see `tuning.space.space_of`. Default: the plan's `search`, or
            otherwise architecture, width, dropout, learning rate, weight decay, balancer and the
            tasks' weights.
        front: Tasks for which to search the best trade-offs (the Pareto front), without pruning.
            Default: the mean over all tasks is minimised.
        folder: Folder in which trials are stored, so that a search can be interrupted and resumed.
            Default None: they are not stored.
        storage: The URL of an Optuna storage, such as `"sqlite:///trials.db"`, instead of a file in
            the folder. Default None.
        workers: Number of trials at a time, each in a process. More than one need a `folder` or a
            `storage`. Default 1.
        address: A Ray cluster, whose machines can access the storage: see `comparison.compare`.
        show: A function that prints a line.

    Returns:
        A `Tuning` with the trials, and the experiment of the best one.

    Raises:
        ConfigError: if Optuna is not installed, the space does not fit the experiment, or another
            search writes to the folder.

    References:
        Akiba et al.: "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019.

    Example:

    >>> import mtl_keras as mtl
    >>> experiment = mtl.Experiment.from_file("data/customers.toml")
    >>> tune(experiment, trials=20, timeout=1800).experiment().run()  # doctest: +SKIP
    """
    optuna = optuna_module()
    for name in front:
        if name not in [task.name for task in plan.tasks]:
            raise ConfigError(unknown("task in `front`", name, [t.name for t in plan.tasks]))
    found = space_of(plan.search if space is None else space, plan)
    for name in ("architecture", "balancer"):
        if getattr(plan, name) == "auto" and not any(s.startswith(name) for s in found):
            raise ConfigError(f"{name} = 'auto' must be in the space, or be set.")
    own = current(plan, found)
    rows = prepare(plan, data, show).sampled()
    objective = Objective(plan, rows, found, constant_losses(rows, build(plan, rows)), tuple(front))
    if folder is None and storage is None:
        if workers > 1 or ray_cluster.wanted(address):
            raise ConfigError("Several workers need a `folder` or a `storage` that they share.")
        storage = optuna.storages.InMemoryStorage()
    kept = None if folder is None else Path(folder)
    where = StudyStorage(_study_name(plan, rows, found, front), kept, storage)
    with where.alone():
        study = where.study(optuna, plan.seed, len(front))
        earlier = study.get_trials(deepcopy=False)
        judged = [trial for trial in earlier if trial.state.name in ("COMPLETE", "PRUNED")]
        done = len(judged)
        if done:
            show(f"trials that were finished before: {done}")
        numbers = range(len(earlier), len(earlier) + trials - done)
        stated: dict[int, dict[str, Any]] = {}
        if own is not None and not any(own.items() >= trial.params.items() for trial in judged):
            stated = {numbers.start: own}  # so that the result is never worse
        if numbers:
            show(
                f"searching {len(found)} settings in {len(numbers)} trials, scored by validation "
                "losses relative to a baseline's: -0.12 is 12% below it"
            )
            if plan.training.networks > 1:
                show(
                    f"each trial trains one network, as the first of the {plan.training.networks} "
                    "of the experiment: what it finds holds for all of them"
                )
        until = np.inf if timeout is None else time.time() + timeout
        how = Trials(objective, where, until, stated)
        before, started = done, time.perf_counter()

        def now() -> tuple[str, float]:
            return counted("trials finished", done - before, len(numbers), started)

        moving(show, now)
        for _, line in in_parallel(_carried_out, numbers, how, workers, address):
            if line is not None:
                done += 1
                show(f"  {done}/{trials}  {line}")
                if done == before + 1 < before + len(numbers):
                    show(f"  {now()[0]}, if all take as long and none is pruned")
        moving(show, None)
    return _tuning(optuna, study, plan, found, front)


@dataclass(frozen=True)
class Trials:
    """How trials are run.

    Attributes:
        objective: The objective to minimise.
        where: Where they are stored.
        until: The time, in seconds since 1970, from which no new trial starts.
        stated: Given settings, by the number of the trial.
    """

    objective: Objective
    where: StudyStorage
    until: float
    stated: Mapping[int, Mapping[str, Any]]


def _carried_out(number: int, how: Trials) -> str | None:
    """Run a trial, and return a line about it, or None if the time is over.

    The number is not that of any earlier trial of the study, not even of one that was killed,
    because it determines the random settings. A trial that is killed here and started again is the
    same.
    """
    if time.time() >= how.until:
        return None
    objective = how.objective
    study = how.where.study(optuna_module(), objective.plan.seed + number, len(objective.front))
    if number in how.stated:
        study.enqueue_trial(how.stated[number])
    lines: list[str] = []
    study.optimize(
        objective,
        n_trials=1,
        callbacks=[lambda study, trial: lines.append(_line(trial))],
        catch=(TrainingError,),
    )
    return lines[0]


def _line(trial: Any) -> str:
    losses = trial.user_attrs.get("losses")
    if losses is None:
        return f"trial {trial.number}: failed, its loss was not finite"
    listed = ", ".join(f"{task} {value:+.4f}" for task, value in losses.items())
    state = " (pruned)" if trial.state.name == "PRUNED" else ""
    return (
        f"trial {trial.number}: {np.mean(list(losses.values())):+.4f} ({listed}), "
        f"{trial.user_attrs['seconds']:.0f} s{state}"
    )


STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


def _tuning(optuna: Any, study: Any, plan: Plan, space: Space, front: Sequence[str]) -> Tuning:
    tasks = [task.name for task in plan.tasks]
    rows, plans = [], {}
    trials = study.get_trials(deepcopy=False)
    for trial in (trial for trial in trials if trial.state.is_finished()):
        told = trial.user_attrs
        losses = told.get("losses", dict.fromkeys(tasks, np.nan))
        settings = told.get("settings", {})
        rows.append(
            {
                "trial": trial.number,
                "state": STATES[trial.state.name],
                "score": float(np.mean(list(losses.values()))),
                **losses,
                "epochs": told.get("epochs"),
                "seconds": told.get("seconds"),
                **settings,
            }
        )
        if trial.state.name == "COMPLETE":
            plans[trial.number] = changed(plan, settings)
    columns = ["trial", "state", "score", *tasks, "epochs", "seconds", *space]
    table = pd.DataFrame(rows, columns=columns).set_index("trial")
    importances: dict[str, float] = {}
    if not front and len(plans) >= 2 * START:
        importances = dict(optuna.importance.get_param_importances(study))
    return Tuning(plan, table, list(space), tasks, importances, tuple(front), plans)


def _study_name(plan: Plan, rows: Prepared, space: Space, front: Sequence[str]) -> str:
    """Return a name that is different if anything on which trials depend differs."""
    plan = plan.but(training=plan.training.untracked())
    what = [plan.to_dict(), rows.identity, {n: dataclasses.asdict(v) for n, v in space.items()}]
    text = json.dumps([*what, list(front)], sort_keys=True, default=str)
    return f"{plan.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
