"""Publishing: what a later version predicts, whoever loads it; numbers; and that a failure leaves nothing behind."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny import TinyDetector, resizer

from teachbox.data.resizers import keep_aspect_ratio_resizer
from teachbox.data.tf_example_encoder import encode_example
from teachbox.errors import ExportError
from teachbox.images import upright
from teachbox.training.garbage import MARK, read_mark
from teachbox.training.graphs import export_graph
from teachbox.training.publish import Publisher, complete_versions, graph_fingerprint

pytestmark = pytest.mark.tf

OUTPUTS = {"detection_boxes", "detection_scores", "detection_classes", "num_detections"}


def publisher(folder: Path, detector: TinyDetector, graph: str = "tiny") -> Publisher:
    return Publisher(folder, detector.checkpoint_variables(), lambda path: export_graph(detector, resizer, path), graph)


def picture(color: tuple[int, int, int] = (200, 100, 50), size: tuple[int, int] = (24, 16)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def expected_score(detector: TinyDetector) -> float:
    pixels = np.full((1, 8, 8, 3), [200, 100, 50], np.float32)
    return float(tf.sigmoid(detector(detector.preprocess(pixels))["score"])[0, 0])


def example_bytes() -> bytes:
    image = upright(picture())
    return encode_example(image, np.zeros((0, 4), np.float32), [], [], "a.png", "1")


def test_the_three_signatures(tmp_path: Path) -> None:
    detector = TinyDetector()
    detector.dense.bias.assign([0.7])
    version = publisher(tmp_path, detector).publish(step=0)
    assert version.whole
    loaded = tf.saved_model.load(str(version.path))
    assert set(loaded.signatures) == {"serving_default", "encoded_image", "image_tensor"}
    pixels = np.broadcast_to(np.array([200, 100, 50], np.uint8), (3, 16, 24, 3))
    answers = [
        loaded.signatures["serving_default"](serialized_example=tf.constant(example_bytes())),
        loaded.signatures["serving_default"](serialized_example=tf.constant([example_bytes()] * 2)),
        loaded.signatures["encoded_image"](encoded_image_string_tensor=tf.constant(picture())),
        loaded.signatures["encoded_image"](encoded_image_string_tensor=tf.constant([picture(), picture(size=(5, 90))])),
        loaded.signatures["image_tensor"](inputs=tf.constant(pixels)),
    ]
    for answer, count in zip(answers, [1, 2, 1, 2, 3], strict=True):
        assert set(answer) == OUTPUTS
        assert all(value.dtype == tf.float32 for value in answer.values())
        assert answer["detection_boxes"].numpy() == pytest.approx(np.tile([[[0.25, 0.25, 0.75, 0.75]]], (count, 1, 1)))
        assert answer["detection_classes"].numpy().tolist() == [[1.0]] * count
        assert answer["num_detections"].numpy().tolist() == [1.0] * count
        assert answer["detection_scores"].numpy() == pytest.approx(
            np.full((count, 1), expected_score(detector)), rel=1e-5
        )


def test_images_of_several_sizes_in_one_batch(tmp_path: Path) -> None:
    detector = TinyDetector()
    keep = keep_aspect_ratio_resizer(8, 16)
    made = Publisher(tmp_path, detector.checkpoint_variables(), lambda path: export_graph(detector, keep, path), "tiny")
    loaded = tf.saved_model.load(str(made.publish(step=0).path))
    wide, square = picture(size=(32, 16)), picture(size=(20, 20))
    together = loaded.signatures["encoded_image"](tf.constant([wide, square]))["detection_scores"].numpy()
    alone = [
        loaded.signatures["encoded_image"](tf.constant(one))["detection_scores"].numpy()[0] for one in (wide, square)
    ]
    assert alone == pytest.approx([expected_score(detector)] * 2, rel=1e-5)
    assert together[0] == pytest.approx(alone[0], rel=1e-5)
    # Half of the square one is padding, which this detector takes for black.
    black = detector(detector.preprocess(np.array([[[[100, 50, 25]]]], np.float32)))["score"]
    assert together[1] == pytest.approx(tf.sigmoid(black).numpy()[0], rel=1e-5)


def test_a_later_version_is_the_same_graph_with_new_variables(tmp_path: Path) -> None:
    detector = TinyDetector()
    made = publisher(tmp_path, detector)
    first = made.publish(step=0)
    detector.dense.bias.assign([1.5])
    detector.norm.moving_mean.assign([0.3, 0.2, 0.1])
    later = made.publish(step=20, lineage="abc")
    assert not later.whole
    assert later.number > first.number
    assert os.path.samefile(first.path / "saved_model.pb", later.path / "saved_model.pb")
    assert later.seconds < 0.5
    mark = read_mark(later.path)
    assert mark is not None
    assert (mark["step"], mark["lineage"]) == (20, "abc")

    loaded = tf.saved_model.load(str(later.path))
    answer = loaded.signatures["serving_default"](serialized_example=tf.constant(example_bytes()))
    assert float(answer["detection_scores"][0, 0]) == pytest.approx(expected_score(detector), rel=1e-5)
    before = tf.saved_model.load(str(first.path)).signatures["serving_default"](tf.constant(example_bytes()))
    assert float(before["detection_scores"][0, 0]) != pytest.approx(expected_score(detector), rel=1e-2)


def test_a_session_loads_a_later_version(tmp_path: Path) -> None:
    detector = TinyDetector()
    made = publisher(tmp_path, detector)
    made.publish(step=0)
    detector.dense.bias.assign([-1.25])
    later = made.publish(step=1)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(later.path))
        signature = meta.signature_def["serving_default"]
        assert signature.method_name == "tensorflow/serving/predict"
        scores = session.run(
            signature.outputs["detection_scores"].name,
            {signature.inputs["serialized_example"].name: [example_bytes()]},
        )
    assert scores[0, 0] == pytest.approx(expected_score(detector), rel=1e-5)


def test_given_values_are_published_and_the_detector_keeps_its_own(tmp_path: Path) -> None:
    detector = TinyDetector()
    version = publisher(tmp_path, detector).publish(step=0, values={"dense/biases": np.array([2.5], np.float32)})
    assert float(detector.dense.bias.value[0]) == 0
    loaded = tf.saved_model.load(str(version.path))
    score = float(loaded.signatures["encoded_image"](tf.constant(picture()))["detection_scores"][0, 0])
    detector.dense.bias.assign([2.5])
    assert score == pytest.approx(expected_score(detector), rel=1e-5)


def test_another_process_goes_on_with_the_graph_that_is_there(tmp_path: Path) -> None:
    first = publisher(tmp_path, TinyDetector()).publish(step=0)
    again = TinyDetector(seed=5)
    restarted = publisher(tmp_path, again)
    newest = restarted.newest()
    assert newest is not None
    assert newest[0] == first.number
    later = restarted.publish(step=1)
    assert not later.whole
    loaded = tf.saved_model.load(str(later.path))
    score = float(loaded.signatures["encoded_image"](tf.constant(picture()))["detection_scores"][0, 0])
    assert score == pytest.approx(expected_score(again), rel=1e-5)
    # Another graph is exported anew.
    assert publisher(tmp_path, again, graph="other").publish(step=2).whole


def test_numbers_always_rise(tmp_path: Path) -> None:
    ahead = int(time.time()) + 10_000
    (tmp_path / str(ahead)).mkdir()
    (tmp_path / "temp-elsewhere-1-5").mkdir()
    made = publisher(tmp_path, TinyDetector())
    assert made.publish(step=0).number == ahead + 1
    assert made.publish(step=0).number == ahead + 2
    assert made.publish(step=0, after=ahead + 50).number == ahead + 51
    assert complete_versions(tmp_path) == [ahead + 1, ahead + 2, ahead + 51]
    assert not list(tmp_path.glob(f"temp-*-{os.getpid()}-*"))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(ExportError, match="cannot be written") as caught:
        publisher(in_the_way / "export", TinyDetector()).publish(step=0)
    assert "\n" not in str(caught.value)


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import tensorflow as tf
from tiny import TinyDetector, resizer
from teachbox.errors import ExportError
from teachbox.training.graphs import export_graph
from teachbox.training.graphs import export_graph
from teachbox.training.publish import Publisher
folder, first = Path(sys.argv[1]), sys.argv[3] == "first"
detector = TinyDetector()
made = Publisher(folder, detector.checkpoint_variables(), lambda path: export_graph(detector, resizer, path), "tiny")
if not first:
    made.publish(step=0)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    made.publish(step=1)
except ExportError as error:
    print("ExportError", error)
"""


@pytest.mark.parametrize("which", ["first", "later"])
def test_a_file_that_cannot_grow_leaves_nothing_behind(tmp_path: Path, which: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path), str(Path(__file__).parent), which],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 1, done.stdout + done.stderr
    assert lines[0].startswith(f"ExportError {tmp_path}: version ")
    assert "File too large" in lines[0]
    assert len(list(tmp_path.iterdir())) == (0 if which == "first" else 1)


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
        while True:
            opened.write(b"x" * 4096)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.decode().strip()}")
    try:
        detector = TinyDetector()
        made = publisher(disk, detector)
        first = made.publish(step=0)
        filler = disk / "filler"
        fill(filler)
        with pytest.raises(ExportError, match="No space left on device") as caught:
            made.publish(step=1)
        assert "\n" not in str(caught.value)
        assert sorted(entry.name for entry in disk.iterdir()) == [str(first.number), "filler"]
        assert complete_versions(disk) == [first.number]
        filler.unlink()
        later = made.publish(step=1)  # there is room again
        assert complete_versions(disk) == [first.number, later.number]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_fingerprint_is_that_of_its_parts() -> None:
    assert graph_fingerprint(b"ab", b"c") == graph_fingerprint(b"ab", b"c")
    assert graph_fingerprint(b"ab", b"c") != graph_fingerprint(b"a", b"bc")


def test_the_mark_is_where_serving_ignores_it(tmp_path: Path) -> None:
    version = publisher(tmp_path, TinyDetector()).publish(step=0)
    assert str(MARK) == "assets.extra/teachbox.json"
    assert sorted(entry.name for entry in version.path.iterdir()) == [
        "assets",
        "assets.extra",
        "saved_model.pb",
        "variables",
    ]
