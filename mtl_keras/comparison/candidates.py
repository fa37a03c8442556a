"""What is compared: the joint model, its single-task twins, other weights, other architectures."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_keras import architectures
from mtl_keras.comparison.baselines import available
from mtl_keras.errors import ConfigError

if TYPE_CHECKING:
    from mtl_keras.experiment import Experiment

JOINT, SINGLE, EQUAL, TUNED = "joint", "single-task", "equal weights", "tuned weights"
PART = "part_of_the_comparison"


@dataclass(frozen=True)
class Candidate:
    """One way to answer all tasks.

    Attributes:
        name: For people.
        declared: Experiments that make it up, as plain values; each answers some of the tasks.
            None for a baseline.
        choose: Whether only the one is kept that is best on the validation rows.
    """

    name: str
    declared: tuple[Mapping[str, Any], ...] = ()
    choose: bool = False

    def key(self, seed: int, content: str) -> str:
        """A name for the file of its result, another one if anything that matters is different."""
        text = json.dumps([self.name, self.declared, self.choose, seed, content], default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def candidates(
    experiment: "Experiment", also: Sequence[str] = (), tries: int = 4, baselines: bool = True
) -> list[Candidate]:
    """All that a comparison trains.

    Args:
        experiment: The joint model.
        also: Further ones, `"architecture"`, `"+balancer"` or `"architecture+balancer"`.
        tries: Settings of constant weights that are tried, on validation; 0 for none.
        baselines: Whether models that are no networks take part.
    """
    joint = comparable(experiment)
    found = [
        Candidate(JOINT, (joint,)),
        Candidate(SINGLE, tuple(twin(experiment, task.name) for task in experiment.tasks)),
    ]
    equal = {**joint, "balancer": {"kind": "fixed"}, "tasks": _weighted(joint["tasks"], {})}
    if len(experiment.tasks) > 1:
        if equal != joint:
            found.append(Candidate(EQUAL, (equal,)))
        if tries:
            settings = tuple(
                {**equal, "tasks": _weighted(joint["tasks"], weights)}
                for weights in _draws([task.name for task in experiment.tasks], tries)
            )
            found.append(Candidate(TUNED, (equal, *settings), choose=True))
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
        type(experiment).from_dict(config)  # to fail now
        found.append(Candidate(text, (config,)))
    if baselines:
        found += [Candidate(name) for name in available()]
    return found


def comparable(experiment: "Experiment") -> dict[str, Any]:
    """An experiment as plain values, on the rows that the comparison has split."""
    config = json.loads(
        json.dumps(experiment.to_dict())
    )  # plain through and through, to be pickled
    config["split"] = {"strategy": "column", "column": PART}
    config["data"] = {k: v for k, v in config["data"].items() if k == "sample_weight"}
    return _without(config, experiment.split.columns())


def twin(experiment: "Experiment", task: str) -> dict[str, Any]:
    """The same experiment for one task alone: same features, trunk, recipe and budget."""
    config = comparable(experiment)
    config["tasks"] = {task: config["tasks"][task]}
    config["balancer"] = {"kind": "fixed"}
    kept = next(t.columns for t in experiment.tasks if t.name == task)
    targets = [column for other in experiment.tasks for column in other.columns]
    return _without(config, [column for column in targets if column not in kept])


def _without(config: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The declaration with columns that are no features; where features are listed, none is."""
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
    """Constant weights with a geometric mean of 1, from a quarter to four, one task up in each."""
    random = np.random.default_rng(0)
    made = []
    for number in range(tries):
        logs = random.uniform(-1, 1, len(names)) + np.eye(len(names))[number % len(names)]
        weights = 4.0 ** ((logs - logs.mean()) / 2)
        made.append({name: round(float(w), 3) for name, w in zip(names, weights)})
    return made
