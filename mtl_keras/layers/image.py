"""Raw image files to pixels."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtl_keras")
class ImageEncoding(keras.layers.Layer):
    """PNG, JPEG, GIF or BMP files, decoded and brought to one size; black where there is none.

    **Shape:** strings `(rows,)`, the files' bytes, to `{"own": (rows, height, width, channels)}`,
    uint8; and, with an indicator, `{"binary": (rows, 1)}`, 1 where there is no file.

    Args:
        height: Height of the images.
        width: Their width.
        channels: 1 for grey, 3 for colours. Default 3.
        indicator: Whether missing images have an indicator. Default False.

    Example:

    >>> file = tf.io.encode_png(tf.fill((2, 2, 1), tf.constant(7, tf.uint8)))
    >>> ImageEncoding(2, 3, channels=1)(tf.stack([file, ""]))["own"].numpy()[:, 0, :, 0].tolist()
    [[7, 7, 7], [0, 0, 0]]
    """

    def __init__(
        self, height: int, width: int, channels: int = 3, indicator: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.height, self.width, self.channels = height, width, channels
        self.indicator = indicator

    def decoded(self, file: tf.Tensor) -> tf.Tensor:
        """One file's pixels."""
        size = (self.height, self.width)
        image = tf.io.decode_image(file, channels=self.channels, expand_animations=False)
        image.set_shape((None, None, self.channels))

        def resized() -> tf.Tensor:
            smooth = tf.image.resize(image, size, antialias=True)
            return tf.cast(tf.clip_by_value(tf.round(smooth), 0.0, 255.0), tf.uint8)

        fits = tf.reduce_all(tf.shape(image)[:2] == tf.constant(size))
        image = tf.cond(fits, lambda: tf.identity(image), resized)
        image.set_shape((*size, self.channels))
        return image

    def call(self, files: tf.Tensor) -> dict[str, tf.Tensor]:
        shape = (self.height, self.width, self.channels)

        def image(file: tf.Tensor) -> tf.Tensor:
            return tf.cond(
                file == "", lambda: tf.zeros(shape, tf.uint8), lambda: self.decoded(file)
            )

        images = tf.map_fn(image, files, fn_output_signature=tf.TensorSpec(shape, tf.uint8))
        groups = {"own": images}
        if self.indicator:
            groups["binary"] = tf.cast(files == "", tf.float32)[:, tf.newaxis]
        return groups

    def compute_output_spec(self, files: Any) -> dict[str, Any]:
        shape = (files.shape[0], self.height, self.width, self.channels)
        spec = {"own": keras.KerasTensor(shape, dtype="uint8")}
        if self.indicator:
            spec["binary"] = keras.KerasTensor((files.shape[0], 1))
        return spec

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "indicator": self.indicator,
        }
