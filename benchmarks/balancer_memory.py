"""Peak memory of a balanced step above equal weights, in copies of the shared gradient.

Four tasks on a trunk of 16 million parameters; each balancer in a process of its own. Run with
`python benchmarks/balancer_memory.py`.
"""

import resource
import subprocess
import sys

TASKS, WIDTH, LAYERS = 4, 2000, 4


def peak(balancer: str) -> float:
    """Peak resident memory of a few steps, in bytes."""
    import keras
    import numpy as np

    import mtl_keras as mtl

    rows = keras.Input((WIDTH,))
    hidden = rows
    for _ in range(LAYERS):
        hidden = keras.layers.Dense(WIDTH, activation="relu")(hidden)
    outputs = {f"t{i}": keras.layers.Dense(1)(hidden) for i in range(TASKS)}
    model = mtl.MultiTaskModel(rows, outputs)
    model.compile(keras.optimizers.SGD(1e-4), loss="mse", balancer=balancer)
    x = np.zeros((64, WIDTH), "float32")
    model.fit(x, {name: np.zeros(64) for name in outputs}, batch_size=16, verbose=0, epochs=2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    if len(sys.argv) > 1:
        print(peak(sys.argv[1]))
        return
    copy = 4 * (WIDTH + 1) * WIDTH * LAYERS
    base = None
    for balancer in ("fixed", "imtl_g", "nash_mtl", "pcgrad", "graddrop", "db_mtl"):
        command = [sys.executable, __file__, balancer]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        bytes_used = float(found.strip().splitlines()[-1])
        base = base or bytes_used
        print(
            f"{balancer:10} {bytes_used / 2**20:7.0f} MiB  {(bytes_used - base) / copy:+.2f} copies"
        )


if __name__ == "__main__":
    main()
