"""AutoAugment: one sub-policy of a policy, drawn anew for each image."""

from __future__ import annotations

import tensorflow as tf

from teachbox.data.augmentation.operations import operation_step
from teachbox.data.augmentation.policies import Policy
from teachbox.data.augmentation.sample import Sample, Step, whole_between


def autoaugment_image(sample: Sample, seed: tf.Tensor, policy: Policy) -> Sample:
    """One sub-policy of `policy`, each equally likely; the image comes out as float32.

    An operation on boxes alone changes what is inside them, each box by chance of its own, and leaves the boxes.
    What turns, shears or shifts the image carries them along; boxes that leave it are gone.
    """
    which_seed, seed = tf.unstack(tf.random.split(seed, 2))
    whole = sample._replace(image=tf.saturate_cast(sample.image, tf.uint8))
    turns = [[operation_step(operation) for operation in operations] for operations in policy]
    ways = [lambda steps=steps: _in_turn(whole, seed, steps) for steps in turns]
    chosen = Sample(*tf.switch_case(whole_between(which_seed, 0, len(policy) - 1), ways))
    chosen.image.set_shape([None, None, 3])
    return chosen.in_float()


def _in_turn(sample: Sample, seed: tf.Tensor, steps: list[Step]) -> tuple[tf.Tensor, ...]:
    for place, step in enumerate(steps):
        sample = step(sample, tf.random.fold_in(seed, place))
    return tuple(sample)
