"""``restore BACKUP``: a nightly backup, or a copy of the state, in place of the state, which is kept beside it.

What a restored state cannot know is the daemon's to find out, at its next start.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from workflow.clock import SystemClock
from workflow.config import load
from workflow.store import Locked, NoCopy, restore


def main(asked: Namespace) -> int:
    """Do it (contract section 7). Exit codes: 0 done; 1 the disk refused; 2 no such copy; 3 a daemon runs; 4 the copy,
    or the place of the state, can't be read. But for 0 the state is as it was.
    """
    config = load(asked.config, secrets=False)
    try:
        moved = restore(config.store.url, asked.backup, f"-before-{SystemClock().now():%Y-%m-%dT%H%M%S}")
    except NoCopy as wrong:
        print(f"Nothing was changed: {wrong}", file=sys.stderr)
        return 2
    except Locked as held:
        print(f"Nothing was changed: {held}. Stop it first (systemctl stop promptly).", file=sys.stderr)
        return 3
    except OSError as refused:
        print(f"Nothing was changed: {refused.strerror or refused}", file=sys.stderr)
        return 1
    print(f"Restored: {asked.backup} is the state now. Start the daemon; it finds what the copy cannot know.")
    for place in moved:
        print(f"What stood there is kept in {place}: no erasure reaches that, so delete it when it has served.")
    return 0
