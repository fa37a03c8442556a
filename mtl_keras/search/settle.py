"""Chooses what a plan leaves open: `"auto"`, and groups that it does not name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mtl_keras import architectures
from mtl_keras.architectures import Grouped
from mtl_keras.jobs import executor
from mtl_keras.jobs.parallel import Executor
from mtl_keras.jobs.ray_cluster import Cluster, address_of
from mtl_keras.plans.plan import Plan
from mtl_keras.search.affinity import Affinity
from mtl_keras.search.grouping import grouping
from mtl_keras.search.halving import successive_halving
from mtl_keras.training import Data

ARCHITECTURES = ("shared_bottom", "single_task", "mmoe", "ple", "cross_stitch")
BALANCERS = ("fixed", "uncertainty", "famo", "nash_mtl", "upgrad")
RUNGS = (4, 12)
PROBE_EPOCHS = 8


class ShortTraining(Protocol):
    """A function that trains a plan for some epochs and returns the logs, a row per epoch."""

    def __call__(self, plan: Plan, epochs: int, callbacks: Any = ()) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Trial:
    """A candidate that is trained for some epochs."""

    name: str
    plan: Plan
    epochs: int


def settled(
    plan: Plan,
    data: Data,
    short: ShortTraining,
    show: Callable[[str], None],
    cluster: Cluster | None = None,
) -> tuple[Plan, dict[str, Any]]:
    """Return the plan with everything that it left open chosen on the validation rows.

    Args:
        plan: The plan as declared.
        data: The encoded rows.
        short: Trains a plan for a number of epochs, in any process.
        show: A function that prints a line.
        cluster: A cluster that trains as many candidates in parallel as it has workers. Default
            None: see `jobs.executor`.

    Returns:
        The plan, and what was tried as plain values (empty if nothing was left open).

    Example:

    >>> def short(plan, epochs, callbacks=()):  # in place of a training
    ...     return pd.DataFrame({"val_churned_loss": [0.4 if plan.balancer == "famo" else 0.5]})
    >>> plan = Plan(tasks={"churned": "binary"}, balancer="auto")
    >>> chosen, tried = settled(plan, Data({}, {}, {}), short, show=lambda line: None)
    >>> chosen.balancer, len(tried["search"])
    ('famo', 7)
    """
    tried: dict[str, Any] = {}
    auto = plan.architecture == "auto" or plan.balancer == "auto"
    if data.feed is not None and (auto or _groups_are_open(plan)):
        rows = len(next(iter(data.y["train"].values())))
        show(f"candidates are trained on {rows:,} rows in memory")
    if auto:
        where = (cluster.workers, address_of(cluster.address)) if cluster else ()
        with executor(short, *where) as run:
            plan, tried["search"] = _searched(plan, run, show)
    if _groups_are_open(plan):
        plan, tried["grouping"] = _grouped(plan, data, short, show)
    return plan, tried


def _groups_are_open(plan: Plan) -> bool:
    return isinstance(plan.architecture, Grouped) and not plan.architecture.groups


def _searched(
    plan: Plan, run: Executor, show: Callable[[str], None]
) -> tuple[Plan, list[dict[str, Any]]]:
    """Try architectures first, with equal weights if the balancer is open too; then balancers."""
    tried: list[dict[str, Any]] = []

    def best(what: str, options: Mapping[str, Plan]) -> Plan:
        show(f"{what}: trying {len(options)} candidates")

        def train(names: Sequence[str], epochs: int) -> Iterator[tuple[str, dict[str, float]]]:
            trials = [Trial(name, options[name], epochs) for name in names]
            return ((trial.name, losses) for trial, losses in run(_losses, trials))

        name, table = successive_halving(list(options), train, RUNGS, show=show)
        show(f"{what}: chose {name}")
        tried.extend({"what": what, **row} for row in table.to_dict("records"))
        return options[name]

    balancer = plan.balancer
    if plan.architecture == "auto":
        defaults = plan.architecture_defaults()
        while_searching = "fixed" if balancer == "auto" else balancer
        options = {
            name: plan.but(architecture=architectures.get(name, defaults), balancer=while_searching)
            for name in ARCHITECTURES
        }
        plan = best("architecture", options).but(balancer=balancer)
    if balancer == "auto":
        plan = best("balancer", {name: plan.but(balancer=name) for name in BALANCERS})
    return plan, tried


def _losses(trial: Trial, short: ShortTraining) -> dict[str, float]:
    """Return the lowest validation loss of each task."""
    history, tasks = short(trial.plan, trial.epochs), trial.plan.tasks
    return {task.name: float(history[f"val_{task.name}_loss"].min()) for task in tasks}


def _grouped(
    plan: Plan, data: Data, short: ShortTraining, show: Callable[[str], None]
) -> tuple[Plan, dict[str, Any]]:
    """Return the groups in which tasks help each other most, measured in a short training."""
    names = [task.name for task in plan.tasks]
    rate = plan.training.learning_rate
    measured = Affinity(data.x["train"], data.y["train"], rate, seed=plan.seed)
    show(f"groups: measuring which tasks help each other in a training of {PROBE_EPOCHS} epochs")
    short(plan, PROBE_EPOCHS, [measured])
    affinity = np.mean(measured.affinities, axis=0)
    groups = grouping(affinity, names)
    for name, row in zip(names, affinity):
        effects = ", ".join(
            f"{other} {100 * value:+.2f}%" for other, value in zip(names, row) if other != name
        )
        show(f"  a step for {name} lowers the loss of {effects}")
    show("groups: " + "; ".join(" + ".join(group) for group in groups))
    config = {**plan.architecture.get_config(), "groups": groups}
    return plan.but(architecture=architectures.get(config)), {
        "tasks": names,
        "affinity": affinity.tolist(),
        "cosines": np.mean(measured.cosines, axis=0).tolist(),
        "groups": groups,
    }
