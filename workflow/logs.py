"""Log lines: text on a terminal, JSON elsewhere. Case ids, reasons and timings; never a name, address, subject or body.

The libraries' own loggers are kept to warnings, since at DEBUG they write bodies (contract 8.7).
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path

import structlog

QUIET = ("imapclient", "aiosmtplib", "asyncio", "pymap", "mail.log", "schedule")
"""Libraries that log what passes through them."""


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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def place(error: BaseException) -> str:
    """Where an error came from, innermost last: files and lines, not its text, which may quote a mail."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
