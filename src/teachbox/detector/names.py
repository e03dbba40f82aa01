"""The names that variables have in public checkpoints, of which there are two kinds.

A *graph* checkpoint (of TensorFlow 1) calls a variable by its scope: `FeatureExtractor/MobilenetV1/Conv2d_0/weights`.
An *object-based* one (of TensorFlow 2) by the way from the model to the layer that holds it:
`model/_feature_extractor/classification_backbone/layer_with_weights-0/kernel`. A part that exists in both kinds of
models has `named_variables()` for the first and `object_variables()` for the second.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

NamedVariables = dict[str, keras.Variable]

_MOVING = ("moving_mean", "moving_variance")


def object_names(path: str, layer: Any) -> NamedVariables:
    """The variables of one convolution, dense layer or batch normalisation that an object-based checkpoint keeps
    under `path`."""
    found: NamedVariables = {}
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        found[f"{path}/depthwise_kernel"] = layer.kernel
    elif isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
        found[f"{path}/kernel"] = layer.kernel
    else:
        return {f"{path}/{name}": variable for name, variable in layer.statistics_and_scales().items()}
    if layer.use_bias:
        found[f"{path}/bias"] = layer.bias
    return found


def numbered(path: str, layers: Iterable[Any]) -> NamedVariables:
    """The variables of a Keras model's `layers`, which its checkpoint numbers in their order."""
    found: NamedVariables = {}
    for number, layer in enumerate(layers):
        found |= object_names(f"{path}/layer_with_weights-{number}", layer)
    return found
