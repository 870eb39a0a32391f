"""A clinic day as a test tells it: the standing cast, a movable clock, the embedded mail server, the whole service.

    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15 Sam")
        alert = await clinic.alex.gets("alert")
        draft = await clinic.dana.gets("draft")
        await clinic.passes(minutes=5)
        await clinic.dana.gets("reminder")

Every letter must be expected: one that nobody asked for fails the test at the next step, or at the end.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.contentmanager import raw_data_manager
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import Policy
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from tests.configuration import MAILBOX, PEOPLE, configure
from tests.movable_clock import MovableClock
from tests.store.waiting_store import Wait, waiting
from tests.troubled_server import TroubledServer
from tests.xoauth2 import Opens
from workflow.clinic import Clinic as Wired
from workflow.config import load
from workflow.core.model import Case
from workflow.mail.imap.inbox import Inbox
from workflow.node import Node
from workflow.practice import Practice
from workflow.store import Store, folder_of
from workflow.store.tiny.store import TinyStore

__all__ = ["MAILBOX", "PEOPLE", "Clinic"]

TORONTO = ZoneInfo("America/Toronto")
TWO_O_CLOCK = datetime(2026, 11, 5, 14, 0, tzinfo=TORONTO)
"""A Thursday, outside quiet hours, no DST change near."""

AS_TEXT: Policy[Any] = email.policy.compat32.clone(linesep="\r\n", max_line_length=900)

stores: Callable[[str], Store] = lambda url: TinyStore(folder_of(url))
"""Makes the store of every clinic, not opened yet: `pytest --store` puts another in its place."""


@dataclass
class Received:
    """A letter as a person sees it."""

    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    # Headers stay text below: to parse each one takes the parser above most of its time.

    @cached_property
    def _headers(self) -> Message:
        return email.message_from_bytes(self.raw.partition(b"\r\n\r\n")[0])

    @cached_property
    def _parts(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, EmailMessage, policy=AS_TEXT)

    def _header(self, name: str) -> str | None:
        """Unfolded and decoded."""
        value = self._headers[name]
        return None if value is None else str(make_header(decode_header("".join(value.splitlines()))))

    def _body(self, kind: str) -> str:
        part = self._parts.get_body((kind,))
        assert part is not None
        return str(part.get_content(content_manager=raw_data_manager)).replace("\r\n", "\n")

    @property
    def kind(self) -> str:
        return str(self._header("X-Promptly-Letter"))

    @property
    def case(self) -> str | None:
        return self._header("X-Promptly-Case")

    @property
    def subject(self) -> str:
        return str(self._header("Subject"))

    @property
    def id(self) -> str:
        return str(self._header("Message-ID"))

    @property
    def references(self) -> str:
        return self._header("References") or ""

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def first_line(self) -> str:
        return self.text.splitlines()[0]

    @property
    def facts(self) -> dict[str, Any]:
        """The attachment ``alert.json``."""
        for part in self._parts.iter_attachments():
            if part.get_filename() == "alert.json":
                assert part.get_content_type() == "application/json"
                found = json.loads(part.get_payload(decode=True))  # type: ignore[arg-type]  # bytes, by decode=True
                assert isinstance(found, dict)
                return found
        raise AssertionError("no alert.json")

    @property
    def taps(self) -> list[str]:
        """The subjects of the mails that a tap on a choice makes."""
        return [unquote(url.partition("?subject=")[2]) for url in self.text.split() if url.startswith("mailto:")]

    def tap(self, word: str) -> str:
        """The subject of the mail that a tap on this choice makes."""
        subjects = self.taps
        found = [subject for subject in subjects if subject.partition("] ")[2] == word or subject == word]
        assert found, f"no choice {word} among {subjects}"
        return found[0]


@dataclass
class Person:
    """Somebody with a mailbox; letters from Promptly are read in order, and each must be expected."""

    clinic: Clinic
    name: str
    address: str
    read: int = 0
    inbox: list[Received] = field(default_factory=list)

    async def writes(self, subject: str, body: str = "", **headers: str) -> EmailMessage:
        """A new mail to the clinic's mailbox; returns when all that follows from it at this moment has happened."""
        return await self._sends(subject, body, headers)

    async def replies(self, letter: Received, body: str, *, quoting: bool = True) -> EmailMessage:
        """A reply as a phone makes it: Re:, the ids, the text above the quoted letter."""
        quoted = "\n".join(f"> {line}" for line in letter.text.splitlines())
        text = f"{body}\n\nOn Thu, Nov 5, 2026 at 2:00 PM Promptly <{MAILBOX}> wrote:\n{quoted}\n" if quoting else body
        ids = {"In-Reply-To": letter.id, "References": f"{letter.references} {letter.id}".strip()}
        return await self._sends(f"Re: {letter.subject}", text, ids)

    async def taps(self, letter: Received, word: str) -> EmailMessage:
        """A tap on a choice, sent as it is."""
        return await self._sends(letter.tap(word), "", {})

    async def gets(self, kind: str) -> Received:
        """The oldest letter of this kind that this person has not read yet; two sent at once may come in any order."""
        await self.clinic.collect()
        letter = next((letter for letter in self.inbox if letter.kind == kind), None)
        assert letter is not None, f"{self.name} got no {kind}, but {[letter.kind for letter in self.inbox]}"
        self.inbox.remove(letter)
        return letter

    async def gets_nothing(self) -> None:
        await self.clinic.collect()
        assert not self.inbox, f"{self.name} got {[letter.kind for letter in self.inbox]}"

    async def _sends(self, subject: str, body: str, headers: dict[str, str]) -> EmailMessage:
        clinic = self.clinic
        clinic.count += 1
        message = EmailMessage(policy=AS_TEXT)
        message["From"] = f"{self.name.title()} <{self.address}>"
        message["To"] = MAILBOX
        message["Subject"] = subject
        message["Date"] = format_datetime(clinic.clock.now())
        message["Message-ID"] = f"<mail-{clinic.count}@phone.test>"
        for name, value in headers.items():
            del message[name]
            message[name] = value
        if "Authentication-Results" not in message:
            domain = self.address.partition("@")[2]
            message["Authentication-Results"] = f"mx.clinic.test; dmarc=pass header.from={domain}"
        message.set_content(body or "\n", content_manager=raw_data_manager)
        await clinic.server.deliver(MAILBOX, message.as_bytes(), arrived_at=clinic.clock.now())
        await clinic.settled()
        return message


class Clinic:
    """A clinic on an embedded mail server, with its daemon in the same loop."""

    def __init__(
        self,
        folder: Path,
        *,
        at: datetime = TWO_O_CLOCK,
        admins: tuple[str, ...] = ("alex",),
        lead: bool = False,
        shared: bool = True,
        digest: str = "",
        month: bool = False,
        more: str = "",
        mailbox: Mapping[str, object] = {},
        smtp: Mapping[str, object] = {},
        opens: Opens | None = None,
        waits: Wait | None = None,
        make_inbox: Callable[..., Inbox] = Inbox,
    ) -> None:
        self.folder = folder
        self.clock = MovableClock(at)
        self.count = 0
        self._admins = admins
        self._lead = lead
        self._shared = shared
        self._digest = digest
        self._month = month
        self._more = more
        self._mailbox = mailbox
        self._smtp = smtp
        self._opens = opens
        self._waits = waits
        self._make_inbox = make_inbox
        self.people = {name: Person(self, name, address) for name, address in PEOPLE.items()}
        self.dana, self.ravi = self.people["dana"], self.people["ravi"]
        self.alex, self.pat, self.lee = self.people["alex"], self.people["pat"], self.people["lee"]
        self.stranger = self.people["stranger"]

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self.server = await self._stack.enter_async_context(TroubledServer(opens=self._opens))
        self.config_file = configure(
            self.folder,
            self._more,
            clinic={
                "admins": [f"{name.title()} <{PEOPLE[name]}>" for name in self._admins],
                "lead": f"Lee <{PEOPLE['lee']}>" if self._lead else None,
            },
            mailbox={"port": self.server.imap_port, "shared": self._shared, **self._mailbox},
            smtp={"port": self.server.smtp_port, **self._smtp},
            digest={"at": self._digest, "month": self._month},
        )
        await self.starts()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.nothing_else()
        finally:
            await self.stops()
            await self._stack.aclose()

    async def starts(self, *, wait: bool = True) -> None:
        """The daemon starts."""
        config = load(self.config_file)
        store = stores(config.store.url)
        self.store = store if self._waits is None else waiting(store, self._waits)
        await self.store.open()
        self.service = Practice(Wired(config, self.store, self.clock), make_inbox=self._make_inbox)
        self.node = Node(listen=config.health.listen)
        self.node.take_alone(self.service)
        self.running = asyncio.create_task(self.node.run())
        if wait:
            async with asyncio.timeout(10):
                await self.service.ready.wait()
            await self.settled()

    async def stops(self) -> None:
        """The daemon stops as by SIGTERM."""
        self.node.stop()
        await self.running
        await self.store.close()

    def says_it_lives(self) -> None:
        """For `status`; by itself the daemon does so each ten seconds."""
        self.store.daemon_link.say(self.service.alive())

    async def settled(self) -> None:
        """All that follows from what has happened so far has happened. A daemon that died raises here."""
        settled = asyncio.create_task(self.service.settled())
        async with asyncio.timeout(10):
            await asyncio.wait({settled, self.running}, return_when=asyncio.FIRST_COMPLETED)
        if not settled.done():
            settled.cancel()
            self.running.result()
            raise AssertionError("the daemon stopped")
        await settled

    async def passes(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Time passes at a stretch, as for a daemon that slept; use `minute_by_minute` for one that is awake."""
        self.clock.move(timedelta(hours=hours, minutes=minutes, seconds=seconds))
        await self.settled()

    async def until(self, at: datetime) -> None:
        """Time passes up to `at`, stopping at each due time on the way, as for a daemon that is awake."""
        while (due := await self.store.next_due()) is not None and due <= at:
            self.clock.move_to(max(due, self.clock.now()))
            await self.settled()
        self.clock.move_to(at)
        await self.settled()

    async def minute_by_minute(self, minutes: float) -> None:
        """Time passes for a daemon that is awake."""
        await self.until(self.clock.now() + timedelta(minutes=minutes))

    async def collect(self) -> None:
        """Sort new letters to their readers."""
        for person in self.people.values():
            raws = await self.server.messages(person.address)
            person.inbox += [Received(raw) for raw in raws[person.read :]]
            person.read = len(raws)

    async def nothing_else(self) -> None:
        """Nobody has a letter that was not expected."""
        await self.collect()
        left = {person.name: [letter.kind for letter in person.inbox] for person in self.people.values()}
        assert not any(left.values()), f"unexpected letters: { {k: v for k, v in left.items() if v} }"

    async def only_case(self) -> Case:
        """The one open case."""
        cases = await self.store.open_cases()
        assert len(cases) == 1, f"{len(cases)} open cases"
        return next(iter(cases.values()))
