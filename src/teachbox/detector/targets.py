"""What each anchor should have said: class targets, box codes, and their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from teachbox.detector.matching import IGNORED, UNMATCHED


class Targets(NamedTuple):
    """Targets of a batch; `match` is the matched row, −1 for none, −2 for ignored."""

    classes: Any
    """float32 [B, A, K + 1], or [B, A, K] without a background column."""
    class_weights: Any
    """float32, as `classes`."""
    codes: Any
    """float32 [B, A, code size], 0 where unmatched."""
    code_weights: Any
    """float32 [B, A]."""
    match: Any
    """int32 [B, A]."""


class TargetAssigner:
    """Matches ground truth to anchors and writes down the targets."""

    def __init__(
        self,
        similarity: Callable[[Any, Any], Any],
        matcher: Callable[[Any, Any], Any],
        box_coder: Any,
        *,
        num_classes: int,
        unmatched_class: tuple[float, ...],
        negative_class_weight: float = 1.0,
        implicit_weight: float | None = None,
    ) -> None:
        """With an `implicit_weight` what is known of a box's classes is taken as confidences: above 0 it is of a class,
        below 0 it is not, and where nothing is said the loss weighs so much. Boxes' own weights do not count then."""
        self.similarity = similarity
        self.matcher = matcher
        self.box_coder = box_coder
        self.num_classes = num_classes
        self.unmatched_class = unmatched_class
        self.negative_class_weight = negative_class_weight
        self.implicit_weight = implicit_weight

    def __call__(
        self,
        anchors: Any,
        boxes: Any,
        classes: Any,
        weights: Any,
        num_boxes: Any,
        usable: Any | None = None,
        class_scores: Any | None = None,
    ) -> Targets:
        """Targets for `anchors` [A, 4], or [B, A, 4] of each image, and padded ground truth: boxes [B, G, 4],
        classes int [B, G] from 0, weights [B, G], num_boxes int [B]. Anchors that are not `usable` (bool [A]) are
        ignored. With `class_scores` [B, G, K] these are the targets of matched anchors, and not 1 for their class."""
        rows = ops.shape(boxes)[1]
        valid = ops.expand_dims(ops.arange(rows), 0) < ops.expand_dims(ops.cast(num_boxes, "int32"), -1)
        similarity = ops.where(ops.expand_dims(valid, -1), self.similarity(boxes, anchors), -float("inf"))
        if usable is not None:
            similarity = ops.where(usable, similarity, -float("inf"))
        # A box of weight 0 may be matched, so that its anchors are no negatives, but takes none by force.
        match = self.matcher(similarity, ops.logical_and(valid, weights > 0))
        match = ops.where(ops.any(valid, axis=1, keepdims=True), match, UNMATCHED)
        if usable is not None:
            match = ops.where(usable, match, IGNORED)
        matched = match >= 0
        row = ops.maximum(match, 0)
        matched_boxes = ops.take_along_axis(boxes, ops.expand_dims(row, -1), axis=1)
        codes = self.box_coder.encode(matched_boxes, anchors)
        codes = ops.where(ops.expand_dims(matched, -1), codes, 0.0)
        matched_weights = ops.where(matched, ops.take_along_axis(weights, row, axis=1), 0.0)
        unmatched = ops.convert_to_tensor(self.unmatched_class, dtype="float32")
        of_rows = self._of_classes(classes, row) if class_scores is None else self._of_scores(class_scores, row)
        class_targets = ops.where(ops.expand_dims(matched, -1), of_rows, unmatched)
        if self.implicit_weight is not None:
            return self._by_confidence(class_targets, codes, match, self.implicit_weight)
        negative = ops.cast(match == UNMATCHED, "float32") * self.negative_class_weight
        class_weights = ops.expand_dims(matched_weights + negative, -1) * ops.ones_like(class_targets)
        return Targets(class_targets, class_weights, codes, matched_weights, match)

    def _by_confidence(self, confidences: Any, codes: Any, match: Any, implicit: float) -> Targets:
        """Targets of confidences [B, A, columns], those of the background set by whether any is above 0."""
        of_classes = confidences[..., self._background :]
        positive = ops.any(of_classes > 0.0, axis=-1)
        objects = ops.cast(positive, "float32")
        targets = ops.maximum(of_classes, 0.0)
        weights = ops.where(of_classes != 0.0, 1.0, implicit)
        if self._background:
            targets = ops.concatenate([ops.expand_dims(1.0 - objects, -1), targets], axis=-1)
            of_background = ops.where(positive, 1.0, implicit)
            weights = ops.concatenate([ops.expand_dims(of_background, -1), weights], axis=-1)
        return Targets(targets, weights, codes * ops.expand_dims(objects, -1), objects, match)

    def _of_classes(self, classes: Any, row: Any) -> Any:
        """float32 [B, A, columns]: 1 in that of the class of each `row`."""
        column = ops.take_along_axis(ops.cast(classes, "int32"), row, axis=1) + self._background
        return ops.cast(ops.one_hot(column, len(self.unmatched_class)), "float32")

    def _of_scores(self, scores: Any, row: Any) -> Any:
        """float32 [B, A, columns]: the scores of each `row`, none of the background."""
        found = ops.take_along_axis(scores, ops.expand_dims(row, -1), axis=1)
        return ops.pad(found, [(0, 0), (0, 0), (self._background, 0)])

    @property
    def _background(self) -> int:
        """How many columns stand before those of the classes."""
        return len(self.unmatched_class) - self.num_classes
