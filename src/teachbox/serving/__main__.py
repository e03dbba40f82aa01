"""`python -m teachbox.serving`: a stand-alone model server with TensorFlow Serving's flags."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

from teachbox.errors import TeachboxError
from teachbox.serving.ports import check_free
from teachbox.serving.settings import ServerSettings, parse_flags


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGTERM or SIGINT; the exit status is 0 then, and 1 if the server cannot start."""
    try:
        return serve(parse_flags(arguments))
    except TeachboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def serve(settings: ServerSettings) -> int:
    """The same with settings at hand, in the main thread. TeachboxError if the server cannot start."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03d %(levelname).1s %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
    )
    # Said before TensorFlow takes its seconds to start.
    for port in filter(None, (settings.port, settings.rest_api_port)):
        check_free(settings.host, port)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from teachbox.serving.server import run_server

    run_server(settings, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
