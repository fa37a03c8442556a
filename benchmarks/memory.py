"""Memory of one process that runs many experiments, one after the other.

    python benchmarks/memory.py --experiments 30
    python benchmarks/memory.py --experiments 30 --export

After each, Keras's session is cleared and garbage is collected, as a user would; what then still
grows is held by something that outlives the experiment.
"""

import argparse
import gc
import tempfile

import keras
import psutil

from tests import cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=30)
    parser.add_argument("--export", action="store_true", help="write each artifact and report, too")
    arguments = parser.parse_args()
    process = psutil.Process()
    memory = []
    for number in range(arguments.experiments):
        training = {"epochs": 2, "batch_size": 64}
        experiment = cases.experiment(tasks=cases.TASKS[:3], training=training)
        run = experiment.run(cases.table(200), show=None)
        if arguments.export:
            with tempfile.TemporaryDirectory() as folder:
                run.export(folder)
        del experiment, run
        keras.backend.clear_session()
        gc.collect()
        memory.append(process.memory_info().rss / 1e6)
        print(f"{number + 1:3} experiments: {memory[-1]:6.0f} MB", flush=True)
    settled = memory[
        len(memory) // 3 :
    ]  # the first ones fill the allocator and import what is late
    growth = (settled[-1] - settled[0]) / max(1, len(settled) - 1)
    print(f"growth after the first third: {growth:.1f} MB per experiment")


if __name__ == "__main__":
    main()
