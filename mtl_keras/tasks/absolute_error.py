"""The training metric of tasks that predict a number."""

from typing import Any

import keras

from mtl_keras.layers import Unscale


@keras.saving.register_keras_serializable("mtl_keras")
class MeanAbsoluteErrorInUnits(keras.metrics.MeanMetricWrapper):
    """Mean absolute error in the user's units, with the scaling of a numeric task undone.

    Args:
        units: Config of the `layers.Unscale` that undoes the scaling.
        column: Column of the prediction to measure. Default 0.
        name: Name of the metric. Default "mae".
    """

    def __init__(
        self, units: dict[str, Any], column: int = 0, name: str = "mae", **kwargs: Any
    ) -> None:
        of_any_layer = ("name", "trainable", "dtype")
        self.units = {key: value for key, value in units.items() if key not in of_any_layer}
        self.column = column
        unscale = Unscale.from_config(self.units)

        def error(y_true: Any, y_pred: Any) -> Any:
            predicted = unscale(y_pred[:, column : column + 1])
            return keras.ops.abs(unscale(y_true[:, :1]) - predicted)

        super().__init__(error, name=name, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "units": self.units, "column": self.column}
