"""Where images come from, and the tasks that are made of them."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest
from PIL import Image

from teachbox.annotation import input_hash, task_hash
from teachbox.data.sources import image_files, make_task, read_image, source_tasks
from teachbox.errors import DataError, SourceError


def png(width: int = 4, height: int = 3) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (1, 2, 3)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.JPG", "a.b.png", "deep/er/c.webp", "deep/a.jpeg", "z.bmp", ".hidden/x.png", "._b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png())
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "folder.png").mkdir()
    return tmp_path


@pytest.fixture
def remote() -> Iterator[str]:
    """A folder of a file system that is not this machine's."""
    memory = fsspec.filesystem("memory")
    for name in ("b.png", "a/c.JPG", ".x/d.png", "notes.txt"):
        memory.pipe(f"/images/{name}", png())
    yield "memory://images"
    memory.rm("/images", recursive=True)


def test_a_folder_by_name_with_the_folders_in_it(folder: Path) -> None:
    found = [str(Path(path).relative_to(folder)) for path in image_files(folder)]
    assert found == ["a.b.png", "b.JPG", "deep/a.jpeg", "deep/er/c.webp", "z.bmp"]


def test_a_folder_is_walked_only_as_far_as_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[str] = []
    scandir = os.scandir

    def counting(path: str) -> object:
        scanned.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    next(image_files(folder))
    assert scanned == [str(folder)]


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "deep" / "circle").symlink_to(folder)
    assert len(list(image_files(folder))) == 5


def test_one_image(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert list(image_files("b.JPG")) == [str(folder / "b.JPG")]


def test_tasks_as_jsonl(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = [
        {"image": "a.b.png", "spans": [{"label": "cat"}], "meta": {"by": "me"}},
        {"image": str(folder / "z.bmp")},
        {"image": "/image/123", "path": str(folder / "b.JPG"), "answer": "accept"},
        {"image": "https://example.org/x.jpg"},
    ]
    (folder / "tasks.jsonl").write_text("\n\n".join(json.dumps(line) for line in lines) + "\n")
    assert list(source_tasks(folder / "tasks.jsonl")) == [
        (str(folder / "a.b.png"), {"spans": [{"label": "cat"}], "meta": {"by": "me"}}),
        (str(folder / "z.bmp"), {}),
        (str(folder / "b.JPG"), {"answer": "accept"}),
        ("https://example.org/x.jpg", {}),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"tasks\.jsonl:2: not a line of JSON"),
        ("[]", r"tasks\.jsonl:2: a task must be an object with \"image\""),
        ('{"text": "no image"}', "the path or address of an image"),
        ('{"image": "data:image/png;base64,AAAA"}', "inlined as base64; save it as a file"),
    ],
)
def test_bad_lines_of_jsonl(folder: Path, line: str, message: str) -> None:
    (folder / "tasks.jsonl").write_text('{"image": "z.bmp"}\n' + line + "\n")
    found = source_tasks(folder / "tasks.jsonl")
    assert next(found)[0] == str(folder / "z.bmp")
    with pytest.raises(DataError, match=message):
        next(found)


def test_an_address(remote: str) -> None:
    assert list(image_files(remote)) == ["memory:///images/a/c.JPG", "memory:///images/b.png"]
    assert list(image_files(remote + "/b.png")) == [remote + "/b.png"]
    task = make_task("memory:///images/a/c.JPG", "image_manual", ["cat"])
    assert (task["width"], task["height"], task["meta"]) == (4, 3, {"file": "c.JPG"})


def test_tasks_at_an_address(remote: str) -> None:
    fsspec.filesystem("memory").pipe("/images/tasks.jsonl", b'{"image": "b.png"}\n')
    ((path, _),) = source_tasks(remote + "/tasks.jsonl")
    assert make_task(path, "image_manual", [])["width"] == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "gone: there is nothing; expected a folder of images"),
        ("notes.txt", "neither folder, image nor tasks; expected"),
        ("folder.png", "no image there; expected a folder of images .*one image, or a .jsonl file"),
        ("empty.jsonl", "no image there"),
    ],
)
def test_sources_that_are_none(folder: Path, name: str, message: str) -> None:
    (folder / "empty.jsonl").write_text("\n")
    with pytest.raises(SourceError, match=message):
        image_files(folder / name)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("memory://nowhere", "memory://nowhere: there is nothing"),
        ("what://nowhere", r"what://nowhere: cannot be listed \(Protocol not known"),
        ("what://nowhere/a.jsonl", r"cannot be read \(Protocol not known"),
    ],
)
def test_addresses_that_are_none(address: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        image_files(address)


def test_a_task(folder: Path) -> None:
    path = str(folder / "a.b.png")
    hashed = input_hash(png())
    assert make_task(path, "image_manual", ["cat", "dog"]) == {
        "image": f"/image/{hashed}",
        "path": path,
        "width": 4,
        "height": 3,
        "spans": [],
        "meta": {"file": "a.b.png"},
        "_input_hash": hashed,
        "_task_hash": task_hash(hashed, "image_manual", ["cat", "dog"]),
        "_view_id": "image_manual",
    }


def test_what_a_source_says_is_kept(folder: Path) -> None:
    given = {"spans": [{"label": "cat"}], "meta": {"by": "me", "file": "x"}, "width": 999, "note": 1}
    task = make_task(str(folder / "z.bmp"), "image_manual", [], given=given)
    assert (task["spans"], task["meta"]) == ([{"label": "cat"}], {"by": "me", "file": "z.bmp"})
    assert (task["width"], task["note"]) == (4, 1)


def test_a_turned_image_has_its_upright_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "turned.jpg", exif=exif)
    task = make_task(str(tmp_path / "turned.jpg"), "image_manual", [])
    image = read_image(str(tmp_path / "turned.jpg"))
    assert (task["width"], task["height"]) == (image.width, image.height) == (30, 40)


def test_broken_images_are_named(folder: Path) -> None:
    (folder / "broken.png").write_bytes(png(64, 64)[:60])
    for name in ("broken.png", "gone.png"):
        with pytest.raises(DataError, match=rf"{name}: the image cannot be read"):
            make_task(str(folder / name), "image_manual", [])
    with pytest.raises(DataError, match="Protocol not known"):
        make_task("what://x/a.png", "image_manual", [])


def test_images_from_the_web() -> None:
    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/a.png" else 404)
            self.end_headers()
            if self.path == "/a.png":
                self.wfile.write(png())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{site.server_address[1]}"
        assert make_task(f"{address}/a.png", "image_manual", [])["width"] == 4
        with pytest.raises(DataError, match=r"gone\.png: the image cannot be fetched.*404"):
            make_task(f"{address}/gone.png", "image_manual", [])
        site.shutdown()
