"""One trunk that each task sees in its own way."""

from collections.abc import Callable, Sequence

import numpy as np

from tests.architectures.network import Network, Streams, relu, sigmoid


def mtan(net: Network, tasks: Sequence[str]) -> Streams:
    """Liu et al. 2019, equations 1 and 2.

    A mask is sigmoid(BN(W2 ReLU(BN(W1 [shared, task's previous])))). As the class declares, dense
    layers stand for convolutions, and one layer for each block.
    """
    given, x = net.settings, net.features("shared")
    shared, own = x, dict[str, np.ndarray]()
    for number, width in enumerate(given.layers, start=1):
        name = f"shared_{number}"
        shared = net.finish(net.dense(shared, width, name), name, shared)
        for task in tasks:
            name = f"{task}_{number}"
            seen = np.concatenate([shared, own[task]], axis=-1) if task in own else shared
            hidden = net.dense(seen, given.attention, f"{name}_attention")
            hidden = relu(net.normalise(hidden, f"{name}_attention"))
            mask = net.dense(hidden, width, f"{name}_mask")
            mask = sigmoid(net.normalise(mask, f"{name}_mask"))
            own[task] = net.finish(net.dense(mask * shared, width, name), name)
    return net.answers(own, x)


def adapters(net: Network, tasks: Sequence[str]) -> Streams:
    """Houlsby et al. 2019: after each shared layer, x + W_up phi(W_down x)."""

    def adapted(x: np.ndarray, linear: np.ndarray, name: str) -> np.ndarray:
        y = net.finish(linear, name, x)
        down, up = f"{name}_adapter/down", f"{name}_adapter/up"
        assert net[f"{down}/kernel"].shape[-1] == net.settings.bottleneck
        low = net.activation(y @ net[f"{down}/kernel"] + net[f"{down}/bias"])
        return y + low @ net[f"{up}/kernel"] + net[f"{up}/bias"]

    return bent_trunk(net, tasks, adapted)


def lora(net: Network, tasks: Sequence[str]) -> Streams:
    """Hu et al. 2022: W x + (s / r) B_k A_k x."""

    def updated(x: np.ndarray, linear: np.ndarray, name: str) -> np.ndarray:
        a, b = net[f"{name}_lora/a"], net[f"{name}_lora/b"]
        assert a.shape[-1] == net.settings.rank
        return net.finish(linear + net.settings.scale / net.settings.rank * (x @ a @ b), name, x)

    return bent_trunk(net, tasks, updated)


def bent_trunk(net: Network, tasks: Sequence[str], bend: Callable[..., np.ndarray]) -> Streams:
    x = net.features("shared")
    streams = dict.fromkeys(tasks, x)
    for number, width in enumerate(net.settings.layers, start=1):
        for task in tasks:
            linear = net.dense(streams[task], width, f"shared_{number}")
            streams[task] = bend(streams[task], linear, f"{task}_{number}")
    return net.answers(streams, x)
