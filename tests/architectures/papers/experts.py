"""Mixtures of experts."""

from collections.abc import Sequence

import numpy as np

from tests.architectures.network import Network, Streams, sigmoid, softmax, weighed


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
    """q = sum_j softmax(w)_j r_j; in training, the entropy of the r_j is an added loss.

    So is the inverse of the weight of the codes that stand for an expert, if others do not. As the
    class declares, both are means over rows, and the inverse is less one, and at most a thousand.
    The lowest bit of a code comes first.
    """
    given, n = net.settings, net.settings.experts
    bits = int(np.ceil(np.log2(n)))
    if given.conditional:
        z = x @ net[f"{gate}/code_kernel"] + net[f"{gate}/code_bias"]
        w = x @ net[f"{gate}/weight_kernel"] + net[f"{gate}/weight_bias"]
    else:
        z = np.broadcast_to(net[f"{gate}/code"], (*x.shape[:-1], given.selectors * bits))
        w = np.broadcast_to(net[f"{gate}/weight"], (*x.shape[:-1], given.selectors))
    t, gamma = z.reshape(*z.shape[:-1], given.selectors, bits), given.gamma
    cubic = -2 / gamma**3 * t**3 + 3 / (2 * gamma) * t + 1 / 2
    step = np.where(t <= -gamma / 2, 0.0, np.where(t >= gamma / 2, 1.0, cubic))
    r = np.zeros((*step.shape[:-1], n))
    for code in range(2**bits):
        bit = np.array([code // 2**place % 2 for place in range(bits)])
        if code < n or given.spare_codes == "reused":
            r[..., code % n] += np.where(bit == 1, step, 1 - step).prod(-1)
    if net.training:
        entropy = -(r * np.log(r + 1e-6)).sum(-1)  # (rows, [members,] selectors)
        net.losses.append(given.entropy * entropy.sum(-1).mean())
        if n < 2**bits and given.spare_codes == "penalised":
            inverse = 1 / np.maximum(r.sum(-1), 1e-3)
            net.losses.append((inverse - 1).sum(-1).mean())
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


def home(net: Network, tasks: Sequence[str]) -> Streams:
    """Wang et al. 2024, as the class tells it: levels, normalised experts, and their gates."""
    given, v = net.settings, net.features("shared")
    groups = [list(group) for group in given.groups] or [list(tasks)]

    def swish(x: np.ndarray) -> np.ndarray:
        return x * sigmoid(x)

    def made(x: np.ndarray, prefix: str) -> list[np.ndarray]:
        found = []
        for number in range(1, given.experts + 1):
            name = f"{prefix}_expert_{number}"
            y = x * 2 * sigmoid(x @ net[f"{name}_gate/a"] @ net[f"{name}_gate/b"])
            for layer, width in enumerate(given.layers, start=1):
                linear = net.dense(y, width, f"{name}_{layer}")
                y = swish(net.batch_norm(linear, f"{name}_{layer}_norm"))
            found.append(y)
        return found

    def read(x: np.ndarray, sources: list[np.ndarray], own: list[np.ndarray], name: str):
        logits = net.dense(x, len(own), f"{name}_self_gate")
        itself = sigmoid(logits) if len(own) == 1 else softmax(logits)
        return net.gate(x, f"{name}_gate", sources) + weighed(itself, own)

    shared = made(v, "level_1_shared")
    of_group = [made(v, f"level_1_group_{number}") for number in range(1, len(groups) + 1)]
    z = read(v, [e for own in of_group for e in own] + shared, shared, "level_1_shared")
    shared_2, parts = made(z, "level_2_shared"), {}
    for number, (group, own) in enumerate(zip(groups, of_group), start=1):
        z_group = read(v, own + shared, own, f"level_1_group_{number}")
        of_group_2 = made(z_group, f"level_2_group_{number}")
        for task in group:
            of_task, both = made(z_group, f"level_2_{task}"), np.concatenate([z_group, z], axis=-1)
            read_by_task = read(both, of_task + of_group_2 + shared_2, of_task, f"level_2_{task}")
            parts[task] = read_by_task
    return net.answers({task: parts[task] for task in tasks}, v)
