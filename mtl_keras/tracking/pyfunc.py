"""An artifact as a model of MLflow: a `python_function` from DataFrame to DataFrame."""

import contextlib
import importlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mtl_keras import __version__
from mtl_keras.declaring.references import packages_named
from mtl_keras.export import Predictor
from mtl_keras.export.operations import TRUST
from mtl_keras.features.encoder import read_columns

KINDS = {"b": "boolean", "i": "long", "u": "long", "f": "double", "M": "datetime"}


class PyfuncModel:
    """The model that `mlflow.pyfunc.load_model` wraps: `mtl_keras.load(path)`.

    Args:
        path: The artifact, or one of its versions.
        trusted: As for `mtl_keras.load`.
    """

    def __init__(self, path: str, trusted: Any = ()) -> None:
        self.predictor = Predictor(path, trusted=trusted)

    def predict(self, table: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Predict all tasks for each row of the table: see `Predictor.predict`."""
        return self.predictor.predict(table)


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> PyfuncModel:
    """Load an artifact; MLflow calls this.

    Args:
        path: The version that was logged.
        model_config: `{"trusted": [...]}`, the packages of the user's own classes: those when the
            model was logged, or those in `mlflow.pyfunc.load_model(uri, model_config=...)`.
    """
    return PyfuncModel(path, (model_config or {}).get("trusted", ()))


def log(run: Any, folder: Path, run_id: str, uri: str | None, register: str | None) -> None:
    """Log the model of an artifact.

    Args:
        run: The `mtl_keras.Run`.
        folder: The version to which it was written.
        run_id: Identifier of MLflow's run.
        uri: Address of MLflow; None for its default.
        register: Name in MLflow's registry; None if it is not registered.
    """
    mlflow = importlib.import_module("mlflow")
    trusted = packages_named([each.get_config() for each in (*run.encoder.features, *run.tasks)])
    model = PyfuncModel(str(folder), {*trusted, TRUST})
    with _at(mlflow, uri), mlflow.start_run(run_id=run_id, nested=True):
        mlflow.pyfunc.log_model(
            name="model",
            loader_module=__name__,
            data_path=str(folder),
            model_config={"trusted": sorted(trusted)} if trusted else None,
            signature=_signature(model, run.test.head(20)),
            pip_requirements=[f"mtl_keras=={__version__}"],
            registered_model_name=register,
        )


@contextlib.contextmanager
def _at(mlflow: Any, uri: str | None) -> Iterator[None]:
    """Within the block, let MLflow use an address, and silence its notes on our signature."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri or before)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*(input example was not|inferred as AnyType)")
            yield
    finally:
        mlflow.set_tracking_uri(before)


def _signature(model: PyfuncModel, rows: pd.DataFrame) -> Any:
    """Return the columns that a model reads and predicts.

    Inputs that are strings are declared as such, and all others as `any`, because MLflow would
    reject whole numbers in place of fractions, and dates that are strings, which the model can
    read.
    """
    types = importlib.import_module("mlflow.types.schema")
    models = importlib.import_module("mlflow.models")
    read = rows[read_columns(model.predictor.features, list(map(str, rows.columns)))]

    def schema(table: pd.DataFrame, precise: bool) -> Any:
        columns = []
        for name, values in table.items():
            kind: Any = KINDS.get(values.dtype.kind) if precise else None
            if kind is None and values.notna().any() and values.dropna().map(type).eq(str).all():
                kind = "string"
            columns.append(types.ColSpec(kind or types.AnyType(), str(name)))
        return types.Schema(columns)

    return models.ModelSignature(schema(read, False), schema(model.predict(read), True))
