"""Processor seconds that an experiment takes before its training is under way.

    python benchmarks/first_epoch.py [EXPERIMENT]

Building the network, and what the first epoch takes beyond the later ones: TensorFlow traces the
step and the validation, optimises their graphs and prepares their kernels.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import mtl_keras as mtl
from mtl_keras.runs import networks

ROOT = Path(__file__).parents[1]
EPOCHS = 4


class Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.begin, self.ends = 0.0, []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = self.begin or time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.process_time())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", nargs="?", default=ROOT / "data" / "customers.toml")
    experiment = mtl.Experiment.from_file(parser.parse_args().experiment)
    once = {"epochs": EPOCHS, "refit": 0}
    experiment = experiment.but(training={**experiment.to_dict()["training"], **once})
    clock, seconds = Clock(), {}
    build, fit = networks.build, mtl.MultiTaskModel.fit

    def timed_build(*args):
        start = time.process_time()
        model = build(*args)
        seconds["building"] = time.process_time() - start
        return model

    def timed_fit(self, *args, callbacks, **kwargs):
        seconds["fit begins"] = time.process_time()
        return fit(self, *args, callbacks=[*callbacks, clock], **kwargs)

    networks.build, mtl.MultiTaskModel.fit = timed_build, timed_fit
    experiment.run(show=None)
    epochs = [end - start for start, end in zip([clock.begin, *clock.ends], clock.ends)]
    later = statistics.median(epochs[1:])
    before, first = clock.begin - seconds["fit begins"], epochs[0] - later
    print(f"building the network {seconds['building']:.2f}")
    print(f"from `fit` to the first epoch {before:.2f}")
    print(f"the first epoch beyond a later one {first:.2f}, of {later:.2f}")
    print(f"together {seconds['building'] + before + first:.2f} s of processor time")


if __name__ == "__main__":
    main()
