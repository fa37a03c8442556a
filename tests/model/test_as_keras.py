"""A `MultiTaskModel` does what a `keras.Model` does: its logs, masks, callbacks, files."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl

ROWS = 40
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 4)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def single(cls=mtl.MultiTaskModel, **options):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    model = cls(x, keras.layers.Dense(1, activation="sigmoid", name="churned")(x))
    return compiled(model, **{"metrics": ["mae", "acc"], **options})


def double(cls=mtl.MultiTaskModel, **options):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    trunk = keras.layers.Dense(3)(x)
    model = cls(x, {name: keras.layers.Dense(1, name=name)(trunk) for name in "ab"})
    return compiled(model, **options)


def compiled(model, **options):
    """Keras's own model, which only says what is expected, without a graph: it costs more here."""
    eager = not isinstance(model, mtl.MultiTaskModel)
    model.compile(**{"optimizer": "sgd", "loss": "mse", "run_eagerly": eager, **options})
    return model


# Names and order of the logs


@pytest.mark.parametrize("make", [single, double])
def test_logs_have_the_names_the_order_and_the_values_of_keras(make):
    y = Y if make is single else {"a": Y, "b": X[:, 1:2]}
    metrics = ["mae", "acc"] if make is single else {"a": ["mae"], "b": ["mse", "mae"]}
    logs, evaluated, on_batch = [], [], []
    for cls in (mtl.MultiTaskModel, keras.Model):
        model = make(cls, metrics=metrics, weighted_metrics=None)
        history = model.fit(
            X, y, batch_size=8, validation_split=0.2, epochs=2, shuffle=False, verbose=0
        )
        logs.append(history.history)
        evaluated.append(model.evaluate(X, y, batch_size=8, verbose=0))
        on_batch.append(model.test_on_batch(X, y))
        assert model.metrics_names[:2] == ["loss", "compile_metrics"]
    assert set(logs[0]) == set(logs[1])
    for name, values in logs[1].items():
        np.testing.assert_allclose(logs[0][name], values, rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(evaluated[0], evaluated[1], rtol=1e-4)
    np.testing.assert_allclose(on_batch[0], on_batch[1], rtol=1e-4)


# Masks and weights


def test_positions_that_a_mask_hides_count_nowhere():
    words = np.array([[1, 2, 0, 0], [3, 1, 2, 0]])
    y = np.where(words == 0, 1000.0, 1.0).astype("float32")[..., np.newaxis]
    logs = []
    for cls in (mtl.MultiTaskModel, keras.Model):
        keras.utils.set_random_seed(0)
        x = keras.Input((4,))
        vectors = keras.layers.Embedding(4, 3, mask_zero=True)(x)
        model = cls(x, keras.layers.Dense(1)(vectors))
        compiled(model, optimizer=keras.optimizers.SGD(0.0), weighted_metrics=["mae"])
        logs.append(model.fit(words, y, verbose=0).history)
    np.testing.assert_allclose(logs[0]["loss"], logs[1]["loss"], rtol=1e-5)
    assert logs[0]["mae"][0] < 2


def test_sample_weights_are_not_normalised_unless_the_loss_says_so():
    weights = np.linspace(0, 4, ROWS).astype("float32")
    for loss in ("mse", keras.losses.MeanSquaredError("mean_with_sample_weight")):
        values = [
            single(cls, loss=loss, metrics=None).evaluate(X, Y, ROWS, 0, weights)
            for cls in (mtl.MultiTaskModel, keras.Model)
        ]
        np.testing.assert_allclose(values[0], values[1], rtol=1e-5)


@pytest.mark.parametrize("source", ["arrays", "tf.data"])
def test_class_weights_of_one_output_need_no_name(source):
    values = []
    for cls in (mtl.MultiTaskModel, keras.Model):
        data = (X, Y)
        if source == "tf.data":
            data = (tf.data.Dataset.from_tensor_slices(data).batch(8),)
        model = single(cls, metrics=None)
        model.fit(*data, class_weight={0: 1.0, 1: 3.0}, batch_size=8, shuffle=False, verbose=0)
        values.append(model.get_weights()[0])
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4)


# Callbacks


class Stopper(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            self.model.stop_training = True


def test_a_callback_that_acts_on_batches_is_called_for_each(capsys):
    model = single()
    model.fit(X, Y, batch_size=4, callbacks=[Stopper()], verbose=0)
    assert model.optimizer.iterations == 3
    capsys.readouterr()
    model.fit(X, Y, batch_size=4, callbacks=[Stopper()], verbose=2)
    assert "Stopper acts on each batch" in capsys.readouterr().out


class Batches(keras.metrics.Metric):
    def __init__(self):
        super().__init__(name="batches")
        self.count = self.add_variable((), "zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.count.assign_add(1.0)

    def result(self):
        return self.count.value


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_metric_of_the_users_own_sees_each_batch(jit_compile):
    model = single(metrics=[Batches(), "mae"], jit_compile=jit_compile)
    assert model.fit(X, Y, batch_size=8, verbose=0).history["batches"] == [5.0]


def test_a_metric_function_may_average_over_the_batch_itself():
    def largest(y_true, y_pred):
        return keras.ops.max(keras.ops.abs(y_true - y_pred))

    data = {"x": X, "batch_size": 8, "shuffle": False, "verbose": 0}
    logs = [
        single(cls, metrics=[largest]).fit(y=Y, **data).history["largest"]
        for cls in (mtl.MultiTaskModel, keras.Model)
    ]
    np.testing.assert_allclose(logs[0], logs[1], rtol=1e-5)
    y = np.where(np.arange(ROWS)[:, None] == 7, np.nan, Y)  # which it cannot leave out
    assert np.isnan(single(metrics=[largest]).fit(y=y, **data).history["largest"])


def test_an_execution_longer_than_the_epoch_is_numbered_as_in_keras():
    seen = []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    for cls in (mtl.MultiTaskModel, keras.Model):
        model = single(cls, steps_per_execution=50, run_eagerly=False)
        model.fit(X, Y, batch_size=8, epochs=2, callbacks=[note], verbose=0)
    assert seen == [49] * 4


def test_the_balancer_hears_of_the_training_losses_not_of_those_of_validation():
    model = double(optimizer=keras.optimizers.SGD(0.0), balancer="dwa", run_eagerly=True)
    heard = []
    model.balancer.on_epoch_end = lambda losses, labels: heard.append(losses)
    y = {"a": Y, "b": Y}
    validation = (X, {"a": Y + 100, "b": Y + 100})
    logs = model.fit(X, y, validation_data=validation, verbose=0).history
    np.testing.assert_allclose(heard[0], [logs["a_loss"][0], logs["b_loss"][0]], rtol=1e-5)


@pytest.mark.parametrize("callback", [True, False])
def test_terminate_on_nan_stops_instead_of_an_error(callback):
    y = np.where(np.arange(ROWS)[:, None] == 7, np.inf, Y)
    model, callbacks = (
        single(metrics=None, run_eagerly=callback),
        [keras.callbacks.TerminateOnNaN()] * callback,
    )
    if callback:
        model.fit(X, y, epochs=3, callbacks=callbacks, verbose=0)
        assert len(model.history.epoch) == 1
    else:
        with pytest.raises(mtl.errors.TrainingError, match="'churned'"):
            model.fit(X, y, verbose=0)


# Prediction after a change of the network


def test_prediction_follows_a_change_of_the_network():
    model = double(balancer=None)
    model.predict(X, verbose=0)
    layer = model.layers[1]
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape))
    model.compile("sgd", loss="mse")
    np.testing.assert_allclose(model.predict(X, verbose=0)["a"], model(X)["a"], rtol=1e-5)
    other = double()
    other.predict(X, verbose=0)
    with warnings.catch_warnings():  # of inputs, which have nothing to quantize
        warnings.simplefilter("ignore")
        other.quantize("int8")
    np.testing.assert_allclose(other.predict(X, verbose=0)["a"], other(X)["a"], rtol=1e-5)


# Files


@pytest.mark.parametrize("file", ["m.keras", "m.h5"])
def test_a_file_of_either_format_has_the_model_and_how_it_was_compiled(file, tmp_path):
    model = single(loss=keras.losses.MeanSquaredError(), metrics=None)
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / file)
    again = keras.models.load_model(tmp_path / file)
    assert isinstance(again, mtl.MultiTaskModel)
    assert again.name.startswith("multi_task_model") and "<MultiTaskModel name=" in repr(again)
    np.testing.assert_allclose(
        again.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-6
    )


def test_weights_load_from_plain_keras_and_from_another_balancer(tmp_path):
    path = tmp_path / "m.weights.h5"
    model = double(balancer="uncertainty")
    y = {"a": Y, "b": Y}
    double(keras.Model).save_weights(path)
    model.load_weights(path)
    dwa = double(balancer="dwa", run_eagerly=True)
    dwa.fit(X, y, verbose=0)
    dwa.save_weights(path)
    with pytest.warns(UserWarning, match="another balancer"):
        model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], dwa.get_weights()[0])
    assert float(model.balancer.epochs) == 0


def test_one_head_called_twice_is_two_outputs():
    x, other = keras.Input((4,)), keras.Input((4,))
    head = keras.layers.Dense(1, name="head")
    model = mtl.MultiTaskModel([x, other], [head(x), head(other)])
    model.compile("sgd", loss="mse", run_eagerly=True)
    logs = model.fit([X, X], [Y, Y], verbose=0).history
    assert set(logs) == {"loss", "head_loss", "head_1_loss"}


@pytest.mark.filterwarnings("ignore:You are passing weight as `float`")
def test_a_map_of_labels_has_a_metric_over_its_positions():
    images, maps = np.zeros((8, 5, 5, 1), "float32"), np.ones((8, 5, 5, 1), "float32")
    x = keras.Input((5, 5, 1))
    model = mtl.MultiTaskModel(x, keras.layers.Conv2D(1, 1, activation="sigmoid")(x))
    iou = keras.metrics.BinaryIoU(name="iou", target_class_ids=[1])
    model.compile("sgd", loss="binary_crossentropy", metrics=[iou, "accuracy"])
    assert {"iou", "accuracy"} <= set(model.fit(images, maps, verbose=0).history)
