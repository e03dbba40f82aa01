"""One box predictor for all feature maps, as feature pyramids have it (arXiv 1708.02002, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from teachbox.detector.heads import by_anchor
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import BatchNorm, ConvBlock, Shape, shape_behind
from teachbox.detector.names import NamedVariables, graph_names, listed, names_of, object_names

_SCOPE = "WeightSharedConvolutionalBoxPredictor"


class WeightSharedConvolutionalBoxPredictor(keras.layers.Layer):
    """Convolutions that all feature maps share, with a batch normalisation for each map; then one convolution for
    classes and one for boxes.

    `anchors_per_location` is that of every map. `depth` and `num_layers_before_predictor` describe the towers before
    the two; with `share_prediction_tower` both stand on one. With `use_depthwise` all convolutions are separable;
    `pointwise_hyperparams` and `head_hyperparams` say how the towers' 1×1 kernels and all kernels of the last two
    convolutions start and are regularised, if not as the others. `convert_scores` is for inference alone: training
    wants logits. Maps of other depths than most are brought to that by a 1×1 convolution each.
    """

    def __init__(
        self,
        hyperparams: ConvHyperparams,
        *,
        num_classes: int,
        anchors_per_location: int,
        depth: int,
        num_layers_before_predictor: int,
        add_background_class: bool = True,
        kernel_size: int = 3,
        box_code_size: int = 4,
        dropout_rate: float = 0.0,
        class_prediction_bias_init: float = 0.0,
        share_prediction_tower: bool = False,
        use_depthwise: bool = False,
        pointwise_hyperparams: ConvHyperparams | None = None,
        head_hyperparams: ConvHyperparams | None = None,
        convert_scores: Callable[[Any], Any] | None = None,
        box_encodings_clip_range: tuple[float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.class_columns = num_classes + (1 if add_background_class else 0)
        self.box_code_size = box_code_size
        self.hyperparams = hyperparams
        self.convert_scores = convert_scores
        self.box_encodings_clip_range = box_encodings_clip_range
        self.dropout = keras.layers.Dropout(dropout_rate) if dropout_rate else None
        shape: dict[str, Any] = {"kernel_size": kernel_size, "separable": use_depthwise}

        def tower(name: str) -> _Tower:
            return _Tower(
                name,
                hyperparams,
                filters=depth,
                layers=num_layers_before_predictor,
                pointwise=pointwise_hyperparams,
                **shape,
            )

        self.box_tower = tower("PredictionTower" if share_prediction_tower else "BoxPredictionTower")
        self.class_tower = None if share_prediction_tower else tower("ClassPredictionTower")
        plain = replace(head_hyperparams or hyperparams, batch_norm=None, activation=None)
        self.box_layer = ConvBlock(
            f"{_SCOPE}/BoxPredictor", plain, filters=anchors_per_location * box_code_size, use_bias=True, **shape
        )
        self.class_layer = ConvBlock(
            f"{_SCOPE}/ClassPredictor",
            plain,
            filters=anchors_per_location * self.class_columns,
            use_bias=True,
            bias_init=class_prediction_bias_init,
            **shape,
        )
        self.projections: list[ConvBlock] = []

    def build(self, input_shape: Sequence[Shape]) -> None:
        shapes = [tuple(shape) for shape in input_shape]
        depths = [int(shape[-1] or 0) for shape in shapes]
        if len(set(depths)) > 1:
            most = max(depths, key=depths.count)
            linear = replace(self.hyperparams, activation=None)
            for index, shape in enumerate(shapes):
                projection = ConvBlock(f"{_SCOPE}/ProjectionLayer/conv2d_{index}", linear, kernel_size=1, filters=most)
                projection.build(shape)
                shapes[index] = projection.compute_output_shape(shape)
                self.projections.append(projection)
        for tower, layer in ((self.box_tower, self.box_layer), (self.class_tower, self.class_layer)):
            if tower is not None:
                tower.build(shapes)
            layer.build((tower or self.box_tower).compute_output_shape(shapes[0]))

    def call(self, feature_maps: Sequence[Any], training: bool = False) -> tuple[Any, Any]:
        """`(box codes [B, A, code size], class predictions [B, A, columns])` over all feature maps."""
        boxes, classes = [], []
        for index, feature_map in enumerate(feature_maps):
            x = self.projections[index](feature_map, training=training) if self.projections else feature_map
            tower = self.box_tower(x, index=index, training=training)
            boxes.append(by_anchor(self.box_layer(tower), self.box_code_size))
            if self.class_tower is not None:
                tower = self.class_tower(x, index=index, training=training)
            if self.dropout is not None:
                tower = self.dropout(tower, training=training)
            classes.append(by_anchor(self.class_layer(tower), self.class_columns))
        codes, class_predictions = ops.concatenate(boxes, axis=1), ops.concatenate(classes, axis=1)
        if self.box_encodings_clip_range is not None:
            codes = ops.clip(codes, *self.box_encodings_clip_range)
        if self.convert_scores is not None and not training:
            class_predictions = self.convert_scores(class_predictions)
        return codes, class_predictions

    def named_variables(self) -> NamedVariables:
        towers = [tower for tower in (self.box_tower, self.class_tower) if tower is not None]
        return names_of([*self.projections, *towers, self.box_layer, self.class_layer])

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        classes = "class_predictions_with_background"
        dropout = [] if self.dropout is None else [None]
        names = listed(f"{path}/_box_prediction_head/_box_encoder_layers", [self.box_layer.conv])
        names |= listed(
            f"{path}/_prediction_heads/{classes}/_class_predictor_layers", [*dropout, self.class_layer.conv]
        )
        for index, projection in enumerate(self.projections):
            names |= listed(f"{path}/_additional_projection_layers/{index}", projection.weighted_layers)
        for tower, head in ((self.box_tower, "box_encodings"), (self.class_tower, classes)):
            if tower is not None:
                names |= tower.object_variables(path, head)
        return names


class _Tower(keras.layers.Layer):
    """Convolutions that all feature maps share; `batch_norms` has a row for each of them, a normalisation for each map
    in it."""

    def __init__(
        self,
        name: str,
        hyperparams: ConvHyperparams,
        *,
        filters: int,
        layers: int,
        kernel_size: int,
        separable: bool,
        pointwise: ConvHyperparams | None,
    ) -> None:
        super().__init__(name=name)
        self.batch_norm_options = hyperparams.batch_norm
        self.activation = hyperparams.activation or (lambda x: x)
        self.convs = [
            ConvBlock(
                f"{_SCOPE}/{name}/conv2d_{index}",
                replace(hyperparams, batch_norm=None, activation=None),
                kernel_size=kernel_size,
                filters=filters,
                separable=separable,
                pointwise=pointwise,
                use_bias=hyperparams.has_bias,
            )
            for index in range(layers)
        ]
        self.batch_norms: list[list[BatchNorm]] = []

    def build(self, input_shape: Sequence[Shape]) -> None:
        shape = input_shape[0]
        for conv in self.convs:
            conv.build(shape)
            shape = conv.compute_output_shape(shape)
            if self.batch_norm_options is not None:
                row = [BatchNorm(self.batch_norm_options, name=f"feature_{index}") for index in range(len(input_shape))]
                for batch_norm in row:
                    batch_norm.build(shape)
                self.batch_norms.append(row)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return shape_behind(self.convs, input_shape)

    def call(self, x: Any, *, index: int, training: bool = False) -> Any:
        """The feature map `x` [B, H, W, C] with number `index`, after all convolutions."""
        for layer, conv in enumerate(self.convs):
            x = conv(x)
            if self.batch_norms:
                x = self.batch_norms[layer][index](x, training=training)
            x = self.activation(x)
        return x

    def named_variables(self) -> NamedVariables:
        names: NamedVariables = {}
        for conv in self.convs:
            names |= graph_names(conv.scope, conv.conv)
        for conv, row in zip(self.convs, self.batch_norms, strict=False):
            for index, batch_norm in enumerate(row):
                names |= batch_norm.named_variables(f"{conv.scope}/BatchNorm/feature_{index}")
        return names

    def object_variables(self, path: str, head: str) -> NamedVariables:
        """The variables under `path`, the predictor: convolutions by the tower's name, normalisations by the head's."""
        names = listed(f"{path}/_head_scope_conv_layers/{self.name}", [conv.conv for conv in self.convs])
        for layer, row in enumerate(self.batch_norms):
            for index, batch_norm in enumerate(row):
                # In the list of a map stand convolution, normalisation and activation of each layer.
                place = f"{path}/_base_tower_layers_for_heads/{head}/{index}/{3 * layer + 1}"
                names |= object_names(place, batch_norm)
        return names
