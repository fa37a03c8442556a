"""Classes of a user's own, in one file: a task, a feature, parts of a network, a tracker."""

import dataclasses
import json
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mtl_keras import architectures, balancers, features, tasks, tracking
from mtl_keras.drawing.panels import Panel
from mtl_keras.errors import DataError
from mtl_keras.tasks.measures import Measure
from mtl_keras.tasks.problem import Problem

HOURS = 24.0


@keras.saving.register_keras_serializable("tests.own")
class RelativeError(keras.losses.Loss):
    """How far off, as a ratio: the difference of the logarithms, in its size."""

    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1)


def absolute_percentage_error(truth, predicted):
    return 100 * np.abs(predicted - truth) / truth


@dataclass(frozen=True, repr=False)
class Duration(tasks.Task):
    """A time in hours, above 0, learned by its logarithm and judged by its relative error.

    Args:
        longest: The longest of the training rows, which no answer exceeds. Learned.
    """

    longest: float | None = None

    def fit(self, table):
        return self.but(longest=float(np.nanmax(self.truth(table))))

    def truth(self, table):
        hours = pd.to_numeric(table[self.columns[0]]).to_numpy(float, na_value=np.nan)
        if np.nanmin(hours) <= 0:
            raise DataError(f"Task {self.name!r} takes hours above 0. Received: {np.nanmin(hours)}")
        return hours

    def encode(self, table):
        return np.log(self.truth(table)).astype("float32")

    def head(self, representation):
        return self.dense(1, "linear", representation, bias=np.log(self.longest) / 2)

    def training_loss(self):
        return RelativeError()

    def answers(self, output):
        hours = keras.ops.minimum(keras.ops.exp(output[:, 0]), self.longest)
        return {self.name: hours, f"{self.name}_days": hours / HOURS}

    def answer_columns(self, answers):
        return {name: answers[name] for name in (self.name, f"{self.name}_days")}

    def prediction(self, outputs):
        return np.minimum(np.exp(outputs[:, 0]), self.longest)

    @property
    def measures(self):
        def near(truth, predicted):
            return np.abs(np.log(predicted / truth)) < np.log(2)

        return (
            Measure.mean("mape", absolute_percentage_error),
            Measure.mean("within_a_factor_of_2", near, higher_is_better=True),
        )

    def constant(self, truth):
        return np.exp(np.nanmean(np.log(truth)))

    def panels(self, truth, predicted):
        def ratios(ax):
            ax.hist(np.log2(predicted / truth), bins=20)
            ax.set(xlabel="doublings too long", ylabel="rows")

        return [Panel(f"{self.name}: answered to actual", ratios, "How many times too long")]

    def simple_problems(self):
        error = Measure.mean("error", lambda truth, predicted: np.abs(truth - predicted))
        return [Problem("squared_error", error, labels=np.log)]

    def from_simple_problems(self, answers):
        return np.minimum(np.exp(answers[0]), self.longest)


@keras.saving.register_keras_serializable("tests.own")
class PostcodeEncoding(keras.layers.Layer):
    """A postcode such as `CB7 4DL` as the index of its area, and the number of its district.

    0 is missing, 1 an area that is none of those known.
    """

    def __init__(self, areas, **kwargs):
        super().__init__(**kwargs)
        self.areas = tuple(areas)

    def call(self, codes):
        area = tf.strings.regex_replace(codes, r"^([A-Z]*).*$", r"\1")
        district = tf.strings.regex_replace(codes, r"^[A-Z]*([0-9]*).*$", r"\1")
        matches = tf.cast(area[:, None] == tf.constant(self.areas), tf.int32)
        known = tf.reduce_sum(matches * tf.range(2, len(self.areas) + 2), axis=1)
        index = tf.where(area == "", 0, tf.maximum(known, 1))
        number = tf.strings.to_number(tf.where(district == "", "0", district))
        return {"categorical": index[:, None], "plain": number[:, None] / 10.0}

    def get_config(self):
        return {**super().get_config(), "areas": list(self.areas)}


@dataclass(frozen=True, repr=False)
class Postcode(features.Feature):
    """A postcode: its area as a category, its district as a number.

    *Missing*: an index of its own. *Unseen* areas share one.

    Args:
        areas: The areas of the training rows. Learned.
    """

    shows_dependence = True

    areas: tuple[str, ...] | None = None

    @property
    def raw_dtype(self):
        return "string"

    def fit(self, column):
        areas = {code.rstrip("0123456789") for code in self.raw(column) if code}
        return self.but(areas=tuple(sorted(areas)))

    def raw(self, column):
        codes = column.astype(object).where(column.notna(), "").astype(str).str.upper().str.split()
        return np.array([parts[0] if parts else "" for parts in codes], object)

    def layer(self):
        return PostcodeEncoding(self.areas)

    @property
    def category_sizes(self):
        return (len(self.areas) + 2,)


@dataclass(frozen=True, kw_only=True)
class Pair(architectures.SharedBottom):
    """A shared trunk of two layers of one width.

    Args:
        units: The width. Default 16.
    """

    units: int = 16

    def represent(self, embed, tasks):
        trunk = self.multilayer(embed("shared"), (self.units, self.units), "shared")
        return dict.fromkeys(tasks, trunk)


@keras.saving.register_keras_serializable("tests.own")
class Slowest(balancers.Balancer):
    """The task whose loss is largest counts most.

    Args:
        power: How much more. Default 1.0.
    """

    def __init__(self, power=1.0, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def weigh(self, losses, present, gramian=None):
        shares = tf.where(present, losses, 0.0) ** self.power
        return shares / tf.reduce_sum(shares) * tf.reduce_sum(tf.cast(present, tf.float32))


def alike(losses, present):
    """A balancer that is a function: all tasks count alike."""
    return tf.ones_like(losses)


def table(rows=300, seed=0):
    """Deliveries: how long they take depends on the area and the district, and on the weight."""
    random = np.random.default_rng(seed)
    area = random.choice(["CB", "SE", "W"], rows)
    district = random.integers(1, 20, rows)
    weight = random.gamma(2.0, 2.0, rows)
    noise = random.normal(0, 0.1, rows)
    hours = np.exp(0.8 * (area == "SE") + district / 20 + 0.1 * weight + noise)
    deliveries = pd.DataFrame(
        {
            "postcode": [f"{a}{d} 1AA" for a, d in zip(area, district)],
            "weight": weight.round(2),
            "hours": hours.round(3),
            "late": np.where(hours > 6, "yes", "no"),
        }
    )
    for column in ("postcode", "hours"):
        deliveries.loc[random.random(rows) < 0.1, column] = None
    return deliveries


class Diary(tracking.Tracker):
    """Writes what it is told to a file, a line each, and fails where it is told to.

    Args:
        path: The file.
        fails: What it fails at, such as `"begin"` or `"epoch 2"`. Default: nothing.
    """

    def __init__(self, path, fails=""):
        self.path, self.fails = path, fails

    def write(self, what, **told):
        if self.fails == what:
            self.fails = ""
            raise ConnectionError("the server is down")
        with open(self.path, "a") as file:
            file.write(json.dumps({"what": what, **told}) + "\n")

    def begin(self, plan, facts):
        self.write("begin", plan=plan, facts=dataclasses.asdict(facts))

    def epoch(self, number, logs):
        self.write(f"epoch {number}", logs=dict(logs))

    def end(self, run):
        self.write("end", epochs=None if run is None else len(run.history))

    def exported(self, run, folder):
        self.write("exported", folder=str(folder))
