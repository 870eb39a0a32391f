"""``demo``: the main job on a mail server of its own, no account needed: a LATE and a NOSHOW, from mail to outcome.

The daemon inside is the real one, on a fast clock; only the people are played. Contract section 7.
"""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import tempfile
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import date, datetime, time
from email import message_from_bytes, policy
from email.message import EmailMessage
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import aiosmtplib
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.text import Text

from workflow import logs
from workflow import store as stores
from workflow.clinic import Clinic
from workflow.clock import RehearsalClock, SystemClock
from workflow.config import Config, load
from workflow.core.figures import figures, totals
from workflow.mail.writing.templates import OURS
from workflow.node import Node
from workflow.practice import Practice

if TYPE_CHECKING:
    from workflow.verbs.server import MailServer, Passed

SPEED, SPEED_TO_READ = 40, 20
"""A clinic minute in a second and a half, or on a terminal in three: the ten minutes until the escalation do not bore,
and the story takes a minute there."""

READING = 4.0
"""Seconds on a terminal before the story goes on: half the time until the first reminder."""

MOST_SECONDS = 40
"""Of real time, that a letter may take: more than twice the five minutes between two reminders."""

KEEP_SPEED = 10
"""With --keep people play along: the first reminder comes after half a minute."""

IMAP_PORT, SMTP_PORT = 1143, 1025
"""Easy to remember for --keep; others are taken when these are in use."""

ZONE = ZoneInfo("America/Toronto")
MAILBOX = "clinic@clinic.test"
PASSWORD = "demo"  # noqa: S105 - of a server that lives for seconds, on loopback
DANA, RAVI, ALEX = "dana@clinic.test", "ravi@clinic.test", "alex@clinic.test"
WHO = {DANA: "Dana, associate", RAVI: "Ravi, associate", ALEX: "Alex, admin", MAILBOX: "the clinic's mailbox"}

PAGES = OURS.parent / "build" / "demo"
"""Where the pages stay, beside the program: not every browser may read the folder for temporary files."""

OPENING = (
    "\nA clinic's mailbox, two associates (Dana, Ravi) and admin (Alex), on a mail server of its own. Promptly is the "
    "real one; its clock runs {speed} times as fast. Jane, which the letters name, is the software that the clinic "
    "books in."
)

CLOSING = (
    "\nNext: write such mails yourself with  .venv/bin/python daemon.py demo --keep , or read each letter whole with  "
    '--full . README.md has the cards for associates and admin, and "The operator\'s three steps" for a clinic.'
)

CONFIG = """
[clinic]
name = "Riverside Counselling"
timezone = "America/Toronto"
admins = ["Alex Moreau <alex@clinic.test>"]
[mailbox]
address = "clinic@clinic.test"
host = "127.0.0.1"
port = {imap}
security = "none"
username = "clinic@clinic.test"
password_file = "password"
[smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
[trust]
authserv_id = "mx.clinic.test"
[quiet]
from = "00:00"
to = "00:00"
[[associates]]
name = "Dana Lee"
emails = ["dana@clinic.test"]
[[associates]]
name = "Ravi Patel"
emails = ["ravi@clinic.test"]
"""


class Stage:
    """Prints each mail as it passes, and lets the scene wait for it.

    On a terminal the clock runs in the last line, and the scene takes its time, so that people can read along.
    """

    def __init__(self, console: Console, clock: RehearsalClock, *, full: bool) -> None:
        self._console = console
        self._clock = clock
        self._full = full
        self._drafted = False
        self._letters: list[tuple[str, str, str]] = []
        """Recipient, kind and case of those that nobody waited for yet."""
        self._came = asyncio.Event()
        self._going_on = ""
        self._spinner = Spinner("dots")

    def clock_line(self) -> AbstractContextManager[object]:
        """The last line of a terminal, while this is entered; elsewhere nothing."""
        if not self._console.is_interactive:
            return nullcontext()
        return Live(get_renderable=self._line, console=self._console, refresh_per_second=8, transient=True)

    def passing(self, passed: Passed) -> None:
        message = message_from_bytes(passed.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        kind = str(message["X-Promptly-Letter"] or "")
        case = str(message["X-Promptly-Case"] or "")
        for recipient in passed.recipients:
            self._letters.append((recipient, kind, case))
            self._show(passed.sender, recipient, kind, message)
        self._came.set()

    async def wait_for(self, to: str, kind: str) -> str:
        """The case of the next letter of this kind to this person. TimeoutError when it does not come."""
        async with asyncio.timeout(MOST_SECONDS):
            while True:
                for letter in self._letters:
                    if letter[:2] == (to, kind):
                        self._letters.remove(letter)
                        return letter[2]
                self._came.clear()
                await self._came.wait()

    async def say(self, words: str, going_on: str) -> None:
        """The next turn of the story, once there was time to read the one before; and what happens meanwhile."""
        if self._console.is_interactive and self._going_on:
            await asyncio.sleep(READING)
        self._going_on = going_on
        self._console.print(f"\n[bold]{self._time()}[/bold]  {words}")

    def _time(self) -> str:
        return self._clock.now().astimezone(ZONE).strftime("%H:%M")

    def _line(self) -> RenderableType:
        now = self._clock.now().astimezone(ZONE).strftime("%H:%M:%S")
        self._spinner.update(text=f"{now}  {self._going_on}")
        return self._spinner

    def _show(self, sender: str, recipient: str, kind: str, message: EmailMessage) -> None:
        who, subject = WHO.get(recipient, recipient), str(message["Subject"])
        title = f"{self._time()}  {kind} to {who}" if kind else f"{self._time()}  {WHO.get(sender, sender)} writes"
        part = message.get_body(("plain",))
        text = str(part.get_content()).strip().replace("\r\n", "\n") if part is not None else ""
        # The links stand together at the end; nobody taps them here.
        body = re.sub(r"\n\n[^\n]+\n(?:mailto:\S+\n*)+$", "", text).strip()
        first_draft = kind == "draft" and not self._drafted
        self._drafted |= first_draft
        if self._full or first_draft:
            content = Group(Text(subject, style="bold"), Text(), Text(body)) if body else Text(subject, style="bold")
            self._console.print(Panel(content, title=title, title_align="left", width=min(self._console.width, 78)))
            return
        lines = [Text.assemble(f"{title}: ", (subject, "bold"))]
        if instruction := body.partition("\n")[0]:
            lines.append(Text(f"       {instruction}"))
        terminal = self._console.is_terminal
        for line in lines:
            if terminal and kind:
                self._console.print(line, no_wrap=True, overflow="ellipsis")
            else:  # what people write is the story itself: it stands there whole
                self._console.print(line, soft_wrap=not terminal)


def main(asked: Namespace) -> int:
    """Play the scene; exit code 0 when every letter came, 1 when one did not, 2 where no mail server is installed."""
    if not all(map(find_spec, ("aiosmtpd", "pymap"))):  # they are in a checkout, not in a clinic's installation
        print("The demo's mail server is not installed with Promptly: run make demo in a checkout.", file=sys.stderr)
        return 2
    logs.set_up(quiet=True)
    try:
        return asyncio.run(_main(keep=asked.keep, full=asked.full or asked.keep))
    except KeyboardInterrupt:
        return 130


async def _main(*, keep: bool, full: bool) -> int:
    console = Console(highlight=False)
    start = datetime.combine(SystemClock().now().astimezone(ZONE).date(), time(13, 57), tzinfo=ZONE)
    speed = KEEP_SPEED if keep else SPEED_TO_READ if console.is_interactive else SPEED
    clock = RehearsalClock(start, speed)
    stage = Stage(console, clock, full=full)
    if not keep:
        console.print(OPENING.format(speed=speed))
    accounts = dict.fromkeys([MAILBOX, DANA, RAVI, ALEX], PASSWORD)
    from workflow.verbs.server import MailServer  # it takes a second, and the opening is read meanwhile

    server = MailServer(accounts, authserv_id="mx.clinic.test", passing=stage.passing)
    if keep:
        server.imap_port, server.smtp_port = await _free(IMAP_PORT), await _free(SMTP_PORT)
    with tempfile.TemporaryDirectory(prefix="promptly-demo-") as folder:
        async with server:
            config = _configured(Path(folder), server)
            store = await stores.open(config.store.url)
            practice = Practice(Clinic(config, store, clock))
            node = Node()
            node.take_alone(practice)
            daemon = asyncio.create_task(node.run())
            try:
                await practice.ready.wait()
                if keep:
                    await _keep(console, server)
                else:
                    with stage.clock_line():
                        unanswered = await _play(stage, server, practice)
                    console.print("\nBoth cases are closed. Nothing left this machine.")
                    await _leave_pages(
                        console, config, start.date().replace(day=1), unanswered, await practice.board.page()
                    )
                    console.print(CLOSING)
            except TimeoutError:
                console.print("\n[bold]A letter did not come: something is broken.[/bold]")
                return 1
            finally:
                node.stop()
                await daemon
                await store.close()
    return 0


async def _leave_pages(console: Console, config: Config, month: date, unanswered: str, board: str) -> None:
    """What admin and lead would look at, as files that stay: `unanswered` and `board` are the board's page, then and
    now."""
    from workflow.verbs.month_page import page
    from workflow.verbs.report import gathered

    cases, before, _ = await gathered(config, month)
    pages = {
        "board-unanswered.html": ("the board, when Ravi did not answer", unanswered),
        "board.html": ("the board now; both soon say OLD, as the demo has ended", board),
        "month.html": ("the month so far", page(config.clinic.name, month, totals(cases), figures(before))[0]),
    }
    console.print("\nTo open in a browser:")
    try:
        PAGES.mkdir(parents=True, exist_ok=True)
        for name, (what, text) in pages.items():
            (PAGES / name).write_text(text, encoding="utf-8")
            console.print(f"  {what}")
            console.print(f"    {(PAGES / name).as_uri()}", soft_wrap=True)
    except OSError as error:
        console.print(f"  {PAGES}: {error.strerror}", markup=False, soft_wrap=True)


def _configured(folder: Path, server: MailServer) -> Config:
    config_file = folder / "config.toml"
    config_file.write_text(CONFIG.format(imap=server.imap_port, smtp=server.smtp_port))
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    return load(config_file, rehearsal=True)


async def _play(stage: Stage, server: MailServer, practice: Practice) -> str:
    """The story; and the board's page while one of the two was left without an answer."""

    async def answers(associate: str, subject: str) -> None:
        await _write(server, associate, subject)
        await stage.wait_for(ALEX, "update")
        await stage.wait_for(associate, "receipt")

    await stage.say("Dana sits in traffic; Sam waits for her at 2 pm. She mails the clinic one line.", "Dana reads")
    await _write(server, DANA, "LATE 15 Sam AT 2pm")
    await stage.wait_for(ALEX, "alert")
    late = await stage.wait_for(DANA, "draft")
    await stage.say("She copies the text to Sam, and answers with a tap.", "Dana drives")
    await answers(DANA, f"[{late}] SENT")

    waiting = "no answer from Ravi: Promptly asks again after five minutes, and tells Alex after ten"
    await stage.say("Ravi missed Kim's session, reports it - and is called away.", waiting)
    await _write(server, RAVI, "NOSHOW Kim AT 1pm")
    missed = await stage.wait_for(RAVI, "draft")
    await stage.wait_for(ALEX, "alert")
    await stage.wait_for(RAVI, "reminder")
    await stage.say("Five minutes on, still no answer: Promptly asked again.", waiting)
    await stage.wait_for(RAVI, "reminder")
    await stage.wait_for(ALEX, "escalation")
    unanswered = await practice.board.page()
    await stage.say("Ten minutes: Alex was told that Kim may not know. Now Ravi writes to Kim.", "Ravi waits for Kim")
    await answers(RAVI, f"[{missed}] SENT")
    await stage.say("Kim answers Ravi, and takes a new time.", "Dana is in the doorway")
    await answers(RAVI, f"[{missed}] RESCHEDULED Tue 3pm")
    await stage.say("And Dana has met Sam.", "the last letters")
    await answers(DANA, f"[{late}] CONNECTED")
    return unanswered


async def _write(server: MailServer, sender: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, MAILBOX, subject
    await aiosmtplib.send(message, hostname="127.0.0.1", port=server.smtp_port, start_tls=False)


async def _keep(console: Console, server: MailServer) -> None:
    console.print(
        f"""
The mail server stays up, and Promptly with it, {KEEP_SPEED} times as fast as real time.
Ctrl-C ends it.

With a mail client: no encryption, password "{PASSWORD}", user = the address, one of
  {DANA}   {RAVI}   (associates)   {ALEX}   (admin)
  IMAP 127.0.0.1 port {server.imap_port}      SMTP 127.0.0.1 port {server.smtp_port}

Or from another terminal, as Dana:
  python3 -c "import smtplib; smtplib.SMTP('127.0.0.1', {server.smtp_port}).sendmail('{DANA}', '{MAILBOX}', \
'From: {DANA}\\nTo: {MAILBOX}\\nSubject: LATE 15 Sam\\n\\n')"

Every mail that passes is shown here.""",
        soft_wrap=True,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


async def _free(port: int) -> int:
    with suppress(OSError):
        probe = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
        probe.close()
        await probe.wait_closed()
        return port
    return 0
