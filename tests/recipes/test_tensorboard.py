"""TensorBoard beside the page: where it is, and the real one on events that were written."""

from __future__ import annotations

import socket
import time

import httpx
import pytest
from tensorboard.summary import Writer

from teachbox.errors import UsageError
from teachbox.recipes.processes import Supervisor
from teachbox.recipes.tensorboard import board_at


def test_one_that_runs_is_linked_and_not_started(tmp_path):
    board = board_at("https://trainer:6006/board", tmp_path)
    assert board.program("127.0.0.1") is None
    assert board.link() == "https://trainer:6006/board"


@pytest.mark.parametrize(
    "where", ["trainer", "trainer:6006", "ftp://trainer", "http://", "http://[", "65536", "-1", ""]
)
def test_what_is_neither_port_nor_address_is_refused(where, tmp_path):
    with pytest.raises(UsageError, match="no port, as 6006, and no address, as http://trainer:6006"):
        board_at(where, tmp_path)


def test_it_is_linked_once_it_answers(tmp_path):
    board = board_at("0", tmp_path)
    assert board.link() is None
    program = board.program("127.0.0.1")
    assert program.argv == [f"--logdir={tmp_path}", "--host=127.0.0.1", f"--port={board.port}"]
    assert board.link() is None
    with socket.create_server(("127.0.0.1", board.port)):
        assert board.link() == f":{board.port}"
        with pytest.raises(UsageError, match="the port is in use"):
            board.program("127.0.0.1")


def test_it_shows_what_the_trainer_writes(tmp_path):
    writer = Writer(str(tmp_path))
    writer.add_scalar("Loss/total_loss", 0.75, step=40)
    writer.close()
    board = board_at("0", tmp_path)
    supervisor = Supervisor()
    supervisor.start(board.program("127.0.0.1"))
    try:
        deadline = time.monotonic() + 120
        while board.link() is None:
            assert time.monotonic() < deadline, (tmp_path / "logs/tensorboard.log").read_text()
            time.sleep(0.1)
        url = f"http://127.0.0.1{board.link()}/data/plugin/scalars/scalars?run=.&tag=Loss/total_loss"
        while (
            answer := httpx.get(url, timeout=60, trust_env=False)
        ).status_code != 200:  # it reads the events from time to time
            assert time.monotonic() < deadline
            time.sleep(0.2)
        ((_, step, value),) = answer.json()
    finally:
        supervisor.stop()
    assert (step, value) == (40, 0.75)
    assert board.link() is None
