"""serve: the model server alone, with TensorFlow Serving's flags."""

from __future__ import annotations

from collections.abc import Sequence

from teachbox.recipes.processes import end_with_parent


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    from teachbox.serving.__main__ import serve
    from teachbox.serving.settings import parse_flags

    settings = parse_flags(argv)
    end_with_parent()
    return serve(settings)
