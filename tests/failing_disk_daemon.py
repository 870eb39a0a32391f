"""``daemon.py`` whose disk fails with EIO in mid-commit while a file is there:
``python -m tests.failing_disk_daemon FILE run …``.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from daemon import main
from workflow.store.tiny import atomic

ill = Path(sys.argv[1])


def boundary(step: str) -> None:
    if step == "after-fsync" and ill.exists():
        raise OSError(errno.EIO, os.strerror(errno.EIO))


atomic.boundary = boundary
sys.exit(main(sys.argv[2:]))
