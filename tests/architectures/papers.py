"""The papers' equations in NumPy: what each architecture has to compute from its weights.

Nothing here is made by the library. A reading finds the weights of a built model by their paths,
and follows the paper that the class names, or the class's docstring where that declares a
departure. Members (BatchEnsemble) are an axis between rows and features.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tests.architectures.network import Network, Streams, relu, sigmoid, softmax, weighed


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


# Mixtures of experts


def experts(net: Network, x: np.ndarray, name: str, count: int) -> list[np.ndarray]:
    names = [f"{name}_{number}" for number in range(1, count + 1)]
    return [net.mlp(x, net.settings.layers, each) for each in names]


def mmoe(net: Network, tasks: Sequence[str]) -> Streams:
    """Ma et al. 2018, equations 5 to 7: f^k = sum_i g^k_i(x) E_i(x), g^k = softmax(W_k x)."""
    x = net.features("shared")
    read = experts(net, x, "expert", net.settings.experts)
    return net.answers({task: net.gate(x, f"{task}_gate", read) for task in tasks}, x)


def omoe(net: Network, tasks: Sequence[str]) -> Streams:
    """Ma et al. 2018, section 3.2: one gate, f = sum_i g_i(x) E_i(x) for all tasks."""
    x = net.features("shared")
    read = experts(net, x, "expert", net.settings.experts)
    return net.answers(dict.fromkeys(tasks, net.gate(x, "shared_gate", read)), x)


def dselect_k(net: Network, tasks: Sequence[str]) -> Streams:
    """Hazimeh et al. 2021: MMoE whose gates are made of selectors with binary codes."""
    x = net.features("shared")
    read = experts(net, x, "expert", net.settings.experts)
    parts = {task: weighed(selected(net, x, f"{task}_gate"), read) for task in tasks}
    return net.answers(parts, x)


def selected(net: Network, x: np.ndarray, gate: str) -> np.ndarray:
    """q = sum_j softmax(w)_j r_j; the entropy of the r_j is an added loss.

    A departure that the class declares: a code c stands for expert c mod n, so that there is no
    penalty for codes of no expert. As in the class, the entropy is a mean over rows, and of the
    numbers made from a row only the codes have a bias; the authors' code has a sum, and two.
    The lowest bit of a code comes first.
    """
    given, n = net.settings, net.settings.experts
    bits = int(np.ceil(np.log2(n)))
    if given.conditional:
        z = x @ net[f"{gate}/code_kernel"] + net[f"{gate}/code_bias"]
        w = x @ net[f"{gate}/weight_kernel"]
    else:
        z = np.broadcast_to(net[f"{gate}/code"], (*x.shape[:-1], given.selectors * bits))
        w = np.broadcast_to(net[f"{gate}/weight"], (*x.shape[:-1], given.selectors))
    t, gamma = z.reshape(*z.shape[:-1], given.selectors, bits), given.gamma
    cubic = -2 / gamma**3 * t**3 + 3 / (2 * gamma) * t + 1 / 2
    step = np.where(t <= -gamma / 2, 0.0, np.where(t >= gamma / 2, 1.0, cubic))
    r = np.zeros((*step.shape[:-1], n))
    for code in range(2**bits):
        bit = np.array([code // 2**place % 2 for place in range(bits)])
        r[..., code % n] += np.where(bit == 1, step, 1 - step).prod(-1)
    entropy = -(r * np.log(r + 1e-6)).sum(-1)  # (rows, [members,] selectors)
    net.losses.append(given.entropy * entropy.sum(-1).mean())
    return weighed(softmax(w), [r[..., j, :] for j in range(given.selectors)])


def ple(net: Network, tasks: Sequence[str]) -> Streams:
    """Tang et al. 2020: own experts read the task's stream, shared ones the shared stream."""
    given, x = net.settings, net.features("shared")
    streams, shared = dict.fromkeys(tasks, x), x
    levels = getattr(given, "levels", 1)  # CGC is one level
    for number in range(1, levels + 1):
        name = f"level_{number}"
        own = {
            task: experts(net, streams[task], f"{name}_{task}_expert", given.task_experts)
            for task in tasks
        }
        common = experts(net, shared, f"{name}_shared_expert", given.shared_experts)
        streams = {
            task: net.gate(streams[task], f"{name}_{task}_gate", own[task] + common)
            for task in tasks
        }
        if number < levels:  # nobody reads the shared stream of the last level
            everything = [expert for task in tasks for expert in own[task]] + common
            shared = net.gate(shared, f"{name}_shared_gate", everything)
    return net.answers(streams, x)


def stem(net: Network, tasks: Sequence[str]) -> Streams:
    """Su et al. 2024: a gate sees own plus shared embeddings, and weighs the experts of all."""
    given = net.settings
    x = {owner: net.features(owner) for owner in [*tasks, "shared"]}
    count = {**dict.fromkeys(tasks, given.task_experts), "shared": given.shared_experts}
    read = [e for owner in x for e in experts(net, x[owner], f"{owner}_expert", count[owner])]
    mixed = {}
    for task in tasks:
        hidden = net.mlp(x[task] + x["shared"], given.gate, f"{task}_gate_hidden")
        mixed[task] = net.gate(hidden, f"{task}_gate", read)
    return net.answers(mixed, x)


# Trunks side by side


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


# One trunk that each task sees in its own way


def mtan(net: Network, tasks: Sequence[str]) -> Streams:
    """Liu et al. 2019, equations 1 and 2, with dense layers for the convolutions.

    A mask is sigmoid(W2 ReLU(W1 [shared, task's previous])), as the class has it: the paper's batch
    normalisation after W1 and W2 is not there, whatever `normalisation` says.
    """
    given, x = net.settings, net.features("shared")
    shared, own = x, dict[str, np.ndarray]()
    for number, width in enumerate(given.layers, start=1):
        name = f"shared_{number}"
        shared = net.finish(net.dense(shared, width, name), name, shared)
        for task in tasks:
            name = f"{task}_{number}"
            seen = np.concatenate([shared, own[task]], axis=-1) if task in own else shared
            hidden = relu(net.dense(seen, given.attention, f"{name}_attention"))
            mask = sigmoid(net.dense(hidden, width, f"{name}_mask"))
            own[task] = net.finish(net.dense(mask * shared, width, name), name)
    return net.answers(own, x)


def adapters(net: Network, tasks: Sequence[str]) -> Streams:
    """Houlsby et al. 2019: after each shared layer, x + W_up ReLU(W_down x)."""

    def adapted(x: np.ndarray, linear: np.ndarray, name: str) -> np.ndarray:
        y = net.finish(linear, name, x)
        down, up = f"{name}_adapter/down", f"{name}_adapter/up"
        assert net[f"{down}/kernel"].shape[-1] == net.settings.bottleneck
        low = relu(y @ net[f"{down}/kernel"] + net[f"{down}/bias"])
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


# Chains of steps


def aitm(net: Network, tasks: Sequence[str]) -> Streams:
    """Xi et al. 2021, equations 4 to 7, and the calibrator: the mean of what is out of order."""
    x = net.features("shared")
    shared = net.mlp(x, net.settings.layers, "shared")
    z = {task: net.mlp(shared, net.settings.tower, f"{task}_tower") for task in tasks}
    for before, task in pairwise(tasks):
        q, d, name = z[task], z[task].shape[-1], f"{task}_transfer"
        p = relu(z[before] @ net[f"{name}/passed/kernel"] + net[f"{name}/passed/bias"])
        value, key, query = (net[f"{name}/{h}/kernel"] for h in ("value", "key", "query"))
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


READINGS: dict[str, Callable[[Network, Sequence[str]], Streams]] = {
    "AITM": aitm,
    "Adapters": adapters,
    "CGC": ple,
    "CrossStitch": cross_stitch,
    "DSelectK": dselect_k,
    "ESMM": esmm,
    "Grouped": grouped,
    "LoRA": lora,
    "MMoE": mmoe,
    "MTAN": mtan,
    "NDDR": nddr,
    "OMoE": omoe,
    "PLE": ple,
    "STEM": stem,
    "SharedBottom": shared_bottom,
    "SingleTask": single_task,
    "Sluice": sluice,
    "SoftSharing": soft_sharing,
}
