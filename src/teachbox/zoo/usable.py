"""Whether a detector built here can start from a model of the zoo: asked of the table of what is built."""

from __future__ import annotations

from google.protobuf.message import Message

from teachbox.config.load import parse_pipeline
from teachbox.config.supported import as_written, examine
from teachbox.zoo.models import ZooModel


def why_not(model: ZooModel) -> str | None:
    """What stands in the way, in a few words; None if the model can be used.

    The parts that decide are looked at: architecture, backbone, heads, anchors, the format of the checkpoint. What the
    archive's own pipeline.config says in detail shows once it is there.
    """
    other = [output for output in model.outputs if output != "Boxes"]
    if other:
        return f"predicts {other[0].lower()}"
    pipeline = parse_pipeline(
        f"{model.config} train_config {{ fine_tune_checkpoint_version: {model.checkpoint_version} "
        f'fine_tune_checkpoint_type: "{model.checkpoint_type}" }}',
        where=model.name,
    )
    for finding in examine(pipeline).refused:
        # The text names parts alone: that their details are missing, or that these disagree, says nothing.
        if finding.not_built:
            return f"not built yet: {_named(pipeline.message, finding.field_path)}"
    return None


def _named(message: Message, field_path: str) -> str:
    """A part as a person would name it: its value (`ssd_mobilenet_v1`), or its block (`rfcn_box_predictor`)."""
    *blocks, name = field_path.split(".")
    for block in blocks:
        message = getattr(message, block)
    value = next(as_written(field, value) for field, value in message.ListFields() if field.name == name)
    return " ".join(filter(None, ("" if name == "type" else name, value)))
