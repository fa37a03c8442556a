"""Raw dates to network inputs, parsed inside the graph."""

import math
from typing import Any

import keras
import tensorflow as tf

PATTERN = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?.*)?"


@keras.saving.register_keras_serializable("mtl_keras")
class DateEncoding(keras.layers.Layer):
    """An ISO date as elapsed time and as its place in the week, the month, the year and the day.

    The parts are sines and cosines, so that December is next to January. A missing date (an empty
    string), or one that is not `YYYY-MM-DD[ HH:MM[:SS]]`, is all zeros with an indicator.

    **Shape:** strings `(rows,)` to `{"numeric": (rows, 1), "binary": (rows, 7 or 9)}`: elapsed
    days, centred and scaled; and sine and cosine of weekday, month day and year day (and of the
    hour, if `time`), and 1 where missing.

    Args:
        center: Float, days since 1970-01-01 that are encoded as 0.
        scale: Float > 0, days that are encoded as 1.
        time: Bool, whether the dates have a time of day.

    Example:

    >>> layer = DateEncoding(center=10_000.0, scale=100.0)
    >>> layer(tf.constant(["1997-09-30", ""]))["numeric"].numpy()[0].round(2)
    array([1.34], dtype=float32)
    """

    def __init__(
        self, center: float = 0.0, scale: float = 1.0, time: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.center, self.scale, self.time = center, scale, time

    def call(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        valid = tf.strings.regex_full_match(values, PATTERN)
        text = tf.where(valid, values, "1970-01-01 00:00")

        def number(start: int, length: int) -> tf.Tensor:
            return tf.strings.to_number(tf.strings.substr(text, start, length), tf.int32)

        year, month, day = number(0, 4), number(5, 2), number(8, 2)
        days = days_since_1970(year, month, day)
        year_day = days - days_since_1970(year, tf.ones_like(month), tf.ones_like(day))
        parts = [((days + 3) % 7, 7.0), (day - 1, 31.0), (year_day, 365.25)]
        if self.time:
            text = tf.where(tf.strings.length(text) > 10, text, text + " 00:00")
            parts.append((number(11, 2) * 60 + number(14, 2), 1440.0))
        circular = []
        for part, period in parts:
            angle = tf.cast(part, tf.float32) * (2 * math.pi / period)
            circular += [tf.sin(angle), tf.cos(angle)]
        present = tf.cast(valid, tf.float32)
        elapsed = (tf.cast(days, tf.float32) - self.center) / self.scale
        binary = tf.stack(circular, axis=1) * present[:, tf.newaxis]
        return {
            "numeric": (tf.clip_by_value(elapsed, -10.0, 10.0) * present)[:, tf.newaxis],
            "binary": tf.concat([binary, 1.0 - present[:, tf.newaxis]], axis=1),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "center": self.center,
            "scale": self.scale,
            "time": self.time,
        }


def days_since_1970(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Days from 1970-01-01 to a date of the Gregorian calendar, by integer arithmetic.

    Years are counted from March, so that the leap day is the last of its year; month m of such a
    year starts on day `(153 m + 2) // 5`.
    """
    year = tf.where(month <= 2, year - 1, year)
    month = (month + 9) % 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * month + 2) // 5 + day - 1 - 719468
