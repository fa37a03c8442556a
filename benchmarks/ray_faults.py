"""Trainings on a Ray cluster whose workers, machines and command are killed.

    python benchmarks/ray_faults.py [PATTERN]

Trains a small experiment in one process, then with two workers of a local Ray, disturbed in one way
each, and compares losses and weights.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("RAY_worker_niceness", "0")  # or what else runs here makes workers wait

EPOCHS = 6
Show = Callable[[str], None]


def workers_of(process: int) -> list[int]:
    """The identifiers of Ray Train's workers below a process."""
    parents, names = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            stat, name = (path / "stat").read_text(), (path / "cmdline").read_text()
        except OSError:  # it has just ended
            continue
        parents[int(path.name)] = int(stat.rpartition(")")[2].split()[1])
        names[int(path.name)] = name

    def below(one: int) -> bool:
        while one in parents and one != process:
            one = parents[one]
        return one == process

    return sorted(p for p, n in names.items() if n.startswith("ray::RayTrainWorker") and below(p))


def kill(number: int) -> None:
    """Kill a worker of this process."""
    os.kill(workers_of(os.getpid())[number], signal.SIGKILL)


def at_line(
    start: str, act: Callable[[], None], later: float = 0.0, times: int = 1, skip: int = 0
) -> Show:
    """A function that acts some seconds after the first lines that start in a certain way."""
    acted: list[str] = []
    skipped: list[str] = []

    def show(line: str) -> None:
        if line.strip().startswith(start) and len(skipped) < skip:
            skipped.append(line)
        elif line.strip().startswith(start) and len(acted) < times:
            acted.append(line)
            threading.Timer(later, act).start() if later else act()

    return show


def experiment(kind: str, folder: Path) -> Any:
    """A small experiment on a table, on a stream, of several networks."""
    import mtl_keras as mtl
    from tests import cases

    table = cases.table(1200)[["age", "town", "left", "spend"]]
    options: dict[str, Any] = {"epochs": EPOCHS, "batch_size": 32, "patience": EPOCHS}
    if kind == "stream":
        for number in range(3):
            part = table.iloc[400 * number : 400 * number + 400]
            part.to_parquet(folder / f"{number}.parquet", row_group_size=100)
    else:
        table.to_csv(folder / "shop.csv", index=False)
    return mtl.Experiment(
        name="shop",
        data=folder if kind == "stream" else folder / "shop.csv",
        streaming=kind == "stream",
        tasks={"left": "binary", "spend": "regression"},
        preset="fast",
        architecture={"kind": "mmoe", "dropout": 0.0},
        balancer="pcgrad",
        training={**options, "networks": 2 if kind == "networks" else 1},
    )


def difference(run: Any, alone: Any) -> str:
    """How far a run is from that of one process."""
    import numpy as np

    columns = [name for name in alone.history if name.endswith("loss")]
    losses = np.abs(run.history[columns] / alone.history[columns] - 1).to_numpy().max()
    weights = max(
        np.abs(a - b).max() for a, b in zip(run.model.get_weights(), alone.model.get_weights())
    )
    return f"losses within {losses:.0e} of their size, weights within {weights:.0e}"


CASES: dict[str, tuple[str, Show | None]] = {
    "undisturbed": ("table", None),
    "the first worker is killed between two epochs": ("table", at_line("3/", lambda: kill(0))),
    "the second worker is killed within an epoch": ("table", at_line("3/", lambda: kill(1), 0.05)),
    "three workers are killed, one after the other": (
        "table",
        at_line("3/", lambda: kill(1), 0.2, times=3),
    ),
    "a stream, a worker is killed": ("stream", at_line("3/", lambda: kill(1), 0.05)),
    "two networks, a worker is killed in the second": (
        "networks",
        at_line("3/", lambda: kill(1), 0.05, skip=1),
    ),
}


def disturbed(kind: str, act: Show | None, folder: Path) -> str:
    """Train with two workers, disturbed; what came of it."""
    declared = experiment(kind, folder)
    alone = declared.run(show=None)
    lines: list[str] = []

    def show(line: str) -> None:
        lines.append(line)
        if act is not None:
            act(line)

    run = declared.run(checkpoint=folder / "state", show=show, workers=2)
    again = sum("all start again" in line for line in lines)
    return f"started again {again} times; {difference(run, alone)}"


def command_killed(folder: Path) -> str:
    """Kill the command that trains, and resume it."""
    import pandas as pd

    declared = experiment("table", folder)
    alone = declared.run(show=None)
    (folder / "shop.toml").write_text(__import__("tomli_w").dumps(declared.to_dict(folder)))
    command = [sys.executable, "-m", "mtl_keras.train", "shop.toml", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    first = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    for line in first.stdout:
        if line.strip().startswith("4/"):
            first.kill()
            break
    first.wait()
    ended = time.monotonic()
    while workers_of(first.pid) and time.monotonic() < ended + 30:
        time.sleep(0.5)
    second = subprocess.run(
        [*command, "--resume"], cwd=folder, env=environment, capture_output=True, text=True
    )
    resumed = next((x for x in second.stdout.splitlines() if "resuming" in x), second.stderr)
    history = pd.read_csv(folder / "saved_models" / "shop" / "history.csv")
    columns = [name for name in alone.history if name.endswith("loss")]
    losses = abs(history[columns] / alone.history[columns] - 1).to_numpy().max()
    left = list((folder / "saved_models" / "shop").glob(".training/*"))
    return f"{resumed}; losses within {losses:.0e} of their size; left over: {left}"


def machine_lost(folder: Path) -> str:
    """Take away one of two machines (as far as Ray knows) for good."""
    import ray
    from ray.cluster_utils import Cluster as Machines

    from mtl_keras.errors import TrainingError
    from mtl_keras.jobs.ray_cluster import Cluster

    os.environ["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"] = "4"
    machines = Machines(initialize_head=True, head_node_args={"num_cpus": 1})
    other = machines.add_node(num_cpus=1)
    ray.init(machines.address, log_to_driver=False, logging_level="ERROR")
    lost: list[float] = []

    def lose() -> None:
        lost.append(time.monotonic())
        machines.remove_node(other, allow_graceful=False)

    try:
        experiment("table", folder).run(
            checkpoint=folder / "state", show=at_line("3/", lose, 0.05), workers=Cluster(2)
        )
    except TrainingError as error:
        return f"after {time.monotonic() - lost[0]:.0f} s: {error}"
    finally:
        ray.shutdown()
        machines.shutdown()
        del os.environ["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"]
    return "no error"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="")
    pattern = parser.parse_args().pattern
    from functools import partial

    jobs: dict[str, Callable[[Path], str]] = {
        name: partial(disturbed, kind, act) for name, (kind, act) in CASES.items()
    }
    jobs["the command is killed and resumed"] = command_killed
    jobs["a machine is lost and does not come back (waits of 5 x 4 s)"] = machine_lost
    for name, job in jobs.items():
        if pattern in name:
            with tempfile.TemporaryDirectory() as folder:
                start = time.monotonic()
                told = job(Path(folder))
                print(f"| {name} | {told} | {time.monotonic() - start:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
