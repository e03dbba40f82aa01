"""TensorFlow without what its C++ part says while it loads: no level stops that, and a command's output is read."""

from __future__ import annotations

import logging
import os
import sys
import tempfile


def load_tensorflow() -> None:
    """Import TensorFlow and have it look for devices; what it says meanwhile is shown where that fails.

    With `TEACHBOX_LOGGING` everything is shown, as it comes.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "tensorflow" in sys.modules or logging.getLogger("teachbox").isEnabledFor(logging.INFO):
        return
    sys.stderr.flush()
    own = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        except BaseException:
            said.seek(0)
            os.write(own, said.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)
