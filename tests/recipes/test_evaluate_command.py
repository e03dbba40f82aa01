"""teachbox evaluate on real images: the pets detector, with its Birman called a raccoon, on photographs of raccoons.

A checkpoint, a SavedModel and a server say the same of the same images, wherever these come from.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest

from teachbox.annotation import make_span
from teachbox.cli import run
from teachbox.config.load import load_pipeline
from teachbox.data.sources import make_task
from teachbox.evaluation.coco import COCO_KEYS
from teachbox.recipes.play import read_boxes
from teachbox.store import Store

pytestmark = pytest.mark.tf

IMAGES = ("--eval-steps", "10")
KEYS = [key for key in COCO_KEYS if "(" not in key]

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def pets(checkpoints: Path) -> Path:
    return checkpoints / "ssd_mobilenet_v1_0.75_pets"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, pets: Path, datasets: Path) -> Path:
    """A label map, the test images as a TFRecord and as answers, and the detector exported as a version."""
    from teachbox.data.csv_records import create_tfrecord
    from teachbox.data.resizers import build_resizer
    from teachbox.detector.build import build_detector
    from teachbox.detector.weights import restore
    from teachbox.training.graphs import export_graph

    folder = tmp_path_factory.mktemp("pets")
    labels = folder / "labels.pbtxt"
    labels.write_text((pets / "label_map.pbtxt").read_text().replace("'Birman'", "'raccoon'"))
    raccoon = datasets / "raccoon"
    create_tfrecord(raccoon / "data/test_labels.csv", labels, folder / "test.record", raccoon / "images")
    with Store.open(folder / "teachbox.db") as store:
        tasks = []
        for file, boxes in read_boxes(raccoon / "data/test_labels.csv").items():
            task = make_task(str(raccoon / "images" / file), "image_manual", ["raccoon"])
            spans = [make_span(label, ymin, xmin, ymax, xmax) for label, (xmin, ymin, xmax, ymax) in boxes]
            tasks.append({**task, "spans": spans, "answer": "accept"})
        store.add_answers("raccoons", "session", tasks)
    model = load_pipeline(pets / "pipeline.config").message.model
    detector = build_detector(model)
    restore(detector.checkpoint_variables(), pets / "model.ckpt", checkpoint_type="full")
    export_graph(detector, build_resizer(model.ssd.image_resizer), folder / "versions" / "1700000000")
    return folder


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[tuple[str, str]]:
    """Addresses of a server of that version: gRPC, REST."""
    from teachbox.serving.server import ModelServer
    from teachbox.serving.settings import ServerSettings

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        rest = probe.getsockname()[1]
    running = ModelServer(
        ServerSettings(host="127.0.0.1", port=0, rest_api_port=rest, model_name="pets", base_path=project / "versions")
    )
    running.start()
    for manager in running.core._managers.values():
        assert manager.wait_until_polled(60)
    yield f"127.0.0.1:{running.port}", f"http://127.0.0.1:{rest}"
    running.stop()


@pytest.fixture
def evaluate(project: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Run the command in the project's folder and return the JSON that it wrote."""
    monkeypatch.chdir(project)

    def call(*options: object, images: tuple[object, ...]) -> dict[str, Any]:
        argv = [*options, *images, *IMAGES, "-t", "0.05", "-lmp", "labels.pbtxt", "--json", "out.json"]
        assert run(["evaluate", *map(str, argv)]) == 0
        found: dict[str, Any] = json.loads((project / "out.json").read_text())
        return found

    return call


@pytest.fixture
def from_csv(datasets: Path) -> tuple[object, ...]:
    return "--csv-input", datasets / "raccoon/data/test_labels.csv", "--base-path", datasets / "raccoon/images"


@pytest.fixture
def checkpoint(pets: Path) -> tuple[object, ...]:
    return "--config", pets / "pipeline.config", "--checkpoint", pets / "model.ckpt"


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for key in KEYS:
        assert one["metrics"][key] == pytest.approx(other["metrics"][key], abs=1e-4), key
    for left, right in zip(one["classes"], other["classes"], strict=True):
        assert {key: value for key, value in left.items() if key != "name"} == pytest.approx(
            {key: value for key, value in right.items() if key != "name"}, abs=1e-4
        )
    assert one["confusion_matrix"] == other["confusion_matrix"]


def test_every_model_says_the_same_wherever_images_come_from(
    evaluate: Evaluate, checkpoint, from_csv, server, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_checkpoint = evaluate(*checkpoint, "--report", "report.html", "--worst", "3", images=from_csv)
    assert "Loss/classification_loss" in of_checkpoint["metrics"]
    out = capsys.readouterr().out
    assert "images     10 of " in out
    value = f"{of_checkpoint['metrics'][KEYS[1]]:.4f}"
    assert re.search(rf"^DetectionBoxes_Precision/mAP@\.50IOU +{value}$", out, re.MULTILINE)
    # A Birman is not a raccoon, but its detector finds some; it calls others by the names of dogs.
    assert 0.05 < of_checkpoint["metrics"]["DetectionBoxes_Precision/mAP@.50IOU"] < 0.5
    by_name = {one["name"]: one for one in of_checkpoint["classes"]}
    assert (by_name["raccoon"]["images"], by_name["raccoon"]["true_boxes"]) == (10, of_checkpoint["all"]["true_boxes"])
    assert sum(map(sum, of_checkpoint["confusion_matrix"]["counts"])) >= by_name["raccoon"]["true_boxes"]
    assert of_checkpoint["worst_images"][0]["error"] >= of_checkpoint["worst_images"][-1]["error"]

    page = (project / "report.html").read_text()
    assert page.count("data:image/jpeg;base64") == len(of_checkpoint["worst_images"]) == 3
    assert all(escape(one["image"]) in page for one in of_checkpoint["worst_images"])
    assert value in page
    assert "The page: report.html" in out

    grpc, rest = server
    of_saved_model = evaluate("--saved-model", "versions", images=("--records", "*.record"))
    assert of_saved_model["about"]["model"].endswith("versions/1700000000")
    over_grpc = evaluate("--server", grpc, "--model-name", "pets", images=("--dataset", "raccoons"))
    assert over_grpc["about"]["model"] == f"pets at {grpc}, version 1700000000"
    over_rest = evaluate("--server", rest, "--model-name", "pets", images=from_csv)
    assert over_rest["about"]["model"] == f"pets at {rest}, version 1700000000"
    for other in (of_saved_model, over_grpc, over_rest):
        same(of_checkpoint, other)
        assert set(other["metrics"]) == set(COCO_KEYS)


def test_what_the_config_names_is_evaluated(evaluate: Evaluate, pets: Path, project: Path) -> None:
    text = (pets / "pipeline.config").read_text().replace("PATH_TO_BE_CONFIGURED/label_map.pbtxt", "labels.pbtxt")
    text = text.replace("eval_config {", 'eval_config { metrics_set: "pascal_voc_detection_metrics"')
    start = text.index("eval_input_reader")
    reader = 'label_map_path: "labels.pbtxt" tf_record_input_reader { input_path: "test.record" }'
    each_eighth = f"eval_input_reader {{ {reader} sample_1_of_n_examples: 8 }}"
    (project / "pipeline.config").write_text(text[:start] + each_eighth)
    found = evaluate("--config", "pipeline.config", "--checkpoint", pets / "model.ckpt", images=())
    assert found["about"]["images"] == "5 of test.record"
    assert "PascalBoxes_Precision/mAP@0.5IOU" in found["metrics"]
    assert "DetectionBoxes_Precision/mAP" not in found["metrics"]
    # Nothing to count is null, not a NaN that no other program reads.
    assert found["metrics"]["PascalBoxes_PerformanceByCategory/AP@0.5IOU/beagle"] is None
    raccoon = found["metrics"]["PascalBoxes_PerformanceByCategory/AP@0.5IOU/raccoon"]
    assert raccoon == found["metrics"]["PascalBoxes_Precision/mAP@0.5IOU"]
    by_name = {one["name"]: one for one in found["classes"]}
    assert by_name["raccoon"]["average_precision"] == pytest.approx(raccoon)


def test_a_checkpoint_of_another_detector(project: Path, pets: Path, checkpoint, from_csv, capsys) -> None:
    other = project / "other.config"
    other.write_text((pets / "pipeline.config").read_text().replace("num_classes: 37", "num_classes: 1"))
    (project / "one.pbtxt").write_text("item { id: 1 name: 'raccoon' }")
    argv = ("--config", other, *checkpoint[2:], *from_csv, "-lmp", project / "one.pbtxt")
    assert run(["evaluate", *map(str, argv)]) == 1
    said = capsys.readouterr().err
    assert "model.ckpt: it does not hold the whole detector of" in said
    assert "ClassPredictor" in said
    argv = (*checkpoint[:2], "--checkpoint", project, *from_csv, "-lmp", project / "labels.pbtxt")
    assert run(["evaluate", *map(str, argv)]) == 1
    assert "there is no checkpoint in this folder" in capsys.readouterr().err


def test_images_that_cannot_be_read_are_left_out(project: Path, server, datasets: Path, tmp_path: Path, capsys) -> None:
    good = datasets / "raccoon/images/raccoon-1.jpg"
    (tmp_path / "cut.jpg").write_bytes(good.read_bytes()[:5000])
    (tmp_path / "boxes.csv").write_text(f"path,xmin,ymin,xmax,ymax,label\ncut.jpg,1,1,9,9,raccoon\n{good},,,,,\n")
    argv = ("--server", server[0], "--model-name", "pets", "-lmp", project / "labels.pbtxt")
    assert run(["evaluate", *map(str, (*argv, "--csv-input", tmp_path / "boxes.csv"))]) == 0
    out, _ = capsys.readouterr()
    assert "images     1 of " in out
    # An image without boxes: there is nothing that could be found.
    assert re.search("^DetectionBoxes_Precision/mAP +–$", out, re.MULTILINE)
    (tmp_path / "boxes.csv").write_text("path,xmin,ymin,xmax,ymax,label\ncut.jpg,1,1,9,9,raccoon\n")
    assert run(["evaluate", *map(str, (*argv, "--csv-input", tmp_path / "boxes.csv"))]) == 1
    assert "none of the 1 images can be read" in capsys.readouterr().err
