"""Image files: opened, and searched for what TensorFlow does not read."""

import io
import warnings
from collections.abc import Sequence

import PIL.Image

ORIENTATION = 0x0112  # the EXIF tag


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
