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
from contextlib import suppress
from datetime import datetime, time
from email import message_from_bytes, policy
from email.message import EmailMessage
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import aiosmtplib
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from workflow import logs
from workflow import store as stores
from workflow.clinic import Clinic
from workflow.clock import RehearsalClock, SystemClock
from workflow.config import Config, load
from workflow.service import Service

if TYPE_CHECKING:
    from workflow.verbs.server import MailServer, Passed

SPEED = 40
"""A clinic minute in a second and a half: the ten minutes until the escalation do not bore."""

KEEP_SPEED = 10
"""With --keep people play along: the first reminder comes after half a minute."""

IMAP_PORT, SMTP_PORT = 1143, 1025
"""Easy to remember for --keep; others are taken when these are in use."""

ZONE = ZoneInfo("America/Toronto")
MAILBOX = "clinic@clinic.test"
PASSWORD = "demo"  # noqa: S105 - of a server that lives for seconds, on loopback
DANA, RAVI, ALEX = "dana@clinic.test", "ravi@clinic.test", "alex@clinic.test"
WHO = {DANA: "Dana, associate", RAVI: "Ravi, associate", ALEX: "Alex, admin", MAILBOX: "the clinic's mailbox"}

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
    """Prints each mail as it passes, and lets the scene wait for it."""

    def __init__(self, console: Console, clock: RehearsalClock) -> None:
        self._console = console
        self._clock = clock
        self._letters: list[tuple[str, str, str]] = []
        """Recipient, kind and case of those that nobody waited for yet."""
        self._came = asyncio.Event()

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
        async with asyncio.timeout(20):  # real seconds: far more than it takes
            while True:
                for letter in self._letters:
                    if letter[:2] == (to, kind):
                        self._letters.remove(letter)
                        return letter[2]
                self._came.clear()
                await self._came.wait()

    def say(self, words: str) -> None:
        self._console.print(f"\n[bold]{self._time()}[/bold]  {words}")

    def _time(self) -> str:
        return self._clock.now().astimezone(ZONE).strftime("%H:%M")

    def _show(self, sender: str, recipient: str, kind: str, message: EmailMessage) -> None:
        part = message.get_body(("plain",))
        text = str(part.get_content()).strip() if part is not None else ""
        # The links stand together at the end; nobody taps them here.
        body = Text(re.sub(r"\n\n[^\n]+\n(?:mailto:\S+\n*)+$", "", text.replace("\r\n", "\n")).strip())
        title = f"{self._time()}  {kind or 'mail'} to {WHO.get(recipient, recipient)}"
        if not kind:
            title = f"{self._time()}  {WHO.get(sender, sender)} writes"
        subject = Text(str(message["Subject"]), style="bold")
        content = Group(subject, Text(), body) if body.plain else subject
        self._console.print(Panel(content, title=title, title_align="left", width=min(self._console.width, 78)))


def main(asked: Namespace) -> int:
    """Play the scene; exit code 0 when every letter came, 1 when one did not, 2 where no mail server is installed."""
    if not all(map(find_spec, ("aiosmtpd", "pymap"))):  # they are in a checkout, not in a clinic's installation
        print("The demo's mail server is not installed with Promptly: run make demo in a checkout.", file=sys.stderr)
        return 2
    logs.set_up(quiet=True)
    return asyncio.run(_main(keep=asked.keep))


async def _main(*, keep: bool) -> int:
    from workflow.verbs.server import MailServer

    console = Console(highlight=False)
    start = datetime.combine(SystemClock().now().astimezone(ZONE).date(), time(13, 50), tzinfo=ZONE)
    clock = RehearsalClock(start, KEEP_SPEED if keep else SPEED)
    stage = Stage(console, clock)
    accounts = dict.fromkeys([MAILBOX, DANA, RAVI, ALEX], PASSWORD)
    server = MailServer(accounts, authserv_id="mx.clinic.test", passing=stage.passing)
    if keep:
        server.imap_port, server.smtp_port = await _free(IMAP_PORT), await _free(SMTP_PORT)
    with tempfile.TemporaryDirectory(prefix="promptly-demo-") as folder:
        async with server:
            config = _configured(Path(folder), server)
            store = await stores.open(config.store.url)
            service = Service(Clinic(config, store, clock))
            daemon = asyncio.create_task(service.run())
            try:
                await service.ready.wait()
                if keep:
                    await _keep(console, server)
                else:
                    await _play(stage, server)
                    console.print("\nBoth cases are closed. Nothing left this machine.")
            except TimeoutError:
                console.print("\n[bold]A letter did not come: something is broken.[/bold]")
                return 1
            finally:
                service.stop()
                await daemon
                await store.close()
    return 0


def _configured(folder: Path, server: MailServer) -> Config:
    config_file = folder / "config.toml"
    config_file.write_text(CONFIG.format(imap=server.imap_port, smtp=server.smtp_port))
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    return load(config_file, rehearsal=True)


async def _play(stage: Stage, server: MailServer) -> None:
    async def answers(associate: str, subject: str) -> None:
        await _write(server, associate, subject)
        await stage.wait_for(ALEX, "update")
        await stage.wait_for(associate, "receipt")

    stage.say("Dana sits in traffic; Sam waits for her at 2 pm.")
    await _write(server, DANA, "LATE 15 Sam AT 2pm")
    await stage.wait_for(ALEX, "alert")
    case = await stage.wait_for(DANA, "draft")
    stage.say("She copies the text to Sam, and answers with a tap.")
    await answers(DANA, f"[{case}] SENT")
    stage.say("In the doorway.")
    await answers(DANA, f"[{case}] CONNECTED")

    stage.say("Ravi missed Kim's session, reports it - and is called away.")
    await _write(server, RAVI, "NOSHOW Kim AT 1pm")
    case = await stage.wait_for(RAVI, "draft")
    await stage.wait_for(ALEX, "alert")
    await stage.wait_for(RAVI, "reminder")
    stage.say("Five minutes on, still no answer: Promptly asks again, and tells Alex.")
    await stage.wait_for(RAVI, "reminder")
    await stage.wait_for(ALEX, "escalation")
    await answers(RAVI, f"[{case}] SENT")
    stage.say("Kim answers Ravi, and takes a new time.")
    await answers(RAVI, f"[{case}] RESCHEDULED Tue 3pm")


async def _write(server: MailServer, sender: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, MAILBOX, subject
    await aiosmtplib.send(message, hostname="127.0.0.1", port=server.smtp_port, start_tls=False)


async def _keep(console: Console, server: MailServer) -> None:
    console.print(
        f"""
The mail server stays up, and Promptly with it, {KEEP_SPEED} times as fast as real time. Ctrl-C ends it.

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
