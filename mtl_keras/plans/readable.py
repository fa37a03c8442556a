"""Whether a plan can be written to a file, and read again as the same plan."""

import tomllib
from collections.abc import Mapping
from typing import Any

import tomli_w

from mtl_keras import balancers, features, tracking
from mtl_keras.declaring import references
from mtl_keras.errors import ConfigError, shown
from mtl_keras.features import Feature
from mtl_keras.features.infer import named
from mtl_keras.plans.plan import Plan


def check_readable(plan: Plan) -> None:
    """Raise a ConfigError if a plan could not be read from a file again.

    An artifact contains its plan, which is needed to compare and to resume, so this is checked
    before training.

    Args:
        plan: The plan.
    """
    parts: list[tuple[str, Any]] = [(f"task {task.name!r}", type(task)) for task in plan.tasks]
    listed: Any = plan.features
    if isinstance(listed, Mapping):
        listed = named(listed, features.get).values()
    parts += [(f"feature {f.name!r}", type(f)) for f in listed if isinstance(f, Feature)]
    if plan.architecture != "auto":
        parts.append(("the architecture", type(plan.architecture)))
    if plan.balancer != "auto":
        balancer = balancers.get(plan.balancer)
        parts.append(("the balancer", getattr(balancer, "function", type(balancer))))
    if plan.training.tracking is not None:
        parts.append(("the tracker", type(tracking.get(plan.training.tracking))))
    for what, value in parts:
        references.check_reference(value, what)
    config = plan.to_dict()
    try:
        text = tomli_w.dumps(config)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"The experiment cannot be written to a file: {error}. Expected numbers, texts, "
            "booleans, and lists and mappings of them in what tasks, features, architecture "
            "and balancer declare."
        ) from error
    again = Plan.from_dict(tomllib.loads(text)).to_dict()
    for key, value in config.items():
        if again[key] != value and key != "data":
            raise ConfigError(
                f"`{key}` of the experiment changes when it is written and read again: "
                f"{shown(value)} became {shown(again[key])}. `get_config` of a class of your "
                "own must return every argument of its constructor."
            )
