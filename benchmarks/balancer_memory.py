"""Peak memory of a balanced step above equal weights, in copies of the shared gradient.

A trunk of 100 million parameters: beside less, the 0.15 GB that XLA's compiler takes once would
count as copies. Each case in a process of its own. Run with `python benchmarks/balancer_memory.py`.
"""

import resource
import subprocess
import sys

WIDTH, LAYERS = 5000, 4
COPY = 4 * (WIDTH + 1) * WIDTH * LAYERS


def peak(balancer: str, tasks: int) -> float:
    """By how much a few steps raise the peak of resident memory, in copies."""
    import keras
    import numpy as np

    import mtl_keras as mtl

    rows = keras.Input((WIDTH,))
    hidden = rows
    for _ in range(LAYERS):
        hidden = keras.layers.Dense(WIDTH, activation="relu")(hidden)
    outputs = {f"t{i}": keras.layers.Dense(1)(hidden) for i in range(tasks)}
    model = mtl.MultiTaskModel(rows, outputs)
    model.compile(keras.optimizers.SGD(1e-4), loss="mse", balancer=balancer)
    x = np.random.default_rng(0).normal(size=(64, WIDTH)).astype("float32")
    before = _resident()
    model.fit(x, {name: np.zeros(64) for name in outputs}, batch_size=16, verbose=0, epochs=2)
    return (_resident() - before) / COPY


def _resident() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    if len(sys.argv) > 1:
        print(peak(sys.argv[1], int(sys.argv[2])))
        return
    print("| tasks | balancer | copies | above equal weights |")
    print("|---:|---|---:|---:|")
    for tasks in (2, 4, 8):
        base = None
        for balancer in ("fixed", "imtl_g", "nash_mtl", "pcgrad", "upgrad"):
            command = [sys.executable, __file__, balancer, str(tasks)]
            found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            copies = float(found.strip().splitlines()[-1])
            base = copies if base is None else base
            print(f"| {tasks} | {balancer} | {copies:.2f} | {copies - base:.2f} |", flush=True)


if __name__ == "__main__":
    main()
