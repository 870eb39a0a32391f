"""``daemon.py`` that dies when it reads a mail with "deadly" in it, raises at one with "poison" and never leaves one
with "endless":
``python -m tests.poisoned_daemon run …``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from daemon import main
from workflow.mail.reading import message

real = message.read


def read_or_die(raw: bytes, *arguments: Any, **more: Any) -> message.Incoming:
    if b"deadly" in raw:
        os.kill(os.getpid(), signal.SIGKILL)
    if b"poison" in raw:
        raise RuntimeError
    while b"endless" in raw:
        time.sleep(1)
    return real(raw, *arguments, **more)


message.read = read_or_die
sys.exit(main(sys.argv[1:]))
