"""What each of several processes does in `test_workers.py`: trains networks, then an experiment."""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl
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


def experiment(folder: Path) -> None:
    """Run an experiment; the chief writes the logs."""
    declared = mtl.Experiment.from_file(folder / "shop.toml")
    run = declared.run(checkpoint=folder / "state", resume=True)
    if workers().chief:
        run.history.to_csv(folder / "history.csv")


if __name__ == "__main__":
    workers()
    network_of(Path(sys.argv[1]))
    experiment(Path(sys.argv[1]))
