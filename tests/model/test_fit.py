"""`fit` takes the steps that Keras takes, in blocks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.model import xla
from tests.model.networks import LOSSES, compiled, rows, rows_of_kinds, small, three_kinds


def test_steps_are_keras_steps_with_a_smaller_last_batch():
    """Same updates as plain Keras on the same batches, shuffling off and labels complete."""
    x, y = rows_of_kinds(missing=False)
    ours, plain = three_kinds(), three_kinds()
    plain = keras.Model(plain.inputs, plain.output)
    plain.set_weights(ours.get_weights())
    for model in (ours, plain):
        eager = model is plain  # it only says what is expected
        model.compile(keras.optimizers.Adam(0.01), loss=LOSSES, run_eagerly=eager)
        model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0)
    assert ours.optimizer.iterations == plain.optimizer.iterations == 15
    for mine, its in zip(ours.get_weights(), plain.get_weights()):
        np.testing.assert_allclose(mine, its, atol=1e-6)


def test_tensorflow_takes_the_networks_of_a_search_for_no_retracing(caplog):
    x, y = rows()
    tf.get_logger().addHandler(caplog.handler)
    try:
        for _ in range(5):
            small(None, "a").fit(x, {"a": y["a"]}, batch_size=64, verbose=0)
    finally:
        tf.get_logger().removeHandler(caplog.handler)
    assert "retracing" not in caplog.text


def test_training_learns_by_xla_too_and_batch_callbacks_count_to_the_end():
    seen = []

    class Batches(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    x, y = rows_of_kinds(missing=False)
    model = compiled(optimizer=keras.optimizers.Adam(0.02), steps_per_execution=2, jit_compile=True)
    logs = model.fit(x, y, batch_size=32, epochs=20, callbacks=[Batches()], verbose=0).history
    assert seen[:3] == [1, 3, 5]  # as Keras numbers the batches of an incomplete execution
    assert logs["churned_loss"][-1] < 0.7 * logs["churned_loss"][0]


def test_validation_split_takes_the_last_rows():
    x, y = rows_of_kinds(missing=False)
    model = compiled()
    logs = model.fit(x, y, validation_split=0.2, verbose=0).history
    held_out = model.evaluate(
        [part[104:] for part in x], {n: v[104:] for n, v in y.items()}, return_dict=True, verbose=0
    )
    np.testing.assert_allclose(logs["val_spend_loss"], [held_out["spend_loss"]], rtol=1e-5)


def test_seeded_fit_is_repeatable_and_epochs_differ_in_order():
    x, y = rows()
    weights = []
    for _ in range(2):
        model = small(None)  # which sets the seed
        model.fit(x, y, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for first, second in zip(*weights):
        np.testing.assert_array_equal(first, second)


def test_xla_is_warned_of_where_it_is_slower_and_not_chosen_there():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("XLA is slow at random numbers without a GPU only")

    def made(noise, **options):
        rows = keras.Input((2,))
        dropped = keras.layers.Dropout(0.1)(keras.layers.GaussianNoise(noise, name="noise")(rows))
        model = mtl.MultiTaskModel(rows, {"a": keras.layers.Dense(1)(dropped)})
        model.compile(loss="mse", **options)
        return model

    with pytest.warns(UserWarning, match="slow at the random numbers of noise. Leave"):
        made(0.1, jit_compile=True)
    for recurrent in (keras.layers.GRU, keras.layers.LSTM, keras.layers.SimpleRNN):
        assert not xla.draws(recurrent(2)) and xla.draws(recurrent(2, dropout=0.1))
    assert not xla.draws(keras.layers.RNN(keras.layers.LSTMCell(2)))
    assert made(0.0, jit_compile=True).jit_compile
    assert not made(0.1).jit_compile


class Within(keras.callbacks.Callback):
    """Evaluates and predicts with one batch of a data set after each epoch."""

    def __init__(self, dataset):
        super().__init__()
        self.dataset, self.losses, self.rows = dataset, [], []

    def on_epoch_end(self, epoch, logs=None):
        logs = self.model.evaluate(self.dataset, steps=1, return_dict=True, verbose=0)
        self.losses.append(logs["loss"])
        self.rows.append(len(self.model.predict(self.dataset, steps=1, verbose=0)["spend"]))


def test_validation_steps_hold_whatever_a_block_of_training_is():
    x, y = rows_of_kinds()
    dataset = tf.data.Dataset.from_tensor_slices((tuple(x), y)).batch(16)
    sources = {
        "data set": dataset,
        "endless": dataset.repeat(),
        "generator": (batch for batch in dataset.repeat().as_numpy_iterator()),
        "arrays": (x, y),
    }
    model = compiled()  # whose weights stand still

    def of_first(rows):
        first = [part[:rows] for part in x], {task: labels[:rows] for task, labels in y.items()}
        return model.evaluate(*first, return_dict=True, verbose=0)

    expected, of_one = of_first(32), of_first(16)
    for source, validation in sources.items():
        within = Within(dataset)
        history = model.fit(
            x, y, validation_data=validation, validation_steps=2, validation_batch_size=16,
            batch_size=16, verbose=0, callbacks=[within],
        ).history  # fmt: skip
        for name in ("loss", "spend_mae", "kind_accuracy"):
            found = history[f"val_{name}"]
            np.testing.assert_allclose(found, [expected[name]], rtol=1e-5, err_msg=source)
        np.testing.assert_allclose(within.losses, [of_one["loss"]], rtol=1e-5, err_msg=source)
        assert within.rows == [16], source
