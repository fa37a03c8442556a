"""Rows per second of `fit`: mtl_keras, plain Keras and PyTorch, alternately in one process.

100,000 rows of 20 floats, trunk of 2 x 128, one binary and one regression output, Adam, batch 256,
rows shuffled each epoch. Run with `python benchmarks/fit_speed.py`; PyTorch is measured where it is
installed (`pip install -e .[benchmarks]`).
"""

import argparse
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl

ROWS, COLUMNS, WIDTH, BATCH = 100_000, 20, 128, 256
now = time.perf_counter
METRICS = {"churned": ["auc", "accuracy"], "spend": ["mae"]}


def data() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, COLUMNS)).astype("float32")
    churned = (x[:, 0] * x[:, 1] + x[:, 2] + random.normal(size=ROWS) > 0).astype("float32")
    spend = (np.sin(x[:, :5].sum(1)) + 0.5 * x[:, 5] + 0.3 * random.normal(size=ROWS)).astype(
        "float32"
    )
    return x, {"churned": churned, "spend": spend}


class Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = now()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(now() - self.start)


def keras_model(cls: type, metrics: bool, **options) -> keras.Model:
    keras.utils.set_random_seed(1)
    rows = keras.Input((COLUMNS,))
    shared = keras.layers.Dense(WIDTH, activation="relu")(rows)
    shared = keras.layers.Dense(WIDTH, activation="relu")(shared)
    outputs = {
        "churned": keras.layers.Dense(1, activation="sigmoid", name="churned")(shared),
        "spend": keras.layers.Dense(1, name="spend")(shared),
    }
    model = cls(rows, outputs)
    model.compile(
        keras.optimizers.Adam(1e-3),
        loss={"churned": "binary_crossentropy", "spend": "mse"},
        metrics=METRICS if metrics else None,
        **options,
    )
    return model


def keras_run(cls: type, metrics: bool, x, y, **options):
    """A function that trains some epochs and returns (seconds per epoch, loss after them)."""
    model = keras_model(cls, metrics, **options)

    def run(epochs: int) -> tuple[list[float], float]:
        clock = Clock()
        model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[clock])
        predicted = model.predict(x, batch_size=8192, verbose=0)
        return clock.seconds, loss(y, *(np.asarray(predicted[t])[:, 0] for t in y))

    return run


def torch_run(threads: int, x, y):
    import torch

    torch.manual_seed(1)
    linear = torch.nn.Linear
    trunk = torch.nn.Sequential(
        linear(COLUMNS, WIDTH), torch.nn.ReLU(), linear(WIDTH, WIDTH), torch.nn.ReLU()
    )
    heads = torch.nn.ModuleList([linear(WIDTH, 1), linear(WIDTH, 1)])
    parameters = [*trunk.parameters(), *heads.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, eps=1e-7, fused=True)
    tensors = torch.from_numpy(x), *(torch.from_numpy(v)[:, None] for v in y.values())
    bce, mse = torch.nn.BCEWithLogitsLoss(), torch.nn.MSELoss()

    def run(epochs: int) -> tuple[list[float], float]:
        torch.set_num_threads(threads)
        seconds = []
        for _ in range(epochs):
            start = now()
            order = torch.randperm(ROWS)
            for first in range(0, ROWS, BATCH):
                chosen = order[first : first + BATCH]
                rows, churned, spend = (t[chosen] for t in tensors)
                hidden = trunk(rows)
                total = bce(heads[0](hidden), churned) + mse(heads[1](hidden), spend)
                optimizer.zero_grad(set_to_none=True)
                total.backward()
                optimizer.step()
            seconds.append(now() - start)
        with torch.no_grad():
            hidden = trunk(tensors[0])
            churned = torch.sigmoid(heads[0](hidden))[:, 0].numpy()
            return seconds, loss(y, churned, heads[1](hidden)[:, 0].numpy())

    return run


def loss(y: dict[str, np.ndarray], churned: np.ndarray, spend: np.ndarray) -> float:
    """Training loss, computed the same way for all."""
    p = np.clip(churned, 1e-7, 1 - 1e-7)
    entropy = -np.mean(y["churned"] * np.log(p) + (1 - y["churned"]) * np.log(1 - p))
    return float(entropy + np.mean((spend - y["spend"]) ** 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="rounds of one run each")
    parser.add_argument(
        "--epochs", type=int, default=3, help="epochs per run; the first is dropped"
    )
    parser.add_argument(
        "--processor", action="store_true", help="processor time, where the machine is busy"
    )
    arguments = parser.parse_args()
    if arguments.processor:
        global now
        now = time.process_time

    x, y = data()
    runs = {
        "keras.Model.fit": keras_run(keras.Model, False, x, y),
        "mtl_keras fit": keras_run(mtl.MultiTaskModel, False, x, y),
        "keras.Model.fit, XLA": keras_run(keras.Model, False, x, y, jit_compile=True),
        "mtl_keras fit, XLA": keras_run(mtl.MultiTaskModel, False, x, y, jit_compile=True),
        "keras.Model.fit, metrics": keras_run(keras.Model, True, x, y),
        "mtl_keras fit, metrics": keras_run(mtl.MultiTaskModel, True, x, y),
    }
    versions = f"tensorflow {tf.__version__}, keras {keras.__version__}"
    try:
        import torch

        versions += f", torch {torch.__version__}"
        runs["PyTorch, 1 thread"] = torch_run(1, x, y)
        runs["PyTorch, 2 threads"] = torch_run(2, x, y)
    except ImportError:
        print("PyTorch is not installed: not compared.")

    seconds: dict[str, list[float]] = {name: [] for name in runs}
    losses = {}
    for _ in range(arguments.rounds):  # alternately, so that a busy spell of the machine hits all
        for name, run in runs.items():
            measured, losses[name] = run(arguments.epochs)
            seconds[name] += measured[1:]

    rate = {name: ROWS / statistics.median(values) / 1e3 for name, values in seconds.items()}
    print(f"\n{versions}; {arguments.rounds} rounds of {arguments.epochs} epochs, median\n")
    print(f"| {'':26} | k rows/s | of plain Keras | loss |")
    print("|" + "-" * 28 + "|---------:|---------------:|-----:|")
    for name, value in rate.items():
        share = value / rate["keras.Model.fit"]
        print(f"| {name:26} | {value:8.0f} | {share:13.2f}x | {losses[name]:.3f} |")
    with_metrics = rate["mtl_keras fit"] / rate["mtl_keras fit, metrics"] - 1
    print(f"\nmetrics cost mtl_keras {100 * with_metrics:.0f}% on top")
    peers = [value for name, value in rate.items() if "PyTorch" in name]
    if peers:
        print(f"mtl_keras is {rate['mtl_keras fit'] / max(peers):.2f}x the faster PyTorch")


if __name__ == "__main__":
    main()
