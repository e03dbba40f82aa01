"""What people get wrong, typed at the real command: one clear line, no traceback, nothing started, nothing written."""

import http.server
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from teachbox.config.starter import write_starter
from teachbox.recipes.project import open_project


@pytest.fixture
def project(tmp_path):
    """A folder in which everything is right: images, pipeline.config, label_map.pbtxt."""
    folder = tmp_path / "project"
    images = folder / "images"
    images.mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(images / "a.jpg")
    write_starter(folder, ["kite", "boat"])
    return folder


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def refused(project: Path, *argv, status=1, may_write=()) -> str:
    """The one line on standard error of a command that must fail, in `project`, before it starts anything."""
    before = sorted(project.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "teachbox", *map(str, argv)],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.endswith("_LOGGING")},
    )
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("teachbox: ")
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == status
    assert sorted(set(project.rglob("*")) - {project / name for name in may_write}) == before
    return done.stderr.removeprefix("teachbox: ").rstrip("\n")


def trainmodel(*options, source="images", ip="127.0.0.1", port=None):
    port = free_port() if port is None else port
    web = ("--web-port", 0, "--no-browser")
    return ("image.trainmodel", "pets", source, "pipeline.config", ip, port, "model", *web, *options)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def line_of(file: Path, text: str) -> int:
    return next(number for number, line in enumerate(file.read_text().splitlines(), start=1) if text in line)


def test_missing_source(project):
    assert refused(project, *trainmodel(source="nowhere")).startswith("nowhere: there is nothing; expected a folder")
    assert "nowhere: there is nothing" in refused(
        project, "image.manual", "pets", "nowhere", "-l", "kite", "--web-port", 0
    )
    assert "nowhere: there is nothing" in refused(project, "teach", "nowhere", "--label", "kite", "--web-port", 0)


def test_empty_source(project):
    (project / "images/a.jpg").unlink()
    (project / "images/notes.txt").write_text("no image")
    assert "images: no image there; expected a folder of images" in refused(project, *trainmodel())


def test_misspelt_field(project):
    config = project / "pipeline.config"
    change(config, "num_classes:", "num_clases:")
    line = line_of(config, "num_clases:")
    said = refused(project, *trainmodel())
    assert said.startswith(f"pipeline.config:{line}")
    assert "num_clases" in said
    assert "num_classes" in said.replace("num_clases", "")


def test_part_that_is_not_built(project):
    config = project / "pipeline.config"
    change(config, '"ssd_mobilenet_v1"', '"ssd_mobilenet_v2_mnasfpn"')
    line = line_of(config, "ssd_mobilenet_v2_mnasfpn")
    said = refused(project, *trainmodel())
    assert said.startswith(
        f"pipeline.config:{line}: model.ssd.feature_extractor.type: ssd_mobilenet_v2_mnasfpn is not built"
    )


def test_label_that_the_map_lacks(project):
    said = refused(project, *trainmodel("--label", "kite,boot"))
    assert said == "label_map.pbtxt: no label 'boot'; it has kite, boat; did you mean 'boat'?"


def test_label_map_that_is_missing(project):
    said = refused(project, *trainmodel("--label-map-path", "none.pbtxt"))
    assert said == "none.pbtxt: no such file"
    (project / "label_map.pbtxt").unlink()
    config = project / "pipeline.config"
    line = line_of(config, "label_map_path")
    assert refused(project, *trainmodel()).startswith(f"pipeline.config:{line}: there is no label map label_map.pbtxt")


def test_number_of_classes(project):
    config = project / "pipeline.config"
    change(config, "num_classes: 2", "num_classes: 3")
    line = line_of(config, "num_classes: 3")
    said = refused(project, *trainmodel())
    assert said.startswith(
        f"pipeline.config:{line}: model.ssd.num_classes is 3, but the largest id in label_map.pbtxt is 2"
    )


def test_checkpoint_that_does_not_exist(project):
    config = project / "pipeline.config"
    change(config, "train_config {", 'train_config {\n  fine_tune_checkpoint: "none/model.ckpt"')
    line = line_of(config, '"none/model.ckpt"')
    said = refused(project, *trainmodel())
    assert said.startswith(f"pipeline.config:{line}: fine_tune_checkpoint 'none/model.ckpt' does not exist")
    said = refused(project, "teach", "images", "-l", "kite", "-c", "none/model.ckpt", "--web-port", 0)
    assert said.startswith("--checkpoint: there is no none/model.ckpt.index")


def test_path_still_to_be_filled_in(project):
    config = project / "pipeline.config"
    change(config, "train_config {", 'train_config {\n  fine_tune_checkpoint: "PATH_TO_BE_CONFIGURED/model.ckpt"')
    assert 'still says "PATH_TO_BE_CONFIGURED/model.ckpt"' in refused(project, *trainmodel())


def test_web_port_in_use(project):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        said = refused(project, *trainmodel("--web-port", port), status=2)
        assert said == f"127.0.0.1:{port}: another program listens there; choose another port"


def test_no_tensorflow_serving_there(project):
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        said = refused(project, *trainmodel(port=server.server_port))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert said.startswith(f"127.0.0.1:{server.server_port}: answers, but is no TensorFlow Serving")


def test_nothing_answers_on_another_machine(project):
    said = refused(project, *trainmodel(ip="192.0.2.1"))
    assert said.startswith("192.0.2.1:")
    assert "no model server answers there" in said


def test_numbers_that_make_no_sense(project):
    assert refused(project, *trainmodel("-t", "1.5"), status=2) == "--threshold is 1.5; it must be from 0 to 1"
    assert "--steps-per-epoch is 0" in refused(project, *trainmodel("-spe", "0"), status=2)
    assert "is no multiple of it; give 2 or 4" in refused(project, *trainmodel("--micro-batch", "3"), status=2)
    assert "--web-port: invalid int value: 'http'" in refused(project, *trainmodel("--web-port", "http"), status=2)
    assert "--web-port: `port` is 70000; it must be a port, 0 to 65535" in refused(
        project, *trainmodel("--web-port", "70000"), status=2
    )


def test_database_that_is_none(project):
    said = refused(project, *trainmodel("--db", "images/a.jpg"), may_write=("model_dir", "export_dir", "data_dir"))
    assert "images/a.jpg" in said


def test_folder_that_is_a_file(project):
    said = refused(project, *trainmodel("--model-dir", "pipeline.config"))
    assert said == "pipeline.config: the folder cannot be made (File exists)"


def test_csv_that_cannot_be_converted(project):
    (project / "boxes.csv").write_text("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,40,30,cow,1,1,9,9\n")
    argv = ("create-tfrecord", "--csv_input", "boxes.csv", "--label_map_path", "label_map.pbtxt")
    said = refused(project, *argv, "--output_path", "out.record", "--base_path", "images")
    assert "boxes.csv:2" in said
    assert "cow" in said


def test_nothing_is_refused_when_all_is_right(project):
    """The project that the tests above break is one that can be used."""
    opened = open_project(project / "pipeline.config", shown=["boat"])
    assert (opened.labels.names, opened.shown) == (["kite", "boat"], ["boat"])
    assert opened.label_map_path == project / "label_map.pbtxt"
