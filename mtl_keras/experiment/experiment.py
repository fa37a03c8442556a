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
from mtl_keras.runs.prepare import Prepared, prepare
from mtl_keras.tuning import Tuning


@dataclasses.dataclass(repr=False)
class Experiment(Plan):
    """Data, split, features, tasks, architecture, balancer and training of one model.

    Args:
        tasks: What to predict: a list of tasks, or a mapping from name to kind or `{"kind": ...,
            ...}`.
        features: What to predict from: `"infer"`, all other columns, guessed by `features.infer`; a
            list of exactly the features to use, or of columns, whose kinds are guessed; or a
            mapping from column to kind, feature or `"drop"`, with the rest guessed.
        architecture: An architecture, its name or a mapping; or `"auto"`: several are tried on the
            validation rows, see `mtl_keras.search`. Default `"shared_bottom"`.
        balancer: A balancer, its name or a mapping, or `"auto"`. Default `"fixed"`.
        split: How the rows are split: a `Split`, or a mapping with its arguments.
        training: Optimizer, schedule, epochs: a `Training`, or a mapping with its arguments.
        preset: `"fast"` (seconds), `"default"` or `"best"` (minutes): sets what `architecture`
            and `training` leave open, where these are names and mappings. Default `"default"`.
        name: Name of the artifact. Default `"experiment"`.
        seed: Integer; the same seed and data give the same run. Default 0.
        data: Default table for a run: a path or DataFrame; or a folder, a pattern such as
            `"events/*.parquet"` or a list of paths, whose rows are streamed where they do not fit
            into memory.
        sample_weight: Column with a weight for each row, which counts in training only; or a
            mapping from task to such a column, for those that have one. Default none.
        crossings: Features whose exact values the network reads as well, alone or several together
            as one category, `[["month", "day"], ["postcode"]]`: see `features.Crossing`. Default
            `"auto"`: those that are worth it (`features.crossings.choose`); `[]` for none.
        intended_use: What the model is meant for, and what not, for the report and the model card.
            Default none.
        slices: Column for whose values the report shows separate scores. Default none.
        worst_rows: How many of the test rows with the largest losses the artifact names for each
            task, from 0 to 10, with label and prediction: by the column that looks like an
            identifier, or else by the number of the row. Default 10; 0 keeps them out of it.
        streaming: Whether to stream the data. Default None: where they do not fit into memory.
        search: What `tune` searches: for each setting, such as `"architecture.dropout"`, a list of
            values or `{"low": 0.0, "high": 0.4}`. Default None: a space of its own.
        joint_coverage: Probability, such as 0.9, that the intervals and sets of all tasks hold
            their labels together: see docs/intervals.md. Default None: only the tasks that declare
            `interval` or `set` have one, each with its own probability.

    Your own classes are passed as objects, or by name as `"package.module:Class"`.

    `experiment.but(seed=1)` is a copy with another value, `copy.deepcopy` an equal one.
    `sklearn.base.clone` does not take an experiment: it copies estimators, which have `get_params`
    and `fit`.

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
        """Read, split, encode, build, fit, evaluate: see `mtl_keras.runs.run`.

        With `workers=4`, four processes train each network together, as Ray Train's workers on this
        machine, and try four candidates at a time of what is `"auto"`; with
        `workers=mtl.Cluster(4, address="auto")`, on a Ray cluster.
        """
        cluster = workers if isinstance(workers, Cluster) else Cluster(workers)
        return runs.run(self, data, checkpoint, resume, show, cluster if cluster.remote else None)

    def prepare(self, data: Any = None, show: Callable[[str], None] | None = None) -> Prepared:
        """Read, split and encode: see `mtl_keras.runs.prepare`."""
        return prepare(self, data, show)

    def tune(self, data: Any = None, **options: Any) -> Tuning:
        """Search better settings: see `mtl_keras.tuning.tune`, which takes the same arguments."""
        return tuning.tune(self, data, **options)

    def compare(self, data: Any = None, **options: Any) -> Comparison:
        """Did sharing help? See `mtl_keras.comparison.compare`, which takes the same arguments."""
        return comparison.compare(self, data, **options)

    def __repr__(self) -> str:
        lines = [f"  {what}: {value}" for what, value in self._facts().items()]
        return "\n".join([f"Experiment({self.name!r})", *lines])

    def _repr_html_(self) -> str:
        return notebook.block(f"Experiment {self.name}", notebook.facts(self._facts()))

    def _facts(self) -> dict[str, str]:
        """What it declares, in words."""
        return {
            **({} if self.data is None else {"table": _table(self.data)}),
            "tasks": ", ".join(f"{task.name} ({task.kind})" for task in self.tasks),
            "features": self._features(),
            "network": f"{_kind(self.architecture)}, balancer {_kind(self._balancer())}",
            "training": f"up to {self.training.epochs} epochs, preset {self.preset}",
        }

    def _features(self) -> str:
        if isinstance(self.features, str):
            return "all other columns, their kinds guessed"
        if isinstance(self.features, Mapping):
            return f"all other columns, declared: {', '.join(map(str, self.features)) or 'none'}"
        return ", ".join(f if isinstance(f, str) else f"{f.name} ({f.kind})" for f in self.features)

    def _balancer(self) -> Any:
        return "auto" if self.balancer == "auto" else balancers.get(self.balancer)


def _table(data: Any) -> str:
    """A table in a few words."""
    if isinstance(data, pd.DataFrame):
        return f"a DataFrame of {len(data):,} rows"
    return ", ".join(map(str, data)) if isinstance(data, (list, tuple)) else str(data)


def _kind(part: Any) -> str:
    return part if isinstance(part, str) else reference(type(part))
