"""What every detector can do, whatever its family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from teachbox.detector.names import NamedVariables

GroundTruth = Mapping[str, Any]
"""Padded ground truth of a batch: `boxes` float32 [B, G, 4] in 0–1 of the padded image, `classes` int32 [B, G] from 0,
`weights` float32 [B, G], `num_boxes` int32 [B]; and, where these are learned in place of one class for each box,
`class_scores` float32 [B, G, K]: how much each box is of each class."""


class Detector(Protocol):
    """A Keras layer that finds boxes; images are float32 [B, H, W, 3], and `true_shape` int32 [B, 3] says which part of
    each holds the picture, the rest being padding below and to the right."""

    num_classes: int

    @property
    def losses(self) -> list[Any]:
        """Regularization, one scalar for each regularised variable."""

    @property
    def variables(self) -> list[Any]: ...

    @property
    def trainable_variables(self) -> list[Any]: ...

    def preprocess(self, images: Any) -> Any:
        """Normalise resized and padded images of 0…255."""

    def __call__(
        self, images: Any, true_shape: Any, groundtruth: GroundTruth | None = None, *, training: bool = False
    ) -> dict[str, Any]:
        """Raw predictions for preprocessed images. In training, Faster R-CNN needs the ground truth."""

    def loss(self, predictions: Mapping[str, Any], groundtruth: GroundTruth) -> dict[str, Any]:
        """Scalar losses of a batch by their public names, such as `Loss/localization_loss`."""

    def postprocess(self, predictions: Mapping[str, Any], true_shape: Any) -> dict[str, Any]:
        """Detections: `detection_boxes` [B, M, 4] in 0–1 of the picture, `detection_scores` and `detection_classes`
        [B, M] (from 0), `num_detections` [B]."""

    def checkpoint_variables(self) -> NamedVariables:
        """The variables by the names that public checkpoints give them."""
