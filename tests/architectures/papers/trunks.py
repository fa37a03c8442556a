"""One trunk, or one for each task or group; and trunks side by side that mix."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.architectures.network import Network, Streams, relu, softmax, weighed


def shared_bottom(net: Network, tasks: Sequence[str]) -> Streams:
    x = net.features("shared")
    return net.answers(dict.fromkeys(tasks, net.mlp(x, net.settings.layers, "shared")), x)


def single_task(net: Network, tasks: Sequence[str]) -> Streams:
    x = {task: net.features(task) for task in tasks}
    return net.answers({task: net.mlp(x[task], net.settings.layers, task) for task in tasks}, x)


def grouped(net: Network, tasks: Sequence[str]) -> Streams:
    """A shared bottom for each group, embeddings included."""
    parts, seen = {}, {}
    for number, group in enumerate(net.settings.groups, start=1):
        x = net.features(f"group_{number}")
        trunk = net.mlp(x, net.settings.layers, f"group_{number}")
        parts |= dict.fromkeys(group, trunk)
        seen |= dict.fromkeys(group, x)
    return net.answers({task: parts[task] for task in tasks}, seen)


def learning_to_branch(net: Network, tasks: Sequence[str]) -> Streams:
    """Guo et al. 2020, once the tree is fixed: each layer reads its most probable one."""
    x = net.features("shared")
    nodes = [x]

    def parent(reader: str) -> np.ndarray:
        return nodes[net[f"{reader}_parent/preference"].argmax()] if len(nodes) > 1 else nodes[0]

    for number, width in enumerate(net.settings.layers, start=1):
        made = []
        for branch in range(1, min(net.settings.branches, len(tasks)) + 1):
            name = f"branch_{number}_{branch}"
            y = parent(name)
            made.append(net.finish(net.dense(y, width, name), name, y))
        nodes = made
    return net.answers({task: parent(task) for task in tasks}, x)


def cross_stitch(net: Network, tasks: Sequence[str]) -> Streams:
    """Misra et al. 2016, equation 1: x_i becomes sum_j a_ij x_j after each layer."""

    def stitched(number: int, layers: Sequence[np.ndarray]) -> list[np.ndarray]:
        a = net[f"stitch_{number}/mixing"]
        return [sum(a[i, j] * x for j, x in enumerate(layers)) for i in range(len(layers))]

    return side_by_side(net, tasks, stitched)


def nddr(net: Network, tasks: Sequence[str]) -> Streams:
    """Gao et al. 2019: each trunk goes on from ReLU(BN(W_i [x_1, ..., x_K]))."""

    def reduced(number: int, layers: Sequence[np.ndarray]) -> list[np.ndarray]:
        together, kernel = np.concatenate(layers, axis=-1), net[f"nddr_{number}/kernel"]
        return [
            relu(net.batch_norm(together @ kernel[i], f"nddr_{number}/norm_{i + 1}"))
            for i in range(len(layers))
        ]

    return side_by_side(net, tasks, reduced)


def side_by_side(net: Network, tasks: Sequence[str], mix: Callable[..., Any]) -> Streams:
    features = {task: net.features(task) for task in tasks}
    streams = list(features.values())
    for number, width in enumerate(net.settings.layers, start=1):
        names = [f"{task}_{number}" for task in tasks]
        linear = [net.dense(x, width, name) for x, name in zip(streams, names)]
        streams = mix(number, [net.finish(y, n, x) for y, n, x in zip(linear, names, streams)])
    return net.answers(dict(zip(tasks, streams)), features)


def sluice(net: Network, tasks: Sequence[str]) -> Streams:
    """Ruder et al. 2019: alpha between subspaces, equation 2; beta between layers, equation 3.

    The penalty, equation 4, is of the matrices of all tasks and layers, and pairs of subspaces.
    As the class declares, beta is a softmax.
    """
    given, features = net.settings, {task: net.features(task) for task in tasks}
    streams, s = features, given.subspaces
    depths: dict[str, list[np.ndarray]] = {task: [] for task in tasks}
    for number in range(1, given.depth + 1):
        layers = []
        for task in tasks:
            name = f"{task}_{number}"
            linear = net.dense(streams[task], given.width, name)
            layers.append(net.finish(linear, name, streams[task]))
            parts = np.split(net[f"{name}/kernel"], s, axis=1)
            pairs = [(i, j) for i in range(s) for j in range(i + 1, s)]
            squares = [np.sum((parts[i].T @ parts[j]) ** 2) for i, j in pairs]
            net.losses.append(given.orthogonality * sum(squares))
        spaces = np.concatenate(layers, axis=-1)
        spaces = spaces.reshape(*spaces.shape[:-1], len(tasks) * s, given.width // s)
        mixed = np.einsum("pq,...qn->...pn", net[f"sluice_{number}/alpha"], spaces)
        mixed = mixed.reshape(*mixed.shape[:-2], len(tasks), given.width)
        streams = {task: mixed[..., i, :] for i, task in enumerate(tasks)}
        for task in tasks:
            depths[task].append(streams[task])
    parts = {task: weighed(softmax(net[f"{task}_beta/beta"]), depths[task]) for task in tasks}
    return net.answers(parts, features)


def soft_sharing(net: Network, tasks: Sequence[str]) -> Streams:
    """Duong et al. 2015 and Yang, Hospedales 2017: at each depth, one penalty for all matrices."""
    given, x = net.settings, net.features("shared")
    trunks = {task: net.mlp(x, given.layers, task) for task in tasks}
    for number in range(1, len(given.layers) + 1):
        matrices = np.stack([net[f"{task}_{number}/kernel"].ravel() for task in tasks])
        penalty = {
            "l2": np.sum((matrices - matrices.mean(0)) ** 2),
            "trace": np.linalg.svd(matrices, compute_uv=False).sum(),
        }
        net.losses.append(given.strength * penalty[given.penalty])
    return net.answers(trunks, x)
