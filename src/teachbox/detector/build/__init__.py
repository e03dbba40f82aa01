"""From the `model` message of a pipeline.config to a detector: reads the config, hands each part plain arguments."""

from __future__ import annotations

from teachbox.config.protos import model_pb2
from teachbox.detector.build.center_net import build_center_net
from teachbox.detector.build.faster_rcnn import build_faster_rcnn
from teachbox.detector.build.refuse import not_built
from teachbox.detector.build.ssd import build_ssd
from teachbox.detector.detector import Detector


def build_detector(model: model_pb2.DetectionModel) -> Detector:
    """The detector that `model` describes, its variables made. Raises `ConfigError` for a part that is not built."""
    kind = model.WhichOneof("model")
    if kind == "ssd":
        return build_ssd(model.ssd)
    if kind == "faster_rcnn":
        return build_faster_rcnn(model.faster_rcnn)
    if kind == "center_net":
        return build_center_net(model.center_net)
    raise not_built("model", f"model.{kind}", "model.ssd, model.faster_rcnn and model.center_net are")
