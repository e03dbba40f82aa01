"""`python -m teachbox`, and the installed `teachbox`."""

from __future__ import annotations


def main() -> int:
    """Run the command line and return its exit status."""
    from teachbox.cli import run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
