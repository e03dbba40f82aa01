"""The same store on a real PostgreSQL, started for these tests."""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from teachbox.errors import DataError, StoreError
from teachbox.store import Store
from teachbox.store.transfer import stats

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def programs():
    found = shutil.which("initdb")
    folder = Path(found).parent if found else next((place for place in PLACES if (place / "initdb").exists()), None)
    if folder is None:
        pytest.skip("PostgreSQL's programs (initdb, pg_ctl) are not installed")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("the driver psycopg is not installed: pip install 'teachbox[postgresql]'")
    return folder


def run_as():
    """PostgreSQL refuses to run as root; its own user can then."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("tests run as root and there is no user postgres to run PostgreSQL as")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def server():
    folder, user = programs(), run_as()
    # Not in pytest's folder: its parents are closed to other users.
    with tempfile.TemporaryDirectory() as place:
        if user:
            os.chown(place, user["user"], user["group"])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = {"cwd": place, "stdout": subprocess.DEVNULL, **user}
        data = f"{place}/data"
        subprocess.run(
            [folder / "initdb", "-D", data, "-U", "teach", "-A", "trust", "--no-sync", "-E", "UTF8"],
            check=True,
            **options,
        )
        settings = f"-h 127.0.0.1 -p {port} -k {place} -F"
        start = [folder / "pg_ctl", "-D", data, "-o", settings, "-w", "-l", f"{place}/log", "start"]
        subprocess.run(start, check=True, **options)
        try:
            yield f"postgresql://teach@127.0.0.1:{port}"
        finally:
            subprocess.run([folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], check=True, **options)


@pytest.fixture
def address(server, request):
    import psycopg

    name = request.node.name.split("[")[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def test_answers(address, answered):
    with Store.open(address) as store:
        first = [answered(-(2**31), _answer_key="k"), answered(2, "reject", note="\x00 \ud800 🦝")]
        assert store.add_answers("boxes", "ann", first) == [1, 2]
        assert store.add_answers("boxes", "ann", [answered(1, _answer_key="k"), answered(3)]) == [1, 3]
        assert store.undo_answer("boxes", "bob", 1003).task["_input_hash"] == 3
        found = [(stored.id, stored.task["_input_hash"], stored.answer) for stored in store.effective_answers("boxes")]
        assert found == [(1, -(2**31), "accept"), (2, 2, "reject")]
        assert store.effective_answers("boxes")[1].task["note"] == "\x00 \ud800 🦝"
        assert store.answer_counts("boxes") == {"accept": 1, "reject": 1, "ignore": 0}
        assert store.add_answers("boxes", "eve", [answered(number) for number in range(10, 2510)])[-1] == 2504
        assert store.session_counts("boxes") == {"ann": 2, "eve": 2500}
        with pytest.raises(DataError):
            store.add_answers("boxes", "ann", [answered(2**63)])


def test_training(address):
    with Store.open(address) as store:
        run = store.start_run("boxes", steps=5, answers=2)
        store.add_version("boxes", 1700000000123, run_id=run, step=5, path="/export/7")
        store.add_metrics("boxes", version=1700000000123, step=5, metrics={"mAP": 0.5}, run_id=run)
        store.finish_run(run, state="finished", last_step=5, version=1700000000123, seconds=1.5)
        store.set_trainer_status("boxes", state="training", step=1)
        store.set_trainer_status("boxes", step=2)
        assert store.log_event("boxes", "published", version=7) == 1
        store.add_tasks("boxes", [{"_input_hash": 1, "_task_hash": 2}, {"_input_hash": 1, "_task_hash": 2}])
    with Store.open(address.replace("postgresql://", "postgres://")) as store:
        found = stats(store, "boxes")
        assert (found.last_run.state, found.last_run.seconds, found.last_run.version) == (
            "finished",
            1.5,
            1700000000123,
        )
        assert (found.last_version.path, found.last_metrics.metrics) == ("/export/7", {"mAP": 0.5})
        assert store.trainer_status("boxes")["step"] == 2
        assert store.events_after(0)[0].data == {"version": 7}
        assert store.find_task("boxes", 1) == {"_input_hash": 1, "_task_hash": 2}


WRITER = """
import sys
from teachbox.store import Store
store = Store.open(sys.argv[1])
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 30):
    store.add_answers("boxes", sys.argv[2], [{"_input_hash": number, "_task_hash": number, "answer": "accept"}])
store.close()
"""


def test_two_processes_open_a_new_database_and_write(address):
    """Ids become visible in their order, so that a trainer that asks for what is new misses nothing."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, address, first]) for first in ("0", "1000")]
    seen = []
    with Store.open(address) as store:
        while any(writer.poll() is None for writer in writers) or len(seen) < store.last_answer_id("boxes"):
            seen += [stored.id for stored in store.effective_answers("boxes", after_id=seen[-1] if seen else 0)]
        assert [writer.returncode for writer in writers] == [0, 0]
        assert seen == list(range(1, 61))
        assert store.session_counts("boxes") == {"0": 30, "1000": 30}


def test_a_database_that_is_not_there(server):
    with pytest.raises(StoreError, match='database "nowhere" does not exist') as refused:
        Store.open(f"{server}/nowhere")
    assert "\n" not in str(refused.value)
