"""The head of Faster R-CNN's second stage: classes and boxes of each region from its pooled features."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.names import NamedVariables, listed


class BoxHead(keras.layers.Layer):
    """Mean over a region's features, then one dense layer for its box and one for its class (`mask_rcnn_box_predictor`,
    arXiv 1506.01497 with the averaging of arXiv 1512.03385)."""

    def __init__(
        self,
        hyperparams: ConvHyperparams,
        *,
        num_classes: int,
        box_code_size: int = 4,
        share_box_across_classes: bool = False,
        dropout_rate: float = 0.0,
        scope: str = "SecondStageBoxPredictor",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scope = scope
        self.box_code_size = box_code_size
        self.boxes_per_region = 1 if share_box_across_classes else num_classes

        def dense(name: str, units: int) -> keras.layers.Dense:
            return keras.layers.Dense(
                units,
                kernel_initializer=hyperparams.initializer(),
                kernel_regularizer=hyperparams.regularizer(),
                name=name,
            )

        self.boxes = dense("boxes", self.boxes_per_region * box_code_size)
        self.classes = dense("classes", num_classes + 1)
        # Each of the two drops its own, as in the original.
        self.dropouts = [keras.layers.Dropout(dropout_rate) for _ in range(2)] if dropout_rate else []

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        for layer in (self.boxes, self.classes):
            layer.build((None, input_shape[-1]))

    def call(self, features: Any, training: bool = False) -> tuple[Any, Any]:
        """Box codes [N, q, code size] (q: 1 or K) and class logits [N, K + 1] of regions' features [N, H, W, C]."""
        mean = ops.mean(features, axis=(1, 2))
        for_boxes, for_classes = (
            (dropout(mean, training=training) for dropout in self.dropouts) if self.dropouts else (mean, mean)
        )
        codes = ops.reshape(self.boxes(for_boxes), (-1, self.boxes_per_region, self.box_code_size))
        return codes, self.classes(for_classes)

    def named_variables(self) -> NamedVariables:
        names: NamedVariables = {}
        for label, layer in (("BoxEncodingPredictor", self.boxes), ("ClassPredictor", self.classes)):
            names |= {f"{self.scope}/{label}/weights": layer.kernel, f"{self.scope}/{label}/biases": layer.bias}
        return names

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        # Each list begins with a layer that makes the features flat.
        before = [None, *(None for _ in self.dropouts[:1])]
        boxes = listed(f"{path}/_box_prediction_head/_box_encoder_layers", [*before, self.boxes])
        return boxes | listed(f"{path}/_class_prediction_head/_class_predictor_layers", [*before, self.classes])
