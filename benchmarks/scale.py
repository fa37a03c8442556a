"""Training on data that need not fit into memory: peak memory, speed, and quality.

    python benchmarks/scale.py                        # 2 million rows; feed, memory, quality
    python benchmarks/scale.py --parts memory --epochs 1 --rows 10000000
    python benchmarks/scale.py --parts feed --kind csv                # or jsonl
    python benchmarks/scale.py --parts limit --epochs 1               # 8 x the memory allowed
    python benchmarks/scale.py --parts limit --epochs 1 --rows 2000000
    python benchmarks/scale.py --parts quality --quality-rows 50000 --epochs 5  # shortened

The data are made on the spot: 20 columns (10 numbers, some missing, 5 categories of 3 to 2,000
values, a boolean, a date, and 3 targets) from a stated law, so that the best possible scores are
known. Every measurement is a process of its own; peak memory is what it takes beyond a process that
has TensorFlow loaded and nothing else done.

`limit` runs the commands `train`, `evaluate`, `predict` and `compare` on the data under a limit
that the kernel enforces: an empty TensorFlow process and `--allowed` GB more.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from sklearn.metrics import r2_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import limited

SIZES = (3, 12, 50, 300, 2000)
TASKS = {"clicked": "binary", "spend": "regression", "tier": "multiclass"}
TIMES = 8  # how much larger the data are than the memory that is allowed


def made(rows: int, seed: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Columns, and what the best possible predictions of the targets are.

    The latent z is a sum of linear, interacting and periodic effects; clicked has probability
    sigmoid(z), spend is 2 z plus a normal error of 1.5, tier cuts z plus a normal error of 0.7.
    """
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(10, rows))
    codes = [random.integers(0, size, rows) for size in SIZES]
    active = random.random(rows) < 0.3
    days = random.integers(0, 900, rows)
    z = 0.5 * numbers[0] + 0.5 * numbers[1] * numbers[2] + 0.4 * np.abs(numbers[3]) + active
    z += sum(0.4 * np.sin(1.7 * code) for code in codes[:4]) + 0.3 * np.sin(days / 58) - 0.6
    columns: dict[str, Any] = {}
    for index, values in enumerate(numbers):
        missing = random.random(rows) < 0.05 if index > 5 else np.zeros(rows, bool)
        columns[f"number_{index}"] = pa.array(values, mask=missing)
    for size, code in zip(SIZES, codes):
        words = pa.array([f"{size}-{value}" for value in range(size)])
        columns[f"one_of_{size}"] = words.take(pa.array(code))
    columns["active"] = active
    columns["day"] = (np.datetime64("2022-01-01") + days).astype("datetime64[ms]")
    probability = 1 / (1 + np.exp(-z))
    columns["clicked"] = (random.random(rows) < probability).astype("int8")
    columns["spend"] = 2 * z + random.normal(0, 1.5, rows)
    levels = np.digitize(z + random.normal(0, 0.7, rows), (-0.6, 0.6))
    columns["tier"] = pa.array(["low", "middle", "high"]).take(pa.array(levels))
    best = {"clicked": probability, "spend": 2 * z, "tier": np.digitize(z, (-0.6, 0.6)) == levels}
    return columns, best


def write(
    folder: Path, rows: int, per_file: int = 500_000, group: int = 100_000, kind: str = "parquet"
) -> None:
    """Write files of the data."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, rows, per_file)):
        table = pa.table(made(min(per_file, rows - start), seed=number)[0])
        path = folder / f"part-{number:04d}.{kind}"
        if kind == "parquet":
            pq.write_table(table, path, row_group_size=group)
        elif kind == "csv":
            pyarrow.csv.write_csv(table, path)
        else:
            table.to_pandas().to_json(path, orient="records", lines=True, date_format="iso")


def bytes_of_a_row() -> float:
    """What a row of the data takes in memory, as a DataFrame."""
    table = pa.table(made(100_000, seed=0)[0]).to_pandas()
    return float(table.memory_usage(index=False, deep=True).sum() / len(table))


def best_scores() -> dict[str, float]:
    """The scores of the best possible predictions."""
    columns, best = made(1_000_000, seed=10**6)
    return {
        "clicked": roc_auc_score(columns["clicked"], best["clicked"]),
        "spend": r2_score(columns["spend"], best["spend"]),
        "tier": float(best["tier"].mean()),
    }


class PeakMemory(threading.Thread):
    """Watches the resident memory of this process, in bytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.start_at = self.peak = self.now()
        self.start()

    @staticmethod
    def now() -> int:
        """The resident memory now."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * 4096

    def run(self) -> None:
        while True:
            self.peak = max(self.peak, self.now())
            time.sleep(0.02)


def experiment(arguments: argparse.Namespace, streaming: bool) -> Any:
    """The experiment that is measured."""
    import mtl_keras as mtl

    training = {"epochs": arguments.epochs, "batch_size": arguments.batch_size}
    return mtl.Experiment(
        tasks=TASKS,
        preset=arguments.preset,
        training=training,
        streaming=streaming,
        seed=arguments.seed,
    )


def feed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Rows per second of the feed alone: read, encoded and shuffled.

    From the first block of an epoch to that of another, so that as much is read as is counted.
    """
    prepared = experiment(arguments, streaming=True).prepare(arguments.data, print)
    wanted, rows = arguments.epochs * prepared.data.feed.total, 0
    seconds = cpu = 0.0
    for _, y, *_ in prepared.data.feed.blocks(arguments.batch_size).dataset():
        if rows >= wanted:
            break
        if rows == 0:
            seconds, cpu = time.perf_counter(), time.process_time()
        rows += len(y["spend"])
    seconds, cpu = time.perf_counter() - seconds, time.process_time() - cpu
    return {"rows/s": rows / seconds, "rows/s of CPU time": rows / cpu}


def memory(arguments: argparse.Namespace) -> dict[str, Any]:
    """Peak memory of a streamed run, and its stages."""
    import tensorflow as tf

    tf.constant(0.0)
    watch = PeakMemory()
    run = experiment(arguments, streaming=True).run(arguments.data, show=print)
    return {"peak": watch.peak - watch.start_at, **_scores(run), "seconds": run.seconds}


def quality(arguments: argparse.Namespace) -> dict[str, Any]:
    """Scores of a run, streamed or in memory."""
    return _scores(experiment(arguments, arguments.streaming).run(arguments.data, show=None))


def _scores(run: Any) -> dict[str, Any]:
    scores = run.evaluation
    return {
        "clicked": scores["clicked"]["roc_auc"],
        "spend": scores["spend"]["r2"],
        "tier": scores["tier"]["accuracy"],
    }


def limit(arguments: argparse.Namespace, data: Path, work: Path) -> None:
    """Print how each command does in limited memory, on data that are larger."""
    empty = limited.empty()
    allowed = empty + int(1e9 * arguments.allowed)
    table = arguments.rows * bytes_of_a_row()
    print(
        f"an empty process has {empty / 1e9:.2f} GB; allowed are {allowed / 1e9:.2f} GB. The data "
        f"would be {table / 1e9:.1f} GB as a table in memory, {table / allowed:.1f} times that"
    )
    targets = [word for task, kind in TASKS.items() for word in ("--target", f"{task}:{kind}")]
    how = ["--preset", arguments.preset, "--epochs", str(arguments.epochs)]
    pattern, model = f"{data}/*.parquet", str(work / "models" / "scale")
    files = ["--models", str(work / "models"), "--name", "scale"]
    batch = ["--batch-size", str(arguments.batch_size)]
    config = work / "scale.toml"
    tasks = ", ".join(f'{task} = "{kind}"' for task, kind in TASKS.items())
    config.write_text(f'name = "scale"\ndata = {{path = "{data}"}}\ntasks = {{{tasks}}}\n')
    sparing = ["--seeds", "1", "--tries", "0", "--workers", "1", "--models", str(work / "models")]
    commands = {
        "train": ["train", pattern, *targets, *how, *batch, *files],
        "evaluate": ["evaluate", model, pattern],
        "predict": ["predict", model, pattern, "--output", str(work / "answers")],
        "compare": ["compare", str(config), *how, *sparing],
    }
    for name, command in commands.items():
        if name in arguments.commands:
            ended = limited.run([sys.executable, "-m", "mtl_keras", *command], allowed)
            print(
                f"{name}: code {ended.code}, peak {(ended.peak - empty) / 1e9:.2f} GB above an "
                f"empty process, {ended.seconds:.0f} s, {ended.cpu:.0f} s of processor time"
            )
            print("".join(f"    {line}\n" for line in ended.output.splitlines()), flush=True)


def in_a_process(part: str, data: Path, *options: str) -> dict[str, Any]:
    """The result of a part, measured in a process of its own."""
    command = [sys.executable, __file__, "--one", part, "--data", str(data), *options]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(output.strip().splitlines()[-1]))


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, help="Default: 2 million; for `limit`, 8 times it.")
    parser.add_argument("--quality-rows", type=int, default=200_000)
    parser.add_argument("--parts", nargs="+", default=["feed", "memory", "quality"])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", default="parquet", help="Kind of the files: parquet, csv, jsonl.")
    parser.add_argument("--data", type=Path, help="Where the data are, or are to be made.")
    parser.add_argument("--work", type=Path, help="Where `limit` writes models and answers.")
    parser.add_argument("--allowed", type=float, default=1.5, help="GB that `limit` allows.")
    parser.add_argument("--commands", nargs="+", default=["train", "evaluate", "predict"])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--streaming", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        parts = {"feed": feed, "memory": memory, "quality": quality}
        print(json.dumps(parts[arguments.one](arguments)))
        return
    if arguments.rows is None and "limit" in arguments.parts:
        allowed = limited.empty() + 1e9 * arguments.allowed
        arguments.rows = int(TIMES * allowed / bytes_of_a_row())
    arguments.rows = arguments.rows or 2_000_000
    with tempfile.TemporaryDirectory() as temporary:
        data = arguments.data or Path(temporary) / "rows"
        if not data.is_dir():
            write(data, arguments.rows, kind=arguments.kind)
        size = sum(file.stat().st_size for file in data.glob(f"*.{arguments.kind}"))
        print(f"{arguments.rows:,} rows, {size / 1e9:.2f} GB as {arguments.kind}", flush=True)
        common = ["--batch-size", str(arguments.batch_size), "--preset", arguments.preset]
        common += ["--epochs", str(arguments.epochs)]
        if "feed" in arguments.parts:
            print(f"feed: {in_a_process('feed', data, *common)}", flush=True)
        if "memory" in arguments.parts:
            result = in_a_process("memory", data, *common)
            print(f"memory: peak {result.pop('peak') / 1e9:.2f} GB; {result}", flush=True)
        if "limit" in arguments.parts:
            work = arguments.work or Path(temporary)
            work.mkdir(parents=True, exist_ok=True)
            limit(arguments, data, work)
        if "quality" in arguments.parts:
            small = Path(temporary) / "small"
            write(small, arguments.quality_rows, arguments.quality_rows // 4, 10_000)
            print(f"best possible: {best_scores()}", flush=True)
            for seed in range(3):
                for how in ("--streaming", ""):
                    options = [*common, "--seed", str(seed), *([how] if how else [])]
                    result = in_a_process("quality", small, *options)
                    print(f"seed {seed} {how or 'in memory'}: {result}", flush=True)


if __name__ == "__main__":
    main()
