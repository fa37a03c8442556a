"""What a training tells of itself: a line per epoch, or one that moves."""

import re

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.training import BestEpoch
from mtl_keras.training.named_logs import NamedLogs
from mtl_keras.training.progress import Progress, counted

X = np.random.default_rng(0).normal(size=(96, 3)).astype("float32")
Y = {"a": (X[:, 0] > 0).astype("float32"), "b": X[:, 1]}


class Log(list):
    """A log with a line that moves."""

    moves = True
    now = None

    def __call__(self, line):
        self.append(line)

    def moving(self, now):
        self.now = now


class Looks(keras.callbacks.Callback):
    """Asks at the end of each epoch's training, and of its validation, what moves."""

    def __init__(self, log):
        super().__init__()
        self.log, self.seen = log, []

    def on_test_begin(self, logs=None):
        self.seen.append(self.log.now())

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(self.log.now())


@pytest.fixture(scope="module")
def trained():
    """A model, its log, and what moved while it was trained."""
    log, best = Log(), BestEpoch(["a", "b"], patience=9)
    rows = keras.Input((3,))
    hidden = keras.layers.Dense(4)(rows)
    model = mtl.MultiTaskModel(rows, {n: keras.layers.Dense(1, name=n)(hidden) for n in Y})
    model.compile("sgd", loss="mse", metrics={"b": "mae"})
    looks = Looks(log)
    told = [best, Progress(["b_mae"], best, log), looks]
    held_out = {"validation_data": (X, Y), "callbacks": told, "verbose": 0}
    model.fit(X, Y, batch_size=8, epochs=3, **held_out)
    return model, log, looks.seen


def begun(model, log, epochs=3) -> Progress:
    """The progress of a training of this model that has begun."""
    best = BestEpoch(["a", "b"], patience=9)
    best.curves = [
        {"val_loss": 3.0, "val_a_loss": 1.0, "val_b_loss": 2.0},
        {"val_loss": 2.0, "val_a_loss": 1.001, "val_b_loss": 1.0},  # good enough for a
    ]
    progress = Progress(["b_mae"], best, log, epochs)
    progress.set_model(model)
    progress.set_params({"steps": 12, "epochs": epochs})
    progress.on_train_begin()
    return progress


def test_the_line_that_moves_knows_step_losses_and_the_time_left(trained):
    model, log, (first, validating, second, *_, last) = trained
    assert model.step.batches_per_block is None  # nothing made it run one batch per call
    assert first[0].startswith("epoch 1/3  step 0/12") and first[1] == 0
    losses = r"a_loss \d\S*  b_loss \d\S*"
    assert re.fullmatch(rf"epoch 1/3  validating  {losses}", validating[0])
    assert re.fullmatch(rf"epoch 2/3  step 0/12  {losses}  at most [\d min]+ s left", second[0])
    assert re.fullmatch(rf"epoch 3/3  validating  {losses}  at most [\d min]+ s left", last[0])
    assert second[1] == pytest.approx(1 / 3) and last[1] == 1
    assert log[0].startswith("training / validation; best: ")
    assert len(log) == 2 and log[1].startswith("epoch 3/3  loss ")  # one line stays


def test_the_steps_of_an_epoch_are_read_while_it_lasts(trained, monkeypatch):
    model, log = trained[0], Log()
    begun(model, log, epochs=1).on_epoch_begin(0)
    model.optimizer.iterations.assign_add(5)
    text, share = log.now()
    assert "step 5/12" in text and share == pytest.approx(5 / 12)
    monkeypatch.setattr(model.optimizer, "_iterations", "a tensor")  # as in `counted_once`
    assert log.now()[0] == text


def test_without_a_line_that_moves_each_epoch_has_a_line(trained):
    lines = []
    progress = begun(trained[0], lines.append)
    for epoch in range(2):
        progress.on_epoch_begin(epoch)
        progress.on_epoch_end(epoch, {"loss": 2.0, "val_loss": 3.0, "val_b_mae": 0.12345})
    form = r"epoch {}/3  loss 2.00 / 3.00  b_mae     – / 0.123  \d+\.\d\d s{}"
    assert lines[0].startswith("training / validation; best: ")
    assert re.fullmatch(form.format(1, "  best: a"), lines[1])
    assert re.fullmatch(form.format(2, "  best: b"), lines[2])


def test_the_lines_of_the_epochs_are_aligned_and_have_the_decimals_of_the_first(trained):
    lines = []
    progress = begun(trained[0], lines.append, epochs=12)
    for epoch, (loss, mae) in enumerate([(12.345, 1234.5), (9.8765, 987.65), (0.4321, 1e-9)]):
        progress.on_epoch_begin(epoch)
        progress.seconds = [123.4] * epoch  # of the epochs before
        progress.on_epoch_end(epoch, {"loss": loss, "val_loss": loss, "val_b_mae": mae})
    told = [re.match(r"epoch .(.*?/12)  (.*b_mae .*?)  +\d+\.\d\d s", line) for line in lines[1:]]
    assert [match[2] for match in told] == [
        "loss 12.3 / 12.3  b_mae     – / 1,234",
        "loss  9.9 /  9.9  b_mae     – /   988",
        "loss 0.432 / 0.432  b_mae     – /   0.0",
    ]


def test_parts_that_are_finished_are_counted(monkeypatch):
    monkeypatch.setattr("time.perf_counter", lambda: 40.0)
    assert counted("trainings", 0, 12, 10.0) == ("0 of 12 trainings", 0.0)
    assert counted("trainings", 4, 12, 10.0) == ("4 of 12 trainings, about 1 min 0 s left", 1 / 3)


def test_metrics_of_a_part_without_labels_are_not_0():
    logs = {"loss": 2.0, "a_loss": 1.0, "a_mae": 3.0, "a_b_mae": 4.0, "a_b_loss": 1.0}
    without = {"val_a_loss": np.nan, "val_a_mae": 0.0, "val_a_b_loss": 1.0, "val_a_b_mae": 4.0}
    callback = NamedLogs(["a", "a_b"], {"a_mae": "a", "a_b_mae": "a_b"})
    seen = {**logs, **without}
    callback.on_epoch_end(0, seen)
    assert np.isnan(seen["val_a_mae"]) and seen["a_mae"] == 3.0 and seen["val_a_b_mae"] == 4.0
