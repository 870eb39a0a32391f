"""The line that our letters carry and that replies are cut at: one constant that three rooms share.

`mail.writing.render` prints it, `mail.reading.newtext` and `core.situation` look for it in what comes back. It holds no
word of contract section 3, no
``--`` (a signature to many mail clients) and no ``>``.
"""

from __future__ import annotations

import re

MARKER = "=== Please answer above this line ==="
"""Everything below it in an unquoted copy of our letter is ours. Short, so that no client wraps it."""

_MARKER_TEXT = re.compile(re.escape(MARKER.strip("= ")).replace(r"\ ", r"[\s>]+"), re.IGNORECASE)


def holds_marker(text: str) -> bool:
    """Whether our own marker stands in it, whatever was done to its case, spaces and quotation marks."""
    return _MARKER_TEXT.search(text) is not None
