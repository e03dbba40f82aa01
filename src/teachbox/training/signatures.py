"""The graph of a published version: bytes or pixels in, detections out, under three signatures.

| signature         | input                                                   |
| serving_default   | `serialized_example`: one serialized tf.Example, or a batch of them |
| encoded_image     | `encoded_image_string_tensor`: JPEG or PNG bytes, one image or a batch |
| image_tensor      | `inputs`: uint8 [N, H, W, 3]                            |

Outputs, all float32: `detection_boxes` [N, M, 4] (`[ymin, xmin, ymax, xmax]`, 0–1), `detection_scores` [N, M],
`detection_classes` [N, M] (from 1), `num_detections` [N].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import tensorflow as tf

from teachbox.data.decoding import decode_image
from teachbox.data.resizers import Resizer
from teachbox.detector.detector import Detector

InputType = Literal["image_tensor", "encoded_image_string_tensor", "tf_example"]
"""What a function takes, by the names that the original's exporter has: uint8 [N, H, W, 3], JPEG or PNG bytes,
serialized tf.Examples; of the latter two one or a batch."""
Detect = Callable[[tf.Tensor], dict[str, tf.Tensor]]

OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
MORE_OUTPUTS = (
    *OUTPUTS,
    "detection_multiclass_scores",
    "detection_anchor_indices",
    "raw_detection_boxes",
    "raw_detection_scores",
)


def build_signatures(detector: Detector, resizer: Resizer) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """Signature name → its traced function."""
    functions = detection_functions(detector, resizer)
    takes: dict[str, tuple[InputType, str]] = {
        "serving_default": ("tf_example", "serialized_example"),
        "encoded_image": ("encoded_image_string_tensor", "encoded_image_string_tensor"),
        "image_tensor": ("image_tensor", "inputs"),
    }
    return {
        name: traced(functions[kind], kind, called).get_concrete_function() for name, (kind, called) in takes.items()
    }


def traced(detect: Detect, input_type: InputType, name: str) -> Any:
    """`detect` as a TensorFlow function whose input is called `name`."""
    shape, dtype = ([None, None, None, 3], tf.uint8) if input_type == "image_tensor" else (None, tf.string)
    spec = tf.TensorSpec(shape, dtype, name=name)
    return tf.function(detect, input_signature=[spec], autograph=False)


def detection_functions(
    detector: Detector, resizer: Resizer, outputs: tuple[str, ...] = OUTPUTS
) -> dict[InputType, Detect]:
    """Input type → from such inputs to those of the `outputs` that the detector has."""
    resize_all = _batch_resizer(resizer)

    # Traced once for all three: what it takes looks the same, whatever it was read from.
    @tf.function(autograph=False)
    def detect(images: tf.Tensor, true_shape: tf.Tensor) -> dict[str, tf.Tensor]:
        predictions = detector(detector.preprocess(images), true_shape, training=False)
        found = detector.postprocess(predictions, true_shape)
        values = {name: tf.cast(found[name], tf.float32) for name in outputs if name in found}
        return values | {"detection_classes": values["detection_classes"] + 1.0}

    def from_bytes(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        return detect(*resize_all(encoded, decode_image))

    def from_examples(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
        return from_bytes(tf.io.parse_example(tf.reshape(serialized, [-1]), spec)["image/encoded"])

    return {
        "image_tensor": lambda images: detect(*resize_all(images, tf.identity)),
        "encoded_image_string_tensor": lambda encoded: from_bytes(tf.reshape(encoded, [-1])),
        "tf_example": from_examples,
    }


def static_shape(resizer: Resizer) -> tuple[int | None, int | None, int]:
    """Height, width and channels of whatever `resizer` returns; None where a side depends on the image."""
    traced = tf.function(resizer).get_concrete_function(tf.TensorSpec([None, None, 3], tf.uint8))
    height, width, channels = traced.structured_outputs[0].shape.as_list()
    return height, width, channels


def _batch_resizer(resizer: Resizer) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """Elements [N] and a function element → image, to (float32 [N, h, w, c], true_shape int32 [N, 3]).

    Where sizes depend on the image, smaller ones are padded with 0 below and to the right to the largest of the batch.
    """
    height, width, channels = static_shape(resizer)
    fixed = height is not None and width is not None
    sides = [height, width] if fixed else [None, None]
    images = (tf.TensorSpec if fixed else partial(tf.RaggedTensorSpec, ragged_rank=2))([*sides, channels], tf.float32)
    signature = (images, tf.TensorSpec([3], tf.int32))

    def resize_all(elements: tf.Tensor, to_image: Callable[[tf.Tensor], tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        def one(element: tf.Tensor) -> tuple[Any, tf.Tensor]:
            resized, true_shape = resizer(to_image(element))
            if not fixed:
                resized = tf.RaggedTensor.from_tensor(resized, ragged_rank=2)
            return resized, true_shape

        resized, true_shape = tf.map_fn(one, elements, fn_output_signature=signature)
        return (resized if fixed else resized.to_tensor()), true_shape

    return resize_all
