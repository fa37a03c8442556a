"""An artifact behind a port: requests per second and milliseconds, beside what else could serve it.

Real servers on loopback, asked by locust for one row at a time: `mtl-keras serve` in both of its
protocols, LitServe and BentoML with services written by hand, and the plain signature in this
process. Client and server share this machine's cores, so the ratios tell more than the numbers.

Run with `python benchmarks/serve.py saved_models/customers data/customers.csv [--clients 1 8 64]
[--seconds 8] [--minutes 10]`. It needs the extra `serve`, locust, litserve, bentoml and
psutil. With `--minutes`, only `mtl-keras serve` is asked, for that long, while new versions are
rolled in: no request may fail, and its memory is told every tenth of the time.
"""

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
PORT = 8380
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "BENTOML_DO_NOT_TRACK": "true", "PORT": str(PORT)}


@dataclass(frozen=True)
class Service:
    """A server, and the request that it is asked with.

    Attributes:
        command: How it is started.
        ready: The path that answers 200 as soon as it can be asked.
        path: The path of the request.
        body: The request.
    """

    command: list[str]
    ready: str
    path: str
    body: Any


def services(model: Path, row: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Service]:
    """All servers, by name.

    Args:
        model: The artifact, whose version 1 is served.
        row: A row of columns.
        inputs: The same as inputs of the signature.
    """
    python, port = sys.executable, str(PORT)
    ours = [python, "-m", "mtl_keras", "serve", str(model), "--port", port]
    tensors = [
        {
            "name": name,
            "shape": [1, 1],
            "datatype": "BYTES" if isinstance(value, str) else "FP32",
            "data": [value],
        }
        for name, value in row.items()
    ]
    name, ready = model.name, f"/v2/models/{model.name}/ready"
    bento = [python, "-m", "bentoml", "serve", "bento:Model", "--port", port]
    return {
        "mtl-keras serve, TensorFlow Serving's JSON": Service(
            ours, ready, f"/v1/models/{name}:predict", {"instances": [row]}
        ),
        "mtl-keras serve, Open Inference Protocol": Service(
            ours, ready, f"/v2/models/{name}/infer", {"inputs": tensors}
        ),
        "LitServe, by hand": Service(
            [python, str(HERE.parent / "examples/serving/litserve_app.py")],
            "/health",
            "/predict",
            inputs,
        ),
        "BentoML, by hand": Service(bento, "/readyz", "/predict", {"rows": [inputs]}),
    }


@contextmanager
def running(service: Service, model: Path, log: Path) -> Iterator[subprocess.Popen]:
    """A server that can be asked."""
    environment = {**os.environ, **QUIET, "SAVED_MODEL": str(model / "1")}
    with log.open("w") as file:
        process = subprocess.Popen(
            service.command,
            stdout=file,
            stderr=file,
            env=environment,
            cwd=HERE / "serving",
            start_new_session=True,
        )
    try:
        while asked(service.ready) != 200:
            if process.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.2)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):  # LitServe's processes outlive a polite word
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def asked(path: str, body: bytes | None = None) -> int:
    """The status of an answer; 0 if there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", body) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def loaded(service: Service, clients: int, seconds: float, folder: Path) -> subprocess.Popen:
    """The load, started. It writes `result.json`."""
    (folder / "body.json").write_text(json.dumps(service.body))
    (folder / "result.json").unlink(missing_ok=True)
    names = {"LOAD_PATH": service.path, "LOAD_BODY": str(folder / "body.json")}
    names["LOAD_RESULT"] = str(folder / "result.json")
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "serving/load.py"), "--headless"]
    command += ["-u", str(clients), "-r", str(clients), "-t", f"{math.ceil(seconds)}s"]
    command += ["-H", f"http://127.0.0.1:{PORT}", "--loglevel", "ERROR", "--only-summary"]
    return subprocess.Popen(
        command, env={**os.environ, **names}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def result(folder: Path) -> dict[str, Any]:
    """What the load saw."""
    saw = json.loads((folder / "result.json").read_text())
    if len(saw["failed"]) == saw["requests"]:
        raise SystemExit(f"no request was answered: {set(saw['failed'])}")
    return saw


def in_process(model: Path, inputs: dict[str, Any], seconds: float) -> dict[str, float]:
    """The plain signature, one row at a time, from Python values to Python values."""
    import numpy as np
    import tensorflow as tf

    kept = tf.saved_model.load(str(model / "1"))
    signature = kept.signatures["serving_default"]
    specs = signature.structured_input_signature[1]
    times: list[float] = []
    before, end = time.process_time(), time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        answers = signature(**{n: tf.constant([inputs[n]], s.dtype) for n, s in specs.items()})
        [values.numpy().tolist() for values in answers.values()]
        times.append(1000 * (time.perf_counter() - start))
    used = 1000 * (time.process_time() - before) / len(times)
    p50, p99 = map(float, np.quantile(times[5:], (0.5, 0.99)))
    per_second = 1000 / float(np.mean(times[5:]))
    return {"per_second": per_second, "p50": p50, "p99": p99, "processor": used}


def first_row(model: Path, table: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row of a table, as columns and as inputs of the signature."""
    import mtl_keras as mtl
    from mtl_keras import datasets
    from mtl_keras.features.encoder import raw_columns

    predictor = mtl.load(model / "1")
    rows = datasets.read(table).dropna().head(1)  # JSON has no NaN
    raw = raw_columns(predictor.features, rows)
    slugs = predictor.schema["inputs"]
    inputs = {slugs[name]: values[0] for name, values in raw.items()}
    plain = {k: v if isinstance(v, str) else float(v) for k, v in inputs.items()}
    columns = {feature.source: plain[slugs[feature.name]] for feature in predictor.features}
    return columns, plain


def memory(process: subprocess.Popen) -> float:
    """Megabytes of a process."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor_seconds(process: subprocess.Popen) -> float:
    """Seconds that a server and its processes have used of the processor."""
    server = psutil.Process(process.pid)
    times = [each.cpu_times() for each in (server, *server.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def compared(model: Path, table: str, clients: list[int], seconds: float, folder: Path) -> None:
    """Print a table of all servers."""
    row, inputs = first_row(model, table)
    alone = in_process(model, inputs, seconds)
    print(
        "| one row a request | clients | per second | of the signature | p50 ms | p99 ms | ", end=""
    )
    print("processor ms |\n|---|---:|---:|---:|---:|---:|---:|")
    line = "| {} | {} | {per_second:.0f} | {of:.2f}× | {p50:.1f} | {p99:.1f} | {processor:.2f} |"
    print(line.format("the signature in this process", 1, of=1.0, **alone), flush=True)
    for name, service in services(model, row, inputs).items():
        with running(service, model, folder / "server.log") as process:
            for count in clients:
                loaded(service, count, seconds / 2, folder).wait()  # what is warm is measured
                before = processor_seconds(process)
                loaded(service, count, seconds, folder).wait()
                saw = result(folder)
                saw["processor"] = 1000 * (processor_seconds(process) - before) / saw["requests"]
                failed = f" ({len(saw['failed'])} failed)" if saw["failed"] else ""
                of = saw["per_second"] / alone["per_second"]
                print(line.format(name + failed, count, of=of, **saw), flush=True)


def endured(model: Path, table: str, clients: int, minutes: float, folder: Path) -> None:
    """Ask for minutes, and roll in nine versions meanwhile; told are failures and memory."""
    row, inputs = first_row(model, table)
    service = services(model, row, inputs)["mtl-keras serve, TensorFlow Serving's JSON"]
    with running(service, model, folder / "server.log") as process:
        loaded(service, clients, 5, folder).wait()
        load = loaded(service, clients, 60 * minutes, folder)
        for part in range(1, 11):
            time.sleep(6 * minutes)
            print(f"minute {part * minutes / 10:.1f}: {memory(process):.0f} MB", flush=True)
            if part < 10:
                shutil.copytree(model / "1", model / "unfinished")
                (model / "unfinished").rename(model / str(part + 1))
                status = asked(f"/v2/repository/models/{model.name}/load", b"")
                assert status == 200, f"version {part + 1} was not loaded: {status}"
        load.wait()
        saw = result(folder)
        print(f"{saw['requests']:,} requests in {minutes:g} minutes, {clients} clients; ", end="")
        print(f"{len(saw['failed'])} failed; p50 {saw['p50']:.1f}, p99 {saw['p99']:.1f}, ", end="")
        print(f"longest {saw['longest']:.0f} ms {set(saw['failed']) or ''}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("table")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / given.model.name
        copy.mkdir()
        newest = max(int(p.name) for p in given.model.iterdir() if p.name.isdigit())
        shutil.copytree(given.model / str(newest), copy / "1")
        if given.minutes:
            endured(copy, given.table, given.clients[-1], given.minutes, Path(name))
        else:
            compared(copy, given.table, given.clients, given.seconds, Path(name))
