"""The bidirectional feature pyramid of EfficientDet (arXiv 1911.09070, section 3): maps tell each other what they have
seen, coarse to fine and back, as often as asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import keras
from keras import ops

from teachbox.detector.features.preprocessing import padded_to_multiple
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, Shape, build_in_order
from teachbox.detector.names import NamedVariables, listed

Combination = Literal["fast_attention", "weighted_sum", "sum"]
"""How maps are added up: with weights that are positive and sum to one, with any weights, or without."""
_EPSILON = 1e-4


@dataclass(frozen=True)
class Node:
    """A map that is made of others: its level, and theirs by number, first the pyramid's inputs, then its nodes."""

    level: int
    inputs: tuple[int, ...]


def bifpn_nodes(least: int, given: int, most: int, iterations: int) -> list[Node]:
    """The nodes of a pyramid of the levels `least` to `most`, of which maps are given up to the level `given`.

    First those of the levels beyond, then for each iteration those on the way down and those on the way up. The last
    ones, as many as there are levels, are the pyramid's outputs, fine to coarse.
    """
    newest = {level: level - least for level in range(least, given + 1)}
    first, nodes = len(newest), list[Node]()

    def add(level: int, *inputs: int) -> int:
        nodes.append(Node(level, inputs))
        return first + len(nodes) - 1

    for level in range(given + 1, most + 1):
        newest[level] = add(level, newest[level - 1])
    for _ in range(iterations):
        down = {most: newest[most]}
        for level in reversed(range(least, most)):
            down[level] = add(level, newest[level], down[level + 1])
        up = {least: down[least]}
        for level in range(least + 1, most + 1):
            between = () if level == most else (down[level],)
            up[level] = add(level, newest[level], *between, up[level - 1])
        newest = up
    return nodes


class Combine(keras.layers.Layer):
    """The sum of maps of one shape, weighed by numbers that are learned where `method` asks for them."""

    def __init__(self, method: Combination, inputs: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.method, self.inputs = method, inputs
        self.input_weights = None

    def build(self, input_shape: Sequence[Shape]) -> None:
        if self.method != "sum":
            self.input_weights = self.add_weight(
                name="bifpn_combine_weights", shape=(self.inputs, 1), initializer="ones"
            )

    def call(self, feature_maps: Sequence[Any]) -> Any:
        if self.input_weights is None:
            return sum(feature_maps[1:], feature_maps[0])
        weights = ops.convert_to_tensor(self.input_weights)
        if self.method == "fast_attention":
            weights = ops.relu(weights)
            weights = weights / (ops.sum(weights) + _EPSILON)
        return sum(feature_map * weights[index, 0] for index, feature_map in enumerate(feature_maps))

    def object_variables(self, path: str) -> NamedVariables:
        return {} if self.input_weights is None else {f"{path}/bifpn_combine_weights": self.input_weights}


class BiFPN(keras.layers.Layer):
    """Takes maps of the levels `least` to `given`, fine to coarse, each twice the size of the next, and gives maps of
    the levels `least` to `most` with `filters` channels each."""

    def __init__(
        self,
        hyperparams: ConvHyperparams,
        *,
        least: int,
        given: int,
        most: int,
        iterations: int,
        filters: int,
        method: Combination = "fast_attention",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.least, self.given, self.outputs, self.filters = least, given - least + 1, most - least + 1, filters
        self.nodes = bifpn_nodes(least, given, most, iterations)
        linear = replace(hyperparams, activation=None)
        self.activation = hyperparams.activation or (lambda x: x)
        self.projections: dict[str, ConvBlock] = {}
        self.combinations: dict[str, Combine] = {}
        self.convolutions: dict[str, ConvBlock] = {}
        for number, node in enumerate(self.nodes):
            for place, source in enumerate(node.inputs):
                if source < self.given:
                    name = f"node_{number}/input_{place}"
                    self.projections[f"{number}/{place}"] = ConvBlock(name, linear, kernel_size=1, filters=filters)
            if len(node.inputs) > 1:
                self.combinations[str(number)] = Combine(method, len(node.inputs), name=f"node_{number}_combine")
                self.convolutions[str(number)] = ConvBlock(
                    f"node_{number}/conv", linear, kernel_size=3, filters=filters, separable=True
                )
        self.shrink = keras.layers.MaxPooling2D(3, strides=2, padding="same")
        self.enlarge = keras.layers.UpSampling2D(2, interpolation="nearest")

    def build(self, input_shape: Sequence[Shape]) -> None:
        inside = (None, None, None, self.filters)
        for name, projection in self.projections.items():
            number, place = map(int, name.split("/"))
            projection.build(input_shape[self.nodes[number].inputs[place]])
        for combine in self.combinations.values():
            combine.build([inside] * combine.inputs)
        build_in_order(self.convolutions.values(), inside)

    def call(self, feature_maps: Sequence[Any], training: bool = False) -> list[Any]:
        maps = list(feature_maps)
        levels = [self.least + index for index in range(self.given)]
        for number, node in enumerate(self.nodes):
            inputs = []
            for place, source in enumerate(node.inputs):
                x, name = maps[source], f"{number}/{place}"
                if name in self.projections:
                    x = self.projections[name](x, training=training)
                if levels[source] != node.level:
                    x = (self.shrink if levels[source] < node.level else self.enlarge)(x)
                inputs.append(x)
            x = inputs[0]
            if len(inputs) > 1:
                x = self.activation(self.combinations[str(number)](inputs))
                x = self.convolutions[str(number)](x, training=training)
            maps.append(x)
            levels.append(node.level)
        return maps[-self.outputs :]

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, by the number of their node."""
        names: NamedVariables = {}
        for name, projection in self.projections.items():
            # Each input is a pair of the map's number and the layers that it goes through.
            names |= listed(f"{path}/node_input_blocks/{name}/1", projection.weighted_layers)
        for name, combine in self.combinations.items():
            names |= combine.object_variables(f"{path}/node_combine_op/{name}")
        for name, convolution in self.convolutions.items():
            # The first of the layers is the activation.
            names |= listed(f"{path}/node_post_combine_block/{name}", [None, *convolution.weighted_layers])
        return names


class BiFPNFeatures(keras.layers.Layer):
    """Feature maps of images [B, H, W, 3], fine to coarse: the backbone's levels through the pyramid."""

    def __init__(
        self,
        backbone: Any,
        pyramid: BiFPN,
        *,
        preprocess: Callable[[Any], Any],
        pad_to_multiple: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backbone, self.pyramid = backbone, pyramid
        self.num_layers = pyramid.outputs
        self.preprocess = preprocess
        self.pad_to_multiple = pad_to_multiple

    def build(self, input_shape: Shape) -> None:
        self.backbone.build(input_shape)
        self.pyramid.build([self.backbone.out_shapes[level] for level in self.backbone.levels])

    def call(self, images: Any, training: bool = False) -> list[Any]:
        outputs = self.backbone(padded_to_multiple(images, self.pad_to_multiple), training=training)
        return self.pyramid([outputs[level] for level in self.backbone.levels], training=training)

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        return self.backbone.object_variables(path) | self.pyramid.object_variables(f"{path}/_bifpn_stage")
