"""The state of a balancer: variables that are saved and loaded with the model."""

import warnings
from typing import Any

import keras
import numpy as np


class State(keras.layers.Layer):
    """Base class of balancers: their state, as variables that no optimizer changes.

    A file of weights holds the state under the balancer's kind. If it was saved by a model without
    a balancer (plain Keras), or with one of another kind, the state stays as it is: the weights of
    the network are loaded, and the balancer starts from its initial state.
    """

    def add_state(self, shape: tuple[int, ...], value: Any = 0.0, name: str = "") -> keras.Variable:
        """A float32 variable that is saved with the model and that no optimizer changes.

        Each replica keeps a copy; the copies stay equal because all see the same values.
        """
        return keras.Variable(
            np.broadcast_to(np.asarray(value, "float32"), shape),
            trainable=False,
            dtype="float32",
            synchronization="on_read",
            aggregation="only_first_replica",
            name=name,
        )

    def save_own_variables(self, store: Any) -> None:
        """Save the state, each variable under the balancer's kind and a number."""
        for number, variable in enumerate(self.variables):
            store[f"{type(self).__name__} {number}"] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Load the state if it is there."""
        kind = type(self).__name__
        names = [f"{kind} {number}" for number in range(len(self.variables))]
        saved = set(store.keys())
        if saved and all(name.isdigit() for name in saved):  # as saved before kinds were named
            names = [str(number) for number in range(len(self.variables))]
        fit = saved == set(names) and all(
            tuple(store[name].shape) == tuple(variable.shape)
            for name, variable in zip(names, self.variables)
        )
        if fit:
            for name, variable in zip(names, self.variables):
                variable.assign(store[name])
        elif saved:
            warnings.warn(
                f"The file contains the state of another balancer or of other tasks "
                f"({', '.join(sorted(saved))}), not of {kind} for {self.tasks}. The balancer "
                "starts from its initial state.",
                stacklevel=2,
            )
