"""The two-task toy of the CAGrad, Nash-MTL and FAMO papers, and one of three tasks, through `fit`.

Each method starts at five points and takes Adam steps of 1e-3, in a real training step of a model
whose only parameters are the point. Printed: steps until the Pareto front is reached; written:
`toy.png`, the trajectories. Run with `python benchmarks/toy.py`.
"""

import argparse
import math
import time
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import balancers

STARTS = [(-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0)]
METHODS = {
    "sum": balancers.Fixed(),
    "MGDA": balancers.MGDA(reduction="mean"),
    "PCGrad": balancers.PCGrad(),
    "CAGrad(0.4)": balancers.CAGrad(c=0.4),
    "IMTL-G": balancers.IMTLG(),
    "Nash-MTL": balancers.NashMTL(),
    "FAMO": balancers.FAMO(weight_decay=0.0, lower_bound=-20.0),
}
# Steps of a NumPy port of the papers' code, of the same methods in the same order.
REFERENCE = {
    "sum": (39677, 15028, None, 14536, 26885),
    "MGDA": (26372, 14931, 20705, 8712, 12675),
    "PCGrad": (18833, 11855, 19447, 11244, 7389),
    "CAGrad(0.4)": (21842, 12580, 24500, 11980, 26267),
    "IMTL-G": (26587, 15164, 21562, 11155, 12188),
    "Nash-MTL": (13205, 8056, 14652, 7111, 6325),
    "FAMO": (21323, 15281, 21115, 11799, 14121),
}


@keras.saving.register_keras_serializable("toy")
class Point(keras.layers.Layer):
    """A trainable point; the input is ignored."""

    def __init__(self, start, **kwargs):
        super().__init__(**kwargs)
        self.start = list(start)

    def build(self, input_shape):
        initial = keras.initializers.Constant(np.array([self.start]))
        self.at = self.add_weight(shape=(1, len(self.start)), initializer=initial)

    def call(self, inputs):
        return tf.zeros_like(inputs[:, :1]) + self.at

    def get_config(self):
        return {**super().get_config(), "start": self.start}


@keras.saving.register_keras_serializable("toy")
def two_tasks(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """L1 and L2 at points `(rows, 2)`."""
    x1, x2 = x[:, 0], x[:, 1]
    f1 = tf.math.log(tf.maximum(tf.abs(0.5 * (-x1 - 7) - tf.tanh(-x2)), 5e-6)) + 6
    f2 = tf.math.log(tf.maximum(tf.abs(0.5 * (-x1 + 3) + tf.tanh(-x2) + 2), 5e-6)) + 6
    b1 = ((7 - x1) ** 2 + 0.1 * (x2 + 8) ** 2) / 10 - 20
    b2 = ((x1 + 7) ** 2 + 0.1 * (x2 + 8) ** 2) / 10 - 20
    c1 = tf.maximum(tf.tanh(0.5 * x2), 0)
    c2 = tf.maximum(tf.tanh(-0.5 * x2), 0)
    return 0.1 * (f1 * c1 + b1 * c2), f2 * c1 + b2 * c2


@keras.saving.register_keras_serializable("toy")
class Loss(keras.layers.Layer):
    """The value of one task at the point."""

    def __init__(self, number, **kwargs):
        super().__init__(**kwargs)
        self.number = number

    def call(self, x):
        return two_tasks(x)[self.number][:, None]


def model_at(start, balancer, learning_rate: float = 1e-3) -> mtl.MultiTaskModel:
    """A model whose outputs are the losses of the toy at a trainable point."""
    rows = keras.Input((1,))
    point = Point(start, name="point")(rows)
    outputs = {f"L{i + 1}": Loss(i)(point) for i in range(2)}
    model = mtl.MultiTaskModel(rows, outputs)
    model.compile(
        keras.optimizers.Adam(learning_rate, epsilon=1e-8),
        loss=lambda y_true, y_pred: y_pred[:, 0],
        balancer=type(balancer).from_config(balancer.get_config()),
    )
    return model


def run(start, balancer, steps: int, every: int) -> np.ndarray:
    """Points after each `every` steps."""
    model = model_at(start, balancer)
    path = [np.array(start)]

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            path.append(self.model.get_layer("point").at.numpy()[0].copy())
            x1, x2 = path[-1]
            if abs(x2 + 8.355) < 0.3 and abs(x1) <= 7.05:
                self.model.stop_training = True

    x = np.zeros((every, 1), "float32")
    y = {"L1": np.zeros(every), "L2": np.zeros(every)}
    model.fit(x, y, batch_size=1, epochs=math.ceil(steps / every), verbose=0, callbacks=[Look()])
    return np.array(path)


def reached(path: np.ndarray, every: int) -> int | None:
    there = (np.abs(path[:, 1] + 8.355) < 0.3) & (np.abs(path[:, 0]) <= 7.05)
    return int(there.argmax()) * every if there.any() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40_000)
    parser.add_argument("--every", type=int, default=50, help="steps between looks at the point")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("toy.png"))
    arguments = parser.parse_args()

    fig, axes = plt.subplots(2, 4, figsize=(15, 7.5), layout="constrained")
    grid = np.stack(np.meshgrid(np.linspace(-10, 10, 200), np.linspace(-10, 10, 200)), -1)
    values = two_tasks(tf.constant(grid.reshape(-1, 2), tf.float32))
    surface = np.sum([v.numpy() for v in values], axis=0).reshape(200, 200)
    print("| method | " + " | ".join(f"{s}" for s in STARTS) + " | s |")
    print("|---|" + "---:|" * (len(STARTS) + 1))
    for (name, balancer), ax in zip(METHODS.items(), axes.flat):
        ax.contour(grid[..., 0], grid[..., 1], surface, 25, colors="0.8", linewidths=0.6)
        begin, cells = time.perf_counter(), []
        for start, known in zip(STARTS, REFERENCE[name]):
            path = run(start, balancer, arguments.steps, arguments.every)
            ax.plot(path[:, 0], path[:, 1], lw=1.5)
            ax.plot(*path[0], "o", color="0.2", ms=4)
            ax.plot(*path[-1], "*", color="0.1", ms=9)
            steps = reached(path, arguments.every)
            cells.append(f"{steps or 'never'} ({known or 'never'})")
        ax.plot([-7, 7], [-8.355, -8.355], color="tab:green", lw=4, alpha=0.4, zorder=0)
        ax.set(title=name, xlim=(-10.5, 10.5), ylim=(-10.5, 10.5))
        seconds = time.perf_counter() - begin
        print(f"| {name} | " + " | ".join(cells) + f" | {seconds:.0f} |", flush=True)
    axes.flat[-1].axis("off")
    axes.flat[-1].text(0.05, 0.5, "• start   ★ end\ngreen: Pareto front", fontsize=13)
    fig.savefig(arguments.output, dpi=90)


if __name__ == "__main__":
    main()
