"""How MLflow loads an artifact: as a `python_function` model, a DataFrame in, a DataFrame out."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mtl_keras.export import Predictor


class PyfuncModel:
    """What `mlflow.pyfunc.load_model` wraps: `mtl_keras.load(path)`.

    Args:
        path: The artifact, or one of its versions.
        trusted: As for `mtl_keras.load`.
    """

    def __init__(self, path: str, trusted: Any = ()) -> None:
        self.predictor = Predictor(path, trusted=trusted)

    def predict(self, table: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """A row of answers for each row of the table: see `Predictor.predict`."""
        return self.predictor.predict(table)


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> PyfuncModel:
    """Load an artifact; MLflow calls this.

    Args:
        path: The version that was logged.
        model_config: `{"trusted": [...]}`: packages of the user's own classes, as they were when
            the model was logged, or as `mlflow.pyfunc.load_model(uri, model_config=...)` says.
    """
    return PyfuncModel(path, (model_config or {}).get("trusted", ()))
