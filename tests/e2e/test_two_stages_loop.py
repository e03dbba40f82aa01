"""The original post's detector, made small, behind the original post's command: it predicts, learns, is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from live import PATIENCE_S, ROUND, Command

from teachbox.config.load import load_pipeline
from teachbox.config.starter import write_starter
from teachbox.data.csv_records import create_tfrecord
from teachbox.recipes.demo_scenes import LABELS, write_scenes
from teachbox.recipes.play import Events, play, read_boxes
from teachbox.store import Store

# Its graph is traced four times, for training and for each signature: a minute on two cores.
pytestmark = [pytest.mark.e2e, pytest.mark.tf, pytest.mark.slow]

POST_CONFIG = Path(__file__).parents[2] / "examples" / "raccoon" / "pipeline_faster_rcnn_inception_v2.config"
SMALL = f"""
model {{ faster_rcnn {{
    num_classes: {len(LABELS)}
    image_resizer {{ keep_aspect_ratio_resizer {{ min_dimension: 96 max_dimension: 128 }} }}
    first_stage_anchor_generator {{ grid_anchor_generator {{ height: 64 width: 64 }} }}
    first_stage_box_predictor_depth: 64
    first_stage_max_proposals: 24
    first_stage_minibatch_size: 32
    second_stage_batch_size: 16
    initial_crop_size: 8
}} }}
"""
STEPS, MEASURED = 3, 4


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Drawn scenes, a record to evaluate on, and the post's config with nothing to start from."""
    write_scenes(tmp_path, 20, seed=3)
    _, label_map = write_starter(tmp_path, LABELS)
    create_tfrecord(tmp_path / "boxes.csv", label_map, tmp_path / "test.record", tmp_path / "images")
    pipeline = load_pipeline(POST_CONFIG).message
    for name in ("fine_tune_checkpoint", "from_detection_checkpoint"):
        pipeline.train_config.ClearField(name)
    text_format.Merge(SMALL, pipeline)
    (tmp_path / "pipeline.config").write_text(text_format.MessageToString(pipeline))
    return tmp_path


@pytest.mark.timeout(600)
def test_a_round_is_trained_served_and_measured(project: Path) -> None:
    command = Command(project, steps=STEPS, options=["--run-eval", "--eval-steps", str(MEASURED)])
    known = read_boxes(project / "boxes.csv")
    try:
        with Events.open(command.url) as events:

            def wait(what, condition):
                assert events.wait_for(condition, 3 * PATIENCE_S), f"no {what}: {events.status}"
                return events.status

            first = wait("first version", lambda status: status["served_version"])["served_version"]
            played = list(play(command.url, known, images=ROUND, events=events, wait_prediction_s=20))
            assert {one.version for one in played} == {first}
            assert played[0].shown > 0
            second = wait("second version", lambda status: status["served_version"] > first)["served_version"]
            (one,) = play(command.url, known, images=1, events=events, wait_prediction_s=20)
            assert one.version == second
            assert {span["version"] for span in one.task["spans"]} == {second}
            wait("end of the evaluation", lambda status: status["trainer"]["state"] == "waiting")
        lines, code = command.end()
    finally:
        command.kill()
    assert code == 0
    with Store.open(project / "teachbox.db") as store:
        (run,) = store.runs("scenes")
        assert (run.state, run.version, run.last_step) == ("finished", second, STEPS)
        assert [version.version for version in store.versions("scenes")] == [first, second]
        (measured,) = store.metrics("scenes")
    assert (measured.version, measured.step) == (second, STEPS)
    for loss in ("RPNLoss/localization_loss", "RPNLoss/objectness_loss", "BoxClassifierLoss/classification_loss"):
        assert 0 < measured.metrics[f"Loss/{loss}"] < 10
    assert 0 <= measured.metrics["DetectionBoxes_Precision/mAP"] <= 1
    assert lines[-1] == f"Trained to version {second}, checkpoint at step {STEPS}: export_dir/{second}"
    assert not any("Traceback" in line for line in lines)
