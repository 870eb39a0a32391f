"""Clinics on paper: real engine and store, no server, no socket. A letter is there as soon as it is owed, so that weeks
of mail between machines take seconds.

    paper = Paper(tmp_path)
    await paper.writes(DANA, "NOSHOW Sam")
    paper.answers_for[DANA] = lambda letter: "Thank you for your mail."
    await paper.passes(timedelta(days=7))
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import cached_property
from heapq import heappop, heappush
from pathlib import Path

from tests.configuration import configure
from tests.machine_world import MAILBOX, header, lying
from tests.movable_clock import MovableClock
from workflow.clinic import Clinic
from workflow.config import load
from workflow.core.mail import Place
from workflow.core.model import Fate, Letter, LetterKind, Post
from workflow.engine import Engine
from workflow.mail.imap.mailbox import Withheld
from workflow.store.tiny.store import TinyStore

TOO_MUCH = 20_000
"""Events after which something is taken to go on for ever."""

Answering = Callable[[EmailMessage], str | EmailMessage | None]
"""What a machine makes of a letter: the text of its reply, or a whole mail, or nothing."""


@dataclass(frozen=True)
class Got:
    """A letter in somebody's inbox."""

    at: datetime
    to: str
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """Parsed when it is asked for: that costs more than to decide, write and render the letter."""
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def kind(self) -> str:
        return header(self.raw, "X-Promptly-Letter")

    @property
    def case(self) -> str:
        return header(self.raw, "X-Promptly-Case")

    @property
    def is_answer(self) -> bool:
        return LetterKind(self.kind).course.answers

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())


class Paper:
    """One clinic, everybody it writes to, and time."""

    def __init__(self, folder: Path, clock: MovableClock, mailbox: str = MAILBOX, **people: str) -> None:
        file = configure(folder, clinic={"lead": "lead@clinic.test"}, mailbox={"address": mailbox})
        for old, new in people.items():
            file.write_text(file.read_text().replace(f"{old}@clinic.test", new))
        config = load(file)
        self.mailbox, self.clock = mailbox, clock
        self.store = TinyStore(folder / "state")
        self._config = config
        self.got: list[Got] = []
        """Every letter that was sent, in order."""
        self.answers_for: dict[str, Answering] = {}
        """The machines, by address."""
        self.refused: set[str] = set()
        """Addresses for which the mail server takes no letter: there is nobody, it says."""
        self.delay = timedelta(0)
        """How long a machine takes to answer."""
        self.carries: Callable[[EmailMessage, str], bool] | None = None
        """Takes a mail to somewhere else instead; whether it did."""
        self.records = True
        """Whether it is written down at once that a letter went."""
        self.unrecorded: list[Letter] = []
        self._owed: list[str] = []
        self._coming: list[tuple[datetime, int, bytes]] = []
        self._count = 0
        self.fates: list[Fate] = []

    async def opens(self) -> None:
        await self.store.open()
        self.clinic = Clinic(self._config, self.store, self.clock)
        self.engine = Engine(self.clinic, self.settle, self)
        await self.engine.begin()
        await self.engine.begin_digests()

    # --- what the engine talks to

    def settle(self, place: Place, fate: Fate) -> None:
        self.fates.append(fate)

    def look_anew(self) -> None:
        """Nobody sends here."""

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def owe(self, letters: object) -> None:
        assert isinstance(letters, (tuple, list))
        self._owed += [one.id for one in letters if isinstance(one, Letter) and one.post is Post.OWED]

    # --- people

    async def writes(self, sender: str, subject: str, body: str = "", **headers: str) -> None:
        """Somebody writes, and all that follows from it at this moment happens."""
        self.put(a_mail(sender, self.mailbox, subject, body, **headers))
        await self._all_of_now()

    async def arrives(self, raw: bytes, withheld: Withheld | None = None) -> Fate:
        """A mail lies in the mailbox, or the part of it that the server hands out: what became of it."""
        self._count += 1
        await self.engine.take(replace(lying(Place(1, self._count), self.clock.now(), raw), withheld=withheld))
        fate = self.fates[-1]
        await self._all_of_now()
        return fate

    def put(self, message: EmailMessage, after: timedelta = timedelta(0)) -> None:
        """A mail is on its way."""
        self._count += 1
        if "Message-ID" not in message:
            message["Message-ID"] = f"<{self._count}@{str(message['From']).rpartition('@')[2].rstrip('>')}>"
        if "Date" not in message:
            message["Date"] = self.clock.now() + after
        heappush(self._coming, (self.clock.now() + after, self._count, message.as_bytes()))

    async def passes(self, span: timedelta) -> None:
        """Time passes for an engine that is awake."""
        end = self.clock.now() + span
        while (at := await self.next_at()) is not None and at <= end:
            self.clock.move_to(max(at, self.clock.now()))
            await self._all_of_now()
        self.clock.move_to(end)

    async def next_at(self) -> datetime | None:
        """When something happens next."""
        coming = self._coming[0][0] if self._coming else None
        times = (await self.store.next_due(), self.engine.next_digest_at, coming)
        return min((at for at in times if at is not None), default=None)

    def letters(self, kind: str, to: str) -> list[Got]:
        return [one for one in self.got if one.kind == kind and one.to == to]

    async def _all_of_now(self) -> None:
        while True:
            await self._deliver()
            now = self.clock.now()
            assert self._count < TOO_MUCH, "it goes on for ever"
            if self._coming and self._coming[0][0] <= now:
                _, number, raw = heappop(self._coming)
                await self.engine.take(lying(Place(1, number), now, raw))
            elif (due := await self.store.next_due()) is not None and due <= now:
                assert await self.engine.tick(), "it stays due"
            elif (at := self.engine.next_digest_at) is not None and at <= now:
                await self.engine.write_digests()
            elif not self._owed:
                return

    async def _deliver(self) -> None:
        while self._owed:
            letter = await self.store.letter(self._owed.pop(0))
            if letter is None or letter.post is not Post.OWED:
                continue
            if letter.to.email in self.refused:
                await self.engine.fail_letter(replace(letter, attempts=letter.attempts + 1), "RCPT 550")
                continue
            raw = self.clinic.letters.render(letter, self.clock.now()).raw
            now = self.clock.now()
            if self.records:
                await self.store.settle_letters([_sent(letter, now)])
            elif letter.id in {one.id for one in self.unrecorded}:
                continue
            else:
                self.unrecorded.append(_sent(letter, now))
            self._count += 1
            got = Got(now, letter.to.email, raw)
            self.got.append(got)
            if self.carries is not None and self.carries(got.message, got.to):
                continue
            machine = self.answers_for.get(got.to)
            answer = machine(got.message) if machine is not None else None
            if isinstance(answer, str):
                subject, message_id = got.message["Subject"], str(got.message["Message-ID"])
                ids = {"In-Reply-To": message_id, "References": message_id}
                answer = a_mail(got.to, self.mailbox, f"Re: {subject}", answer, **ids)
            if answer is not None:
                self.put(answer, self.delay)


def a_mail(sender: str, to: str, subject: str, body: str = "", **headers: str) -> EmailMessage:
    """A mail that passes the sender check."""
    message = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=900))
    message["Authentication-Results"] = f"mx.clinic.test; dmarc=pass header.from={sender.rpartition('@')[2]}"
    message["From"], message["To"], message["Subject"] = sender, to, subject
    for name, value in headers.items():
        del message[name]
        message[name] = value
    message.set_content(body or "\n")
    return message


def _sent(letter: Letter, now: datetime) -> Letter:
    return replace(letter, post=Post.SENT, attempts=letter.attempts + 1, settled_at=now)
