"""What an experiment leaves to be found out: `"auto"`, and groups that it does not name."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_keras import architectures
from mtl_keras.architectures import Grouped
from mtl_keras.search.affinity import Affinity
from mtl_keras.search.grouping import grouping
from mtl_keras.search.halving import successive_halving
from mtl_keras.training import Data, Fitting

if TYPE_CHECKING:
    from mtl_keras.plans.plan import Experiment
    from mtl_keras.runs.prepare import Prepared

ARCHITECTURES = ("shared_bottom", "single_task", "mmoe", "ple", "cross_stitch")
BALANCERS = ("fixed", "uncertainty", "famo", "nash_mtl", "upgrad")
RUNGS = (4, 12)
PROBE_EPOCHS = 8


def decided(
    experiment: "Experiment", prepared: "Prepared", show: Callable[[str], None]
) -> tuple["Experiment", dict[str, Any]]:
    """The experiment with all that it left open found out on the validation rows.

    Args:
        experiment: As declared.
        prepared: Its rows.
        show: A function that prints a line.

    Returns:
        The experiment, and what was tried, as plain values; empty if nothing was open.
    """
    found: dict[str, Any] = {}
    architecture = experiment.architecture
    if architecture == "auto" or experiment.balancer == "auto":
        experiment, found["search"] = _searched(experiment, prepared, show)
    if isinstance(experiment.architecture, Grouped) and not experiment.architecture.groups:
        experiment, found["grouping"] = _grouped(experiment, prepared, show)
    return experiment, found


def _searched(
    experiment: "Experiment", prepared: "Prepared", show: Callable[[str], None]
) -> tuple["Experiment", list[dict[str, Any]]]:
    """Architectures first, with equal weights if the balancer is open as well; then balancers."""
    tried: list[dict[str, Any]] = []
    open_balancer = experiment.balancer == "auto"
    if experiment.architecture == "auto":
        balancer = "fixed" if open_balancer else experiment.balancer
        options = {
            name: dataclasses.replace(
                experiment, architecture=_made(name, experiment), balancer=balancer
            )
            for name in ARCHITECTURES
        }
        show(f"architecture: {len(options)} are tried")
        best, table = successive_halving(_trials(options, prepared, show), RUNGS, show=show)
        show(f"architecture: {best} is taken")
        tried += [{"what": "architecture", **row} for row in table.to_dict("records")]
        experiment = dataclasses.replace(experiment, architecture=options[best].architecture)
    if open_balancer:
        options = {name: dataclasses.replace(experiment, balancer=name) for name in BALANCERS}
        show(f"balancer: {len(options)} are tried")
        best, table = successive_halving(_trials(options, prepared, show), RUNGS, show=show)
        show(f"balancer: {best} is taken")
        tried += [{"what": "balancer", **row} for row in table.to_dict("records")]
        experiment = dataclasses.replace(experiment, balancer=best)
    return experiment, tried


def _made(name: str, experiment: "Experiment") -> Any:
    return architectures.get(name, experiment.architecture_defaults())


def _trials(
    options: Mapping[str, "Experiment"], prepared: "Prepared", show: Callable[[str], None]
) -> dict[str, Callable[[int], dict[str, float]]]:
    def trial(experiment: "Experiment") -> Callable[[int], dict[str, float]]:
        def losses(epochs: int) -> dict[str, float]:
            history = _short(experiment, prepared, epochs)[1]
            return {
                task.name: float(history[f"val_{task.name}_loss"].min()) for task in prepared.tasks
            }

        return losses

    return {name: trial(option) for name, option in options.items()}


def _short(
    experiment: "Experiment", prepared: "Prepared", epochs: int, *callbacks: Any
) -> tuple[Any, Any]:
    """A short training."""
    training = dataclasses.replace(experiment.training, epochs=epochs, patience=epochs, networks=1)
    model = dataclasses.replace(experiment, training=training).build(prepared)
    data: Data = prepared.data
    return Fitting(data, training, show=lambda line: None, watching=callbacks).fit(model)


def _grouped(
    experiment: "Experiment", prepared: "Prepared", show: Callable[[str], None]
) -> tuple["Experiment", dict[str, Any]]:
    names = [task.name for task in prepared.tasks]
    data = prepared.data
    rate = experiment.training.learning_rate
    affinity = Affinity(data.x["train"], data.y["train"], rate, seed=experiment.seed)
    show(f"groups: a training of {PROBE_EPOCHS} epochs measures who helps whom")
    _short(experiment, prepared, PROBE_EPOCHS, affinity)
    mean = np.mean(affinity.affinities, axis=0)
    groups = grouping(mean, names)
    for name, row in zip(names, mean):
        said = ", ".join(
            f"{other} {100 * value:+.2f} %" for other, value in zip(names, row) if other != name
        )
        show(f"  a step for {name} lowers the loss of {said}")
    show("groups: " + "; ".join(" + ".join(group) for group in groups))
    architecture = dataclasses.replace(
        experiment.architecture, groups=tuple(tuple(group) for group in groups)
    )
    return dataclasses.replace(experiment, architecture=architecture), {
        "tasks": names,
        "affinity": mean.tolist(),
        "cosines": np.mean(affinity.cosines, axis=0).tolist(),
        "groups": groups,
    }
