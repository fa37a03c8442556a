"""The plan of an experiment: data, tasks, model and training, as values that a file can hold."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from mtl_keras import architectures, balancers, features, tasks, tracking
from mtl_keras.architectures import Architecture
from mtl_keras.balancers import Balancer
from mtl_keras.datasets import Split, placeholders, text_encoding
from mtl_keras.declaring import references, registry
from mtl_keras.errors import Checked, ConfigError, unknown
from mtl_keras.features import Feature, crossing
from mtl_keras.features.infer import named
from mtl_keras.plans import file, misplaced, presets, sources, types
from mtl_keras.plans.joint import covering_together
from mtl_keras.plans.timed import timed
from mtl_keras.tasks import Task
from mtl_keras.training import Training
from mtl_keras.training.named_logs import check_logs

PLAIN = ("slices", "intended_use", "worst_rows", "search", "joint_coverage")
"""Fields that a file holds as they are, if they differ from their defaults."""


@dataclasses.dataclass
class Plan(Checked):
    """The values of an experiment; `mtl_keras.Experiment` describes them and adds the methods.

    Raises:
        ConfigError: if a value is invalid, or if values contradict each other.

    Example:

    >>> plan = Plan(tasks={"churned": "binary"}, training={"epochs": 5})
    >>> plan.training.epochs
    5
    """

    tasks: Any  # list[Task] once made
    features: str | Sequence[Feature | str] | Mapping[str, Any] = "infer"
    architecture: Architecture | Any = "shared_bottom"
    balancer: Balancer | Any = "fixed"
    split: Split = dataclasses.field(default_factory=Split)
    training: Training | Any = dataclasses.field(default_factory=dict)
    preset: str = "default"
    name: str = "experiment"
    seed: int = 0
    data: Any = None
    sample_weight: str | Mapping[str, str] | None = None
    missing_values: placeholders.Declared = ()
    encoding: str = "utf-8"
    crossings: str | Sequence[Sequence[str]] = "auto"
    slices: str | None = None
    intended_use: str | None = None
    worst_rows: int = 10
    streaming: bool | None = None
    search: Mapping[str, Any] | None = None
    joint_coverage: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.split, Mapping):
            self.split = registry.construct(Split, self.split, "[split]")
        types.check(self)
        self.seed, self.worst_rows = int(self.seed), int(self.worst_rows)  # NumPy's, too
        if isinstance(self.tasks, Mapping):
            self.tasks = [tasks.get(declared, name) for name, declared in self.tasks.items()]
        self.tasks: list[Task] = [tasks.get(task) for task in self.tasks]
        self.missing_values = placeholders.checked(self.missing_values)
        self.encoding = text_encoding.checked(self.encoding)
        names = [task.name for task in self.tasks]
        if not names:
            raise ConfigError("An experiment needs at least one task. Received: none.")
        _all_differ(names, "tasks", "`name`")
        check_logs(names)
        for name in self.weight_columns():
            if name not in names:
                raise ConfigError(unknown("task in `sample_weight`", name, names))
        if isinstance(self.features, str) and self.features != "infer":
            raise ConfigError(
                f"`features` must be 'infer', a list or a mapping. Received: {self.features!r}"
            )
        if not isinstance(self.features, (str, Mapping)):
            self.features = [f if isinstance(f, str) else features.get(f) for f in self.features]
            names = [f if isinstance(f, str) else f.name for f in self.features]
            _all_differ(names, "features", "name, and its `column`")
        self.split = timed(self.split, self.features)
        if self.crossings != "auto":
            self.crossings = crossing.declared(self.crossings)
        covering_together(self.tasks, self.joint_coverage)  # to fail early
        preset = presets.get(self.preset)
        if self.architecture != "auto":
            if isinstance(self.architecture, Mapping):  # of the preset's kind, unless stated
                self.architecture = {"kind": "shared_bottom", **self.architecture}
            defaults = preset["architecture"]
            self.architecture = architectures.get(self.architecture, defaults, others=["auto"])
            self.architecture.check_tasks(self.tasks)
        if isinstance(self.training, Mapping):
            arguments = {**preset["training"], **self.training}
            self.training = registry.construct(Training, arguments, "[training]")
        if self.balancer != "auto":
            balancers.get(self.balancer, others=["auto"])  # to fail early; each model makes its own
        if self.training.tracking is not None:
            tracking.get(self.training.tracking)  # likewise
        if not self.name or Path(self.name).name != self.name or self.name.startswith("."):
            raise ConfigError(
                "`name` must be the name of a folder, such as 'shop', and no path. Received: "
                f"name={self.name!r}"
            )

    @classmethod
    def argument_hint(cls, name: str, value: object) -> str:
        """The part of an experiment that has a setting of this name, if it has none itself."""
        own = [field.name for field in dataclasses.fields(cls)]
        return misplaced.argument_hint(name, value, own)

    # What it needs from a table

    def weight_columns(self) -> dict[str, str]:
        """The column with the sample weights, for each task that has them."""
        if isinstance(self.sample_weight, str):
            return {task.name: self.sample_weight for task in self.tasks}
        return dict(self.sample_weight or {})

    def label_columns(self) -> list[str]:
        """The columns that contain labels of any task."""
        return [column for task in self.tasks for column in task.columns]

    @property
    def streams(self) -> bool | None:
        """Whether the data are streamed; None if that depends on whether they fit into memory."""
        by_file = self.streaming is None and self.split.strategy == "file"
        return True if by_file else self.streaming

    def but(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    # Other plans that follow from it

    def architecture_defaults(self) -> dict[str, Any]:
        """The preset's arguments for an architecture that is given only by name."""
        return presets.get(self.preset)["architecture"]

    def variants(self) -> list[Self]:
        """The plan of each network: this one and, for several networks, its variations."""
        return [self._variant(number) for number in range(self.training.networks)]

    def _variant(self, number: int) -> Self:
        changes, factors = presets.variation(number)
        if number == 0:
            return self
        config = {**self.architecture.get_config(), **changes}
        scaled = {key: getattr(self.training, key) * factor for key, factor in factors.items()}
        return self.but(
            architecture=architectures.get(config, only_accepted=True),
            training=dataclasses.replace(self.training, **scaled),
            seed=self.seed + number,
        )

    # To and from files

    def to_dict(self, folder: Path | None = None) -> dict[str, Any]:
        """Return the plan as plain values, as in an experiment file.

        Args:
            folder: The folder of the file that the values are written to. The path of the data
                becomes relative to it; a path outside the working directory is shortened to the
                file's name, because the file may be shared. Default None: the path is not changed.
        """
        declared: Any = self.features
        if isinstance(declared, Mapping):
            chosen = named(declared, features.get)
            declared = {n: f.get_config() if f else "drop" for n, f in chosen.items()}
        elif not isinstance(declared, str):
            declared = [f if isinstance(f, str) else f.get_config() for f in declared]
        config: dict[str, Any] = {
            "name": self.name,
            "seed": self.seed,
            "data": sources.to_dict(self, folder),
            "split": _stated(self.split),
            "tasks": {task.name: task.get_config() for task in self.tasks},
            "features": declared,
            "architecture": "auto",
            "balancer": "auto",
            "training": {k: v for k, v in vars(self.training).items() if v is not None},
            "preset": self.preset,
        }
        if self.architecture != "auto":
            config["architecture"] = self.architecture.get_config()
        if self.balancer != "auto":
            config["balancer"] = balancers.declared(balancers.get(self.balancer))
        if self.training.tracking is not None:
            config["training"]["tracking"] = tracking.get(self.training.tracking).get_config()
        if self.crossings != "auto":
            config["crossings"] = [list(names) for names in self.crossings]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in PLAIN and value != field.default:
                config[field.name] = dict(value) if isinstance(value, Mapping) else value
        return config

    @classmethod
    def from_dict(cls, config: Mapping[str, Any], folder: str | Path = ".") -> Self:
        """Return the plan of a dict like that of `to_dict`. Data paths are relative to `folder`.

        Raises:
            ConfigError: if a key or value is invalid; the closest valid one is named.
        """
        config = {**config}
        arguments = sources.from_dict(config.pop("data", {}), folder)
        return registry.construct(cls, {**config, **arguments}, "the experiment", typed=False)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        trusted: Collection[str] = (),
        folder: str | Path | None = None,
        **overrides: Any,
    ) -> Self:
        """Return the plan in a TOML file.

        A file of your own may name any class to import. A file in an artifact may come from someone
        else, so that only the classes of trusted packages are imported.

        Args:
            path: The file.
            trusted: Packages from which the experiment of an artifact may import. Default none.
            folder: The folder that a relative data path is relative to. Default: the file's.
            overrides: Entries that override those of the file: see `mtl_keras.plans.file.merged`.

        Raises:
            ConfigError: if the file does not exist, is not TOML, or has an invalid key or value.
        """
        config = file.merged(file.read(path), overrides)
        folder = Path(path).parent if folder is None else folder
        try:
            if not file.of_an_artifact(path):
                return cls.from_dict(config, folder)
            with registry.without_imports(trusted=trusted):
                plan = cls.from_dict(config, folder)
                named_in_it = references.packages_named(plan.to_dict())
            if untrusted := named_in_it - {*trusted}:
                raise ConfigError(
                    f"It names functions of {min(untrusted)!r}, and the experiment of an artifact "
                    f"may come from elsewhere. Pass trusted=[{min(untrusted)!r}] to call them."
                )
        except ConfigError as error:
            raise ConfigError(f"In {path}: {error}") from error
        return plan


def _all_differ(names: list[str], what: str, other: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"Two {what} are named {name!r}. Give one another {other}.")


def _stated(part: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults."""
    return {
        field.name: getattr(part, field.name)
        for field in dataclasses.fields(part)
        if getattr(part, field.name) != field.default
    }
