"""Log lines: text on a terminal, JSON elsewhere. Case ids, reasons and timings; never a name, address, subject or body.

The libraries' own loggers are kept to warnings, since at DEBUG they write bodies (contract 8.7).
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import structlog

QUIET = ("imapclient", "aiosmtplib", "asyncio", "pymap", "mail.log", "schedule")
"""Libraries that log what passes through them."""


class _Lines:
    """Standard error, where a reader that went away or stopped reading costs log lines, but never stops the daemon."""

    def __init__(self) -> None:
        try:
            self._is_pipe = stat.S_ISFIFO(os.fstat(2).st_mode)
        except OSError:  # closed by who started us
            self._is_pipe = False
        if self._is_pipe:
            os.set_blocking(2, False)

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):  # full, gone or closed
            if self._is_pipe:
                os.write(2, line.encode(errors="replace"))
            else:
                sys.stderr.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def set_up(*, quiet: bool = False) -> None:
    """One line an event on standard error: INFO and above; `quiet`: only errors."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR if quiet else logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(_Lines()),  # type: ignore[arg-type]  # all it needs: write, flush
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def place(error: BaseException) -> str:
    """Where an error came from, innermost last: files and lines, not its text, which may quote a mail."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
