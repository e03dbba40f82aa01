"""CSV files to TFRecord: both layouts, and every row that cannot be used."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from teachbox.data.csv_records import Summary, create_tfrecord
from teachbox.data.tf_example_decoder import DecodedExample, decode_example
from teachbox.data.tfrecord import read_records
from teachbox.errors import DataError, LabelMapError

pytestmark = pytest.mark.tf

PATHS = "path,xmin,ymin,xmax,ymax,label\n"
FILES = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images of 100 × 50 pixels, and a label map."""
    for name in ("b.png", "a.png"):
        Image.new("RGB", (100, 50)).save(tmp_path / name)
    (tmp_path / "map.pbtxt").write_text("item { id: 1 name: 'cat' } item { id: 2 name: 'dog' }")
    return tmp_path


def create(folder: Path, text: str, base: Path | None = None) -> tuple[Summary, list[DecodedExample]]:
    (folder / "boxes.csv").write_text(text, encoding="utf-8")
    summary = create_tfrecord(folder / "boxes.csv", folder / "map.pbtxt", folder / "out.record", base)
    return summary, [decode_example(record) for record in read_records(folder / "out.record")]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_original_s_layout(folder: Path, mark: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "b.png,10,20,30,40,dog\na.png,0,0,100,50,cat\nb.png,50,25,75,50,cat\n"
    summary, (b, a) = create(folder, mark + PATHS + rows)
    assert summary == Summary(images=2, boxes=3, dropped=0, skipped=0)
    assert (b.filename, a.filename) == ("b.png", "a.png")
    np.testing.assert_allclose(b.boxes, [[0.4, 0.1, 0.8, 0.3], [0.5, 0.5, 1.0, 0.75]], rtol=1e-6)
    assert (b.classes.tolist(), b.texts, b.width, b.height) == ([2, 1], ["dog", "cat"], 100, 50)
    assert capsys.readouterr().out == ""


def test_the_raccoon_set_s_layout(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "map.pbtxt").write_text((folder / "map.pbtxt").read_text())
    summary, (a,) = create(elsewhere, FILES + "a.png,100,50,dog,10,20,30,40\n", base=folder)
    assert (summary.images, summary.boxes) == (1, 1)
    np.testing.assert_allclose(a.boxes, [[0.4, 0.1, 0.8, 0.3]], rtol=1e-6)


def test_the_raccoons(datasets: Path, tmp_path: Path) -> None:
    raccoon = datasets / "raccoon"
    csv, labels = raccoon / "data" / "test_labels.csv", raccoon / "label_map.pbtxt"
    summary = create_tfrecord(csv, labels, tmp_path / "ours.record", raccoon / "images")
    assert summary == Summary(images=40, boxes=44)

    def read(path: Path) -> dict[str, DecodedExample]:
        return {e.filename: e for e in map(decode_example, read_records(path))}

    ours, author_s = read(tmp_path / "ours.record"), read(raccoon / "data" / "test.record")
    assert ours.keys() == author_s.keys()
    for name, example in ours.items():
        np.testing.assert_allclose(example.boxes, author_s[name].boxes, atol=1e-7)
        assert example.classes.tolist() == author_s[name].classes.tolist()


def test_empty_sides_are_an_image_without_boxes(folder: Path) -> None:
    summary, (a,) = create(folder, PATHS + "a.png,,,,,\n")
    assert summary == Summary(images=1)
    assert a.boxes.shape == (0, 4)


def test_boxes_are_clipped_and_degenerate_ones_reported_with_their_line(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "a.png,-5,-5,50,25,cat\na.png,30,10,20,20,cat\na.png,100,0,120,50,dog\n"
    with caplog.at_level(logging.WARNING):
        summary, (a,) = create(folder, PATHS + rows)
    assert summary == Summary(images=1, boxes=1, dropped=2)
    assert a.boxes.tolist() == [[0, 0, 0.5, 0.5]]
    assert [message.partition(" dropped")[0][-6:] for message in caplog.messages] == ["csv:3:", "csv:4:"]


def test_an_image_that_cannot_be_read_is_skipped_with_its_line(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "c.png").write_bytes(b"no image")
    with caplog.at_level(logging.WARNING):
        summary, examples = create(folder, PATHS + "a.png,0,0,9,9,cat\nc.png,0,0,9,9,cat\n")
    assert summary == Summary(images=1, boxes=1, skipped=1)
    assert [e.filename for e in examples] == ["a.png"]
    assert "boxes.csv:3: skipped an image that cannot be read" in caplog.text


def test_a_turned_photograph_is_written_upright(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (100, 50)).save(buffer, "JPEG", exif=exif)
    (folder / "turned.jpg").write_bytes(buffer.getvalue())
    _, (turned,) = create(folder, PATHS + "turned.jpg,0,0,50,100,cat\n")
    assert (turned.width, turned.height) == (50, 100)
    assert turned.boxes.tolist() == [[0, 0, 1, 1]]


def test_another_size_than_the_csv_says_is_reported(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    create(folder, FILES + "a.png,50,100,cat,0,0,9,9\n")
    assert "is said to have (100, 50) pixels (height, width) and has (50, 100)" in caplog.text


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", DataError, r"boxes\.csv:1: the columns are missing; needed are path,"),
        ("a,b\n1,2\n", DataError, "the columns are a, b; needed are"),
        (PATHS, DataError, "a header and no rows"),
        (PATHS + "a.png,1,2,x,4,cat\n", DataError, r"boxes\.csv:2: the column 'xmax' is 'x'; it must be a number"),
        (PATHS + "a.png,1,2,nan,4,cat\n", DataError, r"boxes\.csv:2: the column 'xmax' is nan"),
        (PATHS + "a.png,1,2,3,,cat\n", DataError, r"boxes\.csv:2: the column 'ymax' is ''"),
        (PATHS + "a.png,1,2\n", DataError, r"boxes\.csv:2: the column 'label' is empty"),
        (PATHS + "a.png,1,2,3,4,\n", DataError, "a box needs a label"),
        (PATHS + ",1,2,3,4,cat\n", DataError, "every row names an image"),
        (PATHS + "a.png,0,0,9,9,cat\nz.png,1,2,3,4,cat\n", DataError, r"csv:3: no image 'z\.png'.*--base-path"),
        (PATHS + "a.png,1,2,3,4,cta\n", LabelMapError, r"csv:2: .*map\.pbtxt: no label 'cta'.*did you mean 'cat'"),
    ],
)
def test_files_that_cannot_be_used(folder: Path, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        create(folder, text)
    assert not (folder / "out.record").exists()


def test_missing_files_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: the CSV file cannot be read \(No such file"):
        create_tfrecord(folder / "gone.csv", folder / "map.pbtxt", folder / "out.record")
    with pytest.raises(LabelMapError, match=r"gone\.pbtxt"):
        create_tfrecord(folder / "boxes.csv", folder / "gone.pbtxt", folder / "out.record")


def test_not_one_image_that_can_be_read(folder: Path) -> None:
    (folder / "c.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="none of the 1 images can be read"):
        create(folder, PATHS + "c.png,0,0,9,9,cat\n")
    assert not (folder / "out.record").exists()
