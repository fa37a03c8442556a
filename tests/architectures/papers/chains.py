"""Chains of steps."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tests.architectures.network import Network, Streams, relu, softmax, weighed


def aitm(net: Network, tasks: Sequence[str]) -> Streams:
    """Xi et al. 2021, equations 4 to 7, and the calibrator: the mean of what is out of order."""
    x = net.features("shared")
    shared = net.mlp(x, net.settings.layers, "shared")
    z = {task: net.mlp(shared, net.settings.tower, f"{task}_tower") for task in tasks}
    for before, task in pairwise(tasks):
        q, d, name = z[task], z[task].shape[-1], f"{task}_transfer"
        p = net.finish(net.dense(z[before], d, name), name)
        attention = "attention" if net.settings.share_attention else f"{task}_attention"
        value, key, query = (net[f"{attention}/{h}/kernel"] for h in ("value", "key", "query"))
        scores = [((u @ key) * (u @ query)).sum(-1) / np.sqrt(d) for u in (q, p)]
        z[task] = weighed(softmax(np.stack(scores, axis=-1)), [q @ value, p @ value])
    y = net.answers(z, x, tower=())
    for before, task in pairwise(tasks):
        net.losses.append(net.settings.calibrator * relu(y[task] - y[before]).mean())
    return y


def esmm(net: Network, tasks: Sequence[str]) -> Streams:
    """Ma et al. 2018, equations 1 to 3: the probability of a step is a product along the chain."""
    x = net.features("shared")
    factors = net.answers(dict.fromkeys(tasks, x), x, tower=net.settings.layers)
    products = np.cumprod(np.stack([factors[task] for task in tasks]), axis=0)
    return dict(zip(tasks, products))
