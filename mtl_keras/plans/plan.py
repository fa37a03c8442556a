"""An experiment: a declaration of data, tasks, model and training; run, it gives a run."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mtl_keras import architectures, balancers, comparison, datasets, features, tasks
from mtl_keras.architectures import Architecture
from mtl_keras.balancers import Balancer
from mtl_keras.datasets import Split
from mtl_keras.declaring.naming import layer_name
from mtl_keras.declaring.registry import construct, identifier
from mtl_keras.errors import ConfigError, unknown
from mtl_keras.evaluation import calibration, evaluate, unused_sources
from mtl_keras.features import Feature
from mtl_keras.features.encoder import Encoder
from mtl_keras.features.infer import named
from mtl_keras.layers import Gate, MemberMean
from mtl_keras.model import MultiTaskModel
from mtl_keras.plans import presets
from mtl_keras.runs.clock import Clock
from mtl_keras.runs.prepare import Prepared, prepare
from mtl_keras.runs.run import Run
from mtl_keras.search import settle as choosing
from mtl_keras.tasks import Task
from mtl_keras.training import Fitting, Training


@dataclasses.dataclass
class Experiment:
    """Data, split, features, tasks, architecture, balancer and training of one model.

    Args:
        tasks: What to predict: tasks, or a mapping from name to kind or `{"kind": ..., ...}`.
        features: What from: `"infer"`, all other columns, guessed by `features.infer`; a list,
            exactly these: features, or names of columns, which are guessed; or a mapping from
            column to kind, feature or `"drop"`, with the rest guessed.
        architecture: An architecture, its name or a mapping; or `"auto"`: several are tried on the
            validation rows, see `mtl_keras.choosing`. Default `"shared_bottom"`.
        balancer: A balancer, its name or a mapping, or `"auto"`. Default `"fixed"`.
        split: Which rows train, choose and judge.
        training: Optimizer, schedule, lengths: a `Training`, or a mapping with its arguments.
        preset: `"fast"` (seconds), `"default"` or `"best"` (minutes): sets what `architecture`
            and `training` leave open, where these are names and mappings. Default `"default"`.
        name: Name of the artifact. Default `"experiment"`.
        seed: Integer; with the same seed and data a run is the same again. Default 0.
        data: Default table of `run`: a path or DataFrame.
        sample_weight: Column with a weight for each row, which counts in training only; or a
            mapping from task to such a column, for those that have one. Default none.
        slices: Column by whose values the report tells how good the model is. Default none.

    Example:

    >>> experiment = Experiment(tasks={"churned": "binary", "spend": "regression"})
    >>> experiment.tasks
    [Binary('churned'), Regression('spend')]
    """

    tasks: Any  # list[Task] once made
    features: str | Sequence[Feature] | Mapping[str, Any] = "infer"
    architecture: Architecture | Any = "shared_bottom"
    balancer: Balancer | Any = "fixed"
    split: Split = dataclasses.field(default_factory=Split)
    training: Training | Any = dataclasses.field(default_factory=dict)
    preset: str = "default"
    name: str = "experiment"
    seed: int = 0
    data: Any = None
    sample_weight: str | Mapping[str, str] | None = None
    slices: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.tasks, Mapping):
            self.tasks = [tasks.get(declared, name) for name, declared in self.tasks.items()]
        self.tasks: list[Task] = list(self.tasks)
        names = [task.name for task in self.tasks]
        if not names:
            raise ConfigError("An experiment needs at least one task. Received: none.")
        _all_differ(names, "tasks", "`name`")
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
        preset = presets.get(self.preset)
        if self.architecture != "auto":
            self.architecture = architectures.get(self.architecture, preset["architecture"])
            self.architecture.check_tasks(self.tasks)
        if isinstance(self.training, Mapping):
            given = {**preset["training"], **self.training}
            self.training = construct(Training, given, "[training]")
        if self.balancer != "auto":
            balancers.get(self.balancer)  # to fail now; each run makes its own
        if Path(self.name).name != self.name or self.name.startswith("."):
            raise ConfigError(f"`name` must be a plain folder name. Received: name={self.name!r}")

    def weight_columns(self) -> dict[str, str]:
        """Per task that has any, the column with the weights of its rows."""
        if isinstance(self.sample_weight, str):
            return {task.name: self.sample_weight for task in self.tasks}
        return dict(self.sample_weight or {})

    # The story

    def run(
        self,
        data: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        show: Callable[[str], None] | None = print,
    ) -> Run:
        """Read, split, encode, build, fit, evaluate.

        Args:
            data: A path or DataFrame. Default: the experiment's `data`.
            checkpoint: Folder to keep the state of the training in while it runs.
            resume: Whether to go on from that state, if there is one.
            show: A function that prints a line; None for silence.

        Returns:
            A `Run`: model, history, evaluation; `run.export(folder)` writes the artifact.

        Raises:
            DataError: if the table does not fit the declaration.
            TrainingError: if a task's loss is not finite.
        """
        show = show or (lambda line: None)
        keras.utils.set_random_seed(self.seed)
        prepared, clock = self.prepare(data, show)
        with clock("choose"):
            decided, tried = choosing.decided(self, prepared, show)
        if tried:
            keras.utils.set_random_seed(self.seed)
        run = decided._fit(prepared, clock, checkpoint, resume, show)
        run.metadata |= tried
        return run

    def _fit(
        self,
        prepared: Prepared,
        clock: Clock,
        checkpoint: str | Path | None,
        resume: bool,
        show: Callable[[str], None],
    ) -> Run:
        """Build, fit, evaluate: all of `run` that comes after what was left open is decided."""
        encoder, fitted, encoded = prepared.encoder, prepared.tasks, prepared.data
        with clock("build"):
            model = self.build(prepared)
            show(self._summary(prepared.rows, encoder, model))
        with clock("fit"):
            fitting = Fitting(encoded, self.training, show=show)
            if checkpoint is not None:
                fitting = dataclasses.replace(
                    fitting,
                    checkpoint=Path(checkpoint),
                    fingerprint=self._fingerprint(prepared.table),
                    resume=resume,
                )
            model, history = fitting.fit(model)
            if self.training.networks > 1:
                numbers = range(1, self.training.networks)
                others = [self._another(n, prepared, fitting) for n in numbers]
                model = fitting.select([model, *others])
        with clock("evaluate"):
            x, y = encoded.x, encoded.y
            sharing = model.sharing(x["validation"])
            gates = [layer.name for layer in model.layers if isinstance(layer, Gate)]
            for expert in unused_sources(sharing, gates):
                show(f"warning: no task uses {expert}; fewer experts, or gate_dropout, may do")
            outputs = model.predict(x["validation"], verbose=0)
            fitted = [t.calibrate(y["validation"][t.name], outputs[t.name]) for t in fitted]
            truths = prepared.truths()
            outputs = model.predict(x["test"], verbose=0)
            predictions = {t.name: t.prediction(outputs[t.name]) for t in fitted}
            constants = {t.name: t.constant(truths["train"][t.name]) for t in fitted}
            evaluation = evaluate(fitted, truths["test"], predictions, constants)
        return Run(
            experiment=self,
            tasks=fitted,
            encoder=encoder,
            model=model,
            guesses=prepared.guesses,
            history=history,
            evaluation=evaluation,
            rows={part: len(rows) for part, rows in prepared.rows.items()},
            test=prepared.rows["test"],
            truths=truths,
            predictions=predictions,
            sharing=sharing,
            metadata={"calibration": calibration(fitted, truths["test"], outputs)},
            seconds=clock.seconds,
        )

    def prepare(
        self, data: Any = None, show: Callable[[str], None] | None = None
    ) -> tuple[Prepared, Clock]:
        """Read, split and encode: all of `run` that comes before the network.

        Args:
            data: A path or DataFrame. Default: the experiment's `data`.
            show: A function that prints a line; None for silence.

        Returns:
            What `Prepared` says, and how long each stage took.
        """
        return prepare(self, data, show)

    def compare(self, data: Any = None, **options: Any) -> comparison.Comparison:
        """Did sharing help? See `mtl_keras.comparison.compare`, which takes the same arguments."""
        return comparison.compare(self, data, **options)

    # Its steps

    def build(self, prepared: Prepared) -> MultiTaskModel:
        """The Functional graph: inputs, the architecture, a head per task; compiled."""
        encoder, fitted, data = prepared.encoder, prepared.tasks, prepared.data
        labels = np.column_stack([data.y["train"][task.name] for task in fitted])
        rows, inputs = len(labels), encoder.inputs()
        numbers = data.x["train"].get("numeric")
        embed = architectures.embedder(
            self.architecture, inputs, encoder.category_sizes, numbers, labels, encoder.own
        )
        represented = self.architecture.represent(embed, [task.slug for task in fitted])
        heads = {task.name: task.head(represented[task.slug]) for task in fitted}
        outputs = {
            name: output
            if len(output.shape) == 2
            else MemberMean(name=f"{layer_name(name)}_mean")(output)
            for name, output in self.architecture.connect(heads).items()
        }
        model = MultiTaskModel(inputs, outputs, name="network")
        model.compile(
            self.training.optimizer(rows),
            loss={task.name: task.training_loss() for task in fitted},
            loss_weights={task.name: task.weight for task in fitted},
            metrics={task.name: task.training_metrics() for task in fitted},
            balancer=self._balancer(),
            jit_compile=self.training.jit_compile,
        )
        return model

    def architecture_defaults(self) -> dict[str, Any]:
        """Arguments that the preset gives an architecture that is only named."""
        return presets.get(self.preset)["architecture"]

    def _balancer(self) -> Balancer:
        given = balancers.get(self.balancer)
        return type(given).from_config(given.get_config())

    def _another(self, number: int, prepared: Prepared, fitting: Fitting) -> MultiTaskModel:
        """A network that differs from the declared one, trained."""
        changes, factors = presets.variation(number)
        config = {**self.architecture.get_config(), **changes}
        scaled = {key: getattr(self.training, key) * factor for key, factor in factors.items()}
        varied = dataclasses.replace(
            self,
            architecture=architectures.get(config, only_accepted=True),
            training=dataclasses.replace(self.training, **scaled),
        )
        what = ", ".join(f"{key} {value}" for key, value in changes.items())
        fitting.show(f"network {number + 1} of {self.training.networks}: {what}")
        keras.utils.set_random_seed(self.seed + number)
        model = varied.build(prepared)
        folder = fitting.checkpoint and fitting.checkpoint / f"network_{number + 1}"
        own = dataclasses.replace(fitting, training=varied.training, checkpoint=folder)
        return own.fit(model)[0]

    def _fingerprint(self, table: pd.DataFrame) -> str:
        content = datasets.fingerprint(table)
        return json.dumps([self.to_dict(), len(table), content], sort_keys=True, default=str)

    def _summary(self, rows: Mapping[str, Any], encoder: Encoder, model: MultiTaskModel) -> str:
        counts = ", ".join(f"{len(part):,} {name}" for name, part in rows.items())
        kinds = ", ".join(f"{task.name} ({task.kind})" for task in self.tasks)
        return (
            f"rows: {counts}\ntasks: {kinds}\n"
            f"features: {len(encoder.features)}; parameters: {model.count_params():,}"
        )

    # To and from files

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain values, as an experiment file has it."""
        declared: Any = self.features
        if isinstance(declared, Mapping):
            chosen = named(declared, features.get)
            declared = {n: f.get_config() if f else "drop" for n, f in chosen.items()}
        elif not isinstance(declared, str):
            declared = [f if isinstance(f, str) else f.get_config() for f in declared]
        config = {
            "name": self.name,
            "seed": self.seed,
            "data": {"path": str(Path(self.data).resolve())}
            if isinstance(self.data, (str, Path))
            else {},
            "split": _stated(self.split),
            "tasks": {task.name: task.get_config() for task in self.tasks},
            "features": declared,
            "architecture": "auto"
            if self.architecture == "auto"
            else self.architecture.get_config(),
            "balancer": "auto"
            if self.balancer == "auto"
            else _declared(balancers.get(self.balancer)),
            "training": {
                key: value
                for key, value in dataclasses.asdict(self.training).items()
                if value is not None
            },
            "preset": self.preset,
        }
        if self.sample_weight:
            config["data"]["sample_weight"] = self.sample_weight
        if self.slices:
            config["slices"] = self.slices
        return config

    @classmethod
    def from_dict(cls, config: Mapping[str, Any], folder: str | Path = ".") -> "Experiment":
        """The experiment of a dict as `to_dict` gives it; a relative data path is from `folder`.

        Raises:
            ConfigError: if a key or value is not good; the nearest good one is named.
        """
        config = {**config}
        arguments: dict[str, Any] = {}
        data = construct(_Data, dict(config.pop("data", {})), "[data]")
        if data.path is not None:
            arguments["data"] = Path(folder) / data.path
        arguments["sample_weight"] = data.sample_weight
        if "split" in config:
            arguments["split"] = construct(Split, dict(config.pop("split")), "[split]")
        return construct(cls, {**config, **arguments}, "the experiment", typed=False)


@dataclasses.dataclass
class _Data:
    path: str | None = None
    sample_weight: str | dict[str, str] | None = None


def _all_differ(names: list[str], what: str, other: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"Two {what} are named {name!r}. Give one another {other}.")


def _declared(balancer: Balancer) -> dict[str, Any]:
    """A balancer as a file has it: its name, and arguments that are not the default."""
    config, options = balancer.get_config(), type(balancer).options()
    arguments = {k: config[k] for k, p in options.items() if config[k] != p.default}
    return {"kind": identifier(type(balancer)), **arguments}


def _stated(part: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults."""
    return {
        field.name: getattr(part, field.name)
        for field in dataclasses.fields(part)
        if getattr(part, field.name) != field.default
    }
