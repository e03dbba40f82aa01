"""A first pipeline.config and label_map.pbtxt for a project folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

from teachbox.config.label_map import dump_label_map, load_label_map
from teachbox.errors import LabelMapError, TeachboxError
from teachbox.labels import Label, LabelMap

PIPELINE_NAME = "pipeline.config"
LABEL_MAP_NAME = "label_map.pbtxt"


@dataclass(frozen=True)
class Numbers:
    """What a starter trains with: the numbers that were tuned, in one place."""

    batch_size: int = 8
    learning_rate: float = 0.0005
    gradient_clipping: float = 10.0
    l2_weight: float = 4e-5
    batch_norm_decay: float = 0.9997
    hard_examples: int = 3000
    negatives_per_positive: int = 3
    negatives_per_empty_image: int = 3
    class_prediction_bias: float = -2.2


def write_starter(
    project: Path,
    labels: Sequence[str],
    fine_tune_checkpoint: Path | None = None,
    numbers: Numbers | None = None,
) -> tuple[Path, Path]:
    """Write the pipeline.config and label_map.pbtxt that `project` does not have yet, and return both paths.

    Files that are there stay as they are; a new pipeline.config counts the classes of a label map that is there.
    Raises `LabelMapError` if `labels` is empty or has a name twice, or if a label map that is there lacks one.
    """
    pipeline_path, label_map_path = project / PIPELINE_NAME, project / LABEL_MAP_NAME
    asked = LabelMap([Label(number, name) for number, name in enumerate(labels, start=1)])
    try:
        project.mkdir(parents=True, exist_ok=True)
        label_map = _label_map(label_map_path, asked)
        if not pipeline_path.exists():
            text = starter_text(label_map.max_id, fine_tune_checkpoint, numbers or Numbers())
            pipeline_path.write_text(text, encoding="utf-8")
    except OSError as exception:
        raise TeachboxError(
            f"cannot be written: {exception.strerror}", where=str(exception.filename or project)
        ) from exception
    return pipeline_path, label_map_path


def _label_map(path: Path, asked: LabelMap) -> LabelMap:
    """The label map at `path`, written first if it is missing."""
    if path.exists():
        found = load_label_map(path)
        lacking = [name for name in asked.names if name not in found]
        if lacking:
            raise LabelMapError(
                f"has no label {lacking[0]!r}, only {', '.join(found.names)}; add an item for it, with id "
                f"{found.max_id + 1}, and raise num_classes in {PIPELINE_NAME}",
                where=str(path),
            )
        return found
    if not len(asked):
        raise LabelMapError("no labels are given; name at least one kind of object", where=str(path))
    path.write_text(dump_label_map(asked), encoding="utf-8")
    return asked


def starter_text(num_classes: int, fine_tune_checkpoint: Path | None, numbers: Numbers) -> str:
    """The text of a starter pipeline.config; a checkpoint's path becomes absolute."""
    checkpoint = _NO_CHECKPOINT
    if fine_tune_checkpoint is not None:
        path = str(fine_tune_checkpoint.expanduser().absolute())
        checkpoint = Template(_CHECKPOINT).substitute(checkpoint=path.replace("\\", "\\\\").replace('"', '\\"'))
    return Template(_PIPELINE).substitute(
        asdict(numbers), num_classes=num_classes, label_map=LABEL_MAP_NAME, checkpoint=checkpoint
    )


_CHECKPOINT = """\
  # Where the weights come from at the first start. What fits is taken by name, the rest is reported.
  fine_tune_checkpoint: "$checkpoint"
  fine_tune_checkpoint_type: "detection"
"""

_NO_CHECKPOINT = """\
  # Without a checkpoint the detector starts from random weights and learns slowly. To start from one, write here
  #   fine_tune_checkpoint: "/path/to/model.ckpt"
  #   fine_tune_checkpoint_type: "detection"
"""

_PIPELINE = """\
# Written by Teachbox; yours to change. It is never overwritten.
# The format is the Object Detection API's. `teachbox config check FILE` says whether it can be used, and what
# of it has no effect.

# The detector: SSD on MobileNet v1 (0.75 of its width), small and quick enough to learn on a CPU.
model {
  ssd {
    # As many as the largest id in $label_map.
    num_classes: $num_classes

    image_resizer {
      fixed_shape_resizer {
        height: 300
        width: 300
      }
    }

    feature_extractor {
      type: "ssd_mobilenet_v1"
      depth_multiplier: 0.75
      min_depth: 16
      conv_hyperparams {
        regularizer {
          l2_regularizer {
            weight: $l2_weight
          }
        }
        initializer {
          truncated_normal_initializer {
            mean: 0.0
            stddev: 0.03
          }
        }
        activation: RELU_6
        batch_norm {
          decay: $batch_norm_decay
          center: true
          scale: true
          epsilon: 0.001
          train: true
        }
      }
    }

    # One 1×1 convolution a feature map, for boxes and for scores.
    box_predictor {
      convolutional_box_predictor {
        min_depth: 0
        max_depth: 0
        num_layers_before_predictor: 0
        use_dropout: false
        kernel_size: 1
        box_code_size: 4
        # What was never taught scores sigmoid($class_prediction_bias) = 0.1 instead of 0.5: no boxes all over.
        class_prediction_bias_init: $class_prediction_bias
        conv_hyperparams {
          regularizer {
            l2_regularizer {
              weight: $l2_weight
            }
          }
          initializer {
            truncated_normal_initializer {
              mean: 0.0
              stddev: 0.03
            }
          }
          activation: RELU_6
          batch_norm {
            decay: $batch_norm_decay
            center: true
            scale: true
            epsilon: 0.001
            train: true
          }
        }
      }
    }

    # Boxes to start from: six feature maps, from 0.2 to 0.95 of the image.
    anchor_generator {
      ssd_anchor_generator {
        num_layers: 6
        min_scale: 0.2
        max_scale: 0.95
        aspect_ratios: [1.0, 2.0, 0.5, 3.0, 0.3333]
      }
    }

    # An anchor learns an object that it overlaps by half; every object gets its best anchor.
    similarity_calculator {
      iou_similarity {
      }
    }
    matcher {
      argmax_matcher {
        matched_threshold: 0.5
        unmatched_threshold: 0.5
        negatives_lower_than_unmatched: true
        force_match_for_each_row: true
      }
    }
    box_coder {
      faster_rcnn_box_coder {
        y_scale: 10.0
        x_scale: 10.0
        height_scale: 5.0
        width_scale: 5.0
      }
    }

    loss {
      classification_loss {
        weighted_sigmoid {
        }
      }
      localization_loss {
        weighted_smooth_l1 {
        }
      }
      # Most anchors see background: only the hardest of them count.
      hard_example_miner {
        num_hard_examples: $hard_examples
        iou_threshold: 0.99
        loss_type: CLASSIFICATION
        max_negatives_per_positive: $negatives_per_positive
        # Of an image without objects too: accepting it teaches what is none.
        min_negatives_per_image: $negatives_per_empty_image
      }
      classification_weight: 1.0
      localization_weight: 1.0
    }
    normalize_loss_by_num_matches: true

    post_processing {
      batch_non_max_suppression {
        score_threshold: 1e-8
        iou_threshold: 0.6
        max_detections_per_class: 100
        max_total_detections: 100
      }
      score_converter: SIGMOID
    }
  }
}

train_config {
  batch_size: $batch_size

  # Each answer is seen many times, and never twice the same.
  data_augmentation_options {
    random_horizontal_flip {
    }
  }
  data_augmentation_options {
    ssd_random_crop {
    }
  }

  optimizer {
    # The rate stays as it is: a schedule planned for thousands of steps means nothing in rounds of a few dozen.
    adam_optimizer {
      learning_rate {
        constant_learning_rate {
          learning_rate: $learning_rate
        }
      }
    }
    # Averages over thousands of steps would lag behind rounds of a few dozen.
    use_moving_average: false
  }
  gradient_clipping_by_norm: $gradient_clipping

$checkpoint}

# Training reads the answers that you give; only the label map is needed here.
train_input_reader {
  label_map_path: "$label_map"
}

# To measure each round on images that training never sees, give --run-eval: every fifth answered image is
# then kept out of training. Or name a record made by `teachbox create-tfrecord`, and all answers train:
#   eval_input_reader {
#     label_map_path: "$label_map"
#     tf_record_input_reader {
#       input_path: "/path/to/validation.record"
#     }
#   }
eval_config {
  metrics_set: "coco_detection_metrics"
}
"""
