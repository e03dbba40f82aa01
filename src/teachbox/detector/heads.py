"""Box predictors: feature maps in, class scores and box codes per anchor out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, NamedVariables


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
        self.shared: list[list[ConvBlock]] = []
        self.box_layers: list[keras.layers.Conv2D] = []
        self.class_layers: list[keras.layers.Conv2D] = []

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
            self.box_layers.append(self._conv(f"{scope}_boxes", anchors * self.box_code_size, 0.0, shape))
            self.class_layers.append(
                self._conv(f"{scope}_classes", anchors * self.class_columns, self.class_prediction_bias_init, shape)
            )

    def _conv(self, name: str, filters: int, bias: float, shape: tuple[int | None, ...]) -> keras.layers.Conv2D:
        layer = keras.layers.Conv2D(
            filters,
            self.kernel_size,
            padding="same",
            kernel_initializer=self.hyperparams.make_initializer(),
            kernel_regularizer=self.hyperparams.regularizer(),
            bias_initializer=keras.initializers.Constant(bias),
            name=name,
        )
        layer.build(shape)
        return layer

    def call(self, feature_maps: Sequence[Any], training: bool = False) -> tuple[Any, Any]:
        """`(box codes [B, A, code size], class predictions [B, A, K + 1])` over all feature maps."""
        boxes, classes = [], []
        for feature_map, blocks, box_layer, class_layer in zip(
            feature_maps, self.shared, self.box_layers, self.class_layers, strict=True
        ):
            x = feature_map
            for block in blocks:
                x = block(x, training=training)
            boxes.append(ops.reshape(box_layer(x), (ops.shape(x)[0], -1, self.box_code_size)))
            if self.dropout is not None:
                x = self.dropout(x, training=training)
            classes.append(ops.reshape(class_layer(x), (ops.shape(x)[0], -1, self.class_columns)))
        class_predictions = ops.concatenate(classes, axis=1)
        if self.apply_sigmoid_to_scores:
            class_predictions = ops.sigmoid(class_predictions)
        return ops.concatenate(boxes, axis=1), class_predictions

    def named_variables(self) -> NamedVariables:
        names: NamedVariables = {}
        for index, (blocks, boxes, classes) in enumerate(
            zip(self.shared, self.box_layers, self.class_layers, strict=True)
        ):
            for block in blocks:
                names |= block.named_variables()
            for kind, layer in (("BoxEncodingPredictor", boxes), ("ClassPredictor", classes)):
                names[f"BoxPredictor_{index}/{kind}/weights"] = layer.kernel
                names[f"BoxPredictor_{index}/{kind}/biases"] = layer.bias
        return names
