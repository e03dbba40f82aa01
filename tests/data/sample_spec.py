"""What a sample of augmentation looks like to a graph."""

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample


def sample_spec(columns: int, kind: tf.DType = tf.uint8) -> Sample:
    """Of any size and number of boxes, with scores of `columns` classes."""
    return Sample(
        tf.TensorSpec([None, None, 3], kind),
        tf.TensorSpec([None, 4], tf.float32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([None, columns], tf.float32),
    )
