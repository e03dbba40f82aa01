"""The drawn scenes: boxes fit what was drawn, the same seed draws the same."""

import csv

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from teachbox.recipes import demo_scenes


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boxes_lie_inside_and_apart(seed):
    image, objects = demo_scenes.draw_scene(np.random.default_rng(seed))
    assert image.size == (320, 240)
    assert 1 <= len(objects) <= 3
    for index, (label, (xmin, ymin, xmax, ymax)) in enumerate(objects):
        assert label in demo_scenes.LABELS
        assert 0 <= xmin < xmax <= 320
        assert 0 <= ymin < ymax <= 240
        # No object is thinner than a sixth of the smallest size drawn (55 pixels).
        assert min(xmax - xmin, ymax - ymin) >= 9
        for _, other in objects[:index]:
            shared = (min(xmax, other[2]) - max(xmin, other[0]), min(ymax, other[3]) - max(ymin, other[1]))
            assert shared[0] < 4 or shared[1] < 4


def test_box_is_where_the_shape_is():
    layer = demo_scenes._layer(np.random.default_rng(5), "balloon")
    alpha = np.asarray(layer.getchannel("A")) >= 64
    xmin, ymin, xmax, ymax = demo_scenes._extent(layer)
    assert alpha[ymin].any()
    assert alpha[ymax - 1].any()
    assert alpha[:, xmin].any()
    assert alpha[:, xmax - 1].any()
    alpha[ymin:ymax, xmin:xmax] = False
    assert not alpha.any()


def test_written_scenes_are_the_same_again(tmp_path):
    first = demo_scenes.write_scenes(tmp_path / "a", 3, seed=7)
    assert demo_scenes.write_scenes(tmp_path / "b", 3, seed=7) == first
    assert (tmp_path / "a/images/scene-002.jpg").read_bytes() == (tmp_path / "b/images/scene-002.jpg").read_bytes()
    assert demo_scenes.write_scenes(tmp_path / "c", 3, seed=8) != first
    rows = list(csv.DictReader((tmp_path / "a/boxes.csv").open()))
    assert [row["filename"] for row in rows] == [name for name, objects in first.items() for _ in objects]
    label, box = first["scene-001.jpg"][0]
    assert (rows[0]["class"], *(int(rows[0][key]) for key in ("xmin", "ymin", "xmax", "ymax"))) == (
        label,
        *box,
    )
    assert (int(rows[0]["width"]), int(rows[0]["height"])) == Image.open(tmp_path / "a/images/scene-001.jpg").size


def test_no_scenes(tmp_path):
    assert demo_scenes.write_scenes(tmp_path, 0) == {}
    assert (tmp_path / "boxes.csv").read_text().splitlines() == ["filename,width,height,class,xmin,ymin,xmax,ymax"]
