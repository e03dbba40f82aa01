"""Box predictors: feature maps in, class scores and box codes per anchor out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, apply_in_order, build_in_order
from teachbox.detector.names import NamedVariables, listed, names_of


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
        depthwise_hyperparams: ConvHyperparams | None = None,
        box_encodings_clip_range: tuple[float, float] | None = None,
        scopes: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        """`scopes`: for each feature map, what its layers' names in a graph checkpoint begin with."""
        super().__init__(**kwargs)
        self.hyperparams = hyperparams
        self.depthwise_hyperparams = depthwise_hyperparams or hyperparams
        self.scopes = list(scopes) or [f"BoxPredictor_{index}" for index in range(len(anchors_per_location))]
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
        self.box_layers: list[list[ConvBlock]] = []
        self.class_layers: list[list[ConvBlock]] = []

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        for scope, shape, anchors in zip(self.scopes, input_shape, self.anchors_per_location, strict=True):
            depth = max(min(int(shape[-1] or 0), self.max_depth), self.min_depth)
            shared = [
                ConvBlock(f"{scope}/Conv2d_{layer}_1x1_{depth}", self.hyperparams, kernel_size=1, filters=depth)
                for layer in range(self.num_layers_before_predictor if depth > 0 else 0)
            ]
            behind = build_in_order(shared, shape)
            boxes = self._prediction(f"{scope}/BoxEncodingPredictor", anchors * self.box_code_size)
            classes = self._prediction(
                f"{scope}/ClassPredictor", anchors * self.class_columns, self.class_prediction_bias_init
            )
            for blocks in (boxes, classes):
                build_in_order(blocks, behind)
            self.shared.append(shared)
            self.box_layers.append(boxes)
            self.class_layers.append(classes)

    def _prediction(self, scope: str, filters: int, bias_init: float = 0.0) -> list[ConvBlock]:
        """The last convolution of a head, with a depthwise one before it where asked for."""
        plain = replace(self.hyperparams, batch_norm=None, activation=None)
        last: dict[str, Any] = {"filters": filters, "use_bias": True, "bias_init": bias_init}
        if not self.use_depthwise:
            return [ConvBlock(scope, plain, kernel_size=self.kernel_size, **last)]
        own = self.depthwise_hyperparams
        return [
            ConvBlock(f"{scope}_depthwise", own, kernel_size=self.kernel_size, filters=None, depthwise=True),
            ConvBlock(scope, plain, kernel_size=1, **last),
        ]

    def call(self, feature_maps: Sequence[Any], training: bool = False) -> tuple[Any, Any]:
        """`(box codes [B, A, code size], class predictions [B, A, K + 1])` over all feature maps."""
        boxes, classes = [], []
        for feature_map, blocks, box_layers, class_layers in zip(
            feature_maps, self.shared, self.box_layers, self.class_layers, strict=True
        ):
            x = apply_in_order(blocks, feature_map, training)
            boxes.append(by_anchor(apply_in_order(box_layers, x, training), self.box_code_size))
            if self.dropout is not None:
                x = self.dropout(x, training=training)
            classes.append(by_anchor(apply_in_order(class_layers, x, training), self.class_columns))
        codes, class_predictions = ops.concatenate(boxes, axis=1), ops.concatenate(classes, axis=1)
        if self.box_encodings_clip_range is not None:
            codes = ops.clip(codes, *self.box_encodings_clip_range)
        if self.apply_sigmoid_to_scores:
            class_predictions = ops.sigmoid(class_predictions)
        return codes, class_predictions

    def named_variables(self) -> NamedVariables:
        rows = (*self.shared, *self.box_layers, *self.class_layers)
        return names_of(block for row in rows for block in row)

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        heads = f"{path}/_prediction_heads"
        dropout = [] if self.dropout is None else [None]
        names: NamedVariables = {}
        rows = zip(self.shared, self.box_layers, self.class_layers, strict=True)
        for index, (shared, boxes, classes) in enumerate(rows):
            names |= listed(f"{path}/_shared_nets/{index}", _listed(shared))
            names |= listed(f"{heads}/box_encodings/{index}/_box_encoder_layers", _listed(boxes))
            place = f"{heads}/class_predictions_with_background/{index}/_class_predictor_layers"
            names |= listed(place, [*dropout, *_listed(classes)])
        return names


def _listed(blocks: Sequence[ConvBlock]) -> list[Any | None]:
    return [layer for block in blocks for layer in block.listed_layers]


def by_anchor(x: Any, columns: int) -> Any:
    """[B, H, W, anchors · columns] → [B, H · W · anchors, columns]; B may be unknown, as in an exported graph, or H
    and W, where images are of many sizes."""
    _, height, width, depth = x.shape
    if height is None or width is None:
        return ops.reshape(x, (ops.shape(x)[0], -1, columns))
    return ops.reshape(x, (-1, int(height) * int(width) * int(depth) // columns, columns))
