"""Trainings and comparisons that are killed, or run out of room: nothing half, nothing lost.

    python benchmarks/kills.py [PATTERN]

Trains version 1 of a small model, and again without an interruption. Then, for each moment, trains
in a process that kills itself there (SIGKILL), or may write no file beyond a size; looks at what is
left; finishes with `--resume`; and compares the files of the new version with those of the
uninterrupted training, byte by byte.
"""

import argparse
import dataclasses
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.moments import ANSWERS, COMPARISON, TRAINING, Moment  # noqa: E402

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
MODEL = Path("models/shop")
TRAIN = ["train", "shop.toml", "--models", "models"]
COMPARE = ["compare", "shop.toml", "--models", "models", "--seeds", "1", "--tries", "0"]
COMPARE += ["--no-baselines", "--workers", "2"]
PREDICT = ["predict", str(MODEL), "shop.csv", "-o", "answers.csv"]
EXPERIMENT = """
name = "shop"
preset = "fast"
data = {path = "shop.csv"}
tasks = {left = "binary", score = "regression"}
training = {epochs = 6, patience = 6}
balancer = "uncertainty"
"""
SIZES = (2_000, 30_000, 200_000)  # bytes that a file may have


def run(arguments: list[str], moment: Moment | None = None, size: int = 0) -> Any:
    """A command in a process of its own."""
    environment = {**os.environ}
    if moment is not None:
        environment["MTL_KILL"] = json.dumps(dataclasses.asdict(moment))

    def limit() -> None:
        if size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    command = [sys.executable, str(ROOT / "benchmarks" / "moments.py"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, preexec_fn=limit
    )


def outcome(done: Any) -> str:
    """How a command ended."""
    if done.returncode == -signal.SIGKILL:
        return "killed"
    last = (done.stderr.strip().splitlines() or [""])[-1]
    trace = "TRACEBACK " if "Traceback" in done.stderr else ""
    return f"{trace}code {done.returncode}: {last[:160]}"


def left(expected: Any) -> str:
    """What is there after an interruption."""
    import mtl_keras as mtl
    from mtl_keras.export.artifact import versions

    found = versions(MODEL)
    for number in found:
        mtl.load(MODEL / str(number))
    answers = mtl.load(MODEL / "1").predict("shop.csv")
    same = "the same answers" if answers.equals(expected) else "OTHER ANSWERS"
    return f"{'version' if len(found) == 1 else 'versions'} {found}, {same}"


def content(version: Path) -> dict[str, bytes]:
    """The files of a version that two uninterrupted trainings have alike, by name."""
    files = {str(p.relative_to(version)): p for p in version.rglob("*") if p.is_file()}
    found = {}
    for name, path in files.items():
        if name.endswith("schema.json"):
            schema = json.loads(path.read_text())
            found[name] = json.dumps({**schema, "training": ""}).encode()
        elif name.endswith(".keras"):
            with zipfile.ZipFile(path) as archive:
                found[name] = archive.read("model.weights.h5")
        else:
            found[name] = path.read_bytes()
    return found


def resumed(reference: dict[str, bytes], expected: Any) -> str:
    """What `--resume` makes of it."""
    import mtl_keras as mtl
    from mtl_keras.export.artifact import versions

    done = run([*TRAIN, "--resume"])
    said = [line for line in done.stdout.splitlines() if "resum" in line or "already" in line]
    rest = sorted(path.name for path in MODEL.glob(".*") if path.name != ".training.lock")
    how = said[0].split(": ")[-1] if said else f"code {done.returncode} {done.stderr[-200:]}"
    found = versions(MODEL)
    again = content(MODEL / str(found[-1]))
    other = sorted(name for name, value in reference.items() if again.get(name) != value)
    same = f"OTHER BYTES {other}" if other else f"the same bytes in {len(reference)} files"
    if not mtl.load(MODEL).predict("shop.csv").equals(expected):
        same += ", OTHER ANSWERS"
    return f"{how}; versions {found}, {same}" + (f"; LEFT OVER {rest}" if rest else "")


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def trainings(expected: Any, wanted: str) -> None:
    """The table of trainings."""
    run(TRAIN)
    one, two = content(MODEL / "1"), content(MODEL / "2")
    reference = {name: value for name, value in two.items() if one.get(name) == value}
    reference.pop("assets.extra/explanation.json", None)  # as exact as a few seconds allow
    print(f"the same in two uninterrupted trainings: {sorted(reference)}")
    print(f"not the same: {sorted(set(two) - set(reference))}\n")
    shutil.rmtree(MODEL / "2")
    row("interrupted", "outcome", "left", "with --resume")
    row("---", "---", "---", "---")
    attempts: dict[str, Any] = {name: {"moment": moment} for name, moment in TRAINING.items()}
    attempts |= {f"files up to {size:,} bytes": {"size": size} for size in SIZES}
    for name, how in attempts.items():
        if not re.search(wanted, name):
            continue
        ended = outcome(run(TRAIN, **how))
        row(name, ended, left(expected), resumed(reference, expected))
        for number in (2, 3):
            shutil.rmtree(MODEL / str(number), ignore_errors=True)


def compared() -> str:
    """What a comparison found, without times and the sizes of files; as text: NaN equals NaN."""
    found = json.loads((MODEL / "comparison" / "comparison.json").read_text())
    found["advice"] = re.sub(r" One model took .*", "", found["advice"])
    for candidate in found["candidates"].values():
        del candidate["seconds"], candidate["size"]
    return json.dumps(found)


def comparisons(wanted: str) -> None:
    """The rows of comparisons and of answers."""
    run(COMPARE)
    reference = compared()
    for name, moment in COMPARISON.items():
        if not re.search(wanted, name):
            continue
        shutil.rmtree(MODEL / "comparison")
        ended = outcome(run(COMPARE, moment))
        half = (MODEL / "comparison" / "comparison.json").is_file()
        page = (MODEL / "comparison" / "comparison.html").is_file()
        kept = len(list((MODEL / "comparison").rglob("*.npz")))
        again = run(COMPARE)
        before = [line for line in again.stdout.splitlines() if "finished before" in line]
        same = "the same comparison" if compared() == reference else "ANOTHER COMPARISON"
        rest = [p.name for p in (MODEL / "comparison").rglob("*unfinished*")]
        there = f"{kept} trainings kept, {'' if half else 'no '}values, {'' if page else 'no '}page"
        how = f"{before[0] if before else 'all again'}; {same}"
        row(name, ended, there, how + (f"; LEFT OVER {rest}" if rest else ""))
    run(PREDICT)
    answers = Path("answers.csv").read_bytes()
    for name, moment in ANSWERS.items():
        if not re.search(wanted, name):
            continue
        ended = outcome(run(PREDICT, moment))
        same = Path("answers.csv").read_bytes() == answers
        run(PREDICT)
        again = Path("answers.csv").read_bytes() == answers
        rest = [path.name for path in Path().glob(".*")]
        there = "the old answers" if same else "OTHER ANSWERS"
        how = ("the same bytes" if again else "OTHER BYTES") + (
            f"; LEFT OVER {rest}" if rest else ""
        )
        row(name, ended, there, how)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wanted", nargs="?", default="", help="regular expression of moments")
    wanted = parser.parse_args().wanted
    os.environ["PYTHONPATH"] = str(ROOT)
    import mtl_keras as mtl
    from tests import cases

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["TMPDIR"] = folder
        cases.table(600)[["age", "town", "member", "left", "score"]].to_csv("shop.csv", index=False)
        Path("shop.toml").write_text(EXPERIMENT)
        print(outcome(run(TRAIN)))
        expected = mtl.load(MODEL).predict("shop.csv")
        trainings(expected, wanted)
        comparisons(wanted)


if __name__ == "__main__":
    main()
