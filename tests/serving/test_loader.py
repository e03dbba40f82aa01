"""SavedModels: opening them, running them, giving them other weights, warming them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from teachbox.serving import inference
from teachbox.serving.loader import FunctionEngine, LoadOptions, _read_meta_graph, graph_digest, load
from teachbox.serving.status import Code, StatusError
from teachbox.serving.warmup import RECORDS, made_up_inputs, warm_up

pytestmark = pytest.mark.tf

OPTIONS = LoadOptions(intra_op_threads=1)
FIXTURES = {
    "saved_model_half_plus_two_2_versions": [3.0, 3.5, 4.0],
    "saved_model_half_plus_two_tf2_cpu": [3.0, 3.5, 4.0],
    "saved_model_half_plus_three": [4.0, 4.5, 5.0],
}


@pytest.mark.parametrize("fixture", list(FIXTURES))
def test_fixtures(serving_fixtures, fixture):
    model = load(serving_fixtures / fixture / "00000123", OPTIONS)
    (y,) = model.run("serving_default", {"x": np.array([2, 3, 4], np.float32)}, ["y"])
    np.testing.assert_array_equal(y, np.array(FIXTURES[fixture], np.float32))
    assert model.signature("") is model.signatures["serving_default"]
    assert model.signature("X") is None
    model.close()


def test_other_weights(scaled):
    model = load(scaled(2), OPTIONS)
    x = {"x": np.array([1, 10], np.float32)}
    np.testing.assert_array_equal(model.run("serving_default", x, ["y"], timeout_ms=5000)[0], [2, 20])
    assert graph_digest(scaled(7)) == model.digest
    assert model.restore(scaled(7))
    np.testing.assert_array_equal(model.run("serving_default", x, ["twin", "y"]), [[7, 70], [7, 70]])
    model.close()


def test_weights_that_cannot_be_read(scaled, tmp_path):
    model = load(scaled(2), OPTIONS)
    with pytest.raises(StatusError) as caught:
        model.restore(tmp_path)
    assert caught.value.code is Code.NOT_FOUND
    assert model.folder == scaled(2)


def test_deadline_stops_a_run(tmp_path):
    class Slow(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int64, name="rounds")])
        def count(self, rounds):
            return {"n": tf.while_loop(lambda n: n < rounds, lambda n: (n + 1,), [tf.constant(0, tf.int64)])[0]}

    module = Slow()
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.count})
    model = load(tmp_path, OPTIONS)
    assert model.run("serving_default", {"rounds": np.array(3)}, ["n"], timeout_ms=5000)[0] == 3
    with pytest.raises(StatusError) as caught:
        model.run("serving_default", {"rounds": np.array(2**40)}, ["n"], timeout_ms=50)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    model.close()


def test_function_engine_gives_the_same(scaled):
    folder = scaled(3)
    engine = FunctionEngine(folder, _read_meta_graph(folder, frozenset({"serve"})), OPTIONS)
    (y,) = engine.run("serving_default", {"x": np.array([1, 2], np.float32)}, ["y"], 0)
    np.testing.assert_array_equal(y, [3, 6])
    assert not engine.restore(folder / "variables" / "variables")


def test_assets_belong_to_the_graph(scaled, tmp_path):
    shutil.copytree(scaled(1), tmp_path / "a")
    (tmp_path / "a" / "assets").mkdir(exist_ok=True)
    (tmp_path / "a" / "assets" / "words.txt").write_text("one")
    before = graph_digest(tmp_path / "a")
    (tmp_path / "a" / "assets" / "words.txt").write_text("two")
    assert graph_digest(tmp_path / "a") != before != graph_digest(scaled(1))


def test_what_cannot_be_loaded(serving_fixtures, scaled, tmp_path):
    def refusal(folder, options=OPTIONS) -> StatusError:
        with pytest.raises(StatusError) as caught:
            load(folder, options)
        return caught.value

    bad = refusal(serving_fixtures / "bad_half_plus_two" / "00000123")
    assert bad.code is Code.NOT_FOUND
    assert "Could not find SavedModel .pb or .pbtxt" in bad.message
    tags = refusal(scaled(1), LoadOptions(tags=frozenset({"train"})))
    assert "Could not find meta graph def matching supplied tags: { train }; there is { serve }" in tags.message
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff")
    assert refusal(tmp_path).code is Code.DATA_LOSS
    cut = tmp_path / "cut"
    shutil.copytree(scaled(1), cut)
    (data,) = (cut / "variables").glob("*.data-*")
    data.write_bytes(data.read_bytes()[:-1])
    assert refusal(cut).code in (Code.OUT_OF_RANGE, Code.DATA_LOSS)


def test_recorded_warm_up(scaled, tmp_path):
    folder = tmp_path / "1"
    shutil.copytree(scaled(1), folder)
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.name = "m"
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    (folder / RECORDS).parent.mkdir()

    def write(*records: bytes) -> None:
        with tf.io.TFRecordWriter(str(folder / RECORDS)) as writer:
            for record in records:
                writer.write(record)

    model = load(folder, OPTIONS)
    replayed = []

    def replay(model, record):
        replayed.append(record)
        inference.replay(model, record)

    write(log.SerializeToString(), log.SerializeToString())
    warm_up(model, replay, graph_is_warm=False)
    assert replayed == [log, log]

    del log.predict_log.request.inputs["x"]
    write(log.SerializeToString())
    with pytest.raises(StatusError, match="Missing but required"):
        warm_up(model, inference.replay, graph_is_warm=False)
    write(*[b""] * 1001)
    with pytest.raises(StatusError, match=r"Number of warmup records exceeds the maximum \(1000\)"):
        warm_up(model, inference.replay, graph_is_warm=False)
    (folder / RECORDS).write_bytes(b"no record file at all")
    with pytest.raises(StatusError, match="verify your warmup data is in TFRecord format"):
        warm_up(model, inference.replay, graph_is_warm=False)


def test_made_up_warm_up(detector, scaled):
    model = load(detector, OPTIONS)
    inputs = made_up_inputs(model.signatures["serving_default"])
    assert inputs is not None
    assert inputs["serialized_example"].shape == ()
    scores, count = model.run("serving_default", inputs, ["detection_scores", "num_detections"])
    assert scores[0, 0] == pytest.approx(127 / 255)
    assert count.tolist() == [2.0]
    warm_up(model, inference.replay, graph_is_warm=True)
    assert made_up_inputs(load(scaled(1), OPTIONS).signatures["serving_default"]) is None


def test_made_up_images():
    from tensorflow.core.protobuf import meta_graph_pb2

    images = meta_graph_pb2.SignatureDef()
    info = images.inputs["inputs"]
    info.dtype = tf.uint8.as_datatype_enum
    for size in (-1, 200, -1, 3):
        info.tensor_shape.dim.add(size=size)
    inputs = made_up_inputs(images)
    assert inputs is not None
    assert inputs["inputs"].shape == (1, 200, 320, 3)
    encoded = meta_graph_pb2.SignatureDef()
    info = encoded.inputs["encoded_image_string_tensor"]
    info.dtype = tf.string.as_datatype_enum
    info.tensor_shape.dim.add(size=-1)
    inputs = made_up_inputs(encoded)
    assert inputs is not None
    assert inputs["encoded_image_string_tensor"].shape == (1,)
    assert inputs["encoded_image_string_tensor"][0].startswith(b"\x89PNG")
