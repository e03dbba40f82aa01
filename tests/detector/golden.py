"""Reading the oracles: models whose weights follow from their variables' names, and what they answered."""

from __future__ import annotations

import json
import math
import re
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from teachbox.config.load import load_pipeline
from teachbox.config.protos import pipeline_pb2


def named_value(name: str, shape: list[int], rules: list[tuple[str, float]]) -> np.ndarray:
    """The value that an oracle's variable has, by the rule of the oracles' README."""
    rng = np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)
    last = name.rsplit("/", maxsplit=1)[-1]
    if last.endswith("gamma"):
        value = rng.uniform(0.8, 1.2, shape)
    elif last.endswith("moving_mean"):
        value = rng.standard_normal(shape) * 0.1
    elif last.endswith("moving_variance"):
        value = rng.uniform(0.5, 1.5, shape)
    elif last.endswith(("beta", "bias", "biases")):
        value = rng.standard_normal(shape) * 0.05
    elif last != "bifpn_combine_weights" and len(shape) >= 2:
        fan_in = shape[0] * shape[1] if "depthwise" in last else int(np.prod(shape[:-1]))
        scale = next((factor for pattern, factor in rules if re.search(pattern, name)), 1.0)
        value = rng.standard_normal(shape) * np.sqrt(2.0 / fan_in) * scale
    else:
        value = rng.uniform(0.5, 1.5, shape)
    return value.astype(np.float32)


@dataclass(frozen=True)
class Golden:
    """One model folder of the oracles."""

    config: pipeline_pb2.TrainEvalPipelineConfig
    arrays: Any
    numbers: dict[str, Any]
    variables: list[dict[str, Any]]

    @classmethod
    def load(cls, folder: Path) -> Golden:
        return cls(
            load_pipeline(folder / "pipeline.config").message,
            np.load(folder / "golden.npz"),
            json.loads((folder / "golden.json").read_text()),
            json.loads((folder / "variables.json").read_text())["variables"],
        )

    def fill(self, variables: dict[str, Any]) -> None:
        """Give every variable its value; the names must be exactly the oracle's."""
        assert set(variables) == {variable["name"] for variable in self.variables}
        for variable in self.variables:
            name, shape = variable["name"], variable["shape"]
            assert list(variables[name].shape) == shape, name
            variables[name].assign(named_value(name, shape, self.numbers["kernel_scale_rules"]))

    def difference(self, key: str, found: Any) -> float:
        """Largest absolute difference of `found` from the stored array, at the stored places where it is sampled."""
        found = keras.ops.convert_to_numpy(found)
        if key in self.arrays:
            assert found.shape == self.arrays[key].shape, key
            return float(np.abs(found.astype(np.float64) - self.arrays[key]).max(initial=0.0))
        picked = found.reshape(-1)[self.arrays[f"{key}.indices"]]
        return float(np.abs(picked - self.arrays[f"{key}.values"]).max())

    def groundtruth(self, rows: int = 5) -> dict[str, np.ndarray]:
        """The stored ground truth as a padded batch."""
        images = self.arrays["inputs/images"].shape[0]
        boxes = np.zeros((images, rows, 4), np.float32)
        classes = np.zeros((images, rows), np.int32)
        weights = np.zeros((images, rows), np.float32)
        counts = np.zeros(images, np.int32)
        for image in range(images):
            found = self.arrays[f"groundtruth/{image}/boxes"]
            count = counts[image] = len(found)
            boxes[image, :count] = found
            classes[image, :count] = self.arrays[f"groundtruth/{image}/classes_one_hot"].argmax(axis=1)
            weights[image, :count] = self.arrays[f"groundtruth/{image}/weights"]
        return {"boxes": boxes, "classes": classes, "weights": weights, "num_boxes": counts}

    def without_masks(self) -> Golden:
        """What is stored of a Mask R-CNN's boxes: as if its third stage were not there.

        The masks' loss reaches both backbones, whose gradients therefore are unknown (None); the heads' are the same.
        """
        config = type(self.config)()
        config.CopyFrom(self.config)
        config.model.faster_rcnn.number_of_stages = 2
        config.model.faster_rcnn.second_stage_box_predictor.mask_rcnn_box_predictor.predict_instance_masks = False
        masks, loss = "SecondStageBoxPredictor/Conv", "Loss/BoxClassifierLoss/mask_loss"
        modes = {}
        for mode in ("eval", "train"):
            modes[mode] = dict(self.numbers[mode])
            modes[mode]["losses"] = {name: value for name, value in modes[mode]["losses"].items() if name != loss}
        train = modes["train"]
        train["total_loss"] -= self.numbers["train"]["losses"][loss]
        train["gradient_l2"] = {
            name: None if "FeatureExtractor/" in name else norm
            for name, norm in train["gradient_l2"].items()
            if not name.startswith(masks)
        }
        known = (norm for norm in train["gradient_l2"].values() if norm is not None)
        train["gradient_global_l2"] = math.sqrt(sum(norm**2 for norm in known))
        variables = [variable for variable in self.variables if not variable["name"].startswith(masks)]
        return replace(self, config=config, numbers=self.numbers | modes, variables=variables)
