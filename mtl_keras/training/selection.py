"""Selects on the validation rows which networks answer a task, and with what weights."""

from collections.abc import Callable, Sequence

import numpy as np


def greedy(
    outputs: Sequence[np.ndarray], loss: Callable[[np.ndarray], float], rounds: int = 20
) -> list[float]:
    """Return weights for the outputs of several networks, by greedy selection with replacement.

    Starts from the best network, and repeatedly adds the network that lowers the loss of the mean
    most, until none does.

    Args:
        outputs: The outputs of each network for the validation rows.
        loss: A function from outputs to the loss.
        rounds: Maximum number of additions. Default 20.

    Returns:
        A weight per network; the weights add up to one.

    References:
        Caruana et al.: "Ensemble Selection from Libraries of Models", ICML 2004.

    Example:

    >>> truth = np.array([0.0, 1.0])
    >>> greedy([truth + 1, truth - 1, truth + 5], lambda out: float(np.mean((out - truth) ** 2)))
    [0.5, 0.5, 0.0]
    """
    counts = np.zeros(len(outputs))
    total, best = np.zeros_like(np.asarray(outputs[0], float)), np.inf
    for chosen in range(rounds):
        losses = [loss((total + output) / (chosen + 1)) for output in outputs]
        number = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
        if losses[number] >= best:
            break
        best = losses[number]
        counts[number] += 1
        total = total + outputs[number]
    if not counts.any():
        counts[0] = 1
    return [float(weight) for weight in counts / counts.sum()]
