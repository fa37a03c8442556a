"""Validate and keep running averages of the weights in place of the weights themselves."""

from typing import Any

import keras


class AveragedWeights(keras.callbacks.Callback):
    """Puts the optimizer's running averages in place for validation, and takes them out again.

    The average of the weights over the last steps is what a slowly falling learning rate would
    lead to, at every epoch: validation curves become smoother, and their lowest points better.

    The optimizer must have `use_ema=True`. In the list of callbacks, what keeps weights at the end
    of an epoch comes before, and what saves the state of the training after.

    References:
        Polyak, Juditsky: "Acceleration of Stochastic Approximation by Averaging", SIAM J. Control
        and Optimization 30, 1992.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inside = False

    def _swap(self) -> None:
        optimizer = self.model.optimizer
        pairs = zip(self.model.trainable_variables, optimizer._model_variables_moving_average)
        for variable, average in pairs:
            value = keras.ops.copy(variable.value)
            variable.assign(average.value)
            average.assign(value)
        self.inside = not self.inside

    def on_test_begin(self, logs: Any = None) -> None:
        if not self.inside:
            self._swap()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.inside:
            self._swap()
