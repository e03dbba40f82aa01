"""The real command with its real processes, on drawn scenes."""

import socket
from collections.abc import Sequence
from pathlib import Path

from running import Running

ROUND = 4
STEPS = 16
PATIENCE_S = 90


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Command(Running):
    """`teachbox image.trainmodel` on the project, as a person types it."""

    def __init__(self, project: Path, threshold: float = 0.01, steps: int = STEPS, options: Sequence[str] = ()):
        self.project = project
        self.port = free_port()
        super().__init__(
            project,
            *("image.trainmodel", "scenes", "images", "pipeline.config", "127.0.0.1", str(self.port), "scenes"),
            *("-spe", str(steps), "--batch-answers", str(ROUND), "--idle-seconds", "3600"),
            *("--threshold", str(threshold)),
            *options,
        )
