"""Calibration of scores, by hand and against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.config.protos import post_processing_pb2

pytestmark = pytest.mark.tf

LINE = "x_y_pair { x: 0.2 y: 0.1 } x_y_pair { x: 0.6 y: 0.3 } x_y_pair { x: 0.8 y: 0.9 }"


def convert(config: str, logits: np.ndarray) -> np.ndarray:
    from teachbox.detector.build.postprocess import build_postprocessor

    message = text_format.Parse(config, post_processing_pb2.PostProcessing())
    return np.asarray(build_postprocessor(message, has_background=True).convert_scores(logits))


def test_function_approximation():
    config = f"calibration_config {{ function_approximation {{ x_y_pairs {{ {LINE} }} }} }}"
    scores = np.array([[[0.0, 0.2, 0.4], [0.6, 0.7, 1.0]]], np.float32)
    # Level outside, straight between the points.
    np.testing.assert_allclose(convert(config, scores), [[[0.1, 0.1, 0.2], [0.3, 0.6, 0.9]]], rtol=1e-6)
    logits = np.log(scores / (1 - np.minimum(scores, 0.99)) + 1e-9)
    found = convert(f"score_converter: SIGMOID {config}", logits)
    np.testing.assert_allclose(found[0, 1, 1], 0.6, rtol=1e-5)


def test_by_class_a_class_without_points_stays():
    pairs = f"class_id_xy_pairs_map {{ key: 2 value {{ {LINE} }} }}"
    found = convert(
        f"calibration_config {{ class_id_function_approximations {{ {pairs} }} }}",
        np.full((1, 2, 3), 0.4, np.float32),
    )
    np.testing.assert_allclose(found, [[[0.4, 0.4, 0.2]] * 2], rtol=1e-6)


def test_a_temperature_divides_logits():
    config = "score_converter: SOFTMAX logit_scale: 2 calibration_config { temperature_scaling_calibration {"
    logits = np.array([[[0.0, 4.0 * np.log(3)]]], np.float32)
    np.testing.assert_allclose(convert(config + " scaler: 2 } }", logits), [[[0.25, 0.75]]], rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=2, max_size=9, unique=True), st.integers(0, 2**31))
def test_interpolation_agrees_with_numpy(places, seed):
    from teachbox.detector.calibration import LinearInterpolation

    random = np.random.default_rng(seed)
    x, y = np.sort(places) / 50, random.uniform(size=len(places))
    scores = random.uniform(-0.2, 1.2, (2, 5, 3)).astype(np.float32)
    found = LinearInterpolation(list(zip(x.tolist(), y.tolist(), strict=True)))(scores)
    np.testing.assert_allclose(found, np.interp(scores, x, y), atol=2e-5)
