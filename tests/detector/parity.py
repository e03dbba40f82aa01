"""How far our detectors are from the oracles: one row for each quantity that is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from golden import Golden

from teachbox.training.backend import compiled, with_gradients


@dataclass(frozen=True)
class Allowed:
    """How far each kind of quantity may be off, absolutely or (losses, training, gradients, statistics) relatively.

    `reasons` says why one is wider than where nothing is said: the kind → the reason.
    """

    preprocessed: float = 1e-5
    predictions: float = 1e-4
    feature_maps: float = 1e-4
    detections: float = 1e-4
    targets: float = 1e-5
    losses: float = 1e-4
    training: float = 1e-4
    gradient: float = 2e-2
    """The norm over all variables; a single one may be off ten times as much."""
    statistics: float = 1e-4
    reasons: Mapping[str, str] = field(default_factory=dict)
    unlike: tuple[str, ...] = ()
    """Parts of names of moving averages that the original left as they were (see the oracle's entry)."""


@dataclass(frozen=True)
class Row:
    """One comparison: how far off the worst value is, beside what is allowed for its `kind`."""

    kind: str
    quantity: str
    deviation: float
    allowed: float

    @property
    def passed(self) -> bool:
        return bool(self.deviation <= self.allowed)  # NaN is not

    def __str__(self) -> str:
        return f"{self.quantity}: off by {self.deviation:.3g}, allowed {self.allowed:.3g} ({self.kind})"


Found = Iterator[tuple[str, str, float]]
"""Kind, quantity and deviation."""


def compare(golden: Golden, allowed: Allowed) -> Iterator[Row]:
    """Everything that is stored of an oracle against what our detector computes."""
    from teachbox.detector.build import build_detector

    detector = build_detector(golden.config.model)
    golden.fill(detector.checkpoint_variables())
    family = FAMILIES[golden.numbers["meta_architecture"]]
    images = resized_images(golden, detector)
    for kind, quantity, deviation in family(golden, detector, images):
        yield Row(kind, quantity, deviation, getattr(allowed, kind))
    for kind, quantity, deviation in training_mode(golden, detector, images, allowed.unlike):
        factor = 10 if quantity.startswith("gradient/") else 1
        yield Row(kind, quantity, deviation, factor * getattr(allowed, kind))


def resized_images(golden: Golden, detector: Any) -> Any:
    """The stored pictures, resized and preprocessed."""
    from teachbox.data.resizers import build_resizer

    model = golden.config.model
    resize = build_resizer(getattr(model, model.WhichOneof("model")).image_resizer)
    resized = [resize(image)[0].numpy() for image in golden.arrays["inputs/images"]]
    return detector.preprocess(keras.ops.convert_to_tensor(np.stack(resized)))


def inferred(detector: Any, images: Any, shapes: np.ndarray) -> dict[str, Any]:
    """Predictions in inference mode; on JAX of the compiled detector, which takes much longer one by one."""
    if keras.backend.backend() != "jax":
        return detector(images, shapes, training=False)
    import tensorflow as tf

    plain: dict[str, Any] = {}

    def run(batch: dict[str, Any]) -> dict[str, Any]:
        found = detector(batch["images"], batch["shapes"], training=False)
        plain.update((key, value) for key, value in found.items() if key == "image_shape" or value is None)
        return {key: value for key, value in found.items() if key not in plain}

    batch = {"images": tf.constant(keras.ops.convert_to_numpy(images)), "shapes": tf.constant(shapes)}
    spec = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in batch.items()}
    return compiled(run, spec, state=detector.variables)(batch) | plain


def single_shot(golden: Golden, detector: Any, images: Any) -> Found:
    """Inference mode of an SSD: predictions, detections, targets, losses."""
    shapes = golden.arrays["true_image_shapes"]
    yield "preprocessed", "preprocessed", golden.difference("preprocessed", detector.padded(images, shapes))
    predictions = inferred(detector, images, shapes)
    for key in ("box_encodings", "class_predictions_with_background", "anchors"):
        yield "predictions", key, golden.difference(f"prediction/{key}", predictions[key])
    for index, feature_map in enumerate(predictions["feature_maps"]):
        yield (
            "feature_maps",
            f"feature_maps/{index}",
            golden.difference(f"prediction/feature_maps/{index}", feature_map),
        )
    yield from detections(golden, detector.postprocess(predictions, golden.arrays["true_image_shapes"]))
    targets = detector.target_assigner(predictions["anchors"], **golden.groundtruth())
    names = ("cls_targets", "cls_weights", "reg_targets", "reg_weights", "match")
    for name, found in zip(names, targets, strict=True):
        yield "targets", f"targets/{name}", golden.difference(f"targets/{name}", found)
    yield from evaluation_losses(golden, detector, predictions)


def two_stages(golden: Golden, detector: Any, images: Any) -> Found:
    """Inference mode of a Faster R-CNN: its first stage; its second stage for the proposals that are stored, since one
    proposal more or less shifts all that follow; targets, losses."""
    from teachbox.detector.faster_rcnn import in_pixels
    from teachbox.detector.rpn import Proposals

    for sampler in (detector.rpn.sampler, detector.box_classifier.sampler):
        # Of shapes that are static the original's sampler takes the last that there are, else the first.
        sampler.order = from_the_end if golden.config.model.faster_rcnn.use_static_balanced_label_sampler else in_order
    yield "preprocessed", "preprocessed", golden.difference("preprocessed", images)
    shapes = golden.arrays["true_image_shapes"]
    plain = keras.ops.convert_to_numpy
    predictions = inferred(detector, images, shapes)
    for key in ("rpn_box_encodings", "rpn_objectness_predictions_with_background", "anchors"):
        yield "predictions", key, golden.difference(f"prediction/{key}", predictions[key])
    for key in ("feature_maps", "rpn_box_predictor_features"):
        for index, feature_map in enumerate(predictions[key]):
            name = f"{key}/{index}"
            yield "feature_maps", name, golden.difference(f"prediction/{name}", feature_map)
    found, stored = predictions["proposal_boxes_normalized"], golden.arrays["prediction/proposal_boxes_normalized"]
    count = golden.arrays["prediction/num_proposals"]
    yield "detections", "num_proposals", float(np.abs(plain(predictions["num_proposals"]) - count).max())
    # With static shapes the original leaves something in the rows past those that count.
    counted = np.where((np.arange(stored.shape[1]) < count[:, None])[..., None], stored, 0.0)
    yield "detections", "proposals", farthest(plain(found), counted)

    proposals = Proposals(keras.ops.convert_to_tensor(stored), None, count)
    predictions |= detector.box_classifier(
        predictions["feature_maps"], proposals=proposals, image_shape=predictions["image_shape"]
    )
    features = predictions["box_classifier_features"]
    yield "feature_maps", "box features", golden.difference("prediction/box_classifier_features", features)
    for key in ("refined_box_encodings", "class_predictions_with_background"):
        rows = plain(predictions[key])
        yield "predictions", key, golden.difference(f"prediction/{key}", rows.reshape(-1, *rows.shape[2:]))
    yield from detections(golden, detector.postprocess(predictions, shapes))

    # The targets that are stored take boxes for parts of the picture, which fills the same part of all images.
    truth = in_pixels(truth_tensors(golden), tuple(shapes[0, :2]))
    truth["classes"] = keras.ops.zeros_like(truth["classes"])
    anchors = keras.ops.convert_to_tensor(golden.arrays["prediction/anchors"])
    targets = detector.rpn.target_assigner(anchors, **truth)
    names = ("cls_targets", "cls_weights", "reg_targets", "reg_weights", "match")
    for name, found in zip(names, targets, strict=True):
        yield "targets", f"targets/{name}", golden.difference(f"targets/rpn_{name}", found)
    drawn = detector.rpn.sampler(
        targets.class_weights[..., 0] > 0, targets.classes[..., 0] > 0, size=detector.rpn.loss_parts.minibatch_size
    )
    yield "targets", "targets/sample", golden.difference("targets/rpn_sampled_first_n", drawn)
    yield from evaluation_losses(golden, detector, predictions)


def centers(golden: Golden, detector: Any, images: Any) -> Found:
    """Inference mode of a CenterNet: predictions of each stacked network, detections, targets, losses."""
    yield "preprocessed", "preprocessed", golden.difference("preprocessed", images)
    predictions = inferred(detector, images, golden.arrays["true_image_shapes"])
    for key in ("object_center", "box/scale", "box/offset"):
        for index, found in enumerate(predictions[key]):
            yield "predictions", f"{key}/{index}", golden.difference(f"prediction/{key}/{index}", found)
    yield from detections(golden, detector.postprocess(predictions, golden.arrays["true_image_shapes"]))
    height, width = predictions["object_center"][0].shape[1:3]
    targets = detector.target_assigner((height, width), **golden.groundtruth())
    yield "targets", "targets/heatmap", golden.difference("targets/object_center_heatmap", targets.heatmap)
    there = np.asarray(targets.weights) > 0
    cells = np.asarray(targets.cells)[there]
    indices = np.stack([np.nonzero(there)[0], cells // width, cells % width], axis=-1)
    yield "targets", "targets/cells", golden.difference("targets/batch_indices", indices)
    for name, stored in (("sizes", "height_width"), ("offsets", "yx_offset"), ("weights", "weights")):
        rows = np.asarray(getattr(targets, name))[there]
        yield "targets", f"targets/{name}", golden.difference(f"targets/{stored}", rows)
    yield from evaluation_losses(golden, detector, predictions)


def in_order(candidates: Any) -> Any:
    """The order in which the oracles' sampler takes what it draws: as they come."""
    rows = keras.ops.arange(keras.ops.shape(candidates)[1], dtype="float32")
    return keras.ops.broadcast_to(rows, keras.ops.shape(candidates))


def from_the_end(candidates: Any) -> Any:
    """The other way round."""
    return -in_order(candidates)


FAMILIES: dict[str, Callable[[Golden, Any, Any], Found]] = {
    "ssd": single_shot,
    "faster_rcnn": two_stages,
    "center_net": centers,
}
"""`meta_architecture` → what compares its inference mode."""


def detections(golden: Golden, found: Mapping[str, Any]) -> Found:
    """Detections as sets: how far each is from the nearest stored one, and the other way round."""
    found = {key: keras.ops.convert_to_numpy(value) for key, value in found.items()}
    counts = found["num_detections"] - golden.arrays["detections/num_detections"]
    yield "detections", "num_detections", float(np.abs(counts).max())
    keys = ("detection_classes", "detection_scores", "detection_boxes")
    for image in range(len(counts)):
        own, stored = (
            np.column_stack([part[key][image] for key in keys])
            for part in (found, {key: golden.arrays[f"detections/{key}"] for key in keys})
        )
        yield "detections", f"detections of image {image}", farthest(own[None], stored[None])


def farthest(own: np.ndarray, stored: np.ndarray) -> float:
    """Rows of each image as sets [B, N, values]: how far one is from the nearest of the others, at most."""
    distance = np.abs(own[:, :, None] - stored[:, None]).max(axis=-1)
    return float(max(distance.min(axis=1).max(), distance.min(axis=2).max()))


def truth_tensors(golden: Golden) -> dict[str, Any]:
    """The stored ground truth in the backend's tensors: PyTorch multiplies no others."""
    return {name: keras.ops.convert_to_tensor(value) for name, value in golden.groundtruth().items()}


def evaluation_losses(golden: Golden, detector: Any, predictions: Mapping[str, Any]) -> Found:
    """Losses of the inference mode's predictions, and the regularization."""
    losses, stored = detector.loss(predictions, truth_tensors(golden)), golden.numbers["eval"]
    for name, expected in stored["losses"].items():
        yield "losses", name, relative(losses[name], expected)
    yield "losses", "regularization", relative(sum(detector.losses), stored["regularization_loss_sum"])
    if stored["regularization_loss_sum"]:  # terms that weigh nothing are left out here
        terms = len(detector.losses) - stored["regularization_loss_terms"]
        yield "losses", "terms of the regularization", float(abs(terms))


def training_mode(golden: Golden, detector: Any, images: Any, unlike: tuple[str, ...] = ()) -> Found:
    """Losses, gradients and moving averages of one step in training mode; the variables are put back."""
    import tensorflow as tf

    variables, stored = detector.checkpoint_variables(), golden.numbers["train"]
    if "dropout_layers_switched_off" in stored:
        switch_off_dropout(detector)
    before = {name: variable.numpy() for name, variable in variables.items()}
    truth, trained = golden.groundtruth(), detector.trainable_variables

    def step(batch: dict[str, Any]) -> Any:
        def losses() -> dict[str, Any]:
            known = {name: batch[name] for name in truth}
            predictions = detector(batch["images"], batch["true_shape"], known, training=True)
            found = detector.loss(predictions, known)
            return {**found, "total": sum(found.values()) + sum(detector.losses)}

        return with_gradients(losses, "total", trained, detector.variables)

    given = {"images": keras.ops.convert_to_numpy(images), "true_shape": golden.arrays["true_image_shapes"], **truth}
    batch = {name: tf.constant(value) for name, value in given.items()}
    spec = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in batch.items()}
    losses, gradients = compiled(step, spec, state=detector.variables, changed=detector.variables)(batch)
    updated = {name: float(np.linalg.norm(variable.numpy())) for name, variable in variables.items()}
    for name, variable in variables.items():
        variable.assign(before[name])

    for name, expected in stored["losses"].items():
        yield "training", f"training {name}", relative(losses[name], expected)
    yield "training", "training total loss", relative(losses["total"], stored["total_loss"])

    names = {id(variable): name for name, variable in variables.items()}
    norms = {
        names[id(variable)]: float(np.linalg.norm(keras.ops.convert_to_numpy(gradient)))
        for variable, gradient in zip(trained, gradients, strict=True)
    }
    different = set(norms) ^ set(stored["gradient_l2"])
    yield "gradient", f"variables trained {sorted(different)[:3] or ''}", float(len(different))
    known = {name: norm for name, norm in stored["gradient_l2"].items() if norm is not None}
    total_norm = float(np.sqrt(sum(norms.get(name, 0.0) ** 2 for name in known)))
    yield "gradient", "length of the gradient", relative(total_norm, stored["gradient_global_l2"])
    # A gradient that is small beside the others is compared with a thousandth of them all.
    least = 1e-3 * stored["gradient_global_l2"]
    for name, expected in known.items():
        yield "gradient", f"gradient/{name}", abs(norms.get(name, 0.0) - expected) / max(expected, least)
    for name, statistics in stored["moving_averages_after_one_update"].items():
        if not any(part in name for part in unlike):
            yield "statistics", f"moving average {name}", relative(updated[name], statistics["l2"])


def switch_off_dropout(detector: Any) -> None:
    """Let the layers of dropout pass everything."""
    for layer in detector._flatten_layers():
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0


def relative(found: Any, expected: float) -> float:
    return abs(float(keras.ops.convert_to_numpy(found)) - expected) / max(abs(expected), 1e-6)
