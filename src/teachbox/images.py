"""Images as files: one function turns bytes upright, for page, training and export alike."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from teachbox.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
_ORIENTATION = 0x0112
_MEDIA_TYPES = {"jpeg": "image/jpeg", "png": "image/png"}

# A person's own photograph of 100 megapixels is no attack. What is twice as large is refused all the same.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class UprightImage:
    """An image with EXIF orientation applied, as RGB JPEG or PNG bytes that every decoder reads alike."""

    encoded: bytes
    format: str
    """`jpeg` or `png`, as in the tf.Example key `image/format`."""
    width: int
    height: int

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self.format]


def open_upright(encoded: bytes, *, where: str | None = None) -> Image.Image:
    """Decode `encoded` (JPEG, PNG, WebP or BMP) to an RGB image with EXIF orientation applied.

    Raises `DataError` where the bytes are no such image, or are cut off.
    """
    with _reading(where), Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
        return _to_rgb(ImageOps.exif_transpose(image))


@contextmanager
def _reading(where: str | None) -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError as error:
        raise DataError("not a JPEG, PNG, WebP or BMP image", where=where) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"the image cannot be read ({error})", where=where) from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow would cut 16-bit grey off at 255; browsers and TensorFlow keep the upper eight bits.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def upright(encoded: bytes, *, where: str | None = None) -> UprightImage:
    """The image as upright RGB JPEG or PNG bytes: the same bytes where they already are, else encoded anew.

    A turned JPEG is written at quality 95, everything else as PNG, without loss. Raises `DataError` as `open_upright`.
    """
    image = open_upright(encoded, where=where)
    with Image.open(io.BytesIO(encoded)) as header:
        format, mode = header.format, header.mode
        turned = header.getexif().get(_ORIENTATION, 1) not in (0, 1)
    if not turned and mode == "RGB" and format in ("JPEG", "PNG"):
        return UprightImage(encoded, format.lower(), image.width, image.height)
    buffer = io.BytesIO()
    if format == "JPEG":
        image.save(buffer, "JPEG", quality=95, subsampling=0)
    else:
        image.save(buffer, "PNG", compress_level=1)
    return UprightImage(buffer.getvalue(), "jpeg" if format == "JPEG" else "png", image.width, image.height)


def thumbnail(encoded: bytes, side: int, *, where: str | None = None) -> bytes:
    """The upright image as a small JPEG, no side longer than `side` pixels. Raises `DataError` as `open_upright`."""
    with _reading(where), Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
        # A JPEG is then decoded at a fraction of its size, many times as quickly; for other formats it does nothing.
        image.draft("RGB", (2 * side, 2 * side))
        small = _to_rgb(ImageOps.exif_transpose(image))
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=80)
        return buffer.getvalue()
