"""The whole loop with its real processes: predicted before the first answer, taught, killed in the middle, stopped."""

import signal
import threading
import time
from pathlib import Path

import grpc
import psutil
import pytest
from live import PATIENCE_S, ROUND, STEPS, Command

from teachbox.recipes import demo
from teachbox.recipes.demo_scenes import write_scenes
from teachbox.recipes.play import Events, play, read_boxes
from teachbox.serving.client import Client
from teachbox.store import Store

pytestmark = [pytest.mark.e2e, pytest.mark.tf]


@pytest.fixture
def project(tmp_path):
    """Drawn scenes, and a small detector that starts from random weights."""
    write_scenes(tmp_path, 60, seed=3)
    demo._write_project(tmp_path)
    return tmp_path


@pytest.fixture
def command(project):
    command = Command(project)
    yield command
    command.kill()


class Witness(threading.Thread):
    """Asks the model server again and again which version it serves, and notes each with how complete it is on disk."""

    def __init__(self, command: Command):
        super().__init__(daemon=True)
        self.export_dir = command.project / "export_dir"
        self.client = Client("127.0.0.1", command.port, "scenes")
        self.stop = threading.Event()
        self.served: dict[int, bool] = {}

    def run(self):
        while not self.stop.wait(0.1):
            version = self.client.served_version()
            if version is not None and version not in self.served:
                folder = self.export_dir / str(version)
                parts = [folder / "saved_model.pb", folder / "variables/variables.index"]
                self.served[version] = all(part.is_file() for part in parts)


def as_the_original_asks(port: int, image: Path) -> dict[str, list[float]]:
    """Predict as the original recipe did: stock stubs, a tf.Example, `.float_val` of the outputs."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    encoded = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.read_bytes()]))
    kind = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.suffix[1:].encode()]))
    features = tf.train.Features(feature={"image/encoded": encoded, "image/format": kind})
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "scenes"
    request.model_spec.signature_name = "serving_default"
    serialized = tf.train.Example(features=features).SerializeToString()
    request.inputs["serialized_example"].CopyFrom(tf.make_tensor_proto(serialized))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=30)
    return {name: list(tensor.float_val) for name, tensor in answer.outputs.items()}


def test_loop_survives_its_processes(command):
    known = read_boxes(command.project / "boxes.csv")
    acknowledged = 0

    def answer(count):
        nonlocal acknowledged
        played = list(play(command.url, known, images=count, events=events, wait_prediction_s=20))
        acknowledged += count
        assert len(played) == count
        return played

    def served_after(version):
        assert events.wait_for(lambda status: (status["served_version"] or 0) > version, PATIENCE_S), events.status
        return events.status["served_version"]

    def in_the_middle_of_a_round():
        def training(status):
            return status["trainer"]["state"] == "training" and (status["trainer"]["step"] or 0) >= 1

        assert events.wait_for(training, PATIENCE_S), events.status
        assert events.status["trainer"]["step"] < STEPS

    witness = Witness(command)
    witness.start()
    with Events.open(command.url) as events:
        # The first version is served, and predicts, before the first answer.
        first = served_after(0)
        assert events.status["answers"] == {"accept": 0, "reject": 0, "ignore": 0}
        played = answer(ROUND)
        assert {one.version for one in played} == {first}
        assert all(span["version"] == first and 0.01 <= span["score"] <= 1 for span in played[0].task["spans"])
        assert played[0].shown > 0
        found = as_the_original_asks(command.port, command.project / "images" / played[0].file)
        assert set(found) == {"detection_boxes", "detection_scores", "detection_classes", "num_detections"}
        assert len(found["detection_boxes"]) == 4 * len(found["detection_scores"]) == 400
        assert set(found["detection_classes"][: int(found["num_detections"][0])]) <= {1.0, 2.0, 3.0}
        assert sum(score >= 0.01 for score in found["detection_scores"]) >= played[0].shown

        # The round trains; a newer version's boxes come with a later image.
        second = served_after(first)
        (one,) = answer(1)
        assert one.version == second
        assert {span["version"] for span in one.task["spans"]} == {second}

        # The trainer is killed in the middle of a round: answers go on, and so does the loop, by itself.
        answer(ROUND - 1)
        in_the_middle_of_a_round()
        killed = command.child("train")
        killed.send_signal(signal.SIGKILL)
        answer(2)
        third = served_after(second)
        assert command.child("train").pid != killed.pid

        # The model server is killed in the middle of a round.
        answer(ROUND)
        in_the_middle_of_a_round()
        killed = command.child("serve")
        killed.send_signal(signal.SIGKILL)
        answer(1)
        served_after(third)
        assert command.child("serve").pid != killed.pid

    children = psutil.Process(command.process.pid).children(recursive=True)
    lines, status = command.end()
    witness.stop.set()
    witness.join()
    assert status == 0
    assert (
        f"Saved {acknowledged} annotations to dataset scenes in ./teachbox.db "
        f"({acknowledged} accept, 0 reject, 0 ignore)" in lines
    )
    with Store.open(command.project / "teachbox.db") as store:
        # Every acknowledged answer is there; only published, whole versions were served.
        assert len(store.effective_answers("scenes", "accept")) == acknowledged
        versions = store.versions("scenes")
        newest = versions[-1]
    assert set(witness.served) <= {version.version for version in versions}
    assert len(witness.served) >= 4
    assert all(witness.served.values()), witness.served
    assert lines[-1] == f"Trained to version {newest.version}, checkpoint at step {newest.step}: {newest.path}"
    assert newest.step >= 2 * STEPS
    assert not [child for child in children if child.is_running()]
    assert not [path for path in (command.project / "export_dir").iterdir() if not path.name.isdigit()]
    assert not any("Traceback" in line for line in lines)


def test_killed_recipe_takes_its_processes_along_and_its_answers_stay(command):
    known = read_boxes(command.project / "boxes.csv")
    # No model is there yet: people answer all the same.
    assert [one.version for one in play(command.url, known, images=3)] == [None] * 3
    deadline = time.monotonic() + PATIENCE_S
    while len(children := psutil.Process(command.process.pid).children(recursive=True)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    command.process.kill()
    _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
    assert not alive
    with Store.open(command.project / "teachbox.db") as store:
        assert len(store.effective_answers("scenes")) == 3


def test_page_is_there_before_tensorflow(command):
    """Usable at once: the page's data, a task, its image; nobody waits for the trainer."""
    assert command.http.get("/status").json()["served_version"] is None
    (task,) = command.post("/get_session_questions", n=1)["tasks"]
    image = command.http.get(task["image"])
    assert (image.status_code, image.headers["content-type"]) == (200, "image/jpeg")
    lines, status = command.end()
    assert (status, lines[-1]) == (0, "No new annotations; dataset scenes in ./teachbox.db holds 0")
