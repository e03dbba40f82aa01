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
from typing import Any

import tensorflow as tf

from teachbox.data.decoding import decode_image
from teachbox.data.resizers import Resizer
from teachbox.detector.detector import Detector


def build_signatures(detector: Detector, resizer: Resizer) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """Signature name → its traced function."""
    resize_all = _batch_resizer(resizer)

    def traced(spec: tf.TensorSpec) -> Callable[..., Any]:
        return tf.function(input_signature=[spec], autograph=False)

    def detect(images: tf.Tensor, true_shape: tf.Tensor) -> dict[str, tf.Tensor]:
        predictions = detector(detector.preprocess(images), true_shape, training=False)
        found = detector.postprocess(predictions, true_shape)
        return {
            "detection_boxes": tf.cast(found["detection_boxes"], tf.float32),
            "detection_scores": tf.cast(found["detection_scores"], tf.float32),
            "detection_classes": tf.cast(found["detection_classes"], tf.float32) + 1.0,
            "num_detections": tf.cast(found["num_detections"], tf.float32),
        }

    def from_bytes(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        return detect(*resize_all(encoded, decode_image))

    @traced(tf.TensorSpec(None, tf.string, name="serialized_example"))
    def serving_default(serialized_example: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
        return from_bytes(tf.io.parse_example(tf.reshape(serialized_example, [-1]), spec)["image/encoded"])

    @traced(tf.TensorSpec(None, tf.string, name="encoded_image_string_tensor"))
    def encoded_image(encoded_image_string_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        return from_bytes(tf.reshape(encoded_image_string_tensor, [-1]))

    @traced(tf.TensorSpec([None, None, None, 3], tf.uint8, name="inputs"))
    def image_tensor(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return detect(*resize_all(inputs, tf.identity))

    functions = {"serving_default": serving_default, "encoded_image": encoded_image, "image_tensor": image_tensor}
    return {name: function.get_concrete_function() for name, function in functions.items()}


def static_size(resizer: Resizer) -> tuple[int | None, int | None]:
    """Height and width of whatever `resizer` returns; None where it depends on the image."""
    traced = tf.function(resizer).get_concrete_function(tf.TensorSpec([None, None, 3], tf.uint8))
    height, width, _ = traced.structured_outputs[0].shape.as_list()
    return height, width


def _batch_resizer(resizer: Resizer) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """Elements [N] and a function element → image, to (float32 [N, h, w, 3], true_shape int32 [N, 3]).

    Where sizes depend on the image, smaller ones are padded with 0 below and to the right to the largest of the batch.
    """
    height, width = static_size(resizer)
    fixed = height is not None and width is not None
    images = (
        tf.TensorSpec([height, width, 3], tf.float32) if fixed else tf.RaggedTensorSpec([None, None, 3], tf.float32, 2)
    )
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
