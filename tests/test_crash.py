"""A crash at every I/O boundary of a mail's path, then a start: nothing lost, nothing twice but a letter under its id.

In process: a hook raises at the n-th boundary, and from then on at each, as a machine without power would. The daemon
that starts on the same folder afterwards has nothing but the disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation import Clinic
from tests.store.tiny_bench import PowerCut, TinyBench
from workflow.core.mail import Place
from workflow.core.model import Fate
from workflow.mail.imap.inbox import Inbox
from workflow.mail.smtp.outbox import Attempt, Outbox
from workflow.store.tiny import atomic


@dataclass
class Boundaries:
    """Counts the I/O boundaries passed, and cuts the power at one of them."""

    cut_at: int | None = None
    passed: list[str] = field(default_factory=list)

    @property
    def cut(self) -> bool:
        return self.cut_at is not None and len(self.passed) >= self.cut_at

    def __call__(self, step: str) -> None:
        self.passed.append(step)
        if self.cut:
            raise PowerCut(step)


class CutOutbox:
    """An outbox whose server may have taken a letter that we never hear of."""

    def __init__(self, outbox: Outbox, boundaries: Boundaries) -> None:
        self._outbox = outbox
        self._boundaries = boundaries

    async def send(self, raw: bytes, *, sender: str, recipient: str, still_wanted: Callable[[], bool]) -> Attempt:
        self._boundaries("before-send")
        attempt = await self._outbox.send(raw, sender=sender, recipient=recipient, still_wanted=still_wanted)
        self._boundaries("after-send")
        return attempt

    @property
    def warm(self) -> bool:
        return self._outbox.warm

    def warm_up(self) -> None:
        self._outbox.warm_up()

    async def close(self, grace: float = 3.0) -> None:
        await self._outbox.close(0.0)


SETTLE = Inbox.settle


def wire(clinic: Clinic, boundaries: Boundaries, monkeypatch: pytest.MonkeyPatch) -> None:
    service = clinic.service
    outboxes = tuple(CutOutbox(outbox, boundaries) for outbox in service.sender.outboxes)
    service.sender.outboxes = outboxes  # type: ignore[assignment]  # all it needs
    monkeypatch.setattr(atomic, "boundary", boundaries)


def wire_inbox(boundaries: Boundaries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the start: the engine holds on to the inbox that it is given."""

    def settle_at_boundary(inbox: Inbox, place: Place, fate: Fate) -> None:
        boundaries("before-move")
        SETTLE(inbox, place, fate)

    monkeypatch.setattr(Inbox, "settle", settle_at_boundary)


def unwire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inbox, "settle", SETTLE)
    monkeypatch.setattr(atomic, "boundary", lambda step: None)


async def story(clinic: Clinic) -> None:
    """A report, a reminder, an answer. Each step may die; then it is for the next start to go on."""
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.minute_by_minute(6)
    case = await clinic.only_case()
    await clinic.dana.writes(f"[{case.id}] RESCHEDULED Tue 3pm")


async def live(folder: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int | None) -> Boundaries:
    """The story with one power cut (or none), and what must be true at its end."""
    boundaries = Boundaries(cut_at)
    clinic = Clinic(folder)
    wire_inbox(boundaries, monkeypatch)
    try:
        async with clinic:
            wire(clinic, boundaries, monkeypatch)
            try:
                await story(clinic)
            except BaseException:  # wherever the cut surfaced: in the test's steps, or in the daemon's tasks
                if not boundaries.cut:
                    raise
            if cut_at is not None:
                with suppress(BaseException):
                    await clinic.stops()
                TinyBench(clinic.folder / "state").kill(clinic.store)  # death does this
                unwire(monkeypatch)
                await clinic.starts()
                await finish(clinic)
            await check(clinic)
    finally:
        unwire(monkeypatch)
    return boundaries


async def finish(clinic: Clinic) -> None:
    """What the people of the story still do after the restart: they know nothing of the cut."""
    if await clinic.store.open_cases():
        case = await clinic.only_case()
        await clinic.until(max(clinic.clock.now(), case.opened_at + timedelta(minutes=6)))
        case = await clinic.only_case()
        if case.open:
            await clinic.dana.writes(f"[{case.id}] RESCHEDULED Tue 3pm")


async def check(clinic: Clinic) -> None:
    """One case, closed; every letter at least once; what came twice came under one Message-ID."""
    await clinic.settled()
    await clinic.collect()
    assert not await clinic.store.open_cases()
    assert not await clinic.store.owed()
    dana, alex = clinic.dana.inbox, clinic.alex.inbox
    cases = {letter.case for letter in (*dana, *alex)}
    assert len(cases) == 1, "one case a report"
    for inbox, wanted in ((dana, ["draft", "reminder", "receipt"]), (alex, ["alert", "update"])):
        ids = {letter.id: letter.kind for letter in inbox}
        kinds = Counter(ids.values())
        assert all(kinds[kind] >= 1 for kind in wanted), f"lost: {wanted} but {kinds}"
        assert kinds["draft"] <= 1
        assert kinds["alert"] <= 1
        assert kinds["reminder"] <= 1
        assert kinds["update"] <= 1
        inbox.clear()


@pytest.mark.slow
async def test_a_crash_at_every_boundary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await live(tmp_path / "whole", monkeypatch, None)
    assert {"before-write", "after-replace", "before-send", "after-send", "before-move"} <= set(whole.passed)
    for cut_at in range(1, len(whole.passed) + 1):
        await live(tmp_path / f"cut-{cut_at}", monkeypatch, cut_at)
