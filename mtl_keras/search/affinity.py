"""How a step for one task changes the losses of the others, measured while they train."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


class Affinity(keras.callbacks.Callback):
    r"""Measures after each epoch how a shared-parameter step for task i changes task j's loss.

    $Z_{ij} = 1 - L_j(\theta_s^{+i}) / L_j(\theta_s)$ on a sample of training rows: above 0 where a
    step for i helps j. It also measures the cosines between the tasks' gradients of the shared
    parameters.

    Departure from the paper: the step is not that of plain SGD, but has the size of an Adam step
    (`learning_rate` per parameter in the root mean square), so that tasks can be compared whatever
    the size of their gradients.

    Args:
        x: The network's inputs for all training rows.
        y: Labels by task.
        learning_rate: Size of the step. Default 1e-3.
        rows: Size of the sample. Default 512.
        seed: Integer seed of the samples. Default 0.

    Attributes:
        affinities: The matrix Z of each epoch, `(tasks, tasks)`.
        cosines: The matrix of cosines of each epoch.

    References:
        Fifty et al.: "Efficiently Identifying Task Groupings for Multi-Task Learning", NeurIPS
        2021, https://arxiv.org/abs/2109.04617 (equation 1).

    Example:

    >>> x = np.ones((64, 3), "float32")
    >>> Affinity(x, {"churned": x[:, 0], "spend": x[:, 1]}, rows=32).affinities
    []
    """

    def __init__(
        self, x: Any, y: Any, learning_rate: float = 1e-3, rows: int = 512, seed: int = 0
    ) -> None:
        super().__init__()
        self.x, self.y, self.learning_rate, self.rows = x, y, learning_rate, rows
        self.random = np.random.default_rng(seed)
        self.affinities: list[np.ndarray] = []
        self.cosines: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        model, shared = self.model, self.model.partition.shared
        if not shared:
            return
        count = len(keras.tree.flatten(self.y)[0])
        chosen = np.sort(self.random.permutation(count)[: self.rows])
        x, y = keras.tree.map_structure(lambda a: tf.constant(a[chosen]), (self.x, self.y))
        with tf.GradientTape(persistent=True) as tape:
            before = list(model.mean_losses(x, y).values())
        values = [variable.numpy() for variable in shared]
        after, flat = [], []
        for loss in before:
            gradients = tape.gradient(
                loss, [v.value for v in shared], unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            parts = [tf.convert_to_tensor(g) for g in gradients]
            flat.append(np.concatenate([part.numpy().ravel() for part in parts]))
            size = float(np.sqrt(np.mean(flat[-1] ** 2))) or 1.0
            for variable, part in zip(shared, parts):
                variable.assign_sub(self.learning_rate * part / size)
            after.append(np.array(list(model.mean_losses(x, y).values())))
            for variable, value in zip(shared, values):
                variable.assign(value)
        start = np.array(before)
        self.affinities.append(1 - np.array(after) / np.where(start == 0, 1, start))
        norms = np.maximum([np.linalg.norm(row) for row in flat], 1e-12)
        self.cosines.append(np.array(flat) @ np.array(flat).T / np.outer(norms, norms))
