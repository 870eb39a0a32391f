"""What the command line does, a module a verb: `main(asked)` does it and returns its exit code."""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import datetime
from importlib import import_module
from zoneinfo import ZoneInfo

from workflow.config import Faults
from workflow.store import StoreError


def iso(at: datetime | None, zone: ZoneInfo) -> str | None:
    """A time as verbs give it to programs: local, to the second."""
    return None if at is None else at.astimezone(zone).isoformat(timespec="seconds")


def carry_out(room: str, asked: Namespace) -> int:
    """Run the verb in this module; its exit code, or that of what kept it from its work (contract section 7).

    2: a faulty configuration, told fault by fault; 4: a store that can't be read.
    """
    # Imported late: a verb's libraries cost start-up time that the others need not pay.
    verb = import_module(f"workflow.verbs.{room}")
    try:
        return int(verb.main(asked))
    except Faults as faults:
        print(faults, file=sys.stderr)
        return 2
    except StoreError as broken:
        print(broken, file=sys.stderr)
        return 4
