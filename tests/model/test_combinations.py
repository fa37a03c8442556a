"""Every form of data and every built-in callback, with constant and with balanced weights."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl

ROWS, BATCH, EPOCHS = 20, 8, 2  # the last batch is smaller
STEPS = -(-ROWS // BATCH)
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 4)).astype("float32")
Y = {"a": (X[:, :1] > 0).astype("float32"), "b": X[:, 1:2] - X[:, 2:3]}
WITH_BALANCERS = pytest.mark.parametrize(
    "balancer",
    ["fixed", {"kind": "pcgrad", "gradients": "representation"}],
    ids=["fixed", "pcgrad"],
)


def network(balancer=None, cls=mtl.MultiTaskModel):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    trunk = keras.layers.Dense(3, activation="tanh")(x)
    a = keras.layers.Dense(1, activation="sigmoid", name="a")(trunk)
    model = cls(x, {"a": a, "b": keras.layers.Dense(1, name="b")(trunk)})
    options = {} if balancer is None else {"balancer": balancer}
    model.compile(
        keras.optimizers.Adam(0.1),
        loss={"a": "binary_crossentropy", "b": "mse"},
        loss_weights={"a": 0.5, "b": 1.0},
        metrics={"b": ["mae"]},
        run_eagerly=cls is keras.Model,  # which only says what is expected
        **options,
    )
    model.optimizer.build(model.trainable_variables)
    return model


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, number):
        rows = slice(number * BATCH, (number + 1) * BATCH)
        return X[rows], {name: y[rows] for name, y in Y.items()}


def endless():
    while True:
        yield from (Batches()[number] for number in range(STEPS))


def forms():
    """Arguments of `fit` that give the same batches, by the form of the data."""
    series = {name: pd.Series(y[:, 0]) for name, y in Y.items()}
    tensors = tf.nest.map_structure(tf.constant, (X, Y))
    arrow = {name: column.astype("float[pyarrow]") for name, column in series.items()}
    return {
        "numpy": {"x": X, "y": Y},
        "tensors": {"x": tensors[0], "y": tensors[1]},
        "pandas": {"x": pd.DataFrame(X, columns=list("pqrs")), "y": series},
        "arrow": {"x": pd.DataFrame(X, columns=list("pqrs")).astype("Float32"), "y": arrow},
        "tf.data": {"x": tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)},
        "PyDataset": {"x": Batches()},
        "generator": {"x": endless(), "steps_per_epoch": STEPS},
    }


def restart(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def assert_same(weights, others, form):
    for mine, its in zip(weights, others, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-6, err_msg=form)


@WITH_BALANCERS
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
def test_every_form_of_data_trains_and_logs_the_same(balancer):
    model = network(balancer)  # one for all forms: to trace its step takes longer than to train it
    variables = [*model.variables, *model.optimizer.variables, *model.balancer.variables]
    start, logs, weights = [np.array(v) for v in variables], {}, {}
    for form, data in forms().items():
        restart(variables, start)
        size = None if form in ("tf.data", "PyDataset", "generator") else BATCH
        fitted = model.fit(**data, batch_size=size, epochs=EPOCHS, shuffle=False, verbose=0)
        logs[form], weights[form] = fitted.history, model.get_weights()
    predicted = model.predict(forms()["arrow"]["x"], verbose=0)
    keras.tree.map_structure(np.testing.assert_array_equal, predicted, model.predict(X, verbose=0))
    for form, history in logs.items():
        assert list(history) == list(logs["numpy"])
        for name, values in logs["numpy"].items():
            np.testing.assert_allclose(history[name], values, rtol=1e-4, err_msg=f"{form} {name}")
        assert_same(weights[form], weights["numpy"], form)
    if balancer == "fixed":
        plain = network(cls=keras.Model)
        fitted = plain.fit(X, Y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
        for name in ("loss", "b_mae"):  # Keras averages `a_loss` over batches, not over rows
            np.testing.assert_allclose(logs["numpy"][name], fitted.history[name], rtol=1e-4)
        assert_same(weights["numpy"], plain.get_weights(), "plain Keras")


def built_in(folder, calls):
    """Every callback that acts in a training without being asked, with something to do."""
    never = {"monitor": "val_b_loss", "min_delta": 1e9, "mode": "min"}  # better after the first
    return [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
        keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=1, **never),
        keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True, **never),
        keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="val_loss"),
        keras.callbacks.CSVLogger(str(folder / "log.csv")),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: calls.append(("epoch", sorted(logs))),
            on_train_batch_end=lambda batch, logs: calls.append(("batch", batch)),
            on_test_end=lambda logs: calls.append(("test", sorted(logs))),
        ),
    ]


def with_callbacks(model, folder):
    """History, the calls of the last callback, and the weights that a training ends with."""
    calls = []
    folder.mkdir()
    callbacks = built_in(folder, calls)
    data = {"validation_data": (X, Y), "batch_size": BATCH, "shuffle": False}
    history = model.fit(X, Y, epochs=9, callbacks=callbacks, verbose=0, **data).history
    return history, calls, model.get_weights()


@WITH_BALANCERS
def test_every_built_in_callback_does_what_it_does_for_keras(balancer, tmp_path):
    model = network(balancer)
    history, calls, weights = with_callbacks(model, tmp_path / "ours")
    assert len(history["loss"]) == 3  # stopped early
    # Halved at each beginning, and a tenth after the second, which was no better than the first.
    np.testing.assert_allclose(history["learning_rate"], [0.05, 0.025, 0.00125], rtol=1e-5)
    assert [call for call in calls if call[0] == "batch"] == [
        ("batch", n) for n in range(STEPS)
    ] * 3
    rows = pd.read_csv(tmp_path / "ours" / "log.csv")
    for name, values in history.items():
        np.testing.assert_allclose(rows[name], values, rtol=1e-5)
    saved = keras.models.load_model(tmp_path / "ours" / "best.keras").predict(X, verbose=0)
    mae = np.abs(saved["b"] - Y["b"]).mean()  # of the last epoch, whose weights were given up
    np.testing.assert_allclose(mae, history["val_b_mae"][-1], rtol=1e-4)
    mae = np.abs(model.predict(X, verbose=0)["b"] - Y["b"]).mean()
    np.testing.assert_allclose(mae, history["val_b_mae"][0], rtol=1e-4)
    if balancer == "fixed":
        plain, its_calls, its_weights = with_callbacks(network(cls=keras.Model), tmp_path / "keras")
        assert calls == its_calls
        assert_same(weights, its_weights, "plain Keras")
        for name in ("loss", "val_loss", "val_b_mae", "learning_rate"):
            np.testing.assert_allclose(history[name], plain[name], rtol=1e-4, err_msg=name)
