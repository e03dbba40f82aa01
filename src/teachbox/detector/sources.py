"""What a checkpoint calls a variable of the detector, by the type that it is restored as (`fine_tune_checkpoint_type`).

A checkpoint of a *detector* has the detector's own names. One of a *classifier* holds the backbone alone, and calls it
by itself: in a graph checkpoint the scope of the feature extractor is missing, in an object-based one the Keras model
of the backbone stands under `feature_extractor`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

CheckpointType = Literal["detection", "classification", "full"]

_SECOND_SCOPE = "SecondStageFeatureExtractor/"
_SCOPES = ("FeatureExtractor/", "FirstStageFeatureExtractor/", _SECOND_SCOPE)
_FIRST_HALF = "model/_feature_extractor_for_proposal_features/"
_SECOND_HALF = "model/_feature_extractor_for_box_classifier_features/"
_EXTRACTORS = (*_SCOPES, "model/_feature_extractor/", _FIRST_HALF, _SECOND_HALF)
# Where a single-shot detector, EfficientDet, CenterNet, and Faster R-CNN with a pyramid keep the model of the backbone.
_BACKBONES = (
    "model/_feature_extractor/classification_backbone/",
    "model/_feature_extractor/_efficientnet/",
    "model/_feature_extractor/_base_model/",
    f"{_FIRST_HALF}classification_backbone/",
)
_CLASSIFIER = "feature_extractor/"
_NUMBERED = re.compile(r"layer_with_weights-(\d+)/(.*)")


def of_feature_extractor(name: str) -> bool:
    """Whether a variable belongs to the feature extractor, which with a pyramid is more than the backbone."""
    return name.startswith(_EXTRACTORS)


def classifier_names(names: Iterable[str]) -> dict[str, str]:
    """Name here → name in a classifier's checkpoint, for the variables of the backbone among `names`."""
    names = list(names)
    # The two halves of Faster R-CNN's backbone are models of their own, whose layers are numbered each from 0.
    numbers = [int(layer[1]) for name in names if (layer := _numbered(name, _FIRST_HALF))]
    sources = ((name, _classifier_name(name, max(numbers) + 1 if numbers else 0)) for name in names)
    return {name: source for name, source in sources if source is not None}


def _classifier_name(name: str, first_half: int) -> str | None:
    """`first_half`: how many layers the first half of a backbone has, where it is cut in two."""
    for scope in _SCOPES:
        if name.startswith(scope):
            source = name.removeprefix(scope)
            # Inception-ResNet's second half counts its groups of blocks from the beginning again.
            return source.replace("/Repeat/", "/Repeat_2/") if scope == _SECOND_SCOPE else source
    for path in _BACKBONES:
        if name.startswith(path):
            return _CLASSIFIER + name.removeprefix(path)
    for half, before in ((_FIRST_HALF, 0), (_SECOND_HALF, first_half)):
        if first_half and (layer := _numbered(name, half)):
            return f"{_CLASSIFIER}layer_with_weights-{before + int(layer[1])}/{layer[2]}"
    return None


def _numbered(name: str, half: str) -> re.Match[str] | None:
    return _NUMBERED.fullmatch(name.removeprefix(half)) if name.startswith(half) else None
