"""Several workers: the same steps as one, and what happens when one of them fails.

    python benchmarks/workers.py [--workers 2 4] [--faults stopped stuck ...]

First, trainings by several processes are compared with those of one: from arrays, and from a stream
with the batches that the processes have together. Then experiments on a stream are trained by two
processes, of which one meets a fault while it trains; how each process ends is told, and after
which time, and whether `--resume` goes on.
"""

import argparse
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

FAULTS = ("stopped", "chief stopped", "stuck", "chief stuck", "killed", "corrupt", "vanished")
PATIENCE = 20  # seconds, instead of ten minutes
ROWS, FILES, GROUP = 24_000, 6, 500
EXPERIMENT = """
name = "shop"
preset = "fast"
tasks = {left = "binary", spend = "regression"}
training = {epochs = 40, patience = 40, batch_size = 64}
data = {path = "events", streaming = true}
"""


def processes(command: Sequence[str], count: int, folder: Path, **environment: str) -> list:
    """The processes of a cluster on this machine, which run in a folder."""
    from tests.training.test_workers import free_ports

    workers = [f"127.0.0.1:{port}" for port in free_ports(count)]
    started = []
    for index in range(count):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": workers}, "task": task})
        variables = {"TF_CONFIG": config, "PYTHONPATH": str(ROOT), **environment}
        with (folder / f"output_{index}.txt").open("w") as output:
            started.append(
                subprocess.Popen(
                    [sys.executable, str(Path(__file__).resolve()), *command],
                    cwd=folder,
                    env=os.environ | variables,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )
    return started


def compare(count: int) -> None:
    """Weights, logs and steps of several processes, beside those of one."""
    import numpy as np

    from tests.training import test_workers, worker

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = processes(["worker"], count, folder)
        assert [process.wait() for process in started] == [0] * count, output(folder, 0)
        (folder / "one").mkdir()
        worker.network_of(folder / "one")
        for kind, expected in (
            ("network", np.load(folder / "one" / "network_0.npz")),
            ("stream", test_workers.streamed_by_one(parts=count)),
        ):
            for number in range(count):
                is_now = np.load(folder / f"{kind}_{number}.npz")
                assert is_now["steps"] == expected["steps"]
                weights = np.abs(is_now["weights"] - expected["weights"]).max()
                logs = np.abs(is_now["logs"] / expected["logs"] - 1).max()
                print(
                    f"{count} workers, {kind}, worker {number}: {expected['steps']} steps; weights "
                    f"differ by {weights:.1e} at most, losses by {logs:.1e} of theirs"
                )
                assert weights <= 1e-5


def events(folder: Path) -> None:
    """Write the files of a stream, and its experiment."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    age = random.normal(40, 10, ROWS)
    table = pd.DataFrame({"age": age, "town": random.choice(["Ulm", "Bath", "Nice"], ROWS)})
    table["left"] = (age + random.normal(0, 5, ROWS) > 42).astype(float)
    table["spend"] = 2 * age + random.normal(0, 3, ROWS)
    table.loc[::3, "left"] = None
    (folder / "events").mkdir()
    for number in range(FILES):
        part = table.iloc[number * ROWS // FILES : (number + 1) * ROWS // FILES]
        path = folder / "events" / f"{number}.parquet"
        pq.write_table(
            pa.Table.from_pandas(part), path, row_group_size=GROUP, write_page_checksum=True
        )
    (folder / "shop.toml").write_text(EXPERIMENT)


def output(folder: Path, index: int) -> str:
    """What a process has printed, without TensorFlow's own lines."""
    lines = (folder / f"output_{index}.txt").read_text().splitlines()
    return "\n".join(x for x in lines if not x.startswith(("WARNING: All log", "I0000", "W0000")))


def until(folder: Path, text: str) -> None:
    """Wait until the first process has printed a text."""
    while text not in output(folder, 0):
        time.sleep(0.2)


def fail(fault: str) -> None:
    """Train with a fault; tell how the processes end, and whether they can be resumed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events(folder)
        victim = 0 if fault.startswith("chief") else 1
        stuck = str(victim) if "stuck" in fault else ""
        started = processes(["train"], 2, folder, MTL_KERAS_PATIENCE=str(PATIENCE), STUCK=stuck)
        until(folder, "   3/40")
        path = folder / "events" / "4.parquet"
        whole = path.read_bytes()
        if "stopped" in fault:
            started[victim].send_signal(signal.SIGSTOP)
        elif fault == "killed":
            started[victim].kill()
        elif fault == "corrupt":
            middle = len(whole) // 2
            path.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])
        elif fault == "vanished":
            path.unlink()
        else:
            (folder / "stick").touch()
        start = time.monotonic()
        waits = [n for n in (0, 1) if n != victim or fault in ("corrupt", "vanished", "killed")]
        seconds = {}
        while len(seconds) < len(waits):
            time.sleep(0.1)
            for number in waits:
                if number not in seconds and started[number].poll() is not None:
                    seconds[number] = time.monotonic() - start
        if victim not in waits:
            if "stopped" in fault:
                started[victim].send_signal(signal.SIGCONT)
            (folder / "stick").unlink(missing_ok=True)
            again = time.monotonic()
            started[victim].wait()
            seconds[victim] = time.monotonic() - again
        for number in (0, 1):
            after = "after it went on" if number not in waits else "after the fault"
            last = (output(folder, number).splitlines() or [""])[-1]
            print(
                f"{fault}: worker {number} ended {seconds[number]:.0f} s {after}, with code "
                f"{started[number].returncode}: {last}",
                flush=True,
            )
        path.write_bytes(whole)
        started = processes(["train", "--resume"], 2, folder)
        until(folder, "resum")
        print(next(x for x in output(folder, 0).splitlines() if "resum" in x), flush=True)
        for process in started:
            process.kill()
            process.wait()


def train(arguments: Sequence[str]) -> int:
    """One process of a training that a file called `stick` makes hang in its reading."""
    from mtl_keras.cli import main
    from mtl_keras.datasets.row_groups import ParquetFiles
    from mtl_keras.training import fitting
    from mtl_keras.training.checkpoint import StepCheckpoint

    fitting.StepCheckpoint = functools.partial(StepCheckpoint, seconds=1.0)
    if os.environ.get("STUCK") == str(json.loads(os.environ["TF_CONFIG"])["task"]["index"]):
        tables = ParquetFiles.tables

        def sticking(*place):
            while Path("stick").exists():
                time.sleep(0.1)
            return tables(*place)

        ParquetFiles.tables = sticking
    return main(["train", "shop.toml", *arguments])


def work() -> None:
    """One process of a comparison."""
    from tests.training import worker

    worker.workers()
    worker.network_of(Path())
    worker.stream_of(Path())


def main() -> None:
    if sys.argv[1:2] == ["train"]:
        sys.exit(train(sys.argv[2:]))
    if sys.argv[1:2] == ["worker"]:
        return work()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 4])
    parser.add_argument("--faults", nargs="*", choices=FAULTS, default=FAULTS)
    arguments = parser.parse_args()
    for count in arguments.workers:
        compare(count)
    for fault in arguments.faults:
        fail(fault)
    return None


if __name__ == "__main__":
    main()
