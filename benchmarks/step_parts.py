"""Where the time of a training step goes: the default network on the built-in table.

Every line adds one part to the line above it. All run alternately in one process, `--steps` steps
per call, on one batch; a figure is the lower quartile of the rounds, as processor time (which other
processes disturb less) and as wall time. Run with `python -m benchmarks.step_parts`;
`--jit-compile` adds the step compiled with XLA.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.model import MultiTaskModel
from mtl_keras.model.backward import balanced
from mtl_keras.runs.build import build

Part = Callable[[], Any]


def parts(model: MultiTaskModel, x: Any, y: Any, validation_share: float) -> dict[str, Part]:
    """The parts of a step, each a function that runs them and returns tensors."""
    step = model.step
    labels = step.mask(y, {})
    variables = model.trainable_variables
    four = keras.tree.map_structure(lambda t: tf.repeat(t, 4, axis=0), (x, y))
    four_labels = step.mask(four[1], {})

    def gradients() -> Any:
        return balanced(step.balancer, step.forward(x, labels), step.partition, variables)[0]

    def updated(optimizer: keras.optimizers.Optimizer) -> Part:
        optimizer.build(variables)
        return lambda: (optimizer.apply(gradients(), variables), optimizer.iterations.value)[1]

    def adam(**options: Any) -> Part:
        return updated(keras.optimizers.AdamW(1e-4, weight_decay=0.03, **options))

    def dense(rows: int, width: int, units: int) -> Part:
        a, b, c = (tf.random.normal(s) for s in ((rows, width), (width, units), (rows, units)))
        return lambda: (a @ b, tf.matmul(a, c, transpose_a=True), tf.matmul(c, b, transpose_b=True))

    kernels = [v.shape for v in variables if v.path.startswith("shared_") and v.name == "kernel"]
    members = next(iter(step.inside.output["members"].values())).shape[1]
    rows = members * len(next(iter(x.values())))
    products = [dense(rows, *shape) for shape in kernels if len(shape) == 2]
    return {
        "matrix products of the trunk alone": lambda: [product() for product in products],
        "forward, without dropout": lambda: step.inside(x, training=False)["members"],
        "+ dropout": lambda: step.look_inside(x).members,
        "+ losses": lambda: step.forward(x, labels).losses,
        "+ backward": gradients,
        "+ plain gradient descent": updated(keras.optimizers.SGD(1e-4)),
        "AdamW in its place": adam(),
        "+ clipping": adam(global_clipnorm=10.0),
        "+ averaged weights": adam(global_clipnorm=10.0, use_ema=True),
        "+ logs: the whole step": lambda: step.train(x, labels)[1],
        f"validation, {validation_share:.2f} of this per step": lambda: step.test(
            four[0], four_labels
        )[1],
    }


def looped(part: Part, steps: int, jit_compile: bool = False) -> Callable[[], tf.Tensor]:
    """A compiled function that runs a part a number of times."""

    @tf.function(autograph=False, jit_compile=jit_compile)
    def run() -> tf.Tensor:
        def body(number: tf.Tensor, seen: tf.Tensor) -> Any:
            values = [tf.convert_to_tensor(v) for v in keras.tree.flatten(part())]
            return number + 1, seen + sum(tf.cast(tf.reduce_max(v), tf.float32) for v in values)

        return tf.while_loop(
            lambda number, _: number < steps, body, (0, 0.0), parallel_iterations=1
        )[1]

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=5, help="steps per call")
    parser.add_argument("--jit-compile", action="store_true", help="add the step under XLA")
    arguments = parser.parse_args()

    plan = mtl.Experiment.from_file("data/customers.toml")
    keras.utils.set_random_seed(0)
    prepared = plan.prepare()
    model = build(plan, prepared)
    model.optimizer.build(model.trainable_variables)
    data = prepared.data
    size = plan.training.rows_per_step(data.training_rows)
    x = {name: tf.constant(values[:size]) for name, values in data.x["train"].items()}
    y = {name: tf.constant(values[:size]) for name, values in data.y["train"].items()}
    held_out = len(next(iter(data.y["validation"].values()))) / 4 / data.training_rows
    made = parts(model, x, y, held_out)
    runs = {name: looped(part, arguments.steps) for name, part in made.items()}
    if arguments.jit_compile:
        whole = made["+ logs: the whole step"]
        runs["the whole step under XLA"] = looped(whole, arguments.steps, jit_compile=True)

    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for run in runs.values():
        run()  # traces and compiles
    for _ in range(arguments.rounds):
        for name, run in random.sample(list(runs.items()), len(runs)):
            start, processor = time.perf_counter(), time.process_time()
            run().numpy()
            times = time.process_time() - processor, time.perf_counter() - start
            seconds[name].append(times)
    quartile = {
        name: [statistics.quantiles(column, n=4)[0] for column in zip(*times)]
        for name, times in seconds.items()
    }
    whole = quartile["+ logs: the whole step"]
    milliseconds = 1e3 / arguments.steps
    print(f"| {'':38} | processor ms | of the step | wall ms | of the step |")
    print(f"|{'-' * 40}|-------------:|------------:|--------:|------------:|")
    for name, (processor, wall) in quartile.items():
        print(
            f"| {name:38} | {processor * milliseconds:12.2f} | {processor / whole[0]:11.2f} "
            f"| {wall * milliseconds:7.2f} | {wall / whole[1]:11.2f} |"
        )
    size = int(np.sum([np.prod(v.shape) for v in model.trainable_variables]))
    print(f"\n{len(model.trainable_variables)} variables of {size:,} numbers in all")


if __name__ == "__main__":
    main()
