"""CenterNet from its message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from teachbox.config.built.resizers import channels_of, size_of_all
from teachbox.config.protos import center_net_pb2
from teachbox.detector.build.center_net_features import build_center_features
from teachbox.detector.build.losses import build_classification_loss
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.center_heads import CenterHead, HeadOptions
from teachbox.detector.center_net import CENTER, OFFSET, SIZE, CenterNet, CenterNetLosses
from teachbox.detector.center_targets import CenterTargetAssigner
from teachbox.errors import ConfigError

WHERE = "model.center_net"
Message = center_net_pb2.CenterNet


def build_center_net(config: Message) -> CenterNet:
    """The detector of boxes that `config` describes, its variables made."""
    # `compute_heatmap_sparse` says how the same heat map is drawn.
    read = "num_classes feature_extractor image_resizer use_depthwise compute_heatmap_sparse"
    refuse_others(config, WHERE, f"{read} object_detection_task object_center_params")
    if config.num_classes < 1:
        raise ConfigError(f"num_classes is {config.num_classes}; there is at least 1", where=WHERE)
    features = build_center_features(config.feature_extractor)
    height, width = _image_size(config, features.size_multiple)
    center, boxes = config.object_center_params, config.object_detection_task
    refuse_others(
        center,
        f"{WHERE}.object_center_params",
        "object_center_loss_weight classification_loss heatmap_bias_init min_box_overlap_iou max_box_predictions "
        "center_head_params",
    )
    if boxes.localization_loss.WhichOneof("localization_loss") != "l1_localization_loss":
        found = boxes.localization_loss.WhichOneof("localization_loss")
        raise not_built(f"{WHERE}.object_detection_task.localization_loss", found, "l1_localization_loss is")
    heads = {
        CENTER: (config.num_classes, _head(config, center, "center_head_params", center.heatmap_bias_init)),
        SIZE: (2, _head(config, boxes, "scale_head_params")),
        OFFSET: (2, _head(config, boxes, "offset_head_params")),
    }
    detector = CenterNet(
        num_classes=config.num_classes,
        feature_extractor=features,
        heads={
            name: CenterHead(options, outputs=outputs, num_maps=features.num_maps, name=name.replace("/", "_"))
            for name, (outputs, options) in heads.items()
        },
        target_assigner=CenterTargetAssigner(num_classes=config.num_classes, min_overlap=center.min_box_overlap_iou),
        losses=CenterNetLosses(
            center=build_classification_loss(center.classification_loss),
            center_weight=center.object_center_loss_weight,
            size_weight=boxes.task_loss_weight * boxes.scale_loss_weight,
            offset_weight=boxes.task_loss_weight * boxes.offset_loss_weight,
        ),
        max_detections=center.max_box_predictions,
        name="center_net",
    )
    detector.build((None, height, width, 3))
    return detector


def _head(config: Message, task: Any, name: str, bias_init: float = 0.0) -> HeadOptions:
    """Of the head whose parameters are the field `name` of `task`."""
    options = HeadOptions(separable=config.use_depthwise, bias_init=bias_init)
    if not task.HasField(name):
        return options
    message = getattr(task, name)
    filters, kernel_sizes = tuple(message.num_filters), tuple(message.kernel_sizes)
    if len(filters) != len(kernel_sizes):
        found = f"{len(filters)} num_filters for {len(kernel_sizes)} kernel_sizes"
        raise ConfigError(f"{found}; give as many", where=f"{WHERE}: {name}")
    return replace(options, filters=filters, kernel_sizes=kernel_sizes)


def _image_size(config: Message, multiple: int) -> tuple[int, int]:
    where = f"{WHERE}.image_resizer"
    size = size_of_all(config.image_resizer)
    if size is None:
        built = "fixed_shape_resizer is, and keep_aspect_ratio_resizer with pad_to_max_dimension: true"
        raise not_built(where, config.image_resizer.WhichOneof("image_resizer_oneof"), built)
    if channels_of(config.image_resizer) != 3:
        raise not_built(where, "convert_to_grayscale", "three channels are")
    if any(side % multiple for side in size):
        found = f"images of {size[0]} × {size[1]}; {config.feature_extractor.type} halves and doubles them"
        raise ConfigError(f"{found}: give multiples of {multiple}", where=where)
    return size
