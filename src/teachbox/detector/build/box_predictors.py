"""Box predictors from their messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from teachbox.config.protos import box_predictor_pb2
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.heads import ConvolutionalBoxPredictor
from teachbox.detector.names import CheckpointKind
from teachbox.detector.shared_heads import WeightSharedConvolutionalBoxPredictor
from teachbox.errors import ConfigError

WHERE = "model.ssd.box_predictor"
BoxPredictor = ConvolutionalBoxPredictor | WeightSharedConvolutionalBoxPredictor


def build_box_predictor(
    config: box_predictor_pb2.BoxPredictor,
    *,
    num_classes: int,
    anchors_per_location: Sequence[int],
    box_code_size: int,
    add_background_class: bool = True,
    freeze_batchnorm: bool = False,
    kind: CheckpointKind = "graph",
) -> BoxPredictor:
    """The box predictor that `config` describes, for a model whose checkpoints are of the given `kind`, and a box coder
    of `box_code_size` numbers to a box."""
    name = config.WhichOneof("box_predictor_oneof")
    builders: dict[str | None, Callable[..., BoxPredictor]] = {
        "convolutional_box_predictor": _convolutional,
        "weight_shared_convolutional_box_predictor": _weight_shared,
    }
    if name is None or name not in builders:
        raise not_built(WHERE, name, " and ".join(map(str, builders)) + " are")
    message, where = getattr(config, name), f"{WHERE}.{name}"
    clip = message.box_encodings_clip_range
    common: dict[str, Any] = {
        "num_classes": num_classes,
        "add_background_class": add_background_class,
        "kernel_size": message.kernel_size,
        "box_code_size": box_code_size,
        "num_layers_before_predictor": message.num_layers_before_predictor,
        "dropout_rate": 1.0 - message.dropout_keep_probability if message.use_dropout else 0.0,
        "class_prediction_bias_init": message.class_prediction_bias_init,
        "use_depthwise": message.use_depthwise,
        "box_encodings_clip_range": (clip.min, clip.max) if message.HasField("box_encodings_clip_range") else None,
        "name": "box_predictor",
    }
    hyperparams = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm, kind=kind)
    return builders[name](message, hyperparams, list(anchors_per_location), common, kind=kind, where=where)


def _convolutional(
    message: box_predictor_pb2.ConvolutionalBoxPredictor,
    hyperparams: Any,
    anchors_per_location: list[int],
    common: dict[str, Any],
    *,
    kind: CheckpointKind,
    where: str,
) -> ConvolutionalBoxPredictor:
    return ConvolutionalBoxPredictor(
        hyperparams,
        anchors_per_location=anchors_per_location,
        min_depth=message.min_depth,
        max_depth=message.max_depth,
        apply_sigmoid_to_scores=message.apply_sigmoid_to_scores,
        depthwise_hyperparams=hyperparams.with_keras_kernels() if kind == "object" else None,
        **common,
    )


_HEADS = "apply_conv_hyperparams_to_heads"
_POINTWISE = "apply_conv_hyperparams_pointwise"
_Shared = box_predictor_pb2.WeightSharedConvolutionalBoxPredictor


def _weight_shared(
    message: _Shared,
    hyperparams: Any,
    anchors_per_location: list[int],
    common: dict[str, Any],
    *,
    kind: CheckpointKind,
    where: str,
) -> WeightSharedConvolutionalBoxPredictor:
    if message.depth < 1 and message.num_layers_before_predictor:
        raise ConfigError(f"depth is {message.depth}; it must be at least 1", where=where)
    more: dict[str, Any] = {}
    if kind == "graph":
        refuse_others(message, where, " ".join(name for name in _FIELDS if name not in (_HEADS, _POINTWISE)))
    elif message.use_depthwise:
        # What Keras calls kernels, and the original does not name for a separable convolution.
        plain = hyperparams.with_keras_kernels()
        more["pointwise_hyperparams"] = None if message.apply_conv_hyperparams_pointwise else plain
        more["head_hyperparams"] = None if message.apply_conv_hyperparams_to_heads else plain
    sigmoid = message.score_converter == _Shared.SIGMOID
    return WeightSharedConvolutionalBoxPredictor(
        hyperparams,
        anchors_per_location=anchors_per_location[0],
        depth=message.depth,
        share_prediction_tower=message.share_prediction_tower,
        convert_scores=ops.sigmoid if sigmoid else None,
        **more,
        **common,
    )


_FIELDS = [field.name for field in _Shared.DESCRIPTOR.fields]
