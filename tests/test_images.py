"""Images become upright once, whatever their format and EXIF orientation."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from teachbox.errors import DataError
from teachbox.images import open_upright, thumbnail, upright

HEIGHT, WIDTH = 40, 64
# How a camera stores the pixels of an upright picture for each EXIF orientation.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


def picture() -> np.ndarray:
    """Grey, with a red corner at the top left and a blue one at the top right."""
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    pixels[:16, :16] = (255, 0, 0)
    pixels[:16, -16:] = (0, 0, 255)
    return pixels


def encode(pixels: np.ndarray, format: str, orientation: int | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
        options["exif"] = exif
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_becomes_upright(format: str, orientation: int) -> None:
    lossless = {"JPEG": {"quality": 100, "subsampling": 0}, "PNG": {}, "WEBP": {"lossless": True}}[format]
    encoded = encode(STORED[orientation](picture()), format, orientation, **lossless)
    image = upright(encoded)
    assert (image.width, image.height) == (WIDTH, HEIGHT)
    plain = Image.open(io.BytesIO(image.encoded))
    assert plain.getexif().get(0x0112, 1) == 1
    assert image.format == ("jpeg" if format == "JPEG" else "png")
    # JPEG at quality 95 changes a flat 8 × 8 block by a few grey values.
    np.testing.assert_allclose(np.asarray(plain, np.int16), picture(), atol=6 if format == "JPEG" else 0)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_what_is_upright_already_stays_byte_for_byte(format: str) -> None:
    encoded = encode(picture(), format)
    image = upright(encoded)
    assert image.encoded == encoded
    assert image.media_type == {"JPEG": "image/jpeg", "PNG": "image/png"}[format]


@pytest.mark.parametrize("format", ["WEBP", "BMP"])
def test_other_formats_become_png_without_loss(format: str) -> None:
    image = upright(encode(picture(), format, **({"lossless": True} if format == "WEBP" else {})))
    assert image.format == "png"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(image.encoded))), picture())


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "I;16"])
def test_every_kind_of_pixel_becomes_rgb(mode: str) -> None:
    buffer = io.BytesIO()
    if mode == "I;16":
        stored = Image.fromarray(np.full((HEIGHT, WIDTH), 40_000, np.uint16))
    else:
        stored = Image.fromarray(picture()).convert(mode)
    stored.save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    image = upright(buffer.getvalue())
    with Image.open(io.BytesIO(image.encoded)) as plain:
        assert (plain.mode, plain.size) == ("RGB", (WIDTH, HEIGHT))


def test_sixteen_bit_grey_keeps_its_upper_eight_bits() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0x1234, 0xFFFF]], np.uint16)).save(buffer, "PNG")
    image = open_upright(buffer.getvalue())
    assert [image.getpixel((x, 0)) for x in (0, 1)] == [(0x12,) * 3, (255,) * 3]


@pytest.mark.parametrize("encoded", [b"", b"not an image", b"GIF89a" + bytes(40)])
def test_what_is_no_image(encoded: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.jpg: not a JPEG, PNG, WebP or BMP image"):
        open_upright(encoded, where="a.jpg")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP"])
def test_an_image_cut_off(format: str) -> None:
    rng = np.random.default_rng(0)
    encoded = encode(rng.integers(0, 255, (64, 64, 3), np.uint8), format)
    with pytest.raises(DataError, match="cannot be read"):
        upright(encoded[: len(encoded) // 2], where="a")


@given(st.binary(max_size=60), st.integers(0, 200))
def test_damaged_bytes_are_an_error_of_ours_or_an_image(noise: bytes, place: int) -> None:
    good = encode(picture(), "PNG")
    damaged = good[:place] + noise + good[place + len(noise) :]
    try:
        image = open_upright(damaged)
    except DataError:
        return
    assert image.mode == "RGB"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_thumbnail_is_small_and_upright(format):
    pixels = np.kron(picture(), np.ones((8, 8, 1), np.uint8))
    small = Image.open(io.BytesIO(thumbnail(encode(STORED[6](pixels), format, 6), 64)))
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (64, 40))
    found = np.asarray(small).astype(int)
    assert np.abs(found[6, 6] - (255, 0, 0)).max() < 40
    assert np.abs(found[6, -6] - (0, 0, 255)).max() < 40
    assert np.abs(found[32, 32] - 128).max() < 20


def test_a_small_image_is_not_made_larger_and_a_broken_one_is_refused():
    assert Image.open(io.BytesIO(thumbnail(encode(picture(), "PNG"), 300))).size == (WIDTH, HEIGHT)
    with pytest.raises(DataError, match=r"^here: not a JPEG, PNG, WebP or BMP image$"):
        thumbnail(b"no image", 64, where="here")


def test_a_large_photograph_is_read_without_a_warning_and_one_twice_as_large_is_refused():
    # In a process of its own: pytest has a say in what is warned of here.
    program = """
import io
import subprocess
import sys
from PIL import Image
from teachbox.errors import DataError
from teachbox.images import upright
Image.MAX_IMAGE_PIXELS = 100
for side in (12, 15):
    file = io.BytesIO()
    Image.new("RGB", (side, 12)).save(file, "PNG")
    try:
        print(upright(file.getvalue(), where="photo").width)
    except DataError as error:
        print(str(error)[:31])
    Image.MAX_IMAGE_PIXELS = 80
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["12", "photo: the image cannot be read"], "")
