"""When `jit_compile="auto"` lets XLA compile without a GPU, and that nothing else changes."""

import contextlib
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.errors import TrainingError
from mtl_keras.feeding import Feed
from mtl_keras.model import loops, xla
from mtl_keras.training import Training
from mtl_keras.training.data import Data
from mtl_keras.training.fitting import Fitting

pytestmark = pytest.mark.skipif(
    bool(tf.config.list_physical_devices("GPU")), reason="with a GPU, Keras decides"
)
ROWS = 70
layers = keras.layers


def data(missing=True):
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 3)).astype("float32")
    spend = np.where(x[:, 1] > 1, np.nan, x[:, 0]) if missing else x[:, 0]
    return x, {"churned": (x[:, 0] > 0).astype("float32"), "spend": spend.astype("float32")}


def model(
    between=None,
    activation="relu",
    losses=None,
    optimizer=None,
    dtype=None,
    kind=mtl.MultiTaskModel,
    **options,
):
    keras.utils.set_random_seed(1)
    rows = keras.Input((3,))
    shared = layers.Dense(8, activation=activation, dtype=dtype)(rows)
    shared = between(shared) if between else shared
    outputs = {
        "churned": layers.Dense(1, activation="sigmoid")(shared),
        "spend": layers.Dense(1)(shared),
    }
    made = kind(rows, outputs)
    losses = {"churned": "binary_crossentropy", "spend": "mse", **(losses or {})}
    made.compile(optimizer or keras.optimizers.Adam(0.01), loss=losses, **options)
    return made


def fitted(made, epochs=4, batch_size=16, **options):
    keras.utils.set_random_seed(2)
    x, y = data()
    made.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, **options)
    return made


class Chosen(Exception):
    """`fit` has chosen."""


def decided(made, **options):
    """Whether `fit` has chosen XLA; without its training, and without the blocks for it."""
    with (
        mock.patch.object(loops.KerasCall, "run", side_effect=Chosen),
        mock.patch.object(loops, "_blocks", side_effect=Chosen),
        contextlib.suppress(Chosen),
    ):
        fitted(made, **options)
        raise AssertionError("`fit` has to end in one of these")
    return made.xla_pays


@pytest.fixture
def short(monkeypatch):
    """XLA pays from 20 steps on: 4 epochs of 5 steps."""
    monkeypatch.setattr(xla, "STEPS", 20)


def test_a_long_training_takes_the_same_steps_by_one_compiled_program(short, monkeypatch):
    """Whatever the last block is: here, blocks have 3 and 2 batches. A NaN ends it all the same."""
    programs, function = [], tf.function

    def counted(*args, **options):
        made = function(*args, **options)
        if options.get("jit_compile"):
            return lambda f: programs.append(made(f)) or programs[-1]
        return made

    monkeypatch.setattr("mtl_keras.feeding.blocks.BLOCK_BATCHES", 3)
    monkeypatch.setattr(tf, "function", counted)
    x, y = data()
    by_xla, without = model(metrics={"churned": "auc"}), model(metrics={"churned": "auc"})
    fitted(by_xla, validation_data=(x, y))
    assert len(programs) == 1 and programs[0].experimental_get_tracing_count() == 1
    without.xla_pays = False
    fitted(without, validation_data=(x, y))
    assert by_xla.xla_pays and not by_xla.jit_compile
    for one, other in zip(by_xla.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert by_xla.optimizer.iterations == without.optimizer.iterations == 20
    logs = by_xla.history.history
    for name, values in without.history.history.items():
        np.testing.assert_allclose(logs[name], values, rtol=1e-4)
    x[40, 0] = np.nan
    with pytest.raises(TrainingError, match="infinite or NaN"):
        by_xla.fit(x, y, batch_size=16, epochs=4, verbose=0)
    assert len(programs) == 1


def test_a_resumed_training_is_equal_to_a_whole_one_to_the_bit(short, tmp_path):
    class Saved(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.save(tmp_path / "model.keras")

    x, y = data()
    options = {"batch_size": 16, "epochs": 4, "shuffle": False, "verbose": 0}
    whole = model()
    whole.fit(x, y, callbacks=[Saved()], **options)
    rest = keras.saving.load_model(tmp_path / "model.keras")
    assert rest.optimizer.iterations == 10
    rest.fit(x, y, initial_epoch=2, **options)
    assert whole.xla_pays and rest.xla_pays
    for one, other in zip(whole.get_weights(), rest.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_first_fit_decides(short):
    made = model()
    assert decided(made, epochs=3) is False  # 15 steps
    assert decided(made, epochs=8) is False
    made.compile("adam", loss="mse")
    assert made.xla_pays is None
    assert decided(made, epochs=8)


def test_the_whole_training_on_a_stream_decides_wherever_it_starts(monkeypatch):
    asked = []
    monkeypatch.setattr(xla, "pays", lambda model, step, *numbers: bool(asked.append(numbers)))
    x, y = data()

    def read(group, first):
        yield x[first:], {name: of[first:] for name, of in y.items()}, {}

    parts = [{"train": of, "validation": of} for of in (x, y, {})]
    fed = Data(*parts, feed=Feed(read, rows=[ROWS], like=next(read(0, 0))))
    fitting = Fitting(fed, Training(epochs=4, batch_size=16), show=lambda line: None)
    fitting._trained(model(), [], 1, 2)
    assert asked == [(16, 4, 5)]


class Own(layers.Dense):
    pass


class OwnCall(mtl.MultiTaskModel):
    def call(self, inputs, training=None):
        return super().call(inputs, training=training)


class Slower(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.01


class Batch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.mark.parametrize(
    "options",
    [
        {"jit_compile": False},
        {"run_eagerly": True},
        {"steps_per_execution": 2},
        {"between": layers.GaussianNoise(0.1)},
        {"between": Own(4)},
        {"between": layers.Dense(4, kernel_regularizer=lambda w: 0.0 * keras.ops.sum(w))},
        {"between": layers.Reshape((2, 4))},
        {"activation": lambda x: x},
        {"dtype": "mixed_bfloat16"},
        {"kind": OwnCall},
        {"losses": {"spend": lambda y, p: keras.ops.square(y - p)}},
        {"losses": {"spend": "log_cosh"}},
        {"optimizer": keras.optimizers.Adam(Slower())},
        {"optimizer": keras.optimizers.Nadam()},
        {"balancer": "pcgrad"},
        {"metrics": {"spend": lambda y, p: keras.ops.abs(y - p)}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_is_not_known_to_win_is_left_uncompiled(options, short):
    if isinstance(options.get("between"), layers.Reshape):
        options = {"between": lambda x: layers.Flatten()(layers.Reshape((2, 4))(x))}
    assert not decided(model(**options))


def test_a_callback_on_batches_a_large_network_and_a_short_training_are_left_uncompiled(
    monkeypatch,
):
    assert not decided(model())
    monkeypatch.setattr(xla, "STEPS", 20)
    assert decided(model()) and not decided(model(), callbacks=[Batch()])
    monkeypatch.setattr(xla, "PRODUCTS", 100)
    assert not decided(model())


SCHEDULE = keras.optimizers.schedules.CosineDecay(0.01, 20)


@pytest.mark.parametrize(
    "options",
    [
        {"between": layers.BatchNormalization()},
        {"between": layers.LayerNormalization()},
        {"between": layers.Dropout(0.1)},
        {"between": lambda x: layers.Concatenate()([layers.Add()([x, x]), x])},
        {"balancer": "uncertainty"},
        {"optimizer": keras.optimizers.AdamW(SCHEDULE, global_clipnorm=1.0, use_ema=True)},
        {"optimizer": keras.optimizers.SGD(0.01, momentum=0.9)},
        {"metrics": {"spend": "mae"}, "losses": {"spend": keras.losses.Huber()}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_is_known_to_win_is_compiled(options, short):
    assert decided(model(**options))


def test_what_is_known_to_win_learns(short):
    """All of it in one network: to compile one takes seconds."""

    def between(x):
        x = layers.LayerNormalization()(layers.BatchNormalization()(x))
        return layers.Concatenate()([layers.Add()([x, x]), x])

    optimizer = keras.optimizers.AdamW(SCHEDULE, global_clipnorm=1.0, use_ema=True)
    options = {"metrics": {"spend": "mae"}, "losses": {"spend": keras.losses.Huber()}}
    made = fitted(model(between, optimizer=optimizer, balancer="uncertainty", **options))
    losses = made.history.history["loss"]
    assert made.xla_pays and losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("recurrent", "steps", "chosen"),
    [
        (lambda: layers.GRU(2), 25, True),
        (lambda: layers.Bidirectional(layers.LSTM(2)), 25, True),
        (lambda: layers.GRU(2), 24, False),  # 20 epochs of 24 steps
        (lambda: layers.Bidirectional(layers.GRU(2, recurrent_dropout=0.1)), 25, False),
        (lambda: layers.LSTM(2, activation=lambda x: x), 25, False),
        (lambda: layers.Bidirectional(layers.SimpleRNN(2)), 25, False),  # not measured
        (lambda: layers.GRU(2, stateful=True), 25, False),
    ],
    ids=["gru", "lstm", "short", "random", "own", "other", "stateful"],
)
def test_recurrent_networks_are_compiled_sooner(recurrent, steps, chosen):
    rows = keras.Input((5, 2), batch_size=16)
    made = mtl.MultiTaskModel(rows, {"a": layers.Dense(1)(recurrent()(rows))})
    made.compile("adam", loss="mse")
    assert xla.pays(made, made.step, batch_size=16, epochs=60, steps=steps) is chosen


def test_masks_of_dropout_are_drawn_as_xla_does_fastest(monkeypatch):
    """By its own choice they took a hundred times as long; a smaller last batch has no XLA."""
    algorithms, usual = [], tf.nn.experimental.stateless_dropout

    def noted(*args, **options):
        algorithms.append(options.get("rng_alg"))
        return usual(*args, **options)

    monkeypatch.setattr(tf.nn.experimental, "stateless_dropout", noted)
    rows = keras.Input((1000,))
    mean = layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(1e-3))
    made = mtl.MultiTaskModel(rows, {"a": mean(layers.Dropout(0.5)(rows))})
    made.compile(keras.optimizers.SGD(0.0), loss="mse", jit_compile=True)
    x = np.ones((140, 1000), "float32")
    losses = made.fit(x, {"a": x[:, :1]}, epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, 1e-3, rtol=0.5)  # units are 0 or 2, with variance 1
    assert losses[0] != losses[1]
    assert set(algorithms) == (
        {None} if tf.config.list_physical_devices("GPU") else {"threefry", None}
    )
    assert tf.nn.experimental.stateless_dropout is noted
