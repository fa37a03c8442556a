"""Milliseconds per training step of every balancer, beside equal weights and beside TorchJD.

Two shapes: trunk 3 x 256, three towers of 64 on 20 inputs, batch 256; and the same with eight
tasks, batch 1024. All in one process, alternately. TorchJD is measured where it is installed
(`pip install -e .[benchmarks]`). Run with `python benchmarks/balancer_speed.py`.
"""

import argparse
import math
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import balancers
from mtl_keras.declaring import registry

now = time.perf_counter
SHAPES = {"3 tasks, batch 256": (3, 256, 256), "8 tasks, batch 1024": (8, 1024, 64)}


PEERS = {  # the methods that TorchJD has, made from its module and the number of tasks
    "fixed": lambda jd, tasks: None,
    "mgda": lambda jd, tasks: jd.MGDA(),
    "pcgrad": lambda jd, tasks: jd.PCGrad(),
    "gradvac": lambda jd, tasks: jd.GradVac(),
    "cagrad": lambda jd, tasks: jd.CAGrad(c=0.5),
    "imtl_g": lambda jd, tasks: jd.IMTLG(),
    "nash_mtl": lambda jd, tasks: jd.NashMTL(n_tasks=tasks),
    "fairgrad": lambda jd, tasks: jd.FairGrad(alpha=2.0),
    "aligned_mtl": lambda jd, tasks: jd.AlignedMTL(),
    "config": lambda jd, tasks: jd.ConFIG(),
    "upgrad": lambda jd, tasks: jd.UPGrad(),
    "dual_proj": lambda jd, tasks: jd.DualProj(),
    "graddrop": lambda jd, tasks: jd.GradDrop(),
    "excess_mtl": lambda jd, tasks: jd.ExcessMTL(),
}


def declared() -> dict[str, dict]:
    names = registry.classes(balancers, balancers.Balancer)
    rows = {name: {"kind": name} for name in names}
    for name in ("mgda", "nash_mtl", "imtl_g"):
        rows[f"{name}, representation"] = {"kind": name, "gradients": "representation"}
    rows["nash_mtl, every 10 steps"] = {"kind": "nash_mtl", "update_every": 10}
    rows["nash_mtl, no diagnostics"] = {"kind": "nash_mtl", "diagnostics": False}
    return rows


def data(tasks: int, rows: int):
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 20)).astype("float32")
    weights = random.normal(size=(20, tasks)).astype("float32")
    y = (np.tanh(x @ weights) + 2).astype("float32")
    return x, y


def keras_step(balancer: dict, tasks: int, batch: int, x, y, **options):
    keras.utils.set_random_seed(0)
    rows = keras.Input((20,))
    hidden = rows
    for _ in range(3):
        hidden = keras.layers.Dense(256, activation="relu")(hidden)
    outputs = {}
    for i in range(tasks):
        tower = keras.layers.Dense(64, activation="relu")(hidden)
        outputs[f"t{i}"] = keras.layers.Dense(1)(tower)
    model = mtl.MultiTaskModel(rows, outputs)
    model.compile(keras.optimizers.Adam(1e-4), loss="mse", balancer=balancer, **options)
    labels = {f"t{i}": y[:, i] for i in range(tasks)}

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = now()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds = now() - self.start

    def run() -> float:
        clock = Clock()  # of the last epoch: a call of `fit` sets up its pipeline in the first
        model.fit(x, labels, batch_size=batch, epochs=2, verbose=0, callbacks=[clock])
        return clock.seconds

    return run


def torch_step(name: str, tasks: int, batch: int, threads: int, x, y):
    import torch
    import torchjd.aggregation as aggregation
    from torchjd.autojac import jac_to_grad, mtl_backward

    try:
        aggregator = PEERS[name](aggregation, tasks)
    except Exception as error:
        print(f"TorchJD {name}: {type(error).__name__}: {str(error)[:90]}")
        return None
    torch.manual_seed(0)
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    trunk = torch.nn.Sequential(
        linear(20, 256), relu(), linear(256, 256), relu(), linear(256, 256), relu()
    )
    towers = [torch.nn.Sequential(linear(256, 64), relu(), linear(64, 1)) for _ in range(tasks)]
    own = [list(tower.parameters()) for tower in towers]
    parameters = [*trunk.parameters(), *(p for group in own for p in group)]
    optimizer = torch.optim.Adam(parameters, lr=1e-4, fused=True)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)

    def run() -> float:
        torch.set_num_threads(threads)
        begin = now()
        order = torch.randperm(len(tx))
        for start in range(0, len(tx), batch):
            chosen = order[start : start + batch]
            rows, labels = tx[chosen], ty[chosen]
            features = trunk(rows)
            losses = [
                torch.nn.functional.mse_loss(tower(features)[:, 0], labels[:, i])
                for i, tower in enumerate(towers)
            ]
            optimizer.zero_grad(set_to_none=True)
            if aggregator is None:
                sum(losses).backward()
            else:
                mtl_backward(losses, features=features)
                jac_to_grad(list(trunk.parameters()), aggregator)
            optimizer.step()
        return now() - begin

    return run


def measure(runs: dict, rounds: int, steps: int) -> dict[str, float]:
    """Milliseconds per step in the fastest round, the runs taken in turn.

    Whatever else the machine does can only add to a time: the least is the steadiest.
    """
    for name in list(runs):
        try:
            runs[name]()
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {str(error)[:90]}")
            del runs[name]
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(run())
    return {name: 1e3 * min(values) / steps for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[], help="balancers to measure")
    parser.add_argument("--shapes", nargs="*", type=int, default=[0, 1], help="0: 3 tasks, 1: 8")
    parser.add_argument(
        "--processor", action="store_true", help="processor time, where the machine is busy"
    )
    arguments = parser.parse_args()
    if arguments.processor:
        global now
        now = time.process_time
    wanted = {
        name: balancer
        for name, balancer in declared().items()
        if not arguments.only or name.split(",")[0] in [*arguments.only, "fixed"]
    }
    versions = f"tensorflow {tf.__version__}, keras {keras.__version__}"
    try:
        import torch
        import torchjd  # noqa: F401

        versions += f", torch {torch.__version__}, torchjd 0.18"
        peers = True
    except ImportError:
        peers = False
        print("TorchJD is not installed: not compared.")

    for number in arguments.shapes:
        title, (tasks, batch, steps) = list(SHAPES.items())[number]
        x, y = data(tasks, steps * batch)
        runs = {n: keras_step(b, tasks, batch, x, y) for n, b in wanted.items()}
        if peers:
            known = [name for name in wanted if name in PEERS]
            for threads in (1, 2):
                for name in known:
                    run = torch_step(name, tasks, batch, threads, x, y)
                    if run is not None:
                        runs[f"{name} / torchjd {threads}"] = run
        found = measure(runs, arguments.rounds, steps)
        base = found["fixed"]
        print(
            f"\n## {title} ({versions}; {arguments.rounds} rounds of {steps} steps, the fastest)\n"
        )
        print("| balancer | ms/step | of equal weights | TorchJD ms | ratio |")
        print("|---|---:|---:|---:|---:|")
        ratios = []
        for name in wanted:
            if name not in found:
                continue
            theirs = [found[k] for t in (1, 2) if (k := f"{name} / torchjd {t}") in found]
            tail = "| |"
            if theirs:
                ratio = min(theirs) / found[name]
                ratios += [ratio] * (name != "fixed")
                tail = f"{min(theirs):.2f} | {ratio:.2f}x |"
            print(f"| {name} | {found[name]:.2f} | {found[name] / base:.2f}x | {tail}")
        if ratios:
            mean = math.exp(statistics.mean(map(math.log, ratios)))
            print(f"\ngeometric mean of the ratios to TorchJD: {mean:.2f}x")


if __name__ == "__main__":
    main()
