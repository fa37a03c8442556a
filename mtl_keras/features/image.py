"""Images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import keras
import numpy as np
import pandas as pd
import PIL.Image
import tensorflow as tf

from mtl_keras.backbones.pretrained import Pretrained
from mtl_keras.datasets.lists import is_missing
from mtl_keras.errors import ConfigError, DataError, check, unknown
from mtl_keras.features.base import BackboneFeature
from mtl_keras.features.image_pixels import SLACK, opened_image, warn_of_ignored, white_of
from mtl_keras.layers.mixins import ArgumentsAsConfig, FullPrecision

LOOKED_AT = 500
AUGMENTATIONS: dict[str, Any] = {
    "translation": lambda amount, **k: keras.layers.RandomTranslation(amount, amount, **k),
    "rotation": keras.layers.RandomRotation,
    "zoom": keras.layers.RandomZoom,
    "flip": keras.layers.RandomFlip,
    "contrast": lambda amount, **k: keras.layers.RandomContrast(amount, value_range=(0, 1), **k),
    "brightness": lambda amount, **k: keras.layers.RandomBrightness(amount, (0, 1), **k),
}


@keras.saving.register_keras_serializable("mtl_keras")
class ImageEncoding(ArgumentsAsConfig, FullPrecision):
    """Decodes PNG, JPEG, GIF or BMP files and resizes them; a missing image is black.

    **Shape:** strings `(rows,)`, the files' bytes, to `{"own": (rows, height, width, channels)}`,
    uint8; and, with an indicator, `{"plain": (rows, 1)}`, 1 if there is no file.

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
        """Return the pixels of a file."""
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
            groups["plain"] = tf.cast(files == "", tf.float32)[:, tf.newaxis]
        return groups

    def compute_output_spec(self, files: Any) -> dict[str, Any]:
        shape = (files.shape[0], self.height, self.width, self.channels)
        spec = {"own": keras.KerasTensor(shape, dtype="uint8")}
        if self.indicator:
            spec["plain"] = keras.KerasTensor((files.shape[0], 1))
        return spec


@dataclass(frozen=True, repr=False)
class Image(BackboneFeature):
    """An image: the path or the bytes of a PNG, JPEG, GIF or BMP file, or an array.

    An array is `(height, width)` or `(height, width, channels)`: integers from 0 to 255, booleans,
    or floats from 0 to `white`. The exported model takes a file's bytes. Transparency and EXIF
    orientation are ignored, and 16 bits are cut to 8, with a warning in training. *Missing* (NaN,
    None or empty): black, with an indicator if it was missing in any training row.

    Args:
        encoder: What reads the pixels: `"cnn"` (default, small), a mapping such as `{"kind": "cnn",
            "filters": [16, 32]}`, a new Keras layer, which is trained, or a function
            `"package.module:function"` that returns a pretrained model, e.g. of
            `keras.applications`: see `mtl_keras.backbones`.
        augment: Random augmentations in training, such as `{"translation": 0.1, "rotation": 0.02,
            "zoom": 0.1, "flip": "horizontal", "contrast": 0.2, "brightness": 0.1}`, which are the
            arguments of Keras's augmentation layers. Default: none.
        folder: Folder that relative paths start from. Default: the folder of the table's file.
        max_size: Integer, maximum length of the longer side, in pixels. Default 96.
        height: Height in pixels to which images are resized: the median height of the training
            images, reduced to fit `max_size`. Learned.
        width: Width in pixels, likewise. Learned.
        channels: 1 for grey, 3 for colours. Learned.
        white: The value of a white pixel in arrays of floats, 1 or 255: 1 unless a pixel of the
            training images exceeds it. Learned; None if they contain no floats, which are refused
            then.
        indicator: Whether missing images have an indicator. Learned.

    Example:

    >>> column = pd.Series([np.zeros((4, 6), np.uint8)] * 2)
    >>> fitted = Image("photo").fit(column)
    >>> fitted.height, fitted.width, fitted.channels
    (4, 6, 1)
    """

    also_called: ClassVar[str] = "picture photo pixels"
    reads_as: ClassVar[str] = "images"
    reads_files: ClassVar[bool] = True
    rows_per_call: ClassVar[int] = 512

    encoder: Any = "cnn"
    augment: Mapping[str, Any] | None = None
    folder: str | None = None
    max_size: int = 96
    height: int | None = None
    width: int | None = None
    channels: int | None = None
    white: int | None = None
    indicator: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.max_size >= 1, f"{self.name}.max_size", "be >= 1", self.max_size)
        check(self.channels in (None, 1, 3), f"{self.name}.channels", "be 1 or 3", self.channels)
        check(self.white in (None, 1, 255), f"{self.name}.white", "be 1 or 255", self.white)
        for name in self.augment or {}:
            if name not in AUGMENTATIONS:
                raise ConfigError(unknown(f"key of {self.name}.augment:", name, AUGMENTATIONS))

    def fit(self, column: pd.Series) -> Self:
        white = white_of(self.name, column) if self.white is None else self.white
        files = self.but(white=white).raw(column)
        present = [file for file in files if file]
        if not present:
            raise DataError(f"Feature {self.name!r} has no image in the training rows. Drop it.")
        looked_at = [opened_image(file) for file in present[:: max(1, len(present) // LOOKED_AT)]]
        width, height = np.median([image.size for image in looked_at], axis=0)
        factor = min(1.0, self.max_size / max(width, height))
        warn_of_ignored(self.name, looked_at)
        grey = all(
            image.mode in ("1", "L", "LA", "I", "I;16", "F") and image.format in ("PNG", "JPEG")
            for image in looked_at  # TensorFlow reads GIF and BMP in colours only
        )
        return self.but(
            height=self.height or max(1, round(height * factor)),
            width=self.width or max(1, round(width * factor)),
            channels=self.channels or (1 if grey else 3),
            white=white,
            indicator=len(present) < len(files) if self.indicator is None else self.indicator,
        )

    def raw(self, column: pd.Series) -> np.ndarray:
        start = Path(self.folder or column.attrs.get("folder", "."))
        files = np.empty(len(column), object)
        for row, image in enumerate(column):
            files[row] = self._file(image, column.index[row], start)
        return files

    def examples(self, observed: np.ndarray, random: np.random.Generator) -> np.ndarray:
        shape = (self.height or 1, self.width or 1, self.channels or 1)
        some = [random.integers(0, 256, shape, np.uint8) for _ in range(8)]
        images = pd.Series([some[row % len(some)] for row in range(len(observed))])
        return self.raw(images.where(~np.isnan(observed), None))

    def layer(self) -> keras.layers.Layer:
        assert self.height and self.width and self.channels, "fit first"
        return ImageEncoding(self.height, self.width, self.channels, bool(self.indicator))

    def represent(self, encoded: Any, name: str) -> Any:
        x = keras.layers.Rescaling(1 / 255, name=f"{name}_rescaled")(encoded)
        for kind, amount in (self.augment or {}).items():
            x = AUGMENTATIONS[kind](amount, name=f"{name}_{kind}")(x)
        if isinstance(self.encoder, Pretrained):
            x = keras.layers.Rescaling(255.0, name=f"{name}_to_255")(x)
        return self.vector(x, None, name)

    def flattened(self, encoded: np.ndarray) -> np.ndarray:
        return super().flattened(encoded) / 255.0

    def refuse(self, raw: np.ndarray) -> None:
        for row, file in enumerate(raw):
            try:
                if file:
                    tf.io.decode_image(file, self.channels, expand_animations=False)
            except tf.errors.InvalidArgumentError as error:
                raise DataError(
                    f"Feature {self.name!r}: the image of row number {row + 1} cannot be decoded, "
                    f"it is damaged: {str(error.message)[:120]}. Replace the file, or leave the "
                    "cell empty."
                ) from error

    def _file(self, image: Any, row: Any, start: Path) -> bytes:
        """Return the bytes of an image file."""
        if isinstance(image, dict):  # the form in which Parquet data sets store images
            image = image.get("bytes") or image.get("path")
        if isinstance(image, np.ndarray):
            return self._encoded(image, row)
        if is_missing(image) or image in ("", b""):
            return b""
        where = ""
        if not isinstance(image, bytes):
            path = start / str(image)
            where = f" ({path})"
            if not path.is_file():
                raise DataError(
                    f"Feature {self.name!r}: there is no image file {path}, which row {row} names. "
                    "Correct the path, or state where relative paths start: in an experiment file, "
                    f'{self.name} = {{ kind = "image", folder = "photos" }}.'
                )
            image = path.read_bytes()
        try:
            opened = opened_image(image)
        except (OSError, SyntaxError, PIL.Image.DecompressionBombError) as error:
            raise DataError(
                f"Feature {self.name!r}: row {row}{where} is not an image. Expected a PNG, JPEG, "
                "GIF or BMP file. Replace it, or leave the cell empty."
            ) from error
        if opened.format == "BMP" and opened.mode in ("1", "P"):  # read as if indices were greys
            raise DataError(
                f"Feature {self.name!r}: row {row}{where} is a BMP file with a palette, which "
                "TensorFlow cannot read. Save it as PNG."
            )
        if self.channels == 1 and (opened.format in ("GIF", "BMP") or opened.mode == "CMYK"):
            raise DataError(
                f"Feature {self.name!r}: row {row}{where} is a {opened.format} file "
                f"({opened.mode}), which TensorFlow reads in colours only, but channels=1. "
                "Expected PNG, or JPEG that is not CMYK. Save it as PNG, or train with channels=3."
            )
        return image

    def _encoded(self, array: np.ndarray, row: Any) -> bytes:
        numbers = array.dtype.kind in "biuf"
        if array.size == 0 or not numbers or not np.isfinite(array).all():
            raise DataError(
                f"Feature {self.name!r}: the array of row {row} is empty or has pixels that are "
                "not finite numbers. Leave the cell empty if there is no image."
            )
        pixels = array[:, :, None] if array.ndim == 2 else array
        white = {"b": 1, "f": self.white}.get(array.dtype.kind, 255)
        if white is None:
            raise DataError(
                f"Feature {self.name!r}: the array of row {row} contains floats, but no training "
                "image did, so it is not known whether 1 or 255 is white. Convert it to uint8."
            )
        pixels = pixels / white
        good = pixels.ndim == 3 and pixels.shape[-1] in (1, 3, 4)
        if not good or pixels.min() < -SLACK or pixels.max() > 1 + SLACK:
            raise DataError(
                f"Feature {self.name!r}: the array of row {row} is not an image. Expected (height, "
                f"width[, channels]), from 0 to {white}. Received: shape "
                f"{array.shape}, {array.dtype}, from {array.min()} to {array.max()}."
            )
        return tf.io.encode_png(np.round(255 * pixels.clip(0, 1)).astype(np.uint8)).numpy()
