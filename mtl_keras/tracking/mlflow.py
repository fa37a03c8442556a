"""Trainings as runs of MLflow, and their models in its registry."""

import contextlib
import functools
import importlib
import importlib.util
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mtl_keras import __version__
from mtl_keras.errors import ConfigError, check_installed
from mtl_keras.export.artifact import EXTRA
from mtl_keras.tracking import pyfunc
from mtl_keras.tracking.tracker import Facts, Tracker

TRAINING = "mtl_keras.training"  # the tag that identifies the run of a training
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"  # 7 by default, which takes four minutes
LONGEST_NAME, LONGEST_VALUE = 250, 6000  # characters that MLflow keeps
MOST_PARAMETERS, MOST_METRICS = 100, 1000  # in one request


@contextlib.contextmanager
def _given_up_soon() -> Iterator[None]:
    """In this block or function, give up on a server after seconds, not minutes."""
    stated = RETRIES in os.environ
    os.environ.setdefault(RETRIES, "2")
    try:
        yield
    finally:
        if not stated:
            del os.environ[RETRIES]


@dataclass
class MLflow(Tracker):
    """A tracker that records a training as a run of MLflow.

    The run contains the plan as parameters (`architecture.kind`, `tasks.churned.weight`), a
    fingerprint of the rows as its data set, the logs of each epoch, and the scores on the test rows
    as metrics `test/<task>/<score>`. After `run.export`, it also contains the report, figures and
    tables, and the model as a `python_function` with a signature. A resumed training continues its
    run, which is found by the tag `mtl_keras.training`.

    Args:
        experiment: Name of the MLflow experiment, which is created if it does not exist. Default:
            the name of the experiment that is run.
        uri: Address of the server, or of a database such as `"sqlite:///mlflow.db"`. Default: that
            of `MLFLOW_TRACKING_URI`, or MLflow's own default.
        run_name: Name of the run. Default: chosen by MLflow.
        register: Name of the model in MLflow's registry, of which each exported model becomes a new
            version. Default: models are not registered.

    Raises:
        ConfigError: if MLflow is not installed, or if `uri` contains a password.

    Example:

    >>> MLflow(experiment="shop", uri="sqlite:///mlflow.db").experiment  # doctest: +SKIP
    'shop'
    """

    experiment: str | None = None
    uri: str | None = None
    run_name: str | None = None
    register: str | None = None
    run_id: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        check_installed("Tracking with MLflow", "mlflow", "mlflow")
        if self.uri and urlsplit(self.uri).password:
            raise ConfigError(
                "`uri` of MLflow must not contain a password: each artifact has a copy of the "
                "experiment. Leave `uri` out and set MLFLOW_TRACKING_URI in the environment, or "
                "state it without the password and set MLFLOW_TRACKING_PASSWORD."
            )

    @_given_up_soon()
    def begin(self, plan: Mapping[str, Any], facts: Facts) -> None:
        client, place = self._client, self._place(self.experiment or plan["name"])
        kept = client.search_runs([place], f"tags.`{TRAINING}` = '{facts.training}'", max_results=1)
        if kept:
            self.run_id = kept[0].info.run_id
            client.set_terminated(self.run_id, "RUNNING")
            return
        tags = {"mtl_keras.version": __version__}
        self.run_id = client.create_run(place, run_name=self.run_name, tags=tags).info.run_id
        try:
            self._log_parameters(plan)
            self._log_data(plan, facts)
            client.log_dict(self.run_id, dict(plan), "experiment.json")  # also to fail early
            client.set_tag(self.run_id, TRAINING, facts.training)  # last: it is complete
        except Exception:
            with contextlib.suppress(Exception):  # most likely the same
                client.set_terminated(self.run_id, "FAILED")
            raise

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        self._log_metrics(logs, number)

    def end(self, run: Any) -> None:
        if run is None:
            self._client.set_terminated(self.run_id, "FAILED")
            return
        scores = {
            f"test/{task}/{name}": value
            for task, judged in run.evaluation.to_dict().items()
            for name, value in judged["scores"].items()
            if value is not None
        }
        self._log_metrics(scores, len(run.history))
        self._client.set_terminated(self.run_id)

    def exported(self, run: Any, folder: Path) -> None:
        for path in sorted((folder / EXTRA).iterdir()):
            if path.suffix in (".html", ".md", ".csv", ".json", ".toml", ".png"):
                under = "figures" if path.suffix == ".png" else None
                self._client.log_artifact(self.run_id, str(path), under)
        pyfunc.log(run, folder, self.run_id, self.uri, self.register)

    def _place(self, name: str) -> str:
        """Return the identifier of an MLflow experiment, which is created if it does not exist."""
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return found.experiment_id
        try:
            return self._client.create_experiment(name)
        except Exception:  # another process may have been faster
            found = self._client.get_experiment_by_name(name)
            if found is None:
                raise
            return found.experiment_id

    @functools.cached_property
    def _client(self) -> Any:
        return importlib.import_module("mlflow").MlflowClient(self.uri)

    def _log_parameters(self, plan: Mapping[str, Any]) -> None:
        training = {k: v for k, v in plan["training"].items() if k != "tracking"}
        values = dict(_flattened({**plan, "training": training}))
        entities = importlib.import_module("mlflow.entities")
        named = _names(values)
        logged = [entities.Param(named[n], str(v)[:LONGEST_VALUE]) for n, v in values.items()]
        for start in range(0, len(logged), MOST_PARAMETERS):
            self._client.log_batch(self.run_id, params=logged[start : start + MOST_PARAMETERS])

    def _log_data(self, plan: Mapping[str, Any], facts: Facts) -> None:
        entities = importlib.import_module("mlflow.entities")
        source = {"uri": str(plan.get("data", {}).get("path", ""))}
        profile = {"num_rows": sum(facts.rows.values()), **facts.rows}
        dataset = entities.Dataset(
            name=plan["name"],
            digest=facts.data,
            source_type="local",
            source=json.dumps(source),
            schema=json.dumps({"features": facts.features}),
            profile=json.dumps(profile),
        )
        tag = entities.InputTag("mlflow.data.context", "training")
        self._client.log_inputs(self.run_id, [entities.DatasetInput(dataset, [tag])])

    def _log_metrics(self, values: Mapping[str, float], step: int) -> None:
        entities, named = importlib.import_module("mlflow.entities"), _names(values)
        now = int(time.time() * 1000)
        logged = [entities.Metric(named[n], float(v), now, step) for n, v in values.items()]
        for start in range(0, len(logged), MOST_METRICS):
            self._client.log_batch(self.run_id, metrics=logged[start : start + MOST_METRICS])


def _flattened(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Return the entries of nested mappings by their dotted names.

    Example:

    >>> dict(_flattened({"seed": 0, "training": {"epochs": 60}, "features": ["age"]}))
    {'seed': 0, 'training.epochs': 60, 'features': ['age']}
    """
    if isinstance(value, Mapping) and (value or not name):
        for key, part in value.items():
            yield from _flattened(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _names(names: Iterable[str]) -> dict[str, str]:
    """Return a distinct name that MLflow accepts, a relative path, for each name.

    Example:

    >>> _names(["loss", "a+b_loss", "a*b_loss"])
    {'loss': 'loss', 'a+b_loss': 'a_b_loss', 'a*b_loss': 'a_b_loss_2'}
    """
    accepted: dict[str, str] = {}
    for name in names:
        short = re.sub(r"^[./]+|(?<=/)[./]+|/$|[^\w\-. :/]", "_", name)[: LONGEST_NAME - 4]
        number, free = 1, short
        while free in accepted.values():
            number += 1
            free = f"{short}_{number}"
        accepted[name] = free
    return accepted
