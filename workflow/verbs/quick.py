"""``check --quick``: does the daemon live, and reach the mailbox? From outside, without network, within a second.

For a timer of the system (``systemd/promptly-check.timer``), so that the operator hears of a daemon that can't tell
anybody itself. Reads the configuration and what the daemon said of itself last, and nothing else.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from datetime import timedelta

from workflow.config import Seen
from workflow.store import Alive, daemon_link
from workflow.verbs import tell_faults
from workflow.verbs.chosen import chosen_seen, config_of, seen_of, served

TOO_LONG = timedelta(minutes=5)
"""Of real time for the mailbox, which is looked through by real time; of the clinic's for letters that wait. A server
that is restarted is back by then, and a report has still its minutes, not hours."""


def main(asked: Namespace) -> int:
    """Print one line; exit code 0 when all is well, 1 when not.

    Faults of the configuration are told as well, but a daemon that lives goes on without it: the alarm of a daemon that
    does not answer reports must not be raised for them. 2: they are there, and no daemon lives.
    """
    if asked.all:
        return _each(asked)
    seen = chosen_seen(asked)
    alive = asyncio.run(daemon_link(seen.url).alive())
    tell_faults(seen, alive)
    if (wrong := _wrong(seen, alive)) is not None:
        print(wrong, file=sys.stderr)
        return 1
    assert alive is not None
    assert alive.silent_for is not None
    print(f"ok: the daemon lives, the mailbox was looked through {alive.silent_for.seconds} s ago")
    return 0


def _each(asked: Namespace) -> int:
    """A line a clinic that is not well."""
    node, known = served(asked)
    failed = False
    for name, one in known.items():
        seen = seen_of(config_of(name, one, node, secrets=False))
        if (wrong := _wrong(seen, asyncio.run(daemon_link(seen.url).alive()))) is not None:
            print(f"{name}: {wrong}", file=sys.stderr)
            failed = True
    if not failed:
        print(f"ok: all {len(known)} clinics are watched")
    return 1 if failed else 0


def _wrong(seen: Seen, alive: Alive | None) -> str | None:
    if alive is None:
        return f"no daemon lives on {seen.url}: systemctl status promptly, then journalctl -u promptly"
    if alive.silent_for is None:
        return "the daemon has not reached the mailbox yet: run `check`, which says what refuses"
    if alive.silent_for > TOO_LONG:
        return f"the mailbox was last looked through {_minutes(alive.silent_for)} ago: run `check`, which says why"
    if alive.unsent_for > TOO_LONG:
        unsent = f"no letter has left for {_minutes(alive.unsent_for)}"
        return f"{unsent}, the SMTP server is not reached, or refuses us: run `check`"
    return None


def _minutes(span: timedelta) -> str:
    return f"{span // timedelta(minutes=1)} minutes"
