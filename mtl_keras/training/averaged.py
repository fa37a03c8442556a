"""Validates and keeps running averages of the weights instead of the weights themselves."""

from typing import Any

import keras


class AveragedWeights(keras.callbacks.Callback):
    """Uses the optimizer's running averages of the weights for validation, then restores them.

    At every epoch, averaging the weights over the last steps has about the same effect as a slowly
    falling learning rate: validation curves are smoother, and their minima lower.

    The optimizer must have `use_ema=True`. In the list of callbacks, those that keep weights at the
    end of an epoch must come before it, and those that save the state of the training after it.

    References:
        Polyak, Juditsky: "Acceleration of Stochastic Approximation by Averaging", SIAM J. Control
        and Optimization 30, 1992.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] | None = None  # the weights themselves, while the averages are in

    def on_test_begin(self, logs: Any = None) -> None:
        if self.kept is None:
            variables = self.model.trainable_variables
            self.kept = [keras.ops.copy(variable.value) for variable in variables]
            self.model.optimizer.finalize_variable_values(variables)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.kept is not None:
            for variable, value in zip(self.model.trainable_variables, self.kept):
                variable.assign(value)
            self.kept = None
