"""``daemon.py`` that kills itself with SIGKILL at its n-th I/O boundary: ``python -m tests.killed_daemon N run …``."""

from __future__ import annotations

import os
import signal
import sys

from daemon import main
from workflow.store.tiny import atomic

left = int(sys.argv[1])


def boundary(_step: str) -> None:
    global left  # noqa: PLW0603 - a countdown of one process
    left -= 1
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


atomic.boundary = boundary
sys.exit(main(sys.argv[2:]))
