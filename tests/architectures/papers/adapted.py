"""One trunk that each task sees in its own way."""

from collections.abc import Callable, Sequence

import numpy as np

from tests.architectures.network import Network, Streams, relu, sigmoid, softmax, weighed


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


def mtl_lora(net: Network, tasks: Sequence[str]) -> Streams:
    """Yang et al. 2024: W x + (s / r) sum_i softmax(w_k / tau)_i B_i Lambda_k A x."""
    given = net.settings

    def updated(x: np.ndarray, linear: np.ndarray, name: str) -> np.ndarray:
        common = f"lora_{name.rsplit('_', 1)[1]}"
        low = x @ net[f"{common}_down/kernel"] @ net[f"{name}_lambda/kernel"]
        assert low.shape[-1] == given.rank
        ups = [low @ net[f"{common}_up_{i}/kernel"] for i in range(1, given.ups + 1)]
        update = weighed(softmax(net[f"{name}_mixture/beta"] / given.temperature), ups)
        return net.finish(linear + given.scale / given.rank * update, name, x)

    return bent_trunk(net, tasks, updated)


def pepnet(net: Network, tasks: Sequence[str]) -> Streams:
    """Chang et al. 2023: layers times 2 sigmoid of a network of the prior."""
    given, features = net.settings, net.features("shared")

    def gated(x: np.ndarray, prior: np.ndarray, seen: np.ndarray, name: str) -> np.ndarray:
        both = np.concatenate([prior, seen], axis=-1)
        hidden = relu(net.dense(both, given.gate, f"{name}_gate_hidden"))
        return x * 2 * sigmoid(net.dense(hidden, x.shape[-1], f"{name}_gate"))

    def part(names: Sequence[str]) -> np.ndarray:
        places = sorted(place for name in names for place in net.places[name])
        return features[..., places]

    x = features
    if given.domain:
        x = gated(x, part(given.domain), x, "domain")
    prior, streams = part(given.prior or ["kind"]), {}
    for task in tasks:
        y = x
        for number, width in enumerate(given.layers, start=1):
            name = f"{task}_{number}"
            y = gated(net.finish(net.dense(y, width, name), name, y), prior, x, name)
        streams[task] = y
    return net.answers(streams, x, tower=())


def bent_trunk(net: Network, tasks: Sequence[str], bend: Callable[..., np.ndarray]) -> Streams:
    x = net.features("shared")
    streams = dict.fromkeys(tasks, x)
    for number, width in enumerate(net.settings.layers, start=1):
        for task in tasks:
            linear = net.dense(streams[task], width, f"shared_{number}")
            streams[task] = bend(streams[task], linear, f"{task}_{number}")
    return net.answers(streams, x)
