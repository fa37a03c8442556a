"""What XLA gains on a processor, per step, and what compiling costs, for many kinds of networks.

Each network is trained by `fit` on arrays, with `jit_compile=False` and with XLA, alternately in
one process; those of experiments on the rows of `data/customers.csv`. A figure is the minimum over
the rounds, as processor time (which other processes disturb less) and as wall time. What `"auto"`
compiles without a GPU follows from it: see `mtl_keras/model/xla.py`. Run with `python -m
benchmarks.xla_gain`, or with parts of the names of cases.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import mtl_keras as mtl
from mtl_keras.runs.build import build

Case = tuple[Callable[[bool], keras.Model], int]
layers = keras.layers


def heads(shared: Any, tasks: int) -> dict[str, Any]:
    """Binary and regression outputs in turn."""
    return {
        f"task{k}": layers.Dense(1, activation=None if k % 2 else "sigmoid", name=f"task{k}")(
            shared
        )
        for k in range(tasks)
    }


def compiled(inputs: Any, outputs: Any, jit: bool, **options: Any) -> keras.Model:
    model = mtl.MultiTaskModel(inputs, outputs)
    metrics = options.pop("metrics", False)
    options.setdefault("optimizer", keras.optimizers.Adam(1e-3))
    names = list(outputs)
    model.compile(
        loss={n: "mse" if k % 2 else "binary_crossentropy" for k, n in enumerate(names)},
        metrics={n: ["mae"] if k % 2 else ["auc", "accuracy"] for k, n in enumerate(names)}
        if metrics
        else None,
        jit_compile=jit,
        **options,
    )
    return model


def dense(
    depth: int = 2,
    width: int = 128,
    tasks: int = 2,
    columns: int = 20,
    between=None,
    activation="relu",
    **options,
):
    """A trunk of dense layers, with another layer after each of them if asked for."""

    def make(jit: bool) -> keras.Model:
        rows = keras.Input((columns,))
        shared = rows
        for _ in range(depth):
            shared = layers.Dense(width, activation=activation)(shared)
            shared = between()(shared) if between else shared
        given = {k: v() if k == "optimizer" else v for k, v in options.items()}
        return compiled(rows, heads(shared, tasks), jit, **given)

    return make


def other(shape, trunk, dtype="float32", tasks: int = 2):
    def make(jit: bool) -> keras.Model:
        rows = keras.Input(shape, dtype=dtype)
        return compiled(rows, heads(trunk(rows), tasks), jit)

    return make


def conv(rows):
    x = layers.Conv2D(16, 3, activation="relu")(rows)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, activation="relu")(x)
    return layers.Dense(64, activation="relu")(layers.GlobalAveragePooling2D()(x))


def cases() -> dict[str, Case]:
    """Networks and batch sizes, first those that `"auto"` compiles."""
    adamw, decay = keras.optimizers.AdamW, keras.optimizers.schedules.CosineDecay
    made: dict[str, Case] = {}
    small = (2, 16, 32), (2, 16, 256), (1, 128, 256), (2, 128, 32), (2, 128, 256)
    large = (4, 128, 256), (2, 64, 2048), (2, 512, 32), (2, 128, 2048), (2, 1024, 256)
    for depth, width, batch in small:
        made[f"{depth} x {width}, batch {batch}"] = dense(depth, width), batch
    made["metrics"] = dense(metrics=True), 256
    made["8 tasks"] = dense(tasks=8), 256
    made["batch normalisation"] = dense(between=layers.BatchNormalization), 256
    made["layer normalisation"] = dense(between=layers.LayerNormalization), 256
    made["uncertainty"] = dense(balancer="uncertainty", tasks=3), 256
    made["AdamW, clipped, averaged"] = (
        dense(optimizer=lambda: adamw(decay(1e-3, 10**5), global_clipnorm=1.0, use_ema=True)),
        256,
    )
    made["SGD"] = dense(optimizer=lambda: keras.optimizers.SGD(1e-2, momentum=0.9)), 256
    made["RMSprop"] = dense(optimizer=keras.optimizers.RMSprop), 256
    made["gelu"] = dense(activation="gelu"), 256
    made["tanh"] = dense(activation="tanh"), 256
    made["GRU"] = other((20, 8), lambda rows: layers.GRU(32)(rows)), 64
    made["LSTM"] = other((20, 8), lambda rows: layers.LSTM(32)(rows)), 64
    made["dropout"] = dense(between=lambda: layers.Dropout(0.1)), 256
    # from here on "auto" does not
    for depth, width, batch in large:
        made[f"{depth} x {width}, batch {batch}"] = dense(depth, width), batch
    made["pcgrad"] = dense(balancer="pcgrad", tasks=3), 256
    made["nash_mtl"] = dense(balancer="nash_mtl", tasks=3), 256
    made["Conv2D"] = other((28, 28, 1), conv), 64
    made["Embedding"] = other((8,), embed, "int32"), 256
    made["attention"] = other((20, 32), attend), 64
    return made


EXPERIMENTS = {
    "default": {},
    "fast": {"preset": "fast"},
    "default, batch 64": {"training": {"batch_size": 64}},
    "default, batch 1024": {"training": {"batch_size": 1024}},
    "default, without dropout": {"architecture": {"dropout": 0.0}},
    "default, one member": {"architecture": {"members": 1}},
    "default, layers 512, 512": {"architecture": {"layers": [512, 512]}},
    "default, layers 1024, 512": {"architecture": {"layers": [1024, 512]}},
    "default, towers of 64": {"architecture": {"tower": [64]}},
    "default, periodic": {"architecture": {"number_embedding": "periodic"}},
    "default, single_task": {"architecture": "single_task"},
    "mmoe": {"architecture": "mmoe"},  # which "auto" does not compile
}


def experiment(**settings: Any) -> tuple[Callable[[bool], keras.Model], int, Any]:
    """How to make the network of an experiment, its batch size, and its training rows."""
    plan = mtl.Experiment.from_file("data/customers.toml", **settings)
    prepared = plan.prepare()
    rows = prepared.data

    def make(jit: bool) -> keras.Model:
        model = build(plan, prepared)
        model.xla_pays = jit  # as `"auto"` would decide: validation is not compiled
        return model

    return make, plan.training.rows_per_step(rows.training_rows), (rows.x["train"], rows.y["train"])


def embed(rows):
    return layers.Dense(128, activation="relu")(layers.Flatten()(layers.Embedding(1000, 16)(rows)))


def attend(rows):
    return layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(4, 8)(rows, rows))


class Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.times: list[np.ndarray] = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = now()

    def on_epoch_end(self, epoch, logs=None):
        self.times.append(now() - self.start)


def now() -> np.ndarray:
    return np.array([time.process_time(), time.perf_counter()])


def data(model: keras.Model, rows: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    shape = model.input.shape[1:]
    integers = "int" in str(model.input.dtype)
    x = (
        random.integers(0, 1000, (rows, *shape)).astype("int32")
        if integers
        else random.normal(size=(rows, *shape)).astype("float32")
    )
    y = {
        name: random.normal(size=rows).astype("float32")
        if k % 2
        else (random.random(rows) < 0.5).astype("float32")
        for k, name in enumerate(model.tasks)
    }
    return x, y


def measure(make: Callable[[bool], keras.Model], batch: int, rounds: int, rows: Any) -> Any:
    """Microseconds per step without and with XLA, and seconds of compiling: (processor, wall).

    Args:
        make: A function that makes the network, from whether XLA compiles it.
        batch: Rows per batch.
        rounds: Of two epochs each.
        rows: `(x, y)`, or roughly the seconds that an epoch on drawn rows is to take.
    """
    models = [make(jit) for jit in (False, True)]
    x, y = rows if isinstance(rows, tuple) else drawn(models[0], batch, rows)
    steps = -(-len(next(iter(y.values()))) // batch)

    def run(model: keras.Model, epochs: int) -> list[np.ndarray]:
        clock = Clock()
        model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[clock])
        return clock.times

    first = [run(model, 1)[0] for model in models]
    best = [np.full(2, np.inf), np.full(2, np.inf)]
    for _ in range(rounds):
        for k, model in enumerate(models):
            best[k] = np.minimum(best[k], np.mean(run(model, 3)[1:], axis=0))
    tracing, compiling = (cost - each for cost, each in zip(first, best))
    return [each / steps * 1e6 for each in best], compiling - tracing


def drawn(model: keras.Model, batch: int, seconds: float) -> tuple[Any, Any]:
    """As many random rows as an epoch of roughly this time has."""
    weights = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    positions = int(np.prod(model.input.shape[1:-1]))  # of images and sequences
    steps = int(np.clip(2e10 * seconds // (6 * weights * batch * positions), 4, 512))
    return data(model, steps * batch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="parts of names of cases, such as default; default: all"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1, help="of an epoch, roughly")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| | processor µs | with XLA | | wall µs | with XLA | | compiling s | wall |", flush=True)

    def show(name: str, make: Callable[[bool], keras.Model], batch: int, rows: Any) -> None:
        keras.utils.set_random_seed(0)
        (plain, xla), cost = measure(make, batch, arguments.rounds, rows)
        (cpu, wall), (cpu_xla, wall_xla) = plain, xla
        print(
            f"| {name:24} | {cpu:5.0f} | {cpu_xla:5.0f} | {cpu / cpu_xla:.2f} | {wall:5.0f} "
            f"| {wall_xla:5.0f} | {wall / wall_xla:.2f} | {cost[0]:.1f} | {cost[1]:.1f} |",
            flush=True,
        )
        keras.backend.clear_session()

    def wanted(name: str) -> bool:
        return not arguments.names or any(part in name for part in arguments.names)

    for name, (make, batch) in cases().items():
        if wanted(name):
            show(name, make, batch, arguments.seconds)
    for name, settings in EXPERIMENTS.items():
        if wanted(name):
            show(name, *experiment(**settings))


if __name__ == "__main__":
    main()
