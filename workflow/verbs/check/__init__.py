"""``check``: every part of the set-up tried, a line each; what is wrong, and what to do. Exit code 1 if one fails.

Works beside a running daemon: it takes no lock. A part that fails or hangs hides none of the others. It changes
nothing, but makes the handled folder if that is missing; only ``--send`` sends anything.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workflow import logs
from workflow.clock import SystemClock
from workflow.config import Config, Faults
from workflow.verbs import Terminal
from workflow.verbs.check import imap, machine, sending, smtp, trust
from workflow.verbs.check.finding import Finding, Level, Tell, fail, ok, skipped
from workflow.verbs.check.installed import installed
from workflow.verbs.check.oddities import oddities
from workflow.verbs.chosen import chosen, config_of, served

PART_MOST = 60.0
"""Seconds for all of one server: several answers that each take their whole time-out. Looking up a name alone may take
thirty, and cannot be broken off."""

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red", Level.SKIPPED: "dim"}


def main(asked: Namespace) -> int:
    """Print a line a part; exit code 0 when none fails, 1 when one does, 2 for a faulty configuration."""
    logs.set_up(quiet=True)
    if asked.all:
        return _each(asked)
    config = chosen(asked)
    console, found = Terminal(), []
    for finding in findings(config, send=asked.send):
        found.append(finding)
        if not asked.json:
            _show(console, finding)
    failed = any(finding.level is Level.FAIL for finding in found)
    if asked.json:
        parts = [
            {"part": one.part, "level": one.level.lower(), "text": one.text, "advice": one.advice} for one in found
        ]
        print(json.dumps({"ok": not failed, "parts": parts}, indent=1))
    else:
        print(_summary(found, sent=asked.send))
    return 1 if failed else 0


def _each(asked: Namespace) -> int:
    """A line a clinic: how many parts fail here, and which; without a word of what is in it."""
    node, known = served(asked)
    clinics = []
    for name, one in known.items():
        try:
            found = list(findings(config_of(name, one, node)))
            failing = [finding.part for finding in found if finding.level is Level.FAIL]
            warned = sum(finding.level is Level.WARN for finding in found)
        except Faults as faults:
            failing, warned = list(faults.keys), 0
        clinics.append({"name": name, "failing": failing, "warnings": warned})
        if not asked.json:
            fails = f"FAIL {', '.join(failing)}" if failing else "nothing fails"
            print(f"{name}: {fails}; {warned} warnings", flush=True)
    failed = any(one["failing"] for one in clinics)
    if asked.json:
        print(json.dumps({"ok": not failed, "clinics": clinics}, indent=1))
    return 1 if failed else 0


def findings(config: Config, *, send: bool = False) -> Iterator[Finding]:
    """What each part of the set-up is like, in the order in which somebody would mend it, as soon as it is known."""
    clock, good = SystemClock(), set[str]()

    def tried(name: str, attempt: Callable[..., None], *what: object, most: float = PART_MOST) -> Iterator[Finding]:
        for finding in _bounded(name, most, lambda tell: attempt(*what, tell)):
            if finding.level is Level.OK:
                good.add(finding.part)
            yield finding

    yield ok("configuration", str(config.path))
    yield from oddities(config)
    yield from machine.daemon(config)
    yield from installed(config)
    yield from tried("IMAP", imap.check, config, clock)
    yield machine.clock(config, clock)
    yield from tried("SMTP", smtp.check, config, clock)
    yield machine.addresses(config)
    if imap.FOLDER in good:
        yield from tried("trust", trust.check, config, clock)
    else:
        yield skipped("trust", "not tried, for the mailbox cannot be read")
    yield from tried("store", machine.store, config.store.url)
    yield from tried("templates", machine.templates, config)
    yield from machine.screen(config)
    if send and {imap.FOLDER, smtp.SENDER} <= good:
        yield from tried(sending.PART, sending.check, config, clock, most=sending.ARRIVAL_MOST + PART_MOST)
    elif send:
        yield skipped(sending.PART, "not sent, for IMAP or SMTP failed")


def _bounded(name: str, seconds: float, attempt: Callable[[Tell], None]) -> Iterator[Finding]:
    """What a part tells, until it is done or its time is up: then it is left behind, for nothing ends a look-up.

    `name` is whose fault it is, should it hang or break.
    """
    told: queue.SimpleQueue[Finding | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            attempt(told.put)
        except Exception as error:  # one part's mistake must not hide the other parts
            text = f"could not be tried: {type(error).__name__} at {logs.place(error)}"
            told.put(fail(name, text, "This is a mistake of Promptly's: please report it."))
        finally:
            told.put(None)

    threading.Thread(target=work, name=f"check {name}", daemon=True).start()
    until = time.monotonic() + seconds
    while True:
        try:
            finding = told.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            advice = "Check the names of the servers and this machine's network, then try again."
            yield fail(name, f"did not come to an end within {seconds:.0f} seconds", advice)
            return
        if finding is None:
            return
        yield finding


# --- on the terminal --------------------------------------------------------------------------------------


def _show(console: Console, finding: Finding) -> None:
    if not console.is_terminal:
        print(finding, flush=True)  # one line each, however long: for grep
        return
    row = Table.grid()
    row.add_column(width=6)  # of a level and a space
    row.add_column()
    said = Text.assemble((f"{finding.part}: ", "bold"), finding.text)
    row.add_row(Text(finding.level, style=STYLES[finding.level]), said)
    if finding.advice:
        row.add_row("", Text(finding.advice, style="italic"))
    console.print(row)


def _summary(found: list[Finding], *, sent: bool) -> str:
    failed = sum(finding.level is Level.FAIL for finding in found)
    warned = sum(finding.level is Level.WARN for finding in found)
    warnings = f"{warned} {'warning' if warned == 1 else 'warnings'}"
    if failed:
        fail_s = "part fails" if failed == 1 else "parts fail"
        return f"{failed} {fail_s}, {warnings}. Mend the first FAIL, then run this again."
    if sent:
        return f"Nothing fails, {warnings}."
    return f"Nothing fails, {warnings}. The whole way of a letter is tried by: check --send"
