"""Box predictors: feature maps in, class scores and box codes per anchor out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock
from teachbox.detector.names import NamedVariables


class ConvolutionalBoxPredictor(keras.layers.Layer):
    """One convolution for classes and one for boxes on each feature map, as SSD has them (arXiv 1512.02325)."""

    def __init__(
        self,
        hyperparams: ConvHyperparams,
        *,
        num_classes: int,
        anchors_per_location: Sequence[int],
        add_background_class: bool = True,
        kernel_size: int = 1,
        box_code_size: int = 4,
        min_depth: int = 0,
        max_depth: int = 0,
        num_layers_before_predictor: int = 0,
        dropout_rate: float = 0.0,
        class_prediction_bias_init: float = 0.0,
        apply_sigmoid_to_scores: bool = False,
        use_depthwise: bool = False,
        box_encodings_clip_range: tuple[float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hyperparams = hyperparams
        self.class_columns = num_classes + (1 if add_background_class else 0)
        self.anchors_per_location = list(anchors_per_location)
        self.kernel_size = kernel_size
        self.box_code_size = box_code_size
        self.min_depth, self.max_depth = min_depth, max_depth
        self.num_layers_before_predictor = num_layers_before_predictor
        self.dropout = keras.layers.Dropout(dropout_rate) if dropout_rate else None
        self.class_prediction_bias_init = class_prediction_bias_init
        self.apply_sigmoid_to_scores = apply_sigmoid_to_scores
        self.use_depthwise = use_depthwise
        self.box_encodings_clip_range = box_encodings_clip_range
        self.shared: list[list[ConvBlock]] = []
        self.box_layers: list[_Prediction] = []
        self.class_layers: list[_Prediction] = []

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        for index, (shape, anchors) in enumerate(zip(input_shape, self.anchors_per_location, strict=True)):
            scope = f"BoxPredictor_{index}"
            depth = max(min(int(shape[-1] or 0), self.max_depth), self.min_depth)
            blocks = []
            for layer in range(self.num_layers_before_predictor if depth > 0 else 0):
                block = ConvBlock(f"{scope}/Conv2d_{layer}_1x1_{depth}", self.hyperparams, kernel_size=1, filters=depth)
                block.build(shape)
                shape = block.compute_output_shape(shape)  # noqa: PLW2901
                blocks.append(block)
            self.shared.append(blocks)
            options: dict[str, Any] = {"kernel_size": self.kernel_size, "depthwise": self.use_depthwise}
            boxes = _Prediction(
                f"{scope}/BoxEncodingPredictor", self.hyperparams, filters=anchors * self.box_code_size, **options
            )
            classes = _Prediction(
                f"{scope}/ClassPredictor",
                self.hyperparams,
                filters=anchors * self.class_columns,
                bias_init=self.class_prediction_bias_init,
                **options,
            )
            for layer in (boxes, classes):
                layer.build(shape)
            self.box_layers.append(boxes)
            self.class_layers.append(classes)

    def call(self, feature_maps: Sequence[Any], training: bool = False) -> tuple[Any, Any]:
        """`(box codes [B, A, code size], class predictions [B, A, K + 1])` over all feature maps."""
        boxes, classes = [], []
        for feature_map, blocks, box_layer, class_layer in zip(
            feature_maps, self.shared, self.box_layers, self.class_layers, strict=True
        ):
            x = feature_map
            for block in blocks:
                x = block(x, training=training)
            boxes.append(_by_anchor(box_layer(x, training=training), self.box_code_size))
            if self.dropout is not None:
                x = self.dropout(x, training=training)
            classes.append(_by_anchor(class_layer(x, training=training), self.class_columns))
        codes, class_predictions = ops.concatenate(boxes, axis=1), ops.concatenate(classes, axis=1)
        if self.box_encodings_clip_range is not None:
            codes = ops.clip(codes, *self.box_encodings_clip_range)
        if self.apply_sigmoid_to_scores:
            class_predictions = ops.sigmoid(class_predictions)
        return codes, class_predictions

    def named_variables(self) -> NamedVariables:
        names: NamedVariables = {}
        for blocks, boxes, classes in zip(self.shared, self.box_layers, self.class_layers, strict=True):
            for block in blocks:
                names |= block.named_variables()
            names |= boxes.named_variables() | classes.named_variables()
        return names


class _Prediction(keras.layers.Layer):
    """The last convolution of a head, with a depthwise one before it where asked for."""

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        kernel_size: int,
        filters: int,
        depthwise: bool,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__(name=scope.replace("/", "_"))
        self.scope = scope
        self.depthwise = None
        if depthwise:
            self.depthwise = ConvBlock(
                f"{scope}_depthwise", hyperparams, kernel_size=kernel_size, filters=None, depthwise=True
            )
        self.conv = keras.layers.Conv2D(
            filters,
            1 if depthwise else kernel_size,
            padding="same",
            kernel_initializer=hyperparams.make_initializer(),
            kernel_regularizer=hyperparams.regularizer(),
            bias_initializer=keras.initializers.Constant(bias_init),
            name="conv",
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if self.depthwise is not None:
            self.depthwise.build(input_shape)
        self.conv.build(input_shape)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.conv(x if self.depthwise is None else self.depthwise(x, training=training))

    def named_variables(self) -> NamedVariables:
        names: NamedVariables = {} if self.depthwise is None else self.depthwise.named_variables()
        return names | {f"{self.scope}/weights": self.conv.kernel, f"{self.scope}/biases": self.conv.bias}


def _by_anchor(x: Any, columns: int) -> Any:
    """[B, H, W, anchors · columns] → [B, H · W · anchors, columns]; B may be unknown, as in an exported graph."""
    _, height, width, depth = x.shape
    return ops.reshape(x, (-1, int(height) * int(width) * int(depth) // columns, columns))
