"""A machine that plays at random with a whole clinic but for the network, and is held against a small model.

Mails come, time passes or is set back, the daemon sleeps, stops, dies at any write or send; the server refuses, goes
away, or takes a letter and hangs up. What must hold afterwards is `machine_model`; nothing here decides.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.machine_model import LONGEST_WAIT, ZONE, Model, is_quiet, morning_after
from tests.machine_world import (
    ALEX,
    DANA,
    MAILBOX,
    RAVI,
    KnownChance,
    MailServer,
    Written,
    at_once,
    configuration,
    header,
    lying,
)
from tests.movable_clock import MovableClock
from tests.store.tiny_bench import PowerCut, kill
from workflow.clinic import Clinic
from workflow.core.mail import Place
from workflow.core.model import Case, Fate
from workflow.engine import Engine
from workflow.mail.imap.mailbox import Fetched
from workflow.sender import Sender
from workflow.store.tiny import atomic
from workflow.store.tiny.store import TinyStore

pytestmark = pytest.mark.slow

CLIENTS = ("Sam", "Kim", "Jo", "Robin", "Lou", "Max", "Ana", "Ben", "Eva", "Leo", "Mia", "Noa", "Tom", "Uma", "Zoe")
"""A client a report: a second report about the same one is another test's."""

REPORTS = st.sampled_from(["NOSHOW", "LATE 8", "LATE 15"])
ANSWERS = st.sampled_from(
    ["SENT", "RESCHEDULED", "UNREACHABLE", "OTHER she is ill", "UNDO", "MISTAKE", "LATE", "NOSHOW"]
)
BEGINNINGS = {
    "a morning": datetime(2026, 11, 5, 9, 0, tzinfo=ZONE),
    "an afternoon": datetime(2026, 11, 5, 14, 0, tzinfo=ZONE),
    "before quiet hours": datetime(2026, 11, 5, 20, 40, tzinfo=ZONE),
    "in quiet hours": datetime(2026, 11, 5, 22, 30, tzinfo=ZONE),
    "before the clock goes back": datetime(2026, 10, 31, 19, 30, tzinfo=ZONE),
    "before the clock goes forward": datetime(2027, 3, 13, 19, 30, tzinfo=ZONE),
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=ZONE)


class Machine(RuleBasedStateMachine):
    """See the module. A rule is one thing that people, time or trouble do; what follows from it happens in the rule."""

    cases = Bundle("cases")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.scratch = tempfile.TemporaryDirectory()
        self.model = Model()
        self.server = MailServer(self._taken, self._boundary)
        self.folder: dict[Place, tuple[Fetched, Written]] = {}
        self.written: list[tuple[bytes, Written]] = []
        self.uids = 0
        self.reports = 0
        self.cut_in: int | None = None
        self.patched = pytest.MonkeyPatch()
        self.patched.setattr(atomic, "boundary", self._boundary)
        self.patched.setattr("workflow.store.tiny.store.secrets", KnownChance())

    @initialize(target=cases, beginning=st.sampled_from(sorted(BEGINNINGS)), words=REPORTS)
    def begin(self, beginning: str, words: str) -> tuple[str, str]:
        self.clock = MovableClock(BEGINNINGS[beginning])
        self._does(self._starts())
        return self._reports(DANA, words)

    def teardown(self) -> None:
        try:
            if hasattr(self, "engine"):
                self.all_is_well()
        finally:
            self.patched.undo()
            with suppress(AttributeError):
                kill(self.store)
            self.loop.close()
            self.scratch.cleanup()

    # --- people ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.reports < len(CLIENTS))
    @rule(target=cases, who=st.sampled_from([DANA, RAVI]), words=REPORTS)
    def somebody_reports(self, who: str, words: str) -> tuple[str, str]:
        return self._reports(who, words)

    @rule(case=cases, words=ANSWERS)
    def the_associate_answers(self, case: tuple[str, str], words: str) -> None:
        self._answers(case[1], case[0], words)

    @rule(case=cases, words=st.sampled_from(["CONTACTED", "UNREACHABLE"]))
    def admin_answers(self, case: tuple[str, str], words: str) -> None:
        self._answers(ALEX, case[0], words)

    @rule(words=ANSWERS)
    def an_answer_overtakes_the_next_reminder(self, words: str) -> None:
        """What is due next is decided; while the reminder waits for its turn at the server, its answer is taken."""

        async def answered(raw: bytes) -> None:
            case_id = header(raw, "X-Promptly-Case")
            case = await self.store.case(case_id)
            assert case is not None
            self._answers(case.associate.email, case_id, words)
            await self._looks()

        async def overtaken() -> None:
            self.server.before_a_reminder = answered
            if (due := await self.store.next_due()) is not None:
                self.clock.move_to(max(due, self.clock.now()))
                await self._ticks()

        self._does(overtaken())

    @rule(which=st.integers(0, 1000))
    def the_same_mail_comes_again(self, which: int) -> None:
        self._lies(*self.written[which % len(self.written)])

    # --- time -----------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 6, 11, 31, 61, 5 * 60, 11 * 60, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self._does(self._awake_until(self.clock.now() + timedelta(minutes=minutes)))

    @rule(minutes=st.sampled_from([9, 17, 78, 6 * 60, 10 * 60, 30 * 60]))
    def the_machine_is_suspended(self, minutes: int) -> None:
        self.clock.move(timedelta(minutes=minutes))
        self._does(self._ticks())

    @rule(hours=st.sampled_from([1, 5, 26]))
    def the_clock_is_set_back(self, hours: int) -> None:
        self._set_back(hours)
        self._does(self._ticks())

    # --- trouble --------------------------------------------------------------------------------------

    @rule(up=st.booleans())
    def the_server_goes_down_or_comes_up(self, up: bool) -> None:
        self.server.is_up = up
        self._does(self._sends())

    @rule(address=st.sampled_from([DANA, ALEX]), times=st.integers(1, 3))
    def the_server_refuses_for_now(self, address: str, times: int) -> None:
        self.server.refuses[address] = times

    @rule(times=st.integers(1, 2))
    def the_server_hangs_up_after_taking(self, times: int) -> None:
        self.server.answers_lost = times

    @rule(steps=st.integers(1, 12))
    def the_power_fails_soon(self, steps: int) -> None:
        self.cut_in = steps

    @rule(hours=st.sampled_from([0, 3, 12]), back=st.booleans(), kill=st.booleans())
    def the_daemon_is_away(self, hours: int, back: bool, kill: bool) -> None:
        if not kill:
            with suppress(PowerCut):
                self.loop.run_until_complete(self.store.close())
        self._dies()
        if back:
            self._set_back(hours)
        else:
            self.clock.move(timedelta(hours=hours))
        self._does(self._starts())

    def all_is_well(self) -> None:
        """Every server up and an hour of peace, by day: then nothing is owed."""
        self.cut_in = None
        self.server.is_up, self.server.answers_lost, self.server.before_a_reminder = True, 0, None
        self.server.refuses.clear()
        for _ in range(2):  # in the first, something may be owed that the night had held back until its end
            self.clock.move(LONGEST_WAIT + timedelta(minutes=1))
            if is_quiet(self.clock.now()):
                self.clock.move_to(morning_after(self.clock.now()))
            self._does(self._ticks())
        assert not at_once(self.store.owed()), "owed and forgotten"
        self.model.all_is_settled(self._cases())

    @invariant()
    def the_model_holds(self) -> None:
        if hasattr(self, "store"):
            self.model.holds(self._cases())

    # --- the daemon, as service would drive it ----------------------------------------------------------

    async def _starts(self) -> None:
        self.store = TinyStore(Path(self.scratch.name))
        await self.store.open()
        clinic = Clinic(configuration(), self.store, self.clock)
        self.sender = Sender(clinic, self.server)  # type: ignore[arg-type]  # all that a sender asks of an outbox
        self.engine = Engine(clinic, self.settle, self.sender)
        await self.engine.begin()
        self.sender.owe(await self.store.owed())
        await self._looks()
        await self._ticks()

    def _dies(self) -> None:
        self.model.died()
        self.cut_in = None
        self.server.before_a_reminder = None
        kill(self.store)

    def _does(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it; if the power fails on the way, start again on what the disk holds."""
        try:
            self.loop.run_until_complete(work)
        except PowerCut:
            self._dies()
            self.loop.run_until_complete(self._starts())

    async def _looks(self) -> None:
        """Everything in the folder is taken, again and again, as after a restart or a renumbering."""
        for place in sorted(self.folder, key=lambda one: one.uid):
            if place in self.folder:
                await self.engine.take(self.folder[place][0])

    def settle(self, place: Place, fate: Fate) -> None:
        """The decision is on disk."""
        arrival, written = self.folder[place]
        assert fate is Fate.HANDLED, f"{written.words} was {fate}"
        self._heard(arrival, written)
        self._boundary("before-move")
        del self.folder[place]

    async def _ticks(self) -> None:
        """One round of the service's clock: the folder first, then what is due, then letters."""
        await self._looks()
        due, now = await self.store.next_due(), self.clock.now()
        before = {case.id: case for case in self._cases()}
        if (due is not None and due <= now) or self.engine.clock_was_set_back(now):
            await self.engine.tick()
        for case in self._cases():
            self.model.ticked(case, before[case.id], now)
        self.sender.wake()
        await self._sends()

    async def _awake_until(self, at: datetime) -> None:
        while (due := await self.store.next_due()) is not None and due <= at:
            self.clock.move_to(max(due, self.clock.now()))
            await self._ticks()
        self.clock.move_to(at)
        await self._ticks()

    async def _sends(self) -> None:
        for _ in range(200):
            if not await self.sender.post_one(self.engine) or not self.server.is_up:
                break
        else:
            raise AssertionError("a letter goes round and round")
        await self.sender.record()
        self.model.recorded()

    # --- what the model is told ---------------------------------------------------------------------------

    def _heard(self, arrival: Fetched, written: Written) -> None:
        now = self.clock.now()
        if written.case is not None:
            self.model.answered(written.case, written.message_id, written.word, written.text, now)
        else:
            case_id = self._case_of(written.message_id)
            if case_id not in self.model.cases:
                minutes = int(written.text) if written.text else None
                self.model.opened(case_id, written.message_id, written.word.lower(), minutes, now)

    async def _taken(self, raw: bytes, recipient: str) -> None:
        message_id = header(raw, "Message-ID")
        letter = await self.store.letter_of_message(message_id)
        self.model.accepted(letter, message_id, recipient, self.clock.now(), heard=self.server.answers_lost == 0)

    def _set_back(self, hours: int) -> None:
        self.clock.move(-timedelta(hours=hours))
        if hours:
            self.model.clock_was_set_back(self.clock.now(), self._cases())

    # --- small things ---------------------------------------------------------------------------------

    def _boundary(self, step: str) -> None:
        if self.cut_in is not None:
            self.cut_in -= 1
            if self.cut_in <= 0:
                raise PowerCut(step)

    def _reports(self, who: str, words: str) -> tuple[str, str]:
        """The new case's id and associate."""
        client = CLIENTS[self.reports]
        self.reports += 1
        mail = self._delivers(who, f"{words} {client}", words)
        self._does(self._looks())
        return self._case_of(mail), who

    def _answers(self, who: str, case: str, words: str) -> None:
        if words == "LATE":  # another estimate each time: the same again is another test's
            words = f"LATE {20 + self.uids}"
        self._delivers(who, f"[{case}] {words}", words, case)

    def _delivers(self, who: str, subject: str, words: str, case: str | None = None) -> str:
        message_id = f"<mail-{self.uids + 1}@phone.test>"
        raw = (
            f"From: {who}\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\nMessage-ID: {message_id}\r\n"
            f"Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\n\r\n"
        )
        self._lies(raw.encode(), Written(message_id, words, case))
        return message_id

    def _lies(self, raw: bytes, written: Written) -> None:
        self.written.append((raw, written))
        self.uids += 1
        place = Place(1, self.uids)
        self.folder[place] = (lying(place, self.clock.now(), raw), written)

    def _cases(self) -> list[Case]:
        return at_once(self._read_cases())

    async def _read_cases(self) -> list[Case]:
        ended = [case async for case in self.store.closed_cases(LONG_AGO)]
        known = await self.store.open_cases()
        return [*known.values(), *(case for case in ended if case.id not in known)]

    def _case_of(self, message_id: str) -> str:
        found = [case.id for case in self._cases() if any(mail.message_id == message_id for mail in case.mails)]
        assert len(found) == 1, f"a report with {len(found)} cases"
        return found[0]


def test_power_that_fails_before_a_clock_that_was_set_back_is_noticed_silences_nothing() -> None:
    """A game that was found at random; what it found is seldom met again."""
    for steps in range(1, 12):
        game = Machine()
        case = game.begin("an afternoon", "NOSHOW")
        game.the_associate_answers(case, "NOSHOW")  # heard at the new time
        game.the_power_fails_soon(steps)
        game.the_clock_is_set_back(1)
        game.the_model_holds()
        for _ in range(4):
            game.time_passes(6)
            game.the_model_holds()
        game.teardown()


def test_a_letter_that_is_owed_twice_and_refused_for_now_waits_its_time() -> None:
    game = Machine()

    def sent_to_alex() -> list[str]:
        return [kind for kind, _, address in game.model.posted.values() if address == ALEX]

    case = game.begin("a morning", "NOSHOW")
    game.the_server_refuses_for_now(ALEX, 1)
    game.the_associate_answers(case, "SENT")  # its commit owes again what has not gone
    game.the_server_goes_down_or_comes_up(up=False)
    game.time_passes(1)
    game.the_server_goes_down_or_comes_up(up=True)
    assert sent_to_alex() == ["update"]
    game.time_passes(1)
    assert sent_to_alex() == ["update", "alert"]
    game.teardown()


def plays(examples: int, steps: int, *phases: Phase, at_random: bool) -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=phases,
            derandomize=not at_random,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_clinic_at_random_keeps_its_promises() -> None:
    """The same games each time, so that nobody's unrelated change fails by chance. A failing game is told as it was."""
    plays(15, 25, Phase.generate, at_random=False)


@pytest.mark.skipif(os.environ.get("PLAY_AT_RANDOM") != "1", reason="explores: PLAY_AT_RANDOM=1 plays new games")
def test_a_clinic_at_random_keeps_its_promises_for_long() -> None:
    """New games each time; a failing one is made short, which may take minutes."""
    plays(250, 40, Phase.generate, Phase.shrink, at_random=True)
