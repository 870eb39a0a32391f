"""An `Inbox` under test, on any server: what it delivered and reported comes out of queues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.told_password import ToldImap
from workflow.config.keys import ImapServer
from workflow.core.mail import Place
from workflow.core.model import Fate
from workflow.mail.imap.inbox import Contact, Fetched, Inbox, News, Pace

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
"""Noon in Toronto: when the tests' mails arrive."""

PATIENCE = 10.0
"""Seconds after which something that should happen counts as not happening."""

BRISK = Pace(
    poll=0.02,
    file=0.01,
    retry_first=0.01,
    retry_most=0.05,
    refused_first=0.01,
    refused_most=0.02,
    again_first=0.02,
    again_most=0.05,
)
"""No test waits for the clock."""


def a_mail(subject: str = "LATE 15 Sam") -> bytes:
    """A report from Dana."""
    return f"From: dana@clinic.test\r\nTo: clinic@clinic.test\r\nSubject: {subject}\r\n\r\nThank you\r\n".encode()


def settings(port: int, password: Callable[[], str] = lambda: "secret", **other: Any) -> ImapServer:
    """The clinic's mailbox on loopback."""
    given = ToldImap(host="127.0.0.1", port=port, security="none", address="clinic@clinic.test", word=password)
    return given.model_copy(update=other)


class Watched:
    """The inbox, and what came from it."""

    def __init__(
        self,
        mailbox: ImapServer,
        *,
        since: Place | None = None,
        first_since: datetime = NOON - timedelta(hours=12),
        pace: Pace = BRISK,
        deliver: Callable[[Fetched], None] | None = None,
        **other: Any,
    ) -> None:
        self.mails: asyncio.Queue[Fetched] = asyncio.Queue()
        self.news: asyncio.Queue[Contact] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self.inbox = Inbox(
            mailbox,
            since=since,
            first_since=lambda: first_since,
            deliver=deliver or self._deliver,
            report=self._report,
            pace=pace,
            **other,
        )

    def _deliver(self, mail: Fetched) -> None:
        self._loop.call_soon_threadsafe(self.mails.put_nowait, mail)

    def _report(self, contact: Contact) -> None:
        self._loop.call_soon_threadsafe(self.news.put_nowait, contact)

    async def mail(self, fate: Fate | None = None) -> Fetched:
        """The next mail delivered, settled so if a fate is given."""
        async with asyncio.timeout(PATIENCE):
            mail = await self.mails.get()
        if fate is not None:
            self.inbox.settle(mail.place, fate)
        return mail

    async def subject(self, fate: Fate | None = None) -> str:
        """The next mail's subject."""
        mail = await self.mail(fate)
        return mail.raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()

    async def swept(self) -> list[Fetched]:
        """All that is new in the folder by now."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wrap_future(self.inbox.sweep())
        found = []
        while not self.mails.empty():
            found.append(self.mails.get_nowait())
        return found

    async def told(self, news: News) -> str:
        """Wait for such news, whatever comes before; gives the reason."""
        async with asyncio.timeout(PATIENCE):
            while True:
                contact = await self.news.get()
                if contact.news is news:
                    return contact.reason


@asynccontextmanager
async def watching(mailbox: ImapServer, **other: Any) -> AsyncIterator[Watched]:
    """An inbox that has been started, and is stopped at the end."""
    watched = Watched(mailbox, **other)
    watched.inbox.start()
    try:
        yield watched
    finally:
        watched.inbox.stop()
        assert await asyncio.to_thread(watched.inbox.join, PATIENCE), "the inbox does not stop"
