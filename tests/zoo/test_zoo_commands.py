"""`teachbox zoo` and `teachbox zoo fetch` as people type them."""

import gzip
import json
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest
from archives import FILES, NAME, PATH, TOP, tar
from file_server import File

from teachbox.cli import run
from teachbox.config.load import parse_pipeline

ARCHIVE = tar(FILES)
BASE = "http://download.tensorflow.org/models/object_detection"


def lines_of(capsys, *argv) -> list[str]:
    assert run([str(word) for word in argv]) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys, *argv) -> str:
    """The one line of a command that fails."""
    assert run([str(word) for word in argv]) in (1, 2)
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert told.err.startswith("teachbox: ")
    return told.err.removeprefix("teachbox: ").rstrip("\n")


def test_a_list_of_models(capsys):
    first, *rows, empty, note = lines_of(capsys, "zoo", "ssd", "mobilenet_v1", "TF1", "--sort", "ap")
    assert first.split() == ["name", "ms", "AP", "outputs", "table", "usable", "address"]
    assert [row.split()[0] for row in rows] == [
        "ssd_mobilenet_v1_fpn_coco",
        "ssd_mobilenet_v1_coco",
        "ssd_mobilenet_v1_ppn_coco",
        "ssd_mobilenet_v1_0.75_depth_coco",
        "ssd_mobilenet_v1_quantized_coco",
        "ssd_mobilenet_v1_0.75_depth_quantized_coco",
    ]
    row = f"{NAME} 30 21 Boxes TF1 COCO yes {BASE}/{TOP}.tar.gz"
    assert rows[1].split() == row.split()
    assert empty == ""
    assert note == "TF1 COCO: ms for a 600×600 image on a GeForce GTX TITAN X; AP is COCO mAP, rounded"


def test_what_is_not_published_and_what_cannot_be_used(capsys):
    rows = {line.split()[0]: " ".join(line.split()) for line in lines_of(capsys, "zoo") if "tar.gz" in line}
    assert len(rows) == 104
    assert rows["mobilenet_v1"].startswith("mobilenet_v1 – – – TF2 ImageNet ")
    assert " 79 25 Boxes/Masks TF1 COCO no, predicts masks http://" in rows["mask_rcnn_inception_v2_coco"]


def test_only_those_that_can_be_used(capsys):
    usable = json.loads("".join(lines_of(capsys, "zoo", "--usable", "--json")))
    everything = json.loads("".join(lines_of(capsys, "zoo", "--json")))
    assert usable == [model for model in everything if model["usable"]]
    assert 0 < len(usable) < len(everything) == 104


def test_json_has_everything(capsys):
    assert json.loads("".join(lines_of(capsys, "zoo", "mask", "TF2", "--json"))) == [
        {
            "name": "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8",
            "title": "Mask R-CNN Inception ResNet V2 1024x1024",
            "table": "TF2 COCO",
            "speed_ms": 301.0,
            "speed_of": None,
            "ap": 39.0,
            "ap_of": "COCO 2017 mAP",
            "note": "masks 34.6",
            "outputs": ["Boxes", "Masks"],
            "address": f"{BASE}/tf2/20200711/mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8.tar.gz",
            "checkpoint_version": "V2",
            "checkpoint_type": "detection",
            "usable": False,
            "why_not": "predicts masks",
        }
    ]
    assert lines_of(capsys, "zoo", "yolo", "--json") == ["[]"]


def test_in_a_narrow_terminal_the_address_has_a_line_of_its_own(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    lines = lines_of(capsys, "zoo", NAME)
    assert [line.split() for line in lines[2:4]] == [
        [NAME, "30", "21", "Boxes", "TF1", "COCO", "yes"],
        [f"{BASE}/{TOP}.tar.gz"],
    ]
    assert max(map(len, lines[:4])) <= 100
    monkeypatch.setenv("COLUMNS", "200")
    assert lines_of(capsys, "zoo", NAME)[1].endswith(f"yes     {BASE}/{TOP}.tar.gz")


def test_no_such_model(capsys):
    assert refused(capsys, "zoo", "yolo", "v3") == "no model of the zoo fits 'yolo v3'"
    assert refused(capsys, "zoo", "masks", "--usable") == "no model of the zoo fits 'masks' and is usable"
    assert "did you mean ssd_mobilenet_v1_coco" in refused(capsys, "zoo", "fetch", "ssd_mobilenet_v1_coc", "p")
    assert "required: name, project" in refused(capsys, "zoo", "fetch")


def test_a_fetch_says_what_to_write(capsys, server, tmp_path, monkeypatch):
    server.files[PATH] = File(ARCHIVE)
    monkeypatch.chdir(tmp_path)
    lines = lines_of(capsys, "zoo", "fetch", NAME, "project", "--mirror", server.address)
    folder = tmp_path / "project" / "zoo" / NAME
    assert lines[:-1] == [
        f"{NAME} is in project/zoo/{NAME}",
        "To start from it, write into train_config of your pipeline.config:",
        f'  fine_tune_checkpoint: "{folder}/model.ckpt"',
        "  fine_tune_checkpoint_version: V1",
        '  fine_tune_checkpoint_type: "detection"',
    ]
    verdict = "the config has no train_config; further: model.ssd.image_resizer (line 1), "
    assert lines[-1].startswith(f"Its own config is project/zoo/{NAME}/pipeline.config: {verdict}")
    assert (folder / "model.ckpt.index").read_bytes() == b"index"
    (tmp_path / "project" / "pipeline.config").write_text("")
    monkeypatch.setenv("TEACHBOX_ZOO_MIRROR", "http://nowhere.invalid")
    again = lines_of(capsys, "zoo", "fetch", NAME, "project")
    assert again[:2] == [
        f"{NAME} is in project/zoo/{NAME}, where it was",
        "To start from it, write into train_config of project/pipeline.config:",
    ]
    assert len(server.asked) == 1


def test_its_own_config_may_be_built(capsys, server, tmp_path, checkpoints):
    config = (checkpoints / "ssd_mobilenet_v1_0.75_pets" / "pipeline.config").read_bytes()
    server.files[PATH] = File(tar({**FILES, f"{TOP}/pipeline.config": config}))
    lines = lines_of(capsys, "zoo", "fetch", NAME, tmp_path, "--mirror", server.address)
    assert lines[-1].endswith("/pipeline.config: everything in it is built")


def test_what_it_says_can_be_written(capsys, server, tmp_path):
    server.files[PATH] = File(ARCHIVE)
    project = tmp_path / 'a "quoted" höuse \\ it'
    lines = lines_of(capsys, "zoo", "fetch", NAME, project, "--mirror", server.address)
    at = next(number for number, line in enumerate(lines) if "fine_tune_checkpoint:" in line)
    train = parse_pipeline("train_config {\n" + "\n".join(lines[at : at + 3]) + "\n}").message.train_config
    assert train.fine_tune_checkpoint == str(project / "zoo" / NAME / "model.ckpt")
    assert (train.fine_tune_checkpoint_version, train.fine_tune_checkpoint_type) == (1, "detection")


def test_a_backbone_and_a_model_that_cannot_be_used(capsys, server, tmp_path, monkeypatch):
    monkeypatch.setenv("TEACHBOX_ZOO_MIRROR", f"{server.address}/m/")
    both = {f"mobilenet_v2/mobilenet_v2.ckpt-1{suffix}": b"x" for suffix in (".index", ".data-00000-of-00001")}
    server.files["/m/classification/tf2/20200710/mobilenet_v2.tar.gz"] = File(tar(both))
    lines = lines_of(capsys, "zoo", "fetch", "MobileNet V2", tmp_path)
    assert lines[-3:] == [
        f'  fine_tune_checkpoint: "{tmp_path}/zoo/mobilenet_v2/mobilenet_v2.ckpt-1"',
        "  fine_tune_checkpoint_version: V2",
        '  fine_tune_checkpoint_type: "classification"',
    ]
    name = "mask_rcnn_inception_v2_coco"
    server.files[f"/m/{name}_2018_01_28.tar.gz"] = File(tar({"a/frozen_inference_graph.pb": b"x"}))
    assert lines_of(capsys, "zoo", "fetch", name, tmp_path) == [
        f"No detector built here can start from {name} (predicts masks); it is fetched all the same.",
        f"{name} is in {tmp_path}/zoo/{name}",
        "It holds no checkpoint to start from.",
    ]


def test_a_proxy_is_followed(capsys, server, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.address)
    server.files[f"http://zoo.invalid/models{PATH}"] = File(ARCHIVE)
    lines_of(capsys, "zoo", "fetch", NAME, tmp_path, "--mirror", "http://zoo.invalid/models")
    assert (tmp_path / "zoo" / NAME / "model.ckpt.index").read_bytes() == b"index"


@pytest.mark.parametrize("mirror", ["zoo.example.org", "file:///tmp", "/tmp"])
def test_a_mirror_that_is_no_address(capsys, tmp_path, mirror):
    assert refused(capsys, "zoo", "fetch", NAME, tmp_path, "--mirror", mirror) == (
        f"the mirror is {mirror!r}; it must be an address that begins with http:// or https://"
    )


def test_offline_and_not_there(capsys, server, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    line = refused(capsys, "zoo", "fetch", NAME, tmp_path, "--mirror", address)
    assert line.startswith(f"{address}{PATH}: cannot be reached (")
    archive = tmp_path / "zoo" / f"{NAME}.tar.gz"
    assert line.endswith(f"; without a network, put the archive at {archive} yourself and run this again")
    line = refused(capsys, "zoo", "fetch", NAME, tmp_path, "--mirror", server.address)
    assert line == f"{server.address}{PATH}: there is no such file (HTTP 404)"
    # Nothing came, and nothing is left.
    assert not list((tmp_path / "zoo").iterdir())


def fetching(server, project, **more) -> subprocess.Popen:
    code = (
        "import sys; from teachbox.cli import run\n"
        "status = run(sys.argv[1:])\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "sys.exit(status)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, "zoo", "fetch", NAME, str(project), "--mirror", server.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_a_bar_on_a_terminal(server, tmp_path):
    server.files[PATH] = File(ARCHIVE)
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        command = [sys.executable, "-m", "teachbox", "zoo", "fetch", NAME, str(tmp_path), "--mirror", server.address]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True, timeout=60)
        os.close(theirs)
        shown = terminal.read(100_000).decode()
    size = f"{len(ARCHIVE) / 1000:.1f}"
    assert f"{size}/{size} kB" in shown
    assert NAME in shown
    assert done.stdout.decode().startswith(f"{NAME} is in ")


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_stopped(server, tmp_path, stop):
    server.files[PATH] = File(ARCHIVE)
    server.wait_at = 50_000
    first = fetching(server, tmp_path)
    part = tmp_path / "zoo" / f"{NAME}.tar.gz.part"
    assert server.waiting.wait(60)
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size):
        assert time.monotonic() < deadline
        os.sched_yield()
    first.send_signal(stop)
    _, told = first.communicate(timeout=60)
    assert told == ("" if stop == signal.SIGKILL else "teachbox: stopped\n")
    assert {path.name for path in part.parent.iterdir()} == {part.name, f"{part.name}.json"}
    here = part.stat().st_size
    server.go_on.set()
    second = fetching(server, tmp_path)
    assert second.communicate(timeout=60)[1] == ""
    assert second.returncode == 0
    assert server.ranges_asked == [None, f"bytes={here}-"]
    assert {path.name for path in part.parent.iterdir()} == {NAME, "SHA256SUMS"}
    assert (tmp_path / "zoo" / NAME / "model.ckpt.data-00000-of-00001").read_bytes() == bytes(range(256)) * 300


@pytest.mark.parametrize(("limit", "left"), [(30_000, ".tar.gz.part"), (len(ARCHIVE), ".tar.gz")])
def test_no_room_on_the_disk(server, tmp_path, limit, left):
    # The system refuses to write more than `limit` bytes into a file, at the download or at the unpacking.
    files = {f"{TOP}/model.ckpt.index": b"index", f"{TOP}/model.ckpt.data-00000-of-00001": bytes(200_000)}
    content = ARCHIVE if left.endswith("part") else _compressed(files)
    server.files[PATH] = File(content)
    limited = fetching(server, tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    _, told = limited.communicate(timeout=60)
    assert limited.returncode == 1
    assert told.startswith("teachbox: ")
    assert told.endswith(": cannot be written (File too large)\n")
    assert told.count("\n") == 1
    names = {path.name for path in (tmp_path / "zoo").iterdir()}
    assert f"{NAME}{left}" in names
    assert NAME not in names
    enough = fetching(server, tmp_path)
    assert enough.communicate(timeout=60)[1] == ""
    assert {path.name for path in (tmp_path / "zoo").iterdir()} == {NAME, "SHA256SUMS"}


def _compressed(files) -> bytes:
    return gzip.compress(gzip.decompress(tar(files)))
