"""Two small models that the tests of this folder train, and rows for them."""

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl

# Three kinds of outputs, two inputs, uneven gaps in the labels

ROWS = 130
LOSSES = {
    "churned": "binary_crossentropy",
    "spend": "mse",
    "kind": "sparse_categorical_crossentropy",
}


def three_kinds(form=dict):
    first, second = keras.Input((3,), name="first"), keras.Input((2,), name="second")
    hidden = keras.layers.Concatenate()([first, second])
    hidden = keras.layers.Dense(6, activation="tanh")(hidden)
    outputs = {
        "spend": keras.layers.Dense(1, name="spend")(hidden),
        "churned": keras.layers.Dense(1, activation="sigmoid", name="churned")(hidden),
        "kind": keras.layers.Dense(4, activation="softmax", name="kind")(hidden),
    }
    return mtl.MultiTaskModel([first, second], outputs if form is dict else list(outputs.values()))


def rows_of_kinds(missing=True):
    random = np.random.default_rng(3)
    x = [random.normal(size=(ROWS, n)).astype("float32") for n in (3, 2)]
    y = {
        "churned": (x[0][:, 0] > 0).astype("float32"),
        "spend": (10 * x[1][:, 0]).astype("float32"),
        "kind": random.integers(0, 4, ROWS).astype("float32"),
    }
    if missing:
        y["churned"][:100] = np.nan  # uneven: most labels are in the last batches
        y["spend"][100::2] = np.nan
        y["kind"][::3] = np.nan
    return x, y


def by_hand(model, x, y, weights=None):
    """Losses and metrics over all present labels, in float64 with NumPy."""
    predicted = {name: np.asarray(p, float) for name, p in named(model, model.predict(x)).items()}
    weights = {name: np.ones(ROWS) for name in y} | (weights or {})
    present = {name: ~np.isnan(values) for name, values in y.items()}
    p, t = np.clip(predicted["churned"][:, 0], 1e-7, 1 - 1e-7), y["churned"]
    index = np.nan_to_num(y["kind"]).astype(int)
    losses = {
        "churned": -(t * np.log(p) + (1 - t) * np.log(1 - p)),
        "spend": (predicted["spend"][:, 0] - y["spend"]) ** 2,
        "kind": -np.log(predicted["kind"][np.arange(ROWS), index]),
    }
    mean = {f"{n}_loss": np.mean((losses[n] * weights[n])[present[n]]) for n in y}
    right = predicted["kind"].argmax(1) == index
    mean["kind_accuracy"] = right[present["kind"]].mean()
    mean["spend_mae"] = np.abs(predicted["spend"][:, 0] - y["spend"])[present["spend"]].mean()
    return mean


def named(model, predictions):
    return predictions if isinstance(predictions, dict) else dict(zip(model.tasks, predictions))


def compiled(form=dict, **changes):
    model = three_kinds(form)
    arguments = {
        "optimizer": keras.optimizers.SGD(0.0),  # weights stand still: an epoch can be recomputed
        "loss": LOSSES,
        "loss_weights": {"spend": 0.1},
        "metrics": {"spend": ["mae"], "kind": ["accuracy"], "churned": ["auc"]},
    }
    model.compile(**{**arguments, **changes})
    return model


# Three tasks over one trunk, with towers, to look at gradients

SHORT = 64


def rows(seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(SHORT, 4)).astype("float32")
    return x, {
        "a": (x[:, 0] > 0).astype("float32"),
        "b": x.sum(1),
        "c": np.where(random.random(SHORT) < 0.4, np.nan, x[:, 1]).astype("float32"),
    }


def batches(x, y, size):
    """A data set, in order. Its step is traced in two thirds of the time that a loop over blocks
    of arrays takes, for tests of what happens in a step; `test_fit.py` has those of blocks."""
    full = len(next(iter(y.values()))) % size == 0
    y = {task: np.asarray(labels, "float32") for task, labels in y.items()}
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(size, drop_remainder=full)


def network(balancer, regularised=False, optimizer=None, twice=False, towers=True, **options):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    regulariser = keras.regularizers.L2(0.01) if regularised else None
    trunk = keras.layers.Dense(8, activation="tanh", kernel_regularizer=regulariser)(x)
    trunk = keras.layers.Dense(6, activation="tanh", name="last")(trunk)
    again = keras.layers.Dense(6, activation="tanh", name="again")
    tower = dict.fromkeys("abc", trunk)
    if towers:
        tower = {
            t: keras.layers.Dense(6, activation="tanh", name=f"tower_{t}")(trunk) for t in tower
        }
    if twice:
        tower = {t: again(tensor) for t, tensor in tower.items()}
    outputs = {
        "a": keras.layers.Dense(1, activation="sigmoid")(tower["a"]),
        "b": keras.layers.Dense(1)(tower["b"]),
        "c": keras.layers.Dense(1)(keras.layers.Concatenate()([tower["c"], x])),
    }
    model = mtl.MultiTaskModel(x, outputs)
    model.compile(
        optimizer or keras.optimizers.SGD(0.1),
        loss={"a": "binary_crossentropy", "b": "mse", "c": "mse"},
        balancer=balancer,
        **options,
    )
    return model


def small(balancer, tasks="abc", optimizer="sgd", **options):
    """One shared layer and a head per task: quick to trace."""
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    trunk = keras.layers.Dense(3)(x)
    model = mtl.MultiTaskModel(x, {task: keras.layers.Dense(1)(trunk) for task in tasks})
    model.compile(optimizer, loss="mse", balancer=balancer, **options)
    return model


def trained(balancer, made=network, epochs=2, **options):
    model = made(balancer, **options)
    x, y = rows()
    y = {task: y[task] for task in model.tasks}
    history = model.fit(x, y, batch_size=24, epochs=epochs, shuffle=False, verbose=0)
    return np.concatenate([w.reshape(-1) for w in model.get_weights()]), history.history
