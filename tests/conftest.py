"""Where the tests find real data; on a machine without it they skip and say what is missing."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_SETTINGS = ("TEACHBOX_HOST", "TEACHBOX_PORT", "TEACHBOX_DB", "TEACHBOX_CONFIG_OVERRIDES")

# Speed is measured in benchmarks/; on a busy machine an example may take long.
settings.register_profile("teachbox", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("teachbox")

# A shell has what it starts in the background ignore interrupts, and what that starts: tests send them.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Settings of whoever runs the tests are none of theirs.
for _name in _SETTINGS:
    os.environ.pop(_name, None)
os.environ["TEACHBOX_HOME"] = os.devnull

_ROOT = Path(__file__).parent.parent


def _shared(name: str) -> Path:
    path = Path(os.environ.get("TEACHBOX_SHARED", _ROOT.parent / "shared")) / name
    if not path.is_dir():
        pytest.skip(f"real data is missing: no folder {path} (TEACHBOX_SHARED names another place)")
    return path


@pytest.fixture(scope="session")
def oracles() -> Path:
    """Numbers computed by the original implementation."""
    return _shared("oracles")


@pytest.fixture(scope="session")
def datasets() -> Path:
    """Real images with boxes: `raccoon/`."""
    return _shared("datasets")


@pytest.fixture(scope="session")
def checkpoints() -> Path:
    """A real detector: `ssd_mobilenet_v1_0.75_pets/model.ckpt`."""
    return _shared("checkpoints")


@pytest.fixture(scope="session")
def serving_fixtures() -> Path:
    """Small SavedModels of TensorFlow Serving's own tests."""
    return _shared("serving")


@pytest.fixture(autouse=True)
def same_weights_whatever_ran_before(request: pytest.FixtureRequest) -> None:
    """Tests that draw weights draw the same ones alone, in another order, and side by side."""
    if request.node.get_closest_marker("tf"):
        import keras

        keras.utils.set_random_seed(1)


@pytest.fixture(autouse=True, scope="session")
def graphs_as_they_are_traced() -> None:
    """TensorFlow rewrites no graph in these processes: most run once or twice, and rewriting costs more than it saves.

    The processes that end-to-end tests start, as users do, are left as they are."""
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
