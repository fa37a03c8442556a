"""The candidates: the joint model, single-task twins, other weights, other architectures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_keras import architectures
from mtl_keras.comparison.baselines import available
from mtl_keras.errors import ConfigError
from mtl_keras.plans import Plan

JOINT, SINGLE, EQUAL, TUNED = "joint", "single-task", "equal weights", "tuned weights"
PART = "part_of_the_comparison"

Setting = tuple[str, Mapping[str, Any]]  # its choices in words, and the plan


@dataclass(frozen=True)
class Candidate:
    """A way to predict all tasks.

    Attributes:
        name: Name for people to read.
        networks: The settings of each network, of which the best on the validation rows is used.
            Together, the networks predict all tasks. Empty for a baseline.
    """

    name: str
    networks: tuple[tuple[Setting, ...], ...] = ()


def candidates(
    plan: Plan, also: Sequence[str] = (), tries: int = 4, tune: int = 0, baselines: bool = True
) -> list[Candidate]:
    """Return everything that a comparison trains.

    Args:
        plan: The plan of the joint model.
        also: Further candidates, `"architecture"`, `"+balancer"` or `"architecture+balancer"`.
        tries: Number of settings of constant weights to try on the validation rows; 0 for none.
        tune: Number of further settings of learning rate and dropout to choose from on the
            validation rows, the same for the joint model and each twin.
        baselines: Whether to include models that are not networks.
    """
    joint = comparable(plan)
    twins = [twin(plan, task.name) for task in plan.tasks]
    compared = [
        Candidate(JOINT, (settings(joint, tune),)),
        Candidate(SINGLE, tuple(settings(alone, tune) for alone in twins)),
    ]
    equal = {**joint, "balancer": {"kind": "fixed"}, "tasks": _weighted(joint["tasks"], {})}
    if len(plan.tasks) > 1:
        if equal != joint:
            compared.append(Candidate(EQUAL, (settings(equal, tune),)))
        if tries:
            weights = _draws([task.name for task in plan.tasks], tries)
            tried = [
                (_listed(drawn), {**equal, "tasks": _weighted(joint["tasks"], drawn)})
                for drawn in weights
            ]
            compared.append(Candidate(TUNED, ((("equal", equal), *tried),)))
    for text in also:
        architecture, _, balancer = text.partition("+")
        config = {**joint}
        if architecture:
            own = architectures.get({**joint["architecture"], "kind": architecture}, None, True)
            config["architecture"] = own.get_config()
        if balancer:
            config["balancer"] = {"kind": balancer}
        if not architecture and not balancer:
            raise ConfigError(
                f"Expected ARCHITECTURE, +BALANCER or ARCHITECTURE+BALANCER. Received: {text!r}"
            )
        Plan.from_dict(config)  # to fail early
        compared.append(Candidate(text, (settings(config, tune),)))
    if baselines:
        compared += [Candidate(name) for name in available()]
    return compared


def comparable(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain values, for rows that the comparison has split."""
    plan = plan.but(training=plan.training.untracked())
    config = json.loads(json.dumps(plan.to_dict()))  # plain values, to be pickled
    config["split"] = {"strategy": "column", "column": PART}
    config["data"] = {k: v for k, v in config["data"].items() if k == "sample_weight"}
    return _without(config, plan.split.columns())


def twin(plan: Plan, task: str) -> dict[str, Any]:
    """Return the same plan for a single task: same features, trunk, recipe and budget."""
    config = comparable(plan)
    config["tasks"] = {task: config["tasks"][task]}
    config["balancer"] = {"kind": "fixed"}
    weight = plan.weight_columns().get(task)
    config["data"] = {"sample_weight": weight} if weight else {}
    kept = next(t.columns for t in plan.tasks if t.name == task)
    targets = [column for other in plan.tasks for column in other.columns]
    weights = {*plan.weight_columns().values()} - {weight}  # which would be read as features
    return _without(config, [column for column in (*targets, *weights) if column not in kept])


def settings(declared: Mapping[str, Any], tune: int) -> tuple[Setting, ...]:
    """Return a plan as declared, and variants with other learning rates and dropouts.

    Rates are between a third and three times the declared one, and dropouts between 0 and 0.5.
    """
    random = np.random.default_rng(0)
    choices: list[Setting] = [("as declared", declared)]
    architecture, training = declared["architecture"], declared["training"]
    for factor, dropout in random.uniform((-1, 0), (1, 0.5), (tune, 2)):
        rate = float(f"{training['learning_rate'] * 3**factor:.2g}")
        varied = {**declared, "training": {**training, "learning_rate": rate}}
        changed = {"learning rate": rate}
        if "dropout" in architecture:
            changed["dropout"] = round(float(dropout), 2)
            varied["architecture"] = {**architecture, "dropout": changed["dropout"]}
        choices.append((_listed(changed), varied))
    return tuple(choices)


def _without(config: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return a plan that drops these columns, unless it has a list of features without them."""
    declared = config["features"]
    if isinstance(declared, list) or not columns:
        return config
    declared = {} if declared == "infer" else declared
    return {**config, "features": {**declared, **dict.fromkeys(columns, "drop")}}


def _weighted(tasks: Mapping[str, Any], weights: Mapping[str, float]) -> dict[str, Any]:
    plain = {name: {k: v for k, v in task.items() if k != "weight"} for name, task in tasks.items()}
    return {
        name: {**task, "weight": weights[name]} if name in weights else task
        for name, task in plain.items()
    }


def _draws(names: Sequence[str], tries: int) -> list[dict[str, float]]:
    """Return constant weights from 1/4 to 4, geometric mean 1, one task increased in each."""
    random = np.random.default_rng(0)
    drawn = []
    for number in range(tries):
        logs = random.uniform(-1, 1, len(names)) + np.eye(len(names))[number % len(names)]
        weights = 4.0 ** ((logs - logs.mean()) / 2)
        drawn.append({name: round(float(w), 3) for name, w in zip(names, weights)})
    return drawn


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items())
