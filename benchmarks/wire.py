"""What several workers cost: bytes sent and milliseconds per step, seconds to start.

Then, on paper, the milliseconds per step of up to 256 workers with a core and a network card each.

Each cluster of processes runs in a network namespace of its own, so that all bytes on its loopback
device are the cluster's (Linux; `unshare` from util-linux). The processes share this machine's
cores: its times tell what exchanging gradients costs, not how fast a cluster is. Run with
`python benchmarks/wire.py [--workers 1 2 4] [--tasks 3]`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

SHAPE = {"inputs": 20, "trunk": [256, 256, 256], "tower": [64]}
BATCH = 256  # of all workers
STEPS = 100
BALANCERS = {
    "fixed": {"kind": "fixed"},
    "uncertainty": {"kind": "uncertainty"},
    "pcgrad": {"kind": "pcgrad"},
    "graddrop": {"kind": "graddrop"},
    "pcgrad, every 10 steps": {"kind": "pcgrad", "update_every": 10},
    "nash_mtl, last_layer": {"kind": "nash_mtl", "gradients": "last_layer"},
    "mgda, representation": {"kind": "mgda", "gradients": "representation"},
}

LATENCY = 0.05  # milliseconds of a message within a data centre
BANDWIDTH = 10e9 / 8 / 1000  # bytes per millisecond of a 10 Gbit/s card
ROUNDS = {"fixed": 2, "uncertainty": 2}  # sums over the workers in a step; of the others, 3


def on_paper(workers: int, alone: float, size: float, rounds: int) -> float:
    """Milliseconds of a step of workers in a ring, each with a batch that takes one `alone` ms."""
    hops = 2 * (workers - 1)
    return alone + rounds * hops * LATENCY + hops / workers * size / BANDWIDTH


def sent() -> int:
    """Bytes that were sent over this namespace's loopback device."""
    lines = Path("/proc/net/dev").read_text(encoding="ascii").splitlines()
    device = next(line for line in lines if line.strip().startswith("lo:"))
    return int(device.partition(":")[2].split()[8])


def network(balancer: dict, tasks: int):
    import keras

    import mtl_keras as mtl

    keras.utils.set_random_seed(0)
    x = hidden = keras.Input((SHAPE["inputs"],))
    for units in SHAPE["trunk"]:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    outputs = {}
    for task in range(tasks):
        tower = hidden
        for units in SHAPE["tower"]:
            tower = keras.layers.Dense(units, activation="relu")(tower)
        outputs[f"t{task}"] = keras.layers.Dense(1)(tower)
    model = mtl.MultiTaskModel(x, outputs)
    model.compile(keras.optimizers.SGD(1e-3), loss="mse", balancer=balancer)
    return model


def work(tasks: int, started: float) -> None:
    """What each process does; the first one prints the figures as JSON."""
    from mtl_keras.training.workers import workers

    together = workers()
    import numpy as np

    random = np.random.default_rng(0)
    x = random.normal(size=(STEPS * BATCH, SHAPE["inputs"])).astype("float32")
    y = {f"t{task}": np.tanh(x[:, task]) for task in range(tasks)}
    figures: dict = {}
    for name, balancer in BALANCERS.items():
        with together.scope():
            model = network(balancer, tasks)
        model.fit(x, y, batch_size=BATCH, verbose=0, shuffle=False)  # compiles
        if not figures:
            figures["start"] = time.time() - started
        times = []
        before = sent()
        for _ in range(3):
            begin = time.perf_counter()
            model.fit(x, y, batch_size=BATCH, verbose=0, shuffle=False)
            times.append(1000 * (time.perf_counter() - begin) / STEPS)
        shared = sum(v.shape.num_elements() for v in model.step.partition.shared)
        figures["shared"] = shared
        figures["own"] = sum(v.shape.num_elements() for v in model.trainable_variables) - shared
        figures[name] = ((sent() - before) / (3 * STEPS), min(times))
    if together.chief:
        print(json.dumps(figures), flush=True)


def cluster(workers: int, tasks: int) -> dict:
    """The figures of a cluster; its processes are started in a namespace of their own."""
    addresses = [f"127.0.0.1:{23000 + number}" for number in range(workers)]
    commands = []
    for number in range(workers):
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": number},
        }
        program = f"{sys.executable} {__file__} --tasks {tasks} --started {time.time()}"
        commands.append(f"TF_CONFIG='{json.dumps(config)}' {program} &")
    script = "\n".join(["ip link set lo up", *commands, "wait"])
    command = ["unshare", "--net", *([] if os.getuid() == 0 else ["--map-root-user"])]
    done = subprocess.run([*command, "bash", "-c", script], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            return json.loads(line)
    raise SystemExit(done.stderr[-2000:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--tasks", type=int, default=3)
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.started:
        work(options.tasks, options.started)
        return
    figures = {workers: cluster(workers, options.tasks) for workers in options.workers}
    first = next(iter(figures.values()))
    size = 4 * (first["shared"] + first["own"])
    print(
        f"{options.tasks} tasks, {first['shared']:,} shared and {first['own']:,} other parameters"
    )
    print(f"their gradients: {size / 1e6:.2f} MB; batch {BATCH}, {os.cpu_count()} cores\n")
    print("| | " + " | ".join(f"{n} worker{'s' * (n > 1)}" for n in figures) + " |")
    print("|---|" + "---|" * len(figures))
    print("| start | " + " | ".join(f"{f['start']:.1f} s" for f in figures.values()) + " |")
    for name in BALANCERS:
        cells = []
        for workers, of in figures.items():
            total, ms = of[name]
            # A ring of N workers sends each byte 2 (N - 1) times in all.
            share = total / (2 * (workers - 1)) / size if workers > 1 else 0.0
            cells.append(f"{ms:.2f} ms" + (f", {share:.2f} x gradients" if workers > 1 else ""))
        print(f"| {name} | " + " | ".join(cells) + " |")
    if 1 in figures and len(figures) > 1:
        print_on_paper(figures, size)


def print_on_paper(figures: dict, size: int) -> None:
    """Steps of more workers than there are here, from the bytes that two sent."""
    counts = (2, 8, 32, 256)
    print("\n| on paper, ms per step | " + " | ".join(f"{n} workers" for n in counts) + " |")
    print("|---|" + "---|" * len(counts))
    several = next(n for n in figures if n > 1)
    for name in BALANCERS:
        exchanged = figures[several][name][0] / (2 * (several - 1))
        alone, rounds = figures[1][name][1], ROUNDS.get(name, 3)
        steps = [on_paper(n, alone, exchanged, rounds) for n in counts]
        print(f"| {name} | " + " | ".join(f"{step:.1f}" for step in steps) + " |")


if __name__ == "__main__":
    main()
