"""teachbox evaluate, wrong: one clear line each, before TensorFlow is loaded and before anything is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from teachbox.cli import run
from teachbox.config.starter import write_starter
from teachbox.store import Store


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which everything is right, and the working directory."""
    write_starter(tmp_path, ["kite"])
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    (tmp_path / "boxes.csv").write_text("path,xmin,ymin,xmax,ymax,label\na.png,1,2,30,20,kite\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(project: Path, capsys: pytest.CaptureFixture[str]):
    """The one line of a command line that must fail."""

    def refuse(*argv: object, status: int = 2) -> str:
        before = sorted(project.rglob("*"))
        assert run(["evaluate", *map(str, argv)]) == status
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1), err
        assert sorted(project.rglob("*")) == before
        return err.removeprefix("teachbox: ").rstrip("\n")

    return refuse


MODEL = ("--saved-model", "versions", "--label-map-path", "label_map.pbtxt")


def test_no_model_or_two(refused) -> None:
    assert refused().startswith("name the model: --config FILE with --checkpoint PREFIX, --saved-model FOLDER, or")
    assert refused("--config", "pipeline.config", "--csv-input", "boxes.csv").startswith("name the model")
    assert "--saved-model and --server name two models" in refused(*MODEL, "--server", "a:1", "--model-name", "m")
    assert refused("--checkpoint", "model.ckpt").startswith("--checkpoint needs --config")
    for half in (("--server", "a:1"), (*MODEL, "--model-name", "m")):
        assert "--server and --model-name belong together" in refused(*half)


def test_no_images_or_two(refused) -> None:
    assert refused(*MODEL).startswith("name the images: --records, --csv-input or --dataset, or a --config")
    said = refused(*MODEL, "--records", "a.record", "--csv-input", "boxes.csv")
    assert said == "--records and --csv-input name two sets of images; give one of them"
    assert refused(*MODEL, "--base-path", ".").startswith("--base-path names the folder of the images of a --csv-input")
    said = refused(*MODEL, "--csv-input", "boxes.csv", "--base-path", "none")
    assert said == "--base-path none: there is no such folder"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--threshold", "1.5"), "--threshold is 1.5; it must be from 0 to 1"),
        (("--iou", "0"), "--iou is 0; it must be above 0 and at most 1"),
        (("--eval-steps", "0"), "--eval-steps is 0; it must be 1 or more"),
        (("--worst", "-1"), "--worst is -1; it must not be negative"),
        (("--report", "page.pdf"), "--report page.pdf: the page is HTML; give a name that ends in .html"),
        (("--report", "none/page.html"), "--report none/page.html: there is no folder none"),
        (("--json", "."), "--json .: this is a folder; give the name of a file"),
        (
            ("--metrics", "coco_mask_metrics"),
            "--metrics: coco_mask_metrics measures masks; the sets for boxes are coco",
        ),
        (("--metrics", "coco_keypoint_metrics"), "--metrics: coco_keypoint_metrics measures keypoints; the sets"),
        (("--metrics", "oid_v2_detection_metrics"), "--metrics: there is no metrics set 'oid_v2_detection_metrics'"),
    ],
)
def test_options_that_make_no_sense(refused, options, line) -> None:
    assert refused(*MODEL, "--csv-input", "boxes.csv", *options).startswith(line)


def test_labels(project: Path, refused) -> None:
    images = ("--csv-input", "boxes.csv")
    assert refused("--saved-model", "versions", *images).startswith("name the label map: --label-map-path, or a")
    said = refused("--saved-model", "versions", "-lmp", "none.pbtxt", *images, status=1)
    assert said == "none.pbtxt: no such file"
    (project / "boxes.csv").write_text("path,xmin,ymin,xmax,ymax,label\na.png,1,2,30,20,kit\n")
    said = refused(*MODEL, *images, status=1)
    assert "boxes.csv:2" in said
    assert said.endswith("no label 'kit'; it has kite; did you mean 'kite'?")


def test_what_the_config_says(project: Path, refused) -> None:
    config = project / "pipeline.config"
    model = ("--config", "pipeline.config", "--saved-model", "versions")
    said = refused(*model, status=1)
    assert said.startswith("pipeline.config: eval_input_reader names no record; write one there, or give --records")
    text = config.read_text()
    reader = 'eval_input_reader { tf_record_input_reader { input_path: "PATH_TO_BE_CONFIGURED/eval.record" } }\n'
    config.write_text(text + reader)
    said = refused(*model, status=1)
    assert "eval_input_reader[0].tf_record_input_reader.input_path[0] still says" in said
    config.write_text(text.replace('"coco_detection_metrics"', '"coco_panoptic_metrics"'))
    said = refused(*model, "--csv-input", "boxes.csv")
    assert said.startswith("pipeline.config:")
    assert "coco_panoptic_metrics measures masks" in said
    # The detector that is built is checked as everywhere.
    config.write_text(text.replace("num_classes: 1", "num_classes: 2"))
    build = ("--config", "pipeline.config", "--checkpoint", "model.ckpt", "--csv-input", "boxes.csv")
    assert "num_classes is 2, but the largest id" in refused(*build, status=1)
    config.write_text(text.replace('"ssd_mobilenet_v1"', '"ssd_mobilenet_v2_mnasfpn"'))
    assert "ssd_mobilenet_v2_mnasfpn is not built" in refused(*build, status=1)


def test_datasets(project: Path, refused) -> None:
    assert "there is no database here" in refused(*MODEL, "--dataset", "kites", status=1)
    with Store.open(project / "teachbox.db") as store:
        store.add_dataset("boats")
    said = refused(*MODEL, "--dataset", "kites", status=1)
    assert "there is no dataset 'kites'; there is boats" in said
    assert "dataset boats has no accepted answer to evaluate on" in refused(*MODEL, "--dataset", "boats", status=1)


@pytest.mark.parametrize(
    ("address", "status", "line"),
    [
        ("localhost", 2, "--server localhost: give HOST:PORT for gRPC, or http://HOST:PORT for REST"),
        ("host:port", 2, "--server host:port: give HOST:PORT for gRPC, or http://HOST:PORT for REST"),
        ("ftp://host:1", 2, "--server ftp://host:1: give HOST:PORT for gRPC, or http://HOST:PORT for REST"),
        ("127.0.0.1:1", 1, "127.0.0.1:1: no model server answers here"),
        ("http://127.0.0.1:1", 1, "http://127.0.0.1:1: no model server can be reached"),
    ],
)
def test_servers(refused, address: str, status: int, line: str) -> None:
    server = ("--server", address, "--model-name", "kites", "-lmp", "label_map.pbtxt", "--csv-input", "boxes.csv")
    assert refused(*server, status=status).startswith(line)


def test_a_server_is_asked_without_tensorflow(project: Path) -> None:
    code = (
        "import sys\n"
        "from teachbox.cli import run\n"
        "status = run(sys.argv[1:])\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
        "sys.exit(status)"
    )
    argv = [
        "evaluate",
        "--server",
        "127.0.0.1:1",
        "--model-name",
        "m",
        "-lmp",
        "label_map.pbtxt",
        "--csv-input",
        "boxes.csv",
    ]
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "teachbox: 127.0.0.1:1: no model server answers here\n")
