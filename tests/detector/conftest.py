"""Makes `golden` importable by name, and asks TensorFlow for the kernels that the oracles were computed with."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# The oracles come from a run without oneDNN. Too late if TensorFlow is imported already: then tolerances are wider.
if "tensorflow" not in sys.modules:
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
