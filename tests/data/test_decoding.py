"""Page, training and export see the same pixels: Pillow's and TensorFlow's decoders agree on upright bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from teachbox.data.decoding import decode_image
from teachbox.images import upright

pytestmark = pytest.mark.tf

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
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    pixels[:16, :16] = (255, 0, 0)
    pixels[:16, -16:] = (0, 0, 255)
    return pixels


def decode(encoded: bytes) -> np.ndarray:
    return decode_image(tf.constant(encoded)).numpy()


@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_arrives_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](picture())))
    stored.save(buffer, "JPEG", quality=100, subsampling=0, exif=exif)
    pixels = decode(upright(buffer.getvalue()).encoded)
    assert pixels.dtype == np.uint8
    # JPEG at quality 95 changes a flat 8 × 8 block by a few grey values.
    np.testing.assert_allclose(pixels.astype(int), picture().astype(int), atol=6)


def test_photographs_decode_as_pillow_decodes_them(datasets: Path) -> None:
    files = sorted((datasets / "raccoon" / "images").glob("*.jpg"))[:12]
    assert len(files) == 12
    for file in files:
        image = upright(file.read_bytes())
        theirs = np.asarray(Image.open(io.BytesIO(image.encoded)).convert("RGB"), int)
        # Both are libjpeg's accurate transform with smooth chroma; builds may round colours differently by
        # one.
        assert np.abs(decode(image.encoded).astype(int) - theirs).max() <= 1, file


def test_png_and_other_formats(tmp_path: Path) -> None:
    for format in ("PNG", "BMP"):
        buffer = io.BytesIO()
        Image.fromarray(picture()).save(buffer, format)
        np.testing.assert_array_equal(decode(buffer.getvalue()), picture())


def test_in_a_graph_the_shape_is_known_to_be_an_image() -> None:
    graph = tf.function(decode_image, input_signature=[tf.TensorSpec([], tf.string)])
    assert graph.get_concrete_function().output_shapes.as_list() == [None, None, 3]
