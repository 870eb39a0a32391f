"""What SMTP servers do to a burst of letters while the whole service runs: each goes once it can, under its one id.

How the outbox alone takes each of these is in tests/mail/test_outbox.py; outages by the clock are in
tests/test_outages.py, greylisting and refused recipients in tests/test_bad_input.py.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.configuration import write_password
from tests.conversation import MAILBOX, Clinic
from tests.in_time import answers, happens, header, is_owed
from tests.test_outages import notices
from tests.troubled_server import Stage, TroubledServer
from workflow import sender
from workflow.core.model import Post
from workflow.mail.smtp import outage
from workflow.mail.smtp.outbox import Outbox, Result


def ids_by_kind(server: TroubledServer) -> dict[str, Counter[str]]:
    """For each kind of letter, how often each Message-ID was accepted."""
    found: dict[str, Counter[str]] = {}
    for passed in server.passed:
        kind = header(passed.raw, "X-Promptly-Letter")
        found.setdefault(kind, Counter())[header(passed.raw, "Message-ID")] += 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
async def test_421_in_the_middle_of_a_burst_delays_and_loses_nothing(tmp_path: Path, stage: str) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        clinic.server.hang_smtp()
        for client in ("Sam", "Kim", "Jo", "Robin"):
            await answers(clinic, "dana", f"NOSHOW {client}")
        async with asyncio.timeout(10):
            while len(await clinic.store.owed()) < 12:
                await asyncio.sleep(0.005)
        for address in (MAILBOX, "admin@clinic.test") if stage == "MAIL" else ("admin@clinic.test",):
            clinic.server.refuse(address, "421 4.3.2 Closing", 3, stage=stage)  # type: ignore[arg-type]  # a Stage
        clinic.server.resume_smtp()
        await clinic.settled()
        for _ in range(4):
            await clinic.passes(minutes=1)
        assert {kind: sorted(ids.values()) for kind, ids in ids_by_kind(clinic.server).items() if kind != "notice"} == {
            "alert": [1] * 8,
            "draft": [1] * 4,
        }
        await clinic.collect()
        for person in (clinic.dana, clinic.alex, clinic.pat):
            person.inbox.clear()


@pytest.mark.slow
async def test_a_hang_after_data_is_given_up_and_the_letter_goes_again_under_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Clinic(tmp_path) as clinic:
        smtp = clinic.service.clinic.config.smtp
        clinic.service.sender.outboxes = (Outbox(smtp, timeout=0.2), Outbox(smtp, timeout=0.2))
        taken = clinic.server.handle_DATA
        hung = 0

        async def hangs(*arguments: object) -> str:
            nonlocal hung
            said = await taken(*arguments)  # type: ignore[arg-type]  # passed on as they came
            hung += 1
            if hung <= 2:
                await asyncio.sleep(60)  # until the client hangs up
            return said

        monkeypatch.setattr(clinic.server, "handle_DATA", hangs)
        await clinic.dana.writes("NOSHOW Sam")
        assert {kind: list(ids.values()) for kind, ids in ids_by_kind(clinic.server).items()} == {
            "alert": [2],
            "draft": [2],
        }
        assert not await clinic.store.owed()
        await clinic.collect()
        clinic.dana.inbox.clear()
        clinic.alex.inbox.clear()


@pytest.mark.slow
async def test_a_password_changed_under_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "FIRST_LOGIN_WAIT", 0.02)
    monkeypatch.setattr(outage, "LONGEST_LOGIN_WAIT", 0.02)
    password = tmp_path / "smtp-password"
    write_password(password)
    async with Clinic(tmp_path, smtp={"username": MAILBOX, "password_file": password.name}) as clinic:
        await clinic.server.down_smtp()
        clinic.server.change_password(MAILBOX, "changed")
        await clinic.server.up_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await is_owed(clinic, "draft")
        await happens(lambda: clinic.service.sender.outage.why is Result.REFUSED_LOGIN)
        clinic.clock.move(timedelta(minutes=3))
        await is_owed(clinic, "notice")
        write_password(password, "changed")  # read anew at each login: no restart
        await clinic.settled()
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        notice = await clinic.alex.gets("notice")
        assert "The SMTP server has refused the login since 14:00: check the password." in notice.text


class LimitedClinic(Clinic):
    """A clinic whose SMTP server takes two letters a minute."""

    async def starts(self, *, wait: bool = True) -> None:
        config = self.config_file.read_text()
        self.config_file.write_text(config.replace("[smtp]\n", "[smtp]\nper_minute = 2\n"))
        await super().starts(wait=wait)

    def sent(self) -> list[str]:
        """The kinds of the letters that went since this was asked last."""
        kinds = [header(passed.raw, "X-Promptly-Letter") for passed in self.server.passed]
        self.server.passed.clear()
        return kinds


async def test_no_more_letters_a_minute_than_are_allowed_and_the_urgent_first(tmp_path: Path) -> None:
    async with LimitedClinic(tmp_path, admins=("alex", "pat")) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        assert len(clinic.sent()) == 2
        assert len(await clinic.store.owed()) == 1
        await clinic.passes(seconds=59.9)
        assert clinic.sent() == []
        await clinic.passes(seconds=0.1)
        assert len(clinic.sent()) == 1, "the other has its place"
        await clinic.passes(minutes=4)  # the reminder is due
        assert clinic.sent() == ["reminder"]
        await clinic.passes(minutes=5)
        await clinic.passes(seconds=40)
        sent = clinic.sent()
        assert sorted(sent) == ["escalation", "escalation"], "before the reminder"
        await clinic.passes(seconds=10)
        await clinic.ravi.writes("LATE 15 Kim")
        assert clinic.sent() == []
        await clinic.passes(seconds=50)
        assert sorted(clinic.sent()) in (["alert", "alert"], ["alert", "draft"]), "before it as well, though younger"
        await clinic.passes(seconds=60)
        assert len(clinic.sent()) == 2
        await clinic.collect()
        for person in (clinic.dana, clinic.ravi, clinic.alex, clinic.pat):
            person.inbox.clear()


async def test_of_the_allowance_each_attempt_counts_that_the_server_may_have_taken(tmp_path: Path) -> None:
    async with LimitedClinic(tmp_path, admins=("alex", "pat")) as clinic:
        await clinic.server.down_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await happens(lambda: clinic.service.sender.outage.since is not None)
        clinic.server.lose_answers()
        await clinic.server.up_smtp()
        await clinic.settled()
        assert len(clinic.sent()) == 2, "with the one whose acceptance was not heard, without those that found nobody"
        await clinic.passes(minutes=1)
        assert len(clinic.sent()) == 2
        assert not await clinic.store.owed()
        await clinic.collect()
        for person in (clinic.dana, clinic.alex, clinic.pat):
            person.inbox.clear()


async def test_a_draft_that_waits_for_its_turn_for_two_minutes_is_told_once(tmp_path: Path) -> None:
    async with LimitedClinic(tmp_path) as clinic:
        for client in ("Sam", "Kim", "Eli", "Jo"):
            await clinic.dana.writes(f"LATE 5 {client}")
        for _ in range(2):
            await clinic.passes(minutes=1)
        await happens(lambda: clinic.service.auditor.late == 2)  # six of eight letters have gone
        await is_owed(clinic, "notice")
        for _ in range(2):
            await clinic.passes(minutes=1)
        for person, kinds in ((clinic.dana, ["draft"] * 4), (clinic.alex, ["alert"] * 4)):
            for kind in kinds:
                await person.gets(kind)
        assert "waits for its turn" in (await clinic.alex.gets("notice")).text
        assert notices(clinic) == 1


async def test_a_clock_that_was_set_back_makes_no_letter_wait(tmp_path: Path) -> None:
    async with LimitedClinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        assert len(clinic.sent()) == 2
        clinic.clock.move(timedelta(hours=-2))
        await clinic.dana.writes("NOSHOW Kim")
        assert sorted(clinic.sent()) == ["alert", "draft"]
        await clinic.collect()
        clinic.dana.inbox.clear()
        clinic.alex.inbox.clear()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("MAIL", "550 5.4.5 Daily user sending limit exceeded"),
        pytest.param("RCPT", "550 Relaying denied", marks=pytest.mark.slow),
        pytest.param("RCPT", "554 5.7.1 Relay access denied", marks=pytest.mark.slow),
        pytest.param("DATA", "554 5.7.1 Looks like spam", marks=pytest.mark.slow),
        pytest.param("DATA", "550 Rejected", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("restarted", [pytest.param(False, marks=pytest.mark.slow), True])
async def test_a_clinic_refused_for_forty_minutes_loses_no_letter(
    tmp_path: Path, stage: Stage, answer: str, restarted: bool
) -> None:
    """The account is locked, a relay forgot its tables, a filter dislikes us: nobody's address is at fault."""
    async with Clinic(tmp_path) as clinic:
        refused = (MAILBOX,) if stage == "MAIL" else ("dana@clinic.test", "admin@clinic.test")
        for address in refused:
            clinic.server.refuse(address, answer, stage=stage)
        await answers(clinic, "dana", "NOSHOW Sam")
        await is_owed(clinic, "draft")
        await happens(lambda: clinic.service.sender.idle)
        for _ in range(40):
            await clinic.passes(minutes=1)
        await is_owed(clinic, "notice")
        assert clinic.service.faults() == ["Letters wait: the SMTP server is not reached, or refuses us"]
        case = await clinic.only_case()
        assert case.returned_at is None, "nobody is away"
        assert all(letter.post is not Post.FAILED for letter in case.letters)
        if restarted:
            await clinic.stops()
            await clinic.starts()
        for address in refused:
            clinic.server.accept(address)
        while not clinic.server.passed:
            await clinic.passes(minutes=1)
        await clinic.passes(minutes=1)
        assert not await clinic.store.owed(), "with the first that is taken go all that were refused again and again"
        assert notices(clinic) == 1, "for one cause"
        await happens(lambda: clinic.service.faults() == [])
        await clinic.dana.gets("draft")
        await clinic.dana.gets("reminder")
        await clinic.alex.gets("alert")
        await clinic.alex.gets("escalation")
        assert "The SMTP server has refused letters since 14:00" in (await clinic.alex.gets("notice")).text
        await clinic.collect()
        clinic.dana.inbox.clear()  # further reminders: Dana still owes the word


async def test_a_recipient_refused_without_a_code_is_lost_once_others_were_accepted(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "550 No such user here")
        await answers(clinic, "dana", "NOSHOW Sam")
        await clinic.settled()
        await clinic.alex.gets("alert")
        assert (await clinic.only_case()).returned_at is None, "one refusal proves nothing"
        await clinic.dana.writes("NOSHOW Kim")
        await clinic.alex.gets("alert")
        await clinic.passes(minutes=1)
        for _ in range(2):  # one a case
            assert "was refused: RCPT 550" in (await clinic.alex.gets("notice")).text
        await clinic.settled()
        for _ in range(2):
            await clinic.alex.gets("escalation")
        assert all(case.returned_at for case in (await clinic.store.open_cases()).open)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("RCPT", "552 5.2.2 Mailbox full"),
        pytest.param("RCPT", "550 5.7.1 Not from you", marks=pytest.mark.slow),
        pytest.param("DATA", "554 5.7.1 Looks like spam", marks=pytest.mark.slow),
    ],
)
async def test_the_same_answer_about_one_reader_for_a_day_is_for_good(
    tmp_path: Path, stage: Stage, answer: str
) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", answer, stage=stage)
        await answers(clinic, "dana", "LATE 15 Sam")
        await clinic.settled()
        await clinic.alex.writes("STATUS")  # another is accepted
        for _ in range(47):
            await clinic.passes(minutes=30)
        assert all(letter.post is not Post.FAILED for letter in (await clinic.only_case()).letters)
        assert clinic.service.sender.outage.since is None
        for _ in range(3):
            await clinic.passes(minutes=30)
        lost = await clinic.only_case()
        assert Post.FAILED in {letter.post for letter in lost.letters}
        assert lost.returned_at is not None
        await clinic.collect()
        assert any("was refused: " in letter.text for letter in clinic.alex.inbox if letter.kind == "notice")
        clinic.alex.inbox.clear()


@pytest.mark.slow
@pytest.mark.parametrize("between", ["552 5.2.2 Mailbox full", "451 4.3.0 Later", "everybody"])
async def test_a_day_begins_anew_with_another_answer_or_when_others_are_refused_too(
    tmp_path: Path, between: str
) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "550 5.7.1 Not from you")
        await answers(clinic, "dana", "LATE 15 Sam")
        await clinic.settled()
        await clinic.alex.writes("STATUS")
        for _ in range(26):
            await clinic.passes(minutes=30)
        if between == "everybody":
            clinic.server.refuse(MAILBOX, "550 5.4.5 Sending limit exceeded", stage="MAIL")
            await answers(clinic, "alex", "STATUS")
            await clinic.passes(hours=1)
            clinic.server.accept(MAILBOX)
        else:
            clinic.server.accept("dana@clinic.test")
            clinic.server.refuse("dana@clinic.test", between)
            await clinic.passes(hours=1)
            clinic.server.accept("dana@clinic.test")
            clinic.server.refuse("dana@clinic.test", "550 5.7.1 Not from you")
        await clinic.alex.writes("STATUS")
        for _ in range(26):
            await clinic.passes(minutes=30)
        kept = await clinic.only_case()
        assert all(letter.post is not Post.FAILED for letter in kept.letters)
        assert kept.returned_at is None
        await clinic.collect()
        clinic.alex.inbox.clear()


async def test_a_clock_that_jumps_makes_no_answer_last_for_a_day(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "552 5.2.2 Mailbox full")
        await answers(clinic, "dana", "LATE 15 Sam")
        await clinic.settled()
        await clinic.alex.writes("STATUS")
        await clinic.passes(minutes=1)
        await clinic.passes(hours=24 * 365)
        await clinic.passes(minutes=30)
        assert (await clinic.only_case()).returned_at is None
        await clinic.collect()
        clinic.alex.inbox.clear()


async def test_an_account_that_is_locked_in_the_middle_of_a_burst_is_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "JUST_NOW", 60.0)  # on a slow machine, too
    async with Clinic(tmp_path) as clinic:
        await clinic.alex.writes("STATUS")
        await clinic.alex.gets("status")
        clinic.server.refuse(MAILBOX, "550 5.4.5 Sending limit exceeded", stage="MAIL")
        await answers(clinic, "dana", "LATE 15 Sam")
        await clinic.settled()
        assert clinic.service.sender.outage.since is not None
        clinic.server.accept(MAILBOX)
        await clinic.passes(minutes=1)
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        assert clinic.service.sender.outage.since is None


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
async def test_a_letter_refused_right_after_another_went_is_told_as_one_letter(
    tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "PATIENCE", 60.0)  # both over one connection, the draft behind the alert
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "554 5.7.1 Looks like spam", stage=stage)
        await answers(clinic, "dana", "LATE 15 Sam")
        await clinic.settled()
        await clinic.alex.gets("alert")
        assert clinic.service.sender.outage.since is None
        for _ in range(9):
            await clinic.passes(minutes=1)
            await clinic.service.auditor.look({"IMAP": None, "SMTP": None})
        assert notices(clinic) == 1, "for one cause"
        await clinic.settled()
        assert "The draft of case" in (await clinic.alex.gets("notice")).text
        clinic.server.accept("dana@clinic.test")
        await clinic.passes(minutes=15)
        await clinic.dana.gets("draft")
        await clinic.dana.gets("reminder")
        await clinic.alex.gets("escalation")


@pytest.mark.slow
async def test_a_letter_that_alone_is_refused_is_kept_and_no_outage(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "554 5.7.1 Looks like spam", stage="DATA")
        await answers(clinic, "dana", "LATE 15 Sam")
        await clinic.settled()
        await clinic.alex.gets("alert")
        await answers(clinic, "alex", "STATUS")
        await clinic.settled()
        await clinic.alex.gets("status")
        for _ in range(3):
            await clinic.passes(minutes=1)
        await happens(lambda: notices(clinic) == 1)
        await clinic.settled()
        assert "draft of case" in (await clinic.alex.gets("notice")).text
        assert clinic.service.sender.outage.since is None
        clinic.server.accept("dana@clinic.test")
        await clinic.passes(minutes=15)
        await clinic.dana.gets("draft")
        await clinic.dana.gets("reminder")
        await clinic.alex.gets("escalation")
