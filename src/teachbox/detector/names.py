"""The names that variables have in public checkpoints, of which there are two kinds.

A *graph* checkpoint (of TensorFlow 1) calls a variable by its scope: `FeatureExtractor/MobilenetV1/Conv2d_0/weights`.
An *object-based* one (of TensorFlow 2) by the way from the model to the layer that holds it:
`model/_feature_extractor/classification_backbone/layer_with_weights-0/kernel`. A part that exists in both kinds of
models has `named_variables()` for the first and `object_variables()` for the second.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import keras

NamedVariables = dict[str, keras.Variable]

CheckpointKind = Literal["graph", "object"]

GLOBAL_STEP, STEP = "global_step", "step"
"""What graph and object-based checkpoints call the number of steps."""


def checkpoint_kind(feature_extractor_type: str) -> CheckpointKind:
    """Of which kind the checkpoints are of models with this type of single-shot or Faster R-CNN feature extractor."""
    return "object" if feature_extractor_type.endswith("_keras") else "graph"


def kind_of(names: Iterable[str]) -> CheckpointKind:
    """Of which kind checkpoints are whose variables have these `names`."""
    return "object" if any(name.startswith("model/") for name in names) else "graph"


# What Keras calls a kernel, by what a graph checkpoint calls it.
_KERNELS = {"weights": "kernel", "depthwise_weights": "depthwise_kernel", "pointwise_weights": "pointwise_kernel"}


def _kernels(layer: Any) -> dict[str, keras.Variable]:
    if isinstance(layer, keras.layers.SeparableConv2D):
        return {"depthwise_weights": layer.depthwise_kernel, "pointwise_weights": layer.pointwise_kernel}
    return {"depthwise_weights" if isinstance(layer, keras.layers.DepthwiseConv2D) else "weights": layer.kernel}


def graph_names(scope: str, layer: Any) -> NamedVariables:
    """The variables of one convolution or dense layer that a graph checkpoint keeps under `scope`."""
    found = {f"{scope}/{name}": kernel for name, kernel in _kernels(layer).items()}
    return found | {f"{scope}/biases": layer.bias} if layer.use_bias else found


def object_names(path: str, layer: Any) -> NamedVariables:
    """The variables of one convolution, dense layer or batch normalisation that an object-based checkpoint keeps
    under `path`."""
    if hasattr(layer, "statistics_and_scales"):
        return {f"{path}/{name}": variable for name, variable in layer.statistics_and_scales().items()}
    found = {f"{path}/{_KERNELS[name]}": kernel for name, kernel in _kernels(layer).items()}
    return found | {f"{path}/bias": layer.bias} if layer.use_bias else found


def names_of(parts: Iterable[Any]) -> NamedVariables:
    """The variables of all `parts` by their names in a graph checkpoint."""
    return {name: variable for part in parts for name, variable in part.named_variables().items()}


def numbered(path: str, layers: Iterable[Any], first: int = 0) -> NamedVariables:
    """The variables of a Keras model's `layers`, which its checkpoint numbers in their order, from `first` on."""
    found: NamedVariables = {}
    for number, layer in enumerate(layers, first):
        found |= object_names(f"{path}/layer_with_weights-{number}", layer)
    return found


def listed(path: str, layers: Iterable[Any | None]) -> NamedVariables:
    """The variables of a list of `layers`, which a checkpoint numbers with those (None) that have no variables."""
    found: NamedVariables = {}
    for number, layer in enumerate(layers):
        if layer is not None:
            found |= object_names(f"{path}/{number}", layer)
    return found
