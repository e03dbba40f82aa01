"""Instructions for annotators: an HTML or a text file, served so that no script of it runs."""

from __future__ import annotations

import html
from pathlib import Path

from teachbox.errors import DataError

HTML, TEXT = (".html", ".htm"), (".txt", ".md")
HEADERS = {
    # Also for who opens the address by itself: sandboxed, it has no scripts, no forms, and no part in this origin.
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; media-src https: http:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Cache-Control": "no-cache",
}
_PLAIN = """<!doctype html><meta charset="utf-8"><title>Instructions</title>
<pre style="margin:12px;font:15px/1.5 system-ui,sans-serif;white-space:pre-wrap;overflow-wrap:anywhere">{}</pre>"""


def read_instructions(path: str) -> str:
    """The file as a page: HTML as it is, text as text. Raises `DataError`."""
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in HTML + TEXT:
        raise DataError(f"instructions must be a file {', '.join(HTML + TEXT)}", where=path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DataError(f"the instructions cannot be read ({reason})", where=path) from error
    return text if suffix in HTML else _PLAIN.format(html.escape(text))
