"""What the pixels of images mean: what TensorFlow does not read of files, and what is white."""

import io
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import PIL.Image

from mtl_keras.errors import DataError

ORIENTATION = 0x0112  # the EXIF tag
SLACK = 1e-3  # by which floats may leave the range from black to white, as a share of it


def opened_image(file: bytes) -> PIL.Image.Image:
    """Return the image of a file, of which only the header is read."""
    return PIL.Image.open(io.BytesIO(file), formats=("PNG", "JPEG", "GIF", "BMP"))


def warn_of_ignored(name: str, images: Sequence[PIL.Image.Image]) -> None:
    """Warn of what images contain that the network does not see.

    Args:
        name: Name of the feature.
        images: Its images, or some of them.
    """
    ignored = {
        "have transparent pixels, which are read in the colours stored beneath. Put them onto a "
        "background": map(_transparent, images),
        "have an EXIF orientation, which is ignored. Turn their pixels": map(_turned, images),
        "have 16 bits per pixel, of which the lower 8 are cut off. Scale them to 8 bits": (
            image.mode.startswith("I") for image in images
        ),
    }
    for what, found in ignored.items():
        if count := sum(found):
            warnings.warn(
                f"Feature {name!r}: {count:,} of {len(images):,} images {what}.", stacklevel=4
            )


def _turned(image: PIL.Image.Image) -> bool:
    """Return whether a photo is to be turned before it is shown."""
    return image.format == "JPEG" and bool(image.getexif().get(ORIENTATION, 1) != 1)


def _transparent(image: PIL.Image.Image) -> bool:
    """Return whether an image has pixels that are not opaque."""
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return False
    try:
        opacities = image.convert("RGBA").getchannel("A").histogram()
    except OSError:  # it is damaged, which is told when it is decoded
        return False
    return any(opacities[:255])


def white_of(name: str, column: pd.Series) -> int | None:
    """Return the value of a white pixel in the images that are arrays of floats, if any are.

    Args:
        name: Name of the feature.
        column: Its training rows.

    Returns:
        1 or 255; None if there are no floats.

    Raises:
        DataError: if it cannot be told.

    Example:

    >>> white_of("photo", pd.Series([np.array([[0.1, 0.9]]), np.array([[0.0, 0.2]])]))
    1
    """
    highest: dict[str, float] = {}  # by the kind of the array's numbers
    for array in column:
        if isinstance(array, np.ndarray) and array.dtype.kind in "iuf":
            kind = "float" if array.dtype.kind == "f" else "integer"
            pixel = np.fmax.reduce(array.ravel(), initial=0)  # NaN is refused later
            highest[kind] = max(highest.get(kind, 0), pixel)
    if highest == {"integer": 1}:
        raise DataError(
            f"Feature {name!r}: the pixels of all arrays are 0 and 1, as integers, of "
            "which 255 is white. If 1 is white, store them as booleans or floats."
        )
    if "float" not in highest:
        return None
    if 1 + SLACK < highest["float"] < 2:
        raise DataError(
            f"Feature {name!r}: arrays of floats have pixels up to "
            f"{highest['float']:.4g}. Expected fractions from 0 to 1, or numbers up to 255. "
            "Clip or scale the pixels."
        )
    return 1 if highest["float"] < 2 else 255
