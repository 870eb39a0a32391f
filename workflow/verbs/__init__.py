"""What the command line does, a module a verb: `main(asked)` does it and returns its exit code."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from datetime import datetime
from importlib import import_module
from io import TextIOWrapper
from zoneinfo import ZoneInfo

from rich.console import Console

from workflow.config import Faults, Seen
from workflow.store import Alive, StoreError


def iso(at: datetime | None, zone: ZoneInfo) -> str | None:
    """A time as verbs give it to programs: local, to the second."""
    return None if at is None else at.astimezone(zone).isoformat(timespec="seconds")


WHOLE = 200
"""Columns that a row of any table has room in."""


class Terminal(Console):
    """Standard output. Whoever reads it may leave: `carry_out` knows what to do then. A program gets each row in one
    line, whole."""

    def __init__(self) -> None:
        super().__init__(highlight=False)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = WHOLE

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - it is called where the error is caught


def tell_faults(seen: Seen, alive: Alive | None) -> None:
    """Of a faulty file beside a daemon that lives: no reason not to look. Raises the `Faults` where none lives."""
    if seen.faults is None:
        return
    if alive is None:
        raise seen.faults
    goes_on = "The daemon lives, and goes on by what it read before. Mend this before its next restart."
    print(f"{seen.faults}\n{goes_on}", file=sys.stderr)


def carry_out(room: str, asked: Namespace) -> int:
    """Run the verb in this module; its exit code, or that of what kept it from its work (contract section 7).

    2: a faulty configuration, told fault by fault; 4: a store that can't be read. A reader of the output that has had
    enough (``promptly check | head``) is no error.
    """
    try:
        if isinstance(sys.stdout, TextIOWrapper):
            # A terminal shows what it can, and a file or a program gets what JSON and the pages are in, in any locale.
            sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors="replace")
        code = _carried_out(room, asked)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):  # or Python complains at its end of what could not be written
            os.dup2(nowhere, stream.fileno())
        return 0
    return code


def _carried_out(room: str, asked: Namespace) -> int:
    # Imported late: a verb's libraries cost start-up time that the others need not pay.
    verb = import_module(f"workflow.verbs.{room}")
    try:
        return int(verb.main(asked))
    except Faults as faults:
        print(faults, file=sys.stderr)
        return 2
    except StoreError as broken:
        print(f"store.url: {broken}", file=sys.stderr)
        return 4
