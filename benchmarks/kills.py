"""Trainings and comparisons that are killed, or run out of room: nothing half, nothing lost.

    python benchmarks/kills.py

Trains version 1 of a small model, and again without an interruption. Then, for each moment, trains
in a process that kills itself there (SIGKILL), or may write no file beyond a size; looks at what is
left; finishes with `--resume`; and compares the files of the new version with those of the
uninterrupted training, byte by byte.
"""

import dataclasses
import functools
import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parents[1]
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


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a process kills itself.

    Attributes:
        target: The function, `"package.module:attribute"`, as its caller finds it.
        when: `"before"` or `"after"` it; `"amid"`, once half of the file that it writes is there;
            `"soon"`, a few milliseconds later.
        call: The number of the call.
        worker: Whether a comparison's worker dies, not the process that started it.
    """

    target: str
    when: str = "before"
    call: int = 1
    worker: bool = False


FILES = 11  # that describe a version
TRAINING = {
    "while the table is read": Moment("mtl_keras.datasets.table:files.load", "after"),
    "while rows are encoded": Moment("mtl_keras.runs.prepare:Encoder.encode", "after", 2),
    "before the network is built": Moment("mtl_keras.runs.story:build"),
    "before the first epoch": Moment("mtl_keras.training.progress:Progress.on_train_begin"),
    "within an epoch": Moment("mtl_keras.training.progress:Progress.on_epoch_begin", "soon", 3),
    "within a checkpoint": Moment("numpy:savez", "amid", 3),
    "between a checkpoint and its rename": Moment("pathlib:Path.replace", "before", 3),
    "after the last checkpoint": Moment("pathlib:Path.replace", "after", 6),
    "before the test rows are judged": Moment("mtl_keras.runs.story:judged"),
    "as the export begins": Moment("mtl_keras.export.artifact:write_saved_model"),
    "after the SavedModel": Moment("mtl_keras.export.artifact:write_saved_model", "after"),
    "within model.keras": Moment("keras:Model.save", "amid"),
    **{
        f"within file {number} of {FILES} of the version": Moment(
            "pathlib:Path.write_bytes", "amid", number
        )
        for number in range(1, FILES + 1)
    },
    "while figures are drawn": Moment("mtl_keras.report:history_figure", "after"),
    "while the model is explained": Moment("mtl_keras.runs.result:explain.importance"),
    "before the report": Moment("mtl_keras.runs.result:report_page_of"),
    "before the version's rename": Moment("pathlib:Path.rename"),
    "behind the version's rename": Moment("pathlib:Path.rename", "after"),
    "within the copies beside the versions": Moment("os:replace", "before", 3),
    "before the checkpoint is removed": Moment("mtl_keras.runs.result:Run.discard_checkpoint"),
}
COMPARISON = {
    "in a comparison's worker": Moment("mtl_keras.runs.story:build", worker=True),
    "in all of a comparison, between results": Moment(
        "mtl_keras.comparison.trials:Result.save", "after"
    ),
    "while a comparison's result is kept": Moment("numpy:savez_compressed", "amid", 2),
    "before the comparison's page": Moment("mtl_keras.comparison.comparison:comparison_page"),
}
ANSWERS = {"within `predict -o`": Moment("pandas:DataFrame.to_csv", "amid")}


def plant(moment: Moment) -> None:
    """Make this process kill itself at a moment."""
    if moment.worker != (parent_process() is not None):
        return
    module, path = moment.target.split(":")
    owner: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for part in owners:
        owner = getattr(owner, part)
    original, calls = getattr(owner, name), []

    @functools.wraps(original)
    def dying(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) != moment.call:
            return original(*args, **kwargs)
        if moment.when == "before":
            die()
        if moment.when == "soon":
            threading.Timer(0.005, die).start()
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        if moment.when == "amid":
            halve(args)
        die()
        return result

    static = isinstance(vars(owner).get(name), staticmethod)
    setattr(owner, name, staticmethod(dying) if static else dying)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def halve(args: Any) -> None:
    """Cut the file among the arguments in half."""
    for argument in args:
        if hasattr(argument, "truncate") and hasattr(argument, "flush"):
            argument.flush()
            os.ftruncate(argument.fileno(), argument.tell() // 2)
            return
        if isinstance(argument, Path):
            os.truncate(argument, argument.stat().st_size // 2)
            return
    raise AssertionError("no file among the arguments")


def run(arguments: list[str], moment: Moment | None = None, size: int = 0) -> Any:
    """A command in a process of its own."""
    environment = {**os.environ}
    if moment is not None:
        environment["MTL_KILL"] = json.dumps(dataclasses.asdict(moment))

    def limit() -> None:
        if size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
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


def left(expected: object) -> str:
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


def resumed(reference: dict[str, bytes]) -> str:
    """What `--resume` makes of it."""
    from mtl_keras.export.artifact import versions

    done = run([*TRAIN, "--resume"])
    said = [line for line in done.stdout.splitlines() if "resum" in line or "already" in line]
    rest = sorted(path.name for path in MODEL.glob(".*") if path.name != ".training.lock")
    how = said[0].split(": ")[-1] if said else f"code {done.returncode} {done.stderr[-200:]}"
    found = versions(MODEL)
    again = content(MODEL / str(found[-1]))
    other = sorted(name for name, value in reference.items() if again.get(name) != value)
    same = f"OTHER BYTES {other}" if other else f"the same bytes in {len(reference)} files"
    return f"{how}; versions {found}, {same}" + (f"; LEFT OVER {rest}" if rest else "")


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def trainings(expected: object) -> None:
    """The table of trainings."""
    run(TRAIN)
    one, two = content(MODEL / "1"), content(MODEL / "2")
    reference = {name: value for name, value in two.items() if one.get(name) == value}
    print(f"the same in two uninterrupted trainings: {sorted(reference)}")
    print(f"not the same: {sorted(set(two) - set(reference))}\n")
    shutil.rmtree(MODEL / "2")
    row("interrupted", "outcome", "left", "with --resume")
    row("---", "---", "---", "---")
    attempts: dict[str, Any] = {name: {"moment": moment} for name, moment in TRAINING.items()}
    attempts |= {f"files up to {size:,} bytes": {"size": size} for size in SIZES}
    for name, how in attempts.items():
        ended = outcome(run(TRAIN, **how))
        row(name, ended, left(expected), resumed(reference))
        for number in (2, 3):
            shutil.rmtree(MODEL / str(number), ignore_errors=True)


def compared() -> Any:
    """What a comparison found, without the times."""
    found = json.loads((MODEL / "comparison" / "comparison.json").read_text())
    for candidate in found["candidates"].values():
        del candidate["seconds"]
    return found


def comparisons(expected: object) -> None:
    """The rows of comparisons and of answers."""
    run(COMPARE)
    reference = compared()
    for name, moment in COMPARISON.items():
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
        trainings(expected)
        comparisons(expected)


sys.path.insert(0, str(ROOT))
if "MTL_KILL" in os.environ:  # in workers, too, which import this file
    plant(Moment(**json.loads(os.environ["MTL_KILL"])))
if __name__ == "__main__":
    if sys.argv[1:]:
        from mtl_keras.cli import main as command

        sys.exit(command(sys.argv[1:]))
    main()
