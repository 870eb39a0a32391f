"""The line that our letters carry and that replies are cut at: one constant that two adapters share, nothing else.

`mail.writing.render` prints it, `mail.reading.newtext` looks for it in what comes back. It holds no
word of contract section 3, no
``--`` (a signature to many mail clients) and no ``>``.
"""

from __future__ import annotations

MARKER = "=== Please answer above this line ==="
"""Everything below it in an unquoted copy of our letter is ours. Short, so that no client wraps it."""
