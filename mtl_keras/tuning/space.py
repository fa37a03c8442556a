"""Search spaces: settings, named by their place in an experiment, and the values to try."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mtl_keras import architectures
from mtl_keras.errors import ConfigError, check, shown, unknown
from mtl_keras.plans import Plan, file

P = TypeVar("P", bound=Plan)
WITHOUT_EFFECT = {"training.networks", "training.refit"}  # on a trial: see `networks.short`


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`.

    Args:
        low: The lowest number.
        high: The highest number.
        log: Whether to search on a logarithmic scale. Default False.
        whole: Whether to try only whole numbers. Default None: if both ends are whole.
    """

    low: float
    high: float
    log: bool = False
    whole: bool | None = None

    def suggested(self, trial: Any, name: str) -> float:
        """The value that a trial of Optuna suggests."""
        if self.is_whole:
            return int(trial.suggest_int(name, int(self.low), int(self.high), log=self.log))
        return float(trial.suggest_float(name, self.low, self.high, log=self.log))

    @property
    def is_whole(self) -> bool:
        ends = isinstance(self.low, int) and isinstance(self.high, int)
        return ends if self.whole is None else self.whole

    def holds(self, value: Any) -> bool:
        """Whether a value is one of these."""
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    def stored(self, value: Any) -> Any:
        """A value as Optuna keeps it."""
        return value


@dataclass(frozen=True)
class Choice:
    """A choice between values: names, lists, numbers or booleans."""

    values: tuple[Any, ...]

    def suggested(self, trial: Any, name: str) -> Any:
        """The value that a trial of Optuna suggests."""
        return json.loads(trial.suggest_categorical(name, list(map(self.stored, self.values))))

    def holds(self, value: Any) -> bool:
        """Whether a value is one of these."""
        return self.stored(value) in map(self.stored, self.values)

    def stored(self, value: Any) -> str:
        """Return a value as Optuna stores it, which does not accept lists."""
        return json.dumps(value)


Space = dict[str, Range | Choice]

DEFAULT: Mapping[str, Any] = {
    "architecture.kind": ["shared_bottom", "mmoe", "cross_stitch"],
    "architecture.layers": [[128, 64], [256, 128], [512, 256]],
    "architecture.dropout": {"low": 0.0, "high": 0.4},
    "training.learning_rate": {"low": 1e-3, "high": 1e-2, "log": True},
    "training.weight_decay": {"low": 3e-3, "high": 0.3, "log": True},
    "balancer": ["fixed", "uncertainty", "famo"],
}
WEIGHTS = {"low": 0.3, "high": 3.0, "log": True}  # the weight of each task, if there are several


def space_of(declared: Mapping[str, Any] | None, plan: Plan) -> Space:
    """Return the search space that a plan declares in `[search]`, or the default one.

    Args:
        declared: For each setting, such as `"architecture.dropout"`, a list of values, or a mapping
            with `low`, `high` and optionally `log`. Default None: the settings in `DEFAULT`, and
            the weight of each task.
        plan: The plan whose settings are searched.

    Raises:
        ConfigError: if a setting or a value is not valid in an experiment.

    Example:

    >>> plan = Plan(tasks={"churned": "binary", "spend": "regression"})
    >>> space_of({"architecture.dropout": {"low": 0, "high": 0.5}}, plan)
    {'architecture.dropout': Range(low=0, high=0.5, log=False, whole=None)}
    """
    if declared is None:
        declared = {**DEFAULT}
        if len(plan.tasks) > 1:
            declared |= {f"tasks.{task.name}.weight": WEIGHTS for task in plan.tasks}
    space = {setting: _parsed(setting, values) for setting, values in _flat(declared).items()}
    _check_arguments(space, plan)
    for setting in WITHOUT_EFFECT & {*space}:
        raise ConfigError(
            f"[search] {setting} has no effect on a trial, which trains one network, without a "
            "refit. Leave it out."
        )
    for setting, values in space.items():
        ends = values.values if isinstance(values, Choice) else (values.low, values.high)
        for value in ends:
            try:
                changed(plan, {setting: value})
            except ConfigError as error:
                raise ConfigError(f"[search] {setting}: {error}") from error
    return space


def changed(plan: P, values: Mapping[str, Any]) -> P:
    """Return a plan with some settings changed.

    Arguments that a new kind of architecture does not have are left out.

    Example:

    >>> plan = Plan(tasks={"churned": "binary"}, preset="fast")
    >>> changed(plan, {"training.epochs": 3}).training.epochs
    3
    """
    overrides: dict[str, Any] = {}
    for setting, value in values.items():
        *places, last = setting.split(".")
        at = overrides
        for place in places:
            at = at.setdefault(place, {})
        at[last] = value
    architecture = overrides.pop("architecture", {})
    config = plan.to_dict()
    for task in overrides.get("tasks", {}):
        if task not in config["tasks"]:
            raise ConfigError(f"There is no task {task!r}. Tasks: {', '.join(config['tasks'])}.")
    config.pop("data")
    made = (
        type(plan)
        .from_dict(file.merged(config, overrides))
        .but(data=plan.data, sample_weight=plan.sample_weight, streaming=plan.streaming)
    )
    if not architecture:
        return made
    if isinstance(architecture, str):
        architecture = {"kind": architecture}
    return made.but(
        architecture=architectures.get(
            {**plan.architecture.get_config(), **architecture}, only_accepted=True
        )
    )


def current(plan: Plan, space: Space) -> dict[str, Any] | None:
    """Return the plan's own values as a trial of the space; None if one is not in it."""
    config = plan.to_dict()
    values = {}
    for setting, options in space.items():
        at: Any = config
        for place in setting.split("."):
            at = at.get(place) if isinstance(at, Mapping) else None
        if setting == "balancer" and isinstance(at, Mapping):
            at = at.get("kind")
        at = 1.0 if at is None and setting.endswith(".weight") else at
        if not options.holds(at):
            return None
        values[setting] = options.stored(at)
    return values


def _check_arguments(space: Space, plan: Plan) -> None:
    """Raise a ConfigError if no architecture in the space has an argument."""
    kinds = space.get("architecture.kind", space.get("architecture"))
    tried = [architectures.get(kind) for kind in kinds.values] if isinstance(kinds, Choice) else []
    tried += [plan.architecture] if plan.architecture != "auto" else []
    known = {"kind"}.union(*(architecture.get_config() for architecture in tried))
    for setting in space:
        start, _, argument = setting.partition(".")
        if start == "architecture" and argument and argument not in known:
            raise ConfigError(f"[search] {unknown('setting', argument, sorted(known))}")


def _flat(declared: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """Return nested tables as dotted settings; TOML reads `architecture.dropout` as a table."""
    found: dict[str, Any] = {}
    for key, value in declared.items():
        if isinstance(value, Mapping) and not {"low", "high"} <= set(value):
            found |= _flat(value, f"{start}{key}.")
        else:
            found[f"{start}{key}"] = value
    return found


def _parsed(setting: str, values: Any) -> Range | Choice:
    if isinstance(values, Mapping):
        try:
            made = Range(**values)
            good = made.low < made.high and (made.low > 0 or not made.log)
        except TypeError:
            good = False
        expected = "have low < high and, where wanted, log (with low > 0) and whole"
        check(good, f"[search] {setting}", expected, dict(values))
        return made
    listed = isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 0
    if not listed:
        raise ConfigError(
            f"[search] {setting} must be a list of values, or have low and high. Received: "
            f"{shown(values)}."
        )
    return Choice(tuple(values))
