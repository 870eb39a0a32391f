"""``check --quick``: does the daemon live, and reach the mailbox? From outside, without network, within a second.

For a timer of the system (``systemd/promptly-check.timer``), so that the operator hears of a daemon that can't tell
anybody itself. Reads the configuration and what the daemon said of itself last, and nothing else.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from datetime import timedelta

from workflow.config import look
from workflow.store import board
from workflow.verbs import tell_faults

TOO_LONG = timedelta(minutes=5)
"""Of real time for the mailbox, which is looked through by real time; of the clinic's for letters that wait. A server
that is restarted is back by then, and a report has still its minutes, not hours."""


def main(asked: Namespace) -> int:
    """Print one line; exit code 0 when all is well, 1 when not.

    Faults of the configuration are told as well, but a daemon that lives goes on without it: the alarm of a daemon that
    does not answer reports must not be raised for them. 2: they are there, and no daemon lives.
    """
    seen = look(asked.config)
    alive = asyncio.run(board(seen.url).alive())
    tell_faults(seen, alive)
    if alive is None:
        wrong = f"no daemon lives on {seen.url}: systemctl status promptly, then journalctl -u promptly"
    elif alive.silent_for is None:
        wrong = "the daemon has not reached the mailbox yet: run `check`, which says what refuses"
    elif alive.silent_for > TOO_LONG:
        wrong = f"the mailbox was last looked through {_minutes(alive.silent_for)} ago: run `check`, which says why"
    elif alive.unsent_for > TOO_LONG:
        unsent = f"no letter has left for {_minutes(alive.unsent_for)}"
        wrong = f"{unsent}, the SMTP server is not reached, or refuses us: run `check`"
    else:
        print(f"ok: the daemon lives, the mailbox was looked through {alive.silent_for.seconds} s ago")
        return 0
    print(wrong, file=sys.stderr)
    return 1


def _minutes(span: timedelta) -> str:
    return f"{span // timedelta(minutes=1)} minutes"
