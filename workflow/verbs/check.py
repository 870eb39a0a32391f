"""``check``: every part of the set-up tried, a line each; what is wrong, and what to do. Changes nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from imapclient.exceptions import IMAPClientError
from rich.console import Console
from rich.text import Text

from workflow import logs
from workflow.alive import read_alive
from workflow.clinic import mailbox_settings, smtp_settings
from workflow.clock import SystemClock
from workflow.config import Config, Faults, load
from workflow.core.model import Standing
from workflow.mail import outbox, probe, read, trust
from workflow.mail.letters import Letters
from workflow.mail.mailbox import MailboxError
from workflow.store import StoreError
from workflow.store.peek import TinyReader

JUDGED = 50
"""So many mails from roster addresses are judged (contract section 7)."""

LOOKED_AT = 200
"""So many of the last mails are looked at to find them: a shared mailbox gets much other mail."""

WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
"""This program is younger, so a clock that shows less was never set."""


@dataclass(frozen=True, slots=True)
class Line:
    """One part of the set-up, and how it is."""

    part: str
    ok: bool
    text: str


def main(asked: Namespace) -> int:
    """Print a line a part; exit code 0 when all are well, 1 when one is not, 2 for a faulty configuration."""
    logs.set_up(quiet=True)
    console = Console(highlight=False)
    try:
        config = load(asked.config)
    except Faults as faults:
        print(faults, file=sys.stderr)
        return 2
    failed = False
    for line in _lines(config):
        failed = failed or not line.ok
        sign = Text("ok    ", style="green") if line.ok else Text("WRONG ", style="bold red")
        console.print(sign + Text(f"{line.part}: {line.text}"), soft_wrap=True)
    return 1 if failed else 0


def _lines(config: Config) -> Iterator[Line]:
    yield Line("configuration", True, str(config.path))
    for finding in probe.probe(mailbox_settings(config)):
        yield Line(f"IMAP {finding.part}", finding.ok, finding.text)
    for part, ok, text in asyncio.run(outbox.probe(smtp_settings(config))):
        yield Line(part, ok, text)
    yield _trust(config)
    yield _clock(config)
    yield _store(config)
    yield from _templates(config)


def _trust(config: Config) -> Line:
    """How many of the last mails from roster addresses would pass the sender check (contract section 7)."""
    try:
        found = [_standing(raw, config) for raw in _headers(config)]
    except (MailboxError, IMAPClientError, OSError, ValueError):
        return Line("trust", False, "unknown, for the mailbox cannot be read")
    known = [standing for standing in found if standing is not Standing.STRANGER][-JUDGED:]
    lenient = "" if config.trust.require else "; mail without Authentication-Results is believed (trust.require)"
    if not known:
        return Line("trust", True, f"no mail from a roster address lies there yet: send one, then check again{lenient}")
    passed = known.count(Standing.KNOWN)
    text = f"{passed} of the last {len(known)} mails from roster addresses would pass"
    advice = "" if passed else "; compare trust.authserv_id with the topmost Authentication-Results of such a mail"
    return Line("trust", passed > 0, f"{text}{advice}{lenient}")


def _headers(config: Config) -> Iterator[bytes]:
    """Header blocks of the last mails that were handled, then of those that lie in the folder."""
    settings = mailbox_settings(config)
    if settings.handled_folder:
        with suppress(MailboxError, IMAPClientError):  # made when the first mail is handled
            yield from probe.read_headers(replace(settings, folder=settings.handled_folder), LOOKED_AT)
    yield from probe.read_headers(settings, LOOKED_AT)


def _standing(raw: bytes, config: Config) -> Standing:
    address = config.mailbox.address
    now = SystemClock().now()
    incoming = read.read(raw, now, ours=(), own_address=address, instance="check")
    own = config.trust
    settings = trust.TrustSettings(own.authserv_id, own.require, own.internal)
    return trust.judge(incoming, config.roster, settings, address.rpartition("@")[2])


def _clock(config: Config) -> Line:
    now = SystemClock().now()
    text = f"{now.astimezone(ZoneInfo(config.timezone)):%Y-%m-%d %H:%M} in {config.timezone}"
    return Line("clock", now > WRITTEN, text if now > WRITTEN else f"{text}: set the clock of this machine")


def _store(config: Config) -> Line:
    try:
        reader = TinyReader.peek(config.store)
    except StoreError as broken:
        return Line("store", False, str(broken))
    folder = config.store if config.store.exists() else config.store.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return Line("store", False, f"{folder} cannot be written: give it to the user that runs the daemon")
    if reader.faults:
        return Line("store", False, f"{len(reader.faults)} case files cannot be read: see state/README.md, Repair")
    running = " (a daemon runs on it)" if read_alive(config.store) is not None else ""
    return Line("store", True, f"{config.store}{running}")


def _templates(config: Config) -> Iterator[Line]:
    own = config.letters
    if own.templates is None:
        yield Line("templates", True, "Promptly's own")
        return
    letters = Letters(config.rules(), instance="check", templates=own.templates, sms_link=own.sms_link)
    faults = letters.template_faults()
    if not faults:
        yield Line("templates", True, str(own.templates))
    for fault in faults:
        yield Line("templates", False, f"{fault}; until it is mended, Promptly's own is used")
