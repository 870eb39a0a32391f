"""The floor: a bare pipe from IMAP IDLE to SMTP, which knows no case and promises nothing.

For each new mail it sends two letters as large as ours, to the same two mailboxes, over warm connections. It reads no
mail, decides nothing, remembers nothing, moves nothing; with `entries` it appends one line a mail and syncs it first.
What it does not do is what the daemon has to earn. Speaks to the bench as `noted` does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from dataclasses import asdict, dataclass
from email.utils import make_msgid
from typing import Any

import aiosmtplib
from imapclient import IMAPClient

from tests.bench.notes import note

CLINIC, DANA, ADMIN = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"
FETCHED_AT_ONCE = 25
"""As many as the daemon's inbox asks for in one FETCH."""
QUEUED = 64
"""Letters that wait, at most, so that a full mailbox is not fetched into memory; the daemon's queue holds as many."""
LINE = "Something to say, in a line of seventy-one characters and a line's end.\r\n"


@dataclass(frozen=True)
class Task:
    """What a pipe is told on its command line."""

    imap_port: int
    smtp_port: int
    ca_file: str
    password: str
    sizes: dict[str, int]
    """Bytes of the letter to each recipient: those of the daemon's own letters in the same run."""
    lines: int = 1
    """SMTP transactions in flight."""
    record: str = ""
    """A file to append to, and sync, before the letters of a mail."""
    keeps: bool = True
    """False: each connection is closed after the letters of one mail, so that the next mail finds none."""

    def words(self) -> list[str]:
        """The command line."""
        return ["-m", "tests.bench.pipe", json.dumps(asdict(self))]


class Pipe:
    """Runs until it is ended from outside."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._tls = ssl.create_default_context(cafile=task.ca_file)
        self._letters: asyncio.Queue[tuple[str, str]] = asyncio.Queue(QUEUED)
        self._clients: list[aiosmtplib.SMTP | None] = [None] * task.lines
        self._record = os.open(task.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if task.record else None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for line in range(self._task.lines):
                tasks.create_task(self._send(line))
            tasks.create_task(self._watch())

    async def _watch(self) -> None:
        imap = IMAPClient("127.0.0.1", self._task.imap_port, ssl_context=self._tls, timeout=30)
        imap.login(CLINIC, self._task.password)
        imap.select_folder("INBOX")
        last, told = 0, False
        while True:
            new = [uid for uid in await asyncio.to_thread(imap.search, ["UID", f"{last + 1}:*"]) if uid > last]
            for start in range(0, len(new), FETCHED_AT_ONCE):
                some = new[start : start + FETCHED_AT_ONCE]
                bodies = await asyncio.to_thread(imap.fetch, some, ["BODY.PEEK[]"])
                for uid in some:
                    note("fetched")
                    self._keep(uid, bodies[uid])
                    for recipient in self._task.sizes:
                        await self._letters.put((recipient, DANA))
                last = some[-1]
            if not told:
                note("ready")
                told = True
            imap.idle()
            await asyncio.to_thread(imap.idle_check, 5)
            imap.idle_done()

    def _keep(self, uid: int, mail: dict[bytes, Any]) -> None:
        if self._record is not None:
            os.write(self._record, b"%d %d\n" % (uid, len(mail[b"BODY[]"])))
            os.fsync(self._record)

    async def _send(self, line: int) -> None:
        sent = 0
        while True:
            recipient, about = await self._letters.get()
            client = self._clients[line] = self._clients[line] or await self._open()
            await client.sendmail(CLINIC, [recipient], _letter(recipient, about, self._task.sizes[recipient]))
            note("accepted")
            sent += 1
            if not self._task.keeps and sent % len(self._task.sizes) == 0:
                self._clients[line] = None
                await client.quit()

    async def _open(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=self._task.smtp_port,
            start_tls=True,
            tls_context=self._tls,
            local_hostname="[127.0.0.1]",  # the machine's own name would be looked up, slowly
            username=CLINIC,
            password=self._task.password,
        )
        await client.connect()
        return client


def _letter(recipient: str, about: str, size: int) -> bytes:
    head = (
        f"From: Pipe <{CLINIC}>\r\nTo: <{recipient}>\r\nSubject: news of {about}\r\n"
        f"Message-ID: {make_msgid(domain='clinic.test')}\r\nMIME-Version: 1.0\r\n\r\n"
    )
    return (head + LINE * ((size - len(head)) // len(LINE))).encode("ascii")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # as the daemon: in good order
    asyncio.run(Pipe(Task(**json.loads(sys.argv[1]))).run())
