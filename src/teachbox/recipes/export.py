"""export: a trained detector for other programs, laid as the Object Detection API's exporters do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from teachbox.errors import UsageError
from teachbox.recipes.recipe import Arg, command


@command(
    "export",
    output=Arg(help="folder that is written; new, or empty"),
    config_path=Arg("--config", "-c", help="pipeline.config that describes the detector"),
    checkpoint=Arg("--checkpoint", help="its weights: path/to/model.ckpt-400, or a model_dir for the newest in it"),
    input_type=Arg("--input-type", help="what the SavedModel's serving_default takes"),
)
def export(
    output: Path,
    *,
    config_path: Path,
    checkpoint: Path,
    input_type: Literal["image_tensor", "encoded_image_string_tensor", "tf_example"] = "image_tensor",
) -> None:
    """Write a trained detector as the Object Detection API does: saved_model/, a checkpoint, pipeline.config.

    The checkpoint has the public names: model.ckpt of TensorFlow 1, or, for feature extractors that end in _keras,
    EfficientDet and CenterNet, checkpoint/ckpt-0 of TensorFlow 2. Both are read by the original's tools, and by
    fine_tune_checkpoint here and there.
    """
    # Before anything is computed.
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} holds something already; name a new folder")
    from teachbox.recipes.evaluation_config import EvaluationConfig

    pipeline = EvaluationConfig.read(config_path, builds=True).pipeline
    assert pipeline is not None
    # Whatever trained it: TensorFlow writes the graph.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from teachbox.recipes.quiet import load_tensorflow

    load_tensorflow()
    from teachbox.training.worker import prepare_backend

    prepare_backend(40)
    from teachbox.detector.stored import StoredCheckpoint
    from teachbox.training import export as exporting
    from teachbox.training.restored import restored_detector

    detector, resizer, prefix = restored_detector(pipeline, checkpoint)
    step = StoredCheckpoint(prefix).step
    exporting.export(detector, resizer, pipeline, output, input_type=input_type, step=step)
    print(f"{output}: the detector of {pipeline.where} with {prefix} (step {step})")
    for file in sorted(path for path in output.rglob("*") if path.is_file()):
        print(f"  {file.relative_to(output)}  {_size(file.stat().st_size)}")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
