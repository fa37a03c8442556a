"""Trains the last epochs a second time, including the rows that chose them."""

from collections.abc import Mapping, Sequence

import numpy as np

from mtl_keras.model import MultiTaskModel
from mtl_keras.model.keras_private_optimizers import restart_averages
from mtl_keras.training.assemble import assembled
from mtl_keras.training.best_epoch import BestEpoch, FinishedTasks
from mtl_keras.training.data import Data
from mtl_keras.training.recipe import Training


def refitted(
    model: MultiTaskModel,
    chosen: Mapping[str, int],
    best: BestEpoch,
    data: Data,
    training: Training,
) -> MultiTaskModel:
    """Train the last epochs of each task again, on the training and validation rows together.

    The training goes back to the weights from `training.refit` epochs before the epoch chosen for
    a task, and ends after that epoch. So no row is trained on more often than the validation rows
    have shown to be good.

    Args:
        model: The network at the end of its training.
        chosen: The epoch of each task, from 0.
        best: The early stopping, which has the weights from before the last epochs.
        data: The rows.
        training: The recipe.

    Returns:
        `model` itself, or one with copies for tasks whose epochs differ: see `assembled`.
    """
    both = data.training_and_validation()
    batch_size = training.rows_per_step(data.training_rows)
    steps = -(-data.training_rows // batch_size)
    optimizer, variables = model.optimizer, model.trainable_variables
    balancing = [*model.balancing]
    ended: dict[int, Sequence[np.ndarray]] = {}
    for epoch in sorted(set(chosen.values())):
        start = best.start(epoch) + 1
        model.set_weights(best.snapshots[start - 1])
        optimizer.iterations.assign(start * steps)  # on which the learning rate depends
        restart_averages(optimizer, variables)
        model.fit(
            both.x["train"],
            both.y["train"],
            sample_weight=both.weights["train"],
            batch_size=batch_size,
            initial_epoch=start,
            epochs=epoch + 1,
            callbacks=[FinishedTasks(best)],
            verbose=0,
        )
        if training.average > 0:
            optimizer.finalize_variable_values(variables)
        ended[epoch] = model.get_weights()
    model.balancing[:] = balancing  # the records are those of the epochs in the history
    return assembled(model, chosen, ended)


def described(chosen: Mapping[str, int], best: BestEpoch, rows: int) -> str:
    """A line for the log.

    Example:

    >>> described({"a": 7, "b": 7}, BestEpoch(["a", "b"], patience=6, before=3), 4000)
    'training epochs 6 to 8 again, with the 4,000 validation rows'
    >>> described({"a": 0, "b": 2, "c": 9}, BestEpoch(list("abc"), patience=6, before=3), 4000)
    'training epochs 1 to 3 and 8 to 10 again, with the 4,000 validation rows'
    """
    spans: list[tuple[int, int]] = []
    for last in sorted({epoch + 1 for epoch in chosen.values()}):
        first = best.start(last - 1) + 2
        while spans and first <= spans[-1][1]:  # they overlap
            first = min(first, spans.pop()[0])
        spans.append((first, last))
    words = [f"{first} to {last}" if first < last else f"{last}" for first, last in spans]
    plural = "" if words == [f"{spans[0][1]}"] else "s"
    return f"training epoch{plural} {' and '.join(words)} again, with the {rows:,} validation rows"
