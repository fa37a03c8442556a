"""What each of several processes does in `test_workers.py`: trains networks, then an experiment."""

import dataclasses
import functools
import gc
import json
import os
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.balancers import GramianBalancer
from mtl_keras.errors import DataError, MTLError
from mtl_keras.feeding import Feed
from mtl_keras.training import Data, Fitting, Training, fitting
from mtl_keras.training.checkpoint import StepCheckpoint
from mtl_keras.training.workers import workers
from tests.model.networks import network, rows


def network_of(folder: Path) -> None:
    """Train a network, with missing labels and a ragged last batch, and keep what it became."""
    x, y = rows()
    y["c"][:16] = np.nan  # the replicas have different numbers of labels
    x, y = np.tile(x, (2, 1))[:85], {task: np.tile(label, 2)[:85] for task, label in y.items()}
    with workers().scope():
        optimizer = keras.optimizers.SGD(0.1, global_clipnorm=0.5)
        model = network("pcgrad", regularised=True, optimizer=optimizer)
    np.random.seed(workers().index)  # which would shuffle the rows differently
    log = model.fit(x, y, batch_size=32, epochs=2, verbose=0, validation_data=(x, y)).history
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
    again = model.evaluate(batches, verbose=0, return_dict=True)
    np.savez(
        folder / f"network_{workers().index}.npz",
        weights=np.concatenate([w.reshape(-1) for w in model.get_weights()]),
        logs=[*log["loss"], *log["c_loss"], *log["val_loss"], again["b_loss"]],
        steps=int(model.optimizer.iterations.numpy()),
    )


X, Y = rows()
GROUPS = [20, 0, 3, 26, 12]  # rows of each: 61, of which the last batch has 13, 6 and 7
STREAMED = Training(epochs=2, batch_size=16, average=0, patience=9)


def read(group: int, first: int):
    """The rows of a group from one on, of which many have no label."""
    start = sum(GROUPS[:group]) + first
    chosen = slice(start, start + GROUPS[group] - first)
    yield X[chosen], {task: labels[chosen] for task, labels in Y.items()}, {}


FEED = Feed(read, GROUPS, next(read(0, 0)), buffer_rows=8, batches_per_block=2)


def streaming_network() -> mtl.MultiTaskModel:
    return network("fixed")


class Interruption(keras.callbacks.Callback):
    """Ends a training within its second epoch."""

    def on_train_batch_begin(self, batch, logs=None):
        if (self.params["epoch"], batch) == (1, 2):
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch, logs=None):
        self.params["epoch"] = epoch


def stream_of(folder: Path) -> None:
    """Train on a stream, be interrupted within an epoch, go on, and keep what it became."""
    with workers().scope():
        model = streaming_network()
    data = Data(*({"train": of, "validation": of} for of in (X, Y, {})), feed=FEED)
    said: list[str] = []
    first = Fitting(
        data,
        STREAMED,
        folder / "stream",
        show=said.append,
        watching=[Interruption()],
        workers=workers(),
    )
    fitting.StepCheckpoint = functools.partial(StepCheckpoint, seconds=0.0)
    try:
        first.fit(model)
    except KeyboardInterrupt:
        model.set_weights([weight + 1 for weight in model.get_weights()])
    done = dataclasses.replace(first, resume=True, watching=[]).fit(model)
    np.savez(
        folder / f"stream_{workers().index}.npz",
        weights=np.concatenate([w.reshape(-1) for w in model.get_weights()]),
        logs=done.history[["loss", "c_loss", "val_loss"]].to_numpy(float),
        steps=int(model.optimizer.iterations.numpy()),
        said=[line for line in said if "resum" in line],
    )


def experiment(folder: Path) -> None:
    """Run an experiment; the chief writes the logs, and alone tells the tracker."""
    tracker = {"kind": "tests.own:Diary", "path": str(folder / "diary.jsonl")}
    declared = mtl.Experiment.from_file(folder / "shop.toml", training={"tracking": tracker})
    run = declared.run(checkpoint=folder / "state", resume=True)
    if workers().chief:
        run.history.to_csv(folder / "history.csv")


def end(folder: Path) -> None:
    """The second worker ends with an error; what each is told is kept."""
    try:
        with workers().ending_together():
            if not workers().chief:
                raise DataError("Row group 3 of a.parquet cannot be read.")
            workers().check_equal(1, "a number")
    except MTLError as error:
        (folder / f"told_{workers().index}.txt").write_text(str(error))


def work(folder: Path) -> None:
    """All that a worker does; what the others are is asked before TensorFlow starts."""
    workers()
    for part in (network_of, stream_of, experiment, end):
        part(folder)


def forked(folder: Path, configs: list[str]) -> list[int]:
    """Start a worker for each `TF_CONFIG`; their exit codes.

    They are forked before TensorFlow has started, which then is imported but once.
    """
    processes = []
    for number, config in enumerate(configs):
        process = os.fork()
        if process == 0:
            os.environ["TF_CONFIG"] = config
            printed = os.open(folder / f"printed_{number}.txt", os.O_WRONLY | os.O_CREAT)
            for stream in (1, 2):
                os.dup2(printed, stream)
            work(folder)
            sys.exit()  # as a process ends that was not forked
        processes.append(process)
    return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]


if __name__ == "__main__":
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # as in
    GramianBalancer.xla = False  # `fixtures.py`, to compile less
    gc.freeze()
    print(json.dumps(forked(Path(sys.argv[1]), sys.argv[2:])))
