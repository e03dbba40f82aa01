"""A model into a project: its files, the checksum of the first time, and nothing that only looks complete."""

import dataclasses
import fcntl
import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from archives import FILES, NAME, PATH, TOP, tar
from file_server import File
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.errors import DownloadError
from teachbox.zoo.fetch import fetch
from teachbox.zoo.models import find_model

MODEL = find_model(NAME)
ARCHIVE = tar(FILES)
SUM = hashlib.sha256(ARCHIVE).hexdigest()


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def by_hand(project: Path, archive: bytes) -> Path:
    """Put an archive where a download would put it; returns the folder of all models."""
    zoo = project / "zoo"
    zoo.mkdir(parents=True, exist_ok=True)
    (zoo / f"{NAME}.tar.gz").write_bytes(archive)
    return zoo


def test_its_files_and_where_a_training_starts(server, tmp_path):
    server.files[PATH] = File(ARCHIVE)
    steps = []
    fetched = fetch(MODEL, tmp_path / "new" / "project", server.address, steps.append)
    zoo = tmp_path / "new" / "project" / "zoo"
    assert files_of(zoo / NAME) == {name.removeprefix(f"{TOP}/"): content for name, content in FILES.items()}
    assert names(zoo) == {NAME, "SHA256SUMS"}
    assert (zoo / "SHA256SUMS").read_text() == f"{SUM}  {NAME}.tar.gz\n"
    assert fetched.folder == zoo / NAME
    assert fetched.checkpoint == zoo / NAME / "model.ckpt"
    assert fetched.config == zoo / NAME / "pipeline.config"
    assert fetched.new
    assert steps[-1] == (len(ARCHIVE), len(ARCHIVE))


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    server.files[PATH] = File(ARCHIVE)
    first = fetch(MODEL, tmp_path, server.address)
    again = fetch(MODEL, tmp_path, server.address)
    assert again == dataclasses.replace(first, new=False)
    assert server.asked == [(PATH, None)]


@pytest.mark.parametrize(
    ("files", "checkpoint"),
    [
        # A TF2 archive; of several checkpoints, the newest.
        (["d/checkpoint/ckpt-0", "d/saved_model/variables/variables"], "checkpoint/ckpt-0"),
        (["d/ckpt-9", "d/ckpt-301", "d/ckpt-20"], "ckpt-301"),
        (["d/deep/ckpt-9", "d/mobilenet_v2.ckpt-1"], "mobilenet_v2.ckpt-1"),
        (["./d/model.ckpt"], "model.ckpt"),
        # No folder around it all.
        (["model.ckpt", "other/model.ckpt-7"], "model.ckpt"),
        (["d/saved_model/variables/variables"], None),
        ([], None),
    ],
)
def test_which_checkpoint(tmp_path, files, checkpoint):
    both = {f"{name}{suffix}": b"x" for name in files for suffix in (".index", ".data-00000-of-00001")}
    zoo = by_hand(tmp_path, tar({**both, "d/lonely.index": b"without data"}))
    fetched = fetch(MODEL, tmp_path)
    assert fetched.checkpoint == (None if checkpoint is None else zoo / NAME / checkpoint)
    assert fetched.config is None


def test_a_later_archive_must_be_the_first(server, tmp_path):
    other = tar({**FILES, f"{TOP}/model.ckpt.index": b"INDEX"})
    server.files[PATH] = File(ARCHIVE)
    zoo = fetch(MODEL, tmp_path, server.address).folder.parent
    (zoo / NAME).rename(tmp_path / "away")
    server.files[PATH] = File(other)
    with pytest.raises(DownloadError) as error:
        fetch(MODEL, tmp_path, server.address)
    assert str(error.value) == (
        f"{NAME}.tar.gz: is another file than at the first time: sha256 was {SUM} and is now "
        f"{hashlib.sha256(other).hexdigest()}; if that is meant, delete its line in {zoo}/SHA256SUMS"
    )
    assert names(zoo) == {"SHA256SUMS"}
    assert (zoo / "SHA256SUMS").read_text() == f"{SUM}  {NAME}.tar.gz\n"
    server.files[PATH] = File(ARCHIVE)
    assert files_of(fetch(MODEL, tmp_path, server.address).folder) == files_of(tmp_path / "away")
    (zoo / NAME).rename(tmp_path / "away too")
    (zoo / "SHA256SUMS").unlink()
    server.files[PATH] = File(other)
    assert (fetch(MODEL, tmp_path, server.address).folder / "model.ckpt.index").read_bytes() == b"INDEX"


def test_sums_of_other_models_stay(tmp_path):
    zoo = by_hand(tmp_path, ARCHIVE)
    others = f"{'0' * 64}  other.tar.gz\nnot a sum\n\n"
    (zoo / "SHA256SUMS").write_text(others)
    fetch(MODEL, tmp_path)
    assert (zoo / "SHA256SUMS").read_text() == f"{others}{SUM}  {NAME}.tar.gz\n"


def link(kind: bytes, name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("archive", "says"),
    [
        (tar({f"{TOP}/a": b"1", "../../escaped": b"2"}), "would be extracted to"),
        (tar({f"{TOP}/../../../escaped": b"2"}), "would be extracted to"),
        (
            tar({}, link(tarfile.SYMTYPE, "out", "../.."), link(tarfile.REGTYPE, "out/escaped", "")),
            "holds 'out', which is neither file nor folder",
        ),
        (tar({}, link(tarfile.LNKTYPE, "hard", "/etc/passwd")), "holds 'hard', which is neither file nor folder"),
        (tar({}, link(tarfile.FIFOTYPE, "pipe", "")), "holds 'pipe', which is neither file nor folder"),
        (tar({}, link(tarfile.CHRTYPE, "device", "")), "holds 'device', which is neither file nor folder"),
    ],
)
def test_nothing_gets_out_of_the_folder(tmp_path, archive, says):
    zoo = by_hand(tmp_path / "project", archive)
    with pytest.raises(DownloadError, match=says):
        fetch(MODEL, tmp_path / "project")
    assert names(zoo) == set()
    assert names(tmp_path) == {"project"}
    assert names(tmp_path / "project") == {"zoo"}


def test_an_absolute_path_stays_inside(tmp_path):
    by_hand(tmp_path, tar({str(tmp_path / "escaped"): b"1", "b": b"2"}))
    fetched = fetch(MODEL, tmp_path)
    assert not (tmp_path / "escaped").exists()
    assert files_of(fetched.folder) == {str(tmp_path / "escaped").lstrip("/"): b"1", "b": b"2"}


@settings(deadline=None, max_examples=50)
@given(st.integers(0, len(ARCHIVE) - 1))
def test_an_archive_cut_anywhere_leaves_nothing(length):
    with tempfile.TemporaryDirectory() as project:
        zoo = by_hand(Path(project), ARCHIVE[:length])
        with pytest.raises(DownloadError, match=r"tar\.gz: is no tar\.gz archive, or a damaged one"):
            fetch(MODEL, Path(project))
        assert names(zoo) == set()


@pytest.mark.parametrize(
    "archive",
    [b"<html>not found</html>", ARCHIVE[:-8] + bytes(8), ARCHIVE.replace(b"index", b"INDEX", 1)],
    ids=["no archive", "sum", "content"],
)
def test_a_damaged_archive_leaves_nothing(tmp_path, archive):
    zoo = by_hand(tmp_path, archive)
    with pytest.raises(DownloadError, match=r"tar\.gz: is no tar\.gz archive, or a damaged one"):
        fetch(MODEL, tmp_path)
    assert names(zoo) == set()


def test_an_archive_of_a_dot(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "model.ckpt.index").write_bytes(b"1")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(tmp_path, arcname=".")
    assert files_of(fetch(MODEL, by_hand(tmp_path / "p", packed.getvalue()).parent).folder) == {
        "model.ckpt.index": b"1"
    }


def test_an_empty_folder_is_not_the_model(tmp_path):
    (by_hand(tmp_path, ARCHIVE) / NAME).mkdir()
    assert (fetch(MODEL, tmp_path).folder / "model.ckpt.index").read_bytes() == b"index"


def test_what_an_unpacking_that_was_killed_left_behind_goes(tmp_path):
    zoo = by_hand(tmp_path, ARCHIVE)
    (zoo / f".{NAME}.part").mkdir()
    (zoo / f".{NAME}.part" / "half").write_bytes(b"1")
    fetched = fetch(MODEL, tmp_path)
    assert set(files_of(fetched.folder)) == {name.removeprefix(f"{TOP}/") for name in FILES}
    assert names(zoo) == {NAME, "SHA256SUMS"}


def test_a_download_that_is_stopped_goes_on(server, tmp_path):
    server.files[PATH] = File(ARCHIVE)

    def stop(progress):
        if progress.done > 20_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(MODEL, tmp_path, server.address, stop)
    zoo = tmp_path / "zoo"
    assert names(zoo) == {f"{NAME}.tar.gz.part", f"{NAME}.tar.gz.part.json"}
    here = (zoo / f"{NAME}.tar.gz.part").stat().st_size
    assert here > 20_000
    fetch(MODEL, tmp_path, server.address)
    assert names(zoo) == {NAME, "SHA256SUMS"}
    assert server.ranges_asked == [None, *([f"bytes={here}-"] if here < len(ARCHIVE) else [])]


def test_one_at_a_time(tmp_path):
    zoo = by_hand(tmp_path, ARCHIVE)
    held = os.open(zoo, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(DownloadError, match="zoo: another process fetches into it; wait for that one"):
        fetch(MODEL, tmp_path)
    os.close(held)
    assert fetch(MODEL, tmp_path).new


def test_a_project_that_is_no_folder(tmp_path):
    (tmp_path / "project").write_text("a file")
    with pytest.raises(DownloadError, match=r"project/zoo.*: cannot be written \(Not a directory\)"):
        fetch(MODEL, tmp_path / "project")
