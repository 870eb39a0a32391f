"""Log lines: text on a terminal, JSON elsewhere. Case ids, reasons and timings; never a name, address, subject or body.

What libraries log, and errors that end the process, become such lines, too: which, where and of what kind, without
their text, which may quote a mail (contract 8.7).
"""

from __future__ import annotations

import faulthandler
import logging
import os
import stat
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

PRIORITIES: Mapping[str, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""The words of syslog (RFC 5424, 6.2.1), by which ``journalctl -p`` chooses."""

AGAIN = 60.0
"""Seconds after which an outage that lasts is logged again."""


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


class _Library(logging.Handler):
    """What a library logs, as a line of ours, without its text."""

    def emit(self, record: logging.LogRecord) -> None:
        facts = {"library": record.name, "at": f"{record.filename}:{record.lineno}"}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            facts |= {"error": type(error).__name__, "where": place(error)}
        structlog.get_logger().log(record.levelno, "a library warns", **facts)


_AS_JSON = structlog.processors.JSONRenderer()


def _for_journal(logger: Any, name: str, event: structlog.typing.EventDict) -> str:
    """JSON, and before it the line's priority, as the journal takes it from a service (sd-daemon(3))."""
    return f"<{PRIORITIES[str(event['level'])]}>{_AS_JSON(logger, name, event)!s}"


def _goes_to_journal() -> bool:
    """Whether standard error is the journal's: `JOURNAL_STREAM` names it by device and inode (systemd.exec(5))."""
    try:
        found = os.fstat(2)
    except OSError:  # closed by who started us
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _render() -> structlog.typing.Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer()
    return _for_journal if _goes_to_journal() else _AS_JSON


def set_up(*, quiet: bool = False) -> None:
    """One line an event on standard error: INFO and above; `quiet`: only errors.

    A process that a signal ends, as systemd's watchdog does to one that hangs, writes where each thread was.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR if quiet else logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(_Lines()),  # type: ignore[arg-type]  # all it needs: write, flush
    )
    logging.basicConfig(handlers=[_Library()], level=logging.WARNING)
    logging.captureWarnings(True)
    # Libraries that log what passes through them:
    for name in ("imapclient", "aiosmtplib", "asyncio", "pymap", "mail.log", "schedule"):
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _end
    if not faulthandler.is_enabled():
        with suppress(OSError, ValueError, RuntimeError):  # standard error is closed, or there is none
            faulthandler.enable()


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In place of the interpreter's own last words, which hold the error's text."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger().critical("ended by an error", error=kind.__name__, where=place(error))


class Repeated:
    """What happens every few seconds in an outage: a line at first, one for another reason, and one each minute."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._reason: str | None = None
        self._at = 0.0

    def is_news(self, reason: str) -> bool:
        now = self._monotonic()
        news = reason != self._reason or now - self._at >= AGAIN
        if news:
            self._reason, self._at = reason, now
        return news

    def end(self) -> None:
        self._reason = None


def place(error: BaseException) -> str:
    """Where an error came from, innermost last: files and lines, not its text, which may quote a mail."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
