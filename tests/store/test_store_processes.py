"""Several processes at one database, and processes that are killed: what was acknowledged is there."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from teachbox.store import Store

WRITER = textwrap.dedent(
    """
    import sys
    from teachbox.store import Store

    address, session, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    store = Store.open(address)
    print("open", flush=True)
    for number in range(first, first + count):
        task = {"_input_hash": number, "_task_hash": number, "answer": "accept", "spans": []}
        (id,) = store.add_answers("boxes", session, [task])
        store.set_trainer_status("boxes", step=number)
        print(id, number, flush=True)
    """
)


def start_writer(path, session, first, count):
    arguments = [sys.executable, "-c", WRITER, str(path), session, str(first), str(count)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("acknowledged_before_the_kill", [0, 1, 7, 40])
def test_an_acknowledged_answer_survives_sigkill(tmp_path, acknowledged_before_the_kill):
    writer = start_writer(tmp_path / "t.db", "ann", 0, 100_000)
    assert writer.stdout.readline() == "open\n"
    lines = [writer.stdout.readline() for _ in range(acknowledged_before_the_kill)]
    os.kill(writer.pid, signal.SIGKILL)
    # What it acknowledged between our last look and its end counts too; a line cut off was not acknowledged.
    lines += [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    acknowledged = [tuple(map(int, line.split())) for line in lines]
    with Store.open(tmp_path / "t.db") as store:
        found = [(stored.id, stored.task["_input_hash"]) for stored in store.effective_answers("boxes")]
        assert found[: len(acknowledged)] == acknowledged
        # At most the one answer that was under way is there without its acknowledgement.
        assert len(found) <= len(acknowledged) + 1
        assert store.add_answers("boxes", "ann", [{"_input_hash": -1, "_task_hash": -1, "answer": "ignore"}])


def test_two_processes_write_at_once(tmp_path):
    writers = [start_writer(tmp_path / "t.db", f"s{number}", number * 1000, 60) for number in range(2)]
    outputs = [writer.communicate(timeout=60)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert all(len(output.splitlines()) == 61 for output in outputs)
    with Store.open(tmp_path / "t.db") as store:
        assert store.session_counts("boxes") == {"s0": 60, "s1": 60}
        assert store.answered_inputs("boxes") == {*range(60), *range(1000, 1060)}
        assert store.last_answer_id("boxes") == 120


def test_threads_write_and_read_one_store(store):
    failures = []

    def write(first):
        try:
            for number in range(first, first + 20):
                task = {"_input_hash": number, "_task_hash": number, "answer": "accept"}
                store.add_answers("boxes", f"t{first}", [task])
                assert number in store.answered_inputs("boxes")
        except Exception as error:  # noqa: BLE001 (handed to the test's own thread)
            failures.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 160, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.answered_inputs("boxes") == set(range(160))


def test_a_reader_sees_answers_in_the_order_of_their_ids(tmp_path):
    """Asking for what came after the last id misses nothing, though another process writes meanwhile."""
    writers = [start_writer(tmp_path / "t.db", f"s{number}", number * 1000, 40) for number in range(2)]
    seen, last = [], 0
    with Store.open(tmp_path / "t.db") as store:
        while any(writer.poll() is None for writer in writers) or last < store.last_answer_id("boxes"):
            for stored in store.effective_answers("boxes", after_id=last):
                seen.append(stored.id)
                last = stored.id
    for writer in writers:
        writer.stdout.close()
    assert seen == list(range(1, 81))
