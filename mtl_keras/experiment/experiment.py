"""An experiment: a plan that can be run and compared."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mtl_keras import balancers, comparison, runs, tuning
from mtl_keras.comparison import Comparison
from mtl_keras.declaring.references import reference
from mtl_keras.drawing import notebook
from mtl_keras.jobs.ray_cluster import Cluster
from mtl_keras.plans import Plan
from mtl_keras.runs import Run
from mtl_keras.runs.prepare import prepare
from mtl_keras.runs.prepared import Prepared
from mtl_keras.tuning import Tuning


@dataclasses.dataclass(repr=False)
class Experiment(Plan):
    """Data, split, features, tasks, architecture, balancer and training of one model.

    Args:
        tasks: What to predict: a list of tasks, or a mapping from name to kind or `{"kind": ...,
            ...}`; or `tasks.infer(table[["churned", "spend"]])`, which guesses the kinds.
        features: The columns to predict from. `"infer"`: all other columns, with kinds guessed by
            `features.infer`. A list: exactly these features, or columns whose kinds are guessed. A
            mapping from column to kind, feature or `"drop"`: the kinds of all other columns are
            guessed. Default `"infer"`.
        architecture: An architecture, its name or a mapping; or `"auto"`, which tries several on
            the validation rows. Default `"shared_bottom"`.
        balancer: A balancer, its name or a mapping; or `"auto"`, as above. Default `"fixed"`.
        split: How the rows are split: a `Split`, or a mapping with its arguments.
        training: Optimizer, schedule, epochs: a `Training`, or a mapping with its arguments.
        preset: `"fast"` (seconds), `"default"` or `"best"` (minutes): sets the arguments that
            `architecture` and `training` leave open, if these are names or mappings. Default
            `"default"`.
        name: Name of the artifact. Default `"experiment"`.
        seed: Integer; the same seed and data give the same run. Default 0.
        data: Default data of a run: a path or a DataFrame; or a folder, a pattern such as
            `"events/*.parquet"` or a list of paths, which are streamed if they do not fit into
            memory.
        sample_weight: Column with a weight for each row, which is used in training only; or a
            mapping from task to such a column. Default none.
        missing_values: Texts and numbers that stand for a missing value in all columns, such as
            `["?", "k.A."]`; or a mapping from column to such values, `{"age": [999]}`. Default:
            only empty cells, and in a CSV file words such as `NA`.
        encoding: The encoding of CSV and JSON files, such as `"cp1252"` for files from Windows.
            Default UTF-8, or UTF-16 with a byte-order mark.
        crossings: Features whose exact values are read as categories as well, alone or several
            combined, such as `[["month", "day"], ["postcode"]]`: see `features.Crossing`. Default
            `"auto"`: those that explain enough of a target on the validation rows
            (`features.crossings.choose`). `[]` means none.
        intended_use: What the model is and is not meant for, shown in the report and the model
            card. Default none.
        slices: Column; the report shows separate scores for each of its values. Default none.
        worst_rows: How many of the test rows with the largest losses the artifact lists for each
            task, with label and prediction, from 0 to 10. Rows are named by the column that looks
            like an identifier, or else by their number. Default 10.
        streaming: Whether to stream the data. Default None: only if they do not fit into memory.
        search: The search space of `tune`: for each setting, such as `"architecture.dropout"`, a
            list of values or `{"low": 0.0, "high": 0.4}`. Default None: a standard space.
        joint_coverage: Probability, such as 0.9, that the intervals and sets of all tasks contain
            their labels jointly: see docs/intervals.md. Default None: only tasks that declare
            `interval` or `set` have one, with their own probability.

    Pass your own classes as objects, or by name as `"package.module:Class"`.

    `experiment.but(seed=1)` returns a copy with another value, and `copy.deepcopy` an equal one.
    `sklearn.base.clone` does not work with experiments; use `mtl_keras.sklearn` for that.

    Example:

    >>> experiment = Experiment(tasks={"churned": "binary", "spend": "regression"})
    >>> experiment
    Experiment('experiment')
      tasks: churned (binary), spend (regression)
      features: all other columns, their kinds guessed
      network: shared_bottom, balancer fixed
      training: up to 60 epochs, preset default
    """

    def run(
        self,
        data: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        show: Callable[[str], None] | None = print,
        workers: int | Cluster = 1,
    ) -> Run:
        """Read, split and encode the data, train the model, and evaluate it on the test rows.

        Args:
            data: A path, folder, pattern, list of paths or DataFrame. Default None: the
                experiment's `data`.
            checkpoint: Folder for the checkpoint during training. Default None: no checkpoint.
            resume: Whether to resume from the checkpoint, if there is one. Default False.
            show: A function that prints a line of the log, or None. Default `print`.
            workers: Number of processes on this machine that train each network together, as
                workers of Ray Train; or an `mtl_keras.Cluster`, to train on a Ray cluster. They
                train the candidates of `"auto"` in parallel. Default 1.

        Returns:
            A `Run` with the model, its history and its evaluation. `run.export(folder)` writes the
            artifact.

        Raises:
            ConfigError: if the experiment cannot be stored in an artifact, if the cluster cannot be
                used, or if the tracker fails to begin.
            DataError: if the table does not fit the experiment.
            TrainingError: if the loss of a task is not finite.
        """
        cluster = workers if isinstance(workers, Cluster) else Cluster(workers)
        return runs.run(self, data, checkpoint, resume, show, cluster if cluster.remote else None)

    def prepare(self, data: Any = None, show: Callable[[str], None] | None = None) -> Prepared:
        """Read, split and encode the data: all steps of a run before the network is built.

        Args:
            data: As in `run`.
            show: A function that prints a line of the log. Default None.

        Returns:
            The prepared rows: `data` (encoded), `rows` (raw), `guesses`, `encoder` and `tasks`.
        """
        return prepare(self, data, show)

    def tune(self, data: Any = None, **options: Any) -> Tuning:
        """Search for better settings.

        Args:
            data: As in `run`.
            options: The other arguments of `mtl_keras.tuning.tune`.

        Returns:
            A `Tuning`: the trials, and the experiment of the best.
        """
        return tuning.tune(self, data, **options)

    def compare(self, data: Any = None, **options: Any) -> Comparison:
        """Measure whether sharing helps: train the joint model and single-task models.

        Args:
            data: As in `run`.
            options: The other arguments of `mtl_keras.comparison.compare`.

        Returns:
            A `Comparison`; print it.
        """
        return comparison.compare(self, data, **options)

    def __repr__(self) -> str:
        lines = [f"  {what}: {value}" for what, value in self._facts().items()]
        return "\n".join([f"Experiment({self.name!r})", *lines])

    def _repr_html_(self) -> str:
        return notebook.block(f"Experiment {self.name}", notebook.facts(self._facts()))

    def _facts(self) -> dict[str, str]:
        """What it declares, in words."""
        balancer = "auto" if self.balancer == "auto" else balancers.get(self.balancer)
        return {
            **({} if self.data is None else {"table": _table(self.data)}),
            "tasks": ", ".join(f"{task.name} ({task.kind})" for task in self.tasks),
            "features": self._features(),
            "network": f"{_kind(self.architecture)}, balancer {_kind(balancer)}",
            "training": f"up to {self.training.epochs} epochs, preset {self.preset}",
        }

    def _features(self) -> str:
        if isinstance(self.features, str):
            return "all other columns, their kinds guessed"
        if isinstance(self.features, Mapping):
            return f"all other columns, declared: {', '.join(map(str, self.features)) or 'none'}"
        return ", ".join(f if isinstance(f, str) else f"{f.name} ({f.kind})" for f in self.features)


def _table(data: Any) -> str:
    """A table in a few words."""
    if isinstance(data, pd.DataFrame):
        return f"a DataFrame of {len(data):,} rows"
    return ", ".join(map(str, data)) if isinstance(data, (list, tuple)) else str(data)


def _kind(part: Any) -> str:
    return part if isinstance(part, str) else reference(type(part))
