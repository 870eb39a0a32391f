"""``check``: every part of the set-up tried, a line each; what is wrong, and what to do. Changes nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from workflow import logs
from workflow.alive import read_alive
from workflow.clinic import mailbox_settings, smtp_settings
from workflow.config import Config, Faults, load
from workflow.mail import outbox, probe
from workflow.mail.letters import Letters
from workflow.store import StoreError
from workflow.store.peek import TinyReader


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
    yield _store(config)
    yield from _templates(config)


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
