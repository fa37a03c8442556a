"""A training that is killed, or runs out of room: no half version, the old one answers, it resumes.

    python benchmarks/kills.py

Trains version 1 of a small model. Then, for each moment, trains again in a process of its own that
is killed there (SIGKILL), or may write no file beyond a size; looks at what is left; and finishes
with `--resume`.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
EPOCHS = 25
COMMAND = [sys.executable, "-m", "mtl_keras", "train", "shop.csv", "--models", "models"]
COMMAND += ["--target", "left:binary", "--target", "score:regression", "--preset", "fast"]
COMMAND += ["--epochs", str(EPOCHS), "--patience", str(EPOCHS)]
MODEL = Path("models/shop")


def unfinished(pattern: str = "") -> bool:
    return any(MODEL.glob(f".unfinished-*{pattern}"))


MOMENTS: dict[str, Callable[[float], bool]] = {
    "while it starts": lambda seconds: seconds > 1.5,
    "after the first checkpoint": lambda _: (MODEL / ".training/training.npz").is_file(),
    "within a checkpoint": lambda _: (MODEL / ".training/training.unfinished").is_file(),
    "as the export begins": lambda _: unfinished(),
    "within the SavedModel": lambda _: unfinished("/variables"),
    "within model.keras": lambda _: unfinished("/assets.extra/model.keras"),
    "before the report": lambda _: unfinished("/assets.extra/metrics.json"),
    "after the publication": lambda _: (MODEL / "2").is_dir(),
}
SIZES = (2_000, 30_000, 200_000)  # bytes that a file may have


def killed(moment: Callable[[float], bool]) -> str:
    """Train until a moment, kill, and say what became of the process."""
    process = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    start = time.perf_counter()
    while process.poll() is None and not moment(time.perf_counter() - start):
        time.sleep(0.0005)
    if process.poll() is not None:
        return "ended before"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return "killed"


def limited(size: int) -> str:
    """Train with files that cannot grow beyond a size, as on a full disk; the last words."""
    done = subprocess.run(
        COMMAND,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith(("error", "The model"))]
    traceback = "Traceback" in done.stderr
    return f"code {done.returncode}{', TRACEBACK' if traceback else ''}: {' '.join(lines)[:160]}"


def left(expected: object) -> str:
    """What is there after the interruption."""
    import mtl_keras as mtl
    from mtl_keras.export.artifact import versions

    found = versions(MODEL)
    for number in found:
        mtl.load(MODEL / str(number))
    answers = mtl.load(MODEL / "1").predict("shop.csv")
    same = "the same answers" if answers.equals(expected) else "OTHER ANSWERS"
    return f"versions {found}, {same}"


def resumed() -> str:
    from mtl_keras.export.artifact import versions

    done = subprocess.run([*COMMAND, "--resume"], capture_output=True, text=True)
    said = [line for line in done.stdout.splitlines() if "resum" in line or "already" in line]
    rest = sorted(path.name for path in MODEL.glob(".*") if path.name != ".training.lock")
    how = said[0].split(": ")[-1] if said else f"code {done.returncode} {done.stderr[-200:]}"
    return f"{how}; versions {versions(MODEL)}" + (f"; left over {rest}" if rest else "")


def main() -> None:
    root = Path(__file__).parents[1]
    os.environ["PYTHONPATH"] = str(root)
    sys.path.insert(0, str(root))
    import mtl_keras as mtl
    from tests import cases

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["TMPDIR"] = folder
        cases.table(600)[["age", "town", "member", "left", "score"]].to_csv("shop.csv", index=False)
        subprocess.run(COMMAND, check=True, capture_output=True)
        expected = mtl.load(MODEL).predict("shop.csv")
        print("| interrupted | outcome | left | with --resume |\n|---|---|---|---|")
        attempts = {name: lambda m=moment: killed(m) for name, moment in MOMENTS.items()}
        attempts |= {f"files up to {size:,} bytes": lambda s=size: limited(s) for size in SIZES}
        for name, attempt in attempts.items():
            outcome = attempt()
            print(f"| {name} | {outcome} | {left(expected)} | {resumed()} |", flush=True)
            for number in (2, 3):
                subprocess.run(["rm", "-rf", f"models/shop/{number}"], check=True)


if __name__ == "__main__":
    main()
