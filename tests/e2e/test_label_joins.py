"""A label added while labelling: the detector grows, and the server that is running serves the larger one."""

import re
import threading

import pytest
from google.protobuf import text_format
from live import PATIENCE_S
from running import Running

from teachbox.config.load import load_pipeline
from teachbox.config.starter import write_starter
from teachbox.data.sources import read_image
from teachbox.data.tf_example_encoder import task_to_example
from teachbox.errors import ServingError
from teachbox.labels import LabelMap
from teachbox.recipes.demo_scenes import write_scenes
from teachbox.recipes.play import Events, answer_task, read_boxes
from teachbox.serving.client import Client
from teachbox.store import Store

# The graphs for training and for serving are made for two classes, and again for three: a minute of processor time.
pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SMALL = """
model { ssd {
    image_resizer { fixed_shape_resizer { height: 96 width: 96 } }
    feature_extractor { depth_multiplier: 0.25 num_layers: 2 }
    anchor_generator { ssd_anchor_generator { num_layers: 2 } }
} }
train_config { batch_size: 2 }
"""
ROUND = 10
"""So many answers start a round of `teach`."""


@pytest.fixture
def folder(tmp_path):
    """Drawn scenes of kites, boats and balloons, and a project that knows of kites and boats."""
    write_scenes(tmp_path, 20, seed=3)
    config, _ = write_starter(tmp_path / "project", ["kite", "boat"])
    pipeline = load_pipeline(config).message
    text_format.Merge(SMALL, pipeline)
    del pipeline.train_config.data_augmentation_options[:]
    config.write_text(text_format.MessageToString(pipeline))
    return tmp_path


class Witness(threading.Thread):
    """Asks the model server for the boxes of one image again and again; a gap in its service ends it."""

    def __init__(self, port, example):
        super().__init__(daemon=True)
        self.client, self.example = Client("127.0.0.1", port, "images"), example
        self.stop = threading.Event()
        self.told: dict[int, set[int]] = {}
        """Which classes each version told, in the order in which they were served."""
        self.failure = None

    def run(self):
        try:
            while not self.stop.wait(0.1):
                found = self.client.predict(self.example, timeout=5)
                self.told.setdefault(found.version, set()).update(found.classes[found.scores > 0].tolist())
        except ServingError as error:
            self.failure = error


def test_a_label_joins_the_detector_that_is_served(folder):
    known = read_boxes(folder / "boxes.csv")
    # Boxes of all scores are shown: after so few steps they are low.
    options = ("-l", "kite,boat", "--project", "project", "--steps-per-epoch", "3", "--threshold", "0.01")
    command = Running(folder, "teach", "images", *options)

    def next_task(events):
        (task,) = command.post("/get_session_questions", n=1)["tasks"]
        return events.wait_for_prediction(task, 20)

    def answer(events, labels):
        task = next_task(events)
        answer = answer_task(task, known)
        spans = [span for span in answer["spans"] if span["label"] in labels]
        command.post("/give_answers", answers=[{**answer, "spans": spans}])
        return task, spans

    def served_after(events, version):
        assert events.wait_for(lambda status: (status["served_version"] or 0) > version, PATIENCE_S), events.status
        return events.status["served_version"]

    try:
        with Events.open(command.url) as events:
            first = served_after(events, 0)
            server, trainer = command.child("serve"), command.child("train")
            port = int(re.search(r"--port[= ](\d+)", " ".join(server.cmdline()))[1])
            shown, _ = answer(events, {"kite", "boat"})
            assert {span["version"] for span in shown["spans"]} == {first}
            assert {span["label"] for span in shown["spans"]} <= {"kite", "boat"}
            example = task_to_example({**shown, "spans": []}, read_image(shown["path"]), LabelMap([]))
            witness = Witness(port, example)
            witness.start()

            assert command.post("/add_label", name="balloon")["id"] == 3
            drawn = [answer(events, {"kite", "boat", "balloon"})[1] for _ in range(ROUND - 1)]
            assert any(span["label"] == "balloon" for spans in drawn for span in spans)

            second = served_after(events, first)
            later = next_task(events)
            assert {span["version"] for span in later["spans"]} == {second}
            assert "balloon" in {span["label"] for span in later["spans"]}
            witness.stop.set()
            witness.join()
            # Nothing was started anew, and the server was there all the time.
            assert witness.failure is None
            assert (command.child("serve").pid, command.child("train").pid) == (server.pid, trainer.pid)
        lines, status = command.end()
    finally:
        command.kill()
    assert list(witness.told) == [first, second]
    assert witness.told[first] <= {1, 2}
    assert 3 in witness.told[second] <= {1, 2, 3}
    assert status == 0
    assert not any("Traceback" in line for line in lines)
    with Store.open(folder / "project" / "teachbox.db") as store:
        assert [version.version for version in store.versions("images")] == [first, second]
        assert [run.answers for run in store.runs("images")] == [ROUND]
        (grown,) = [event.data for event in store.events_after(0) if event.kind == "grown"]
    assert (grown["before"], grown["classes"], grown["step"]) == (2, 3, 0)
