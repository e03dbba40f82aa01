"""Kernels that NumPy draws: of Keras' own distributions, and repeatable."""

import keras
import numpy as np
import pytest

from teachbox.detector.initial_values import DrawnByNumPy, drawn_quickly

pytestmark = pytest.mark.tf

SHAPE = (3, 3, 40, 50)
KINDS = [
    keras.initializers.RandomNormal(mean=-0.5, stddev=0.02),
    keras.initializers.TruncatedNormal(mean=0.5, stddev=0.01),
    keras.initializers.GlorotUniform(),
    *(
        keras.initializers.VarianceScaling(2.0, mode, distribution)
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("truncated_normal", "untruncated_normal", "uniform")
    ),
]


def plain(tensor) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float64)


@pytest.mark.parametrize("like", KINDS, ids=lambda like: "-".join(map(str, like.get_config().values())))
@pytest.mark.parametrize("shape", [SHAPE, (300, 20)])
def test_the_distribution_is_the_same(like, shape):
    own, theirs = plain(DrawnByNumPy(like)(shape)), plain(like(shape))
    assert own.shape == shape
    deviation = theirs.std()
    assert own.mean() == pytest.approx(theirs.mean(), abs=deviation / 10)
    assert own.std() == pytest.approx(deviation, rel=0.05)
    if "uniform" in str(like.get_config()) or "runcated" in type(like).__name__:
        assert np.abs(own - theirs.mean()).max() == pytest.approx(np.abs(theirs - theirs.mean()).max(), rel=0.02)


def test_by_hand():
    # A 3 × 3 kernel from 4 to 8 channels has 36 inputs to an output: variance 2 / 36, and a uniform limit of √(6 / 36).
    values = plain(DrawnByNumPy(keras.initializers.VarianceScaling(2.0, "fan_in", "uniform"))((3, 3, 4, 8)))
    assert 0.38 < np.abs(values).max() <= np.sqrt(6 / 36)


def test_the_seed_decides():
    draw = DrawnByNumPy(keras.initializers.GlorotUniform())
    keras.utils.set_random_seed(5)
    first, second = plain(draw((4, 4))), plain(draw((4, 4)))
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(plain(draw((4, 4))), first)
    assert (first != second).all()


def test_others_are_refused_by_name():
    with pytest.raises(TypeError, match="Orthogonal is none of the initializers"):
        DrawnByNumPy(keras.initializers.Orthogonal())((2, 2))


def test_only_where_compiling_is_slow():
    like = keras.initializers.GlorotUniform()
    assert isinstance(drawn_quickly(like), DrawnByNumPy) == (keras.backend.backend() == "jax")
