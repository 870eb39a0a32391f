"""Letters that come back: matched to ours by the id in what was returned, and told to whoever can do something."""

from __future__ import annotations

import email
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email.message import Message
from pathlib import Path

import pytest

from tests.arrival import reports
from tests.arrival.paper import Got, Paper
from tests.cast import local
from tests.conversation import MAILBOX, Clinic, Received
from tests.conversations.steps import case_of, come, on, opens
from tests.machine_world import ALEX, DANA
from tests.movable_clock import MovableClock
from workflow.core.model import Case, Fate, LetterKind, Post
from workflow.core.owed import write_letter
from workflow.core.people import Person, Role
from workflow.verbs.show import past, quiet

pytestmark = pytest.mark.slow

LEAD = "lead@clinic.test"
Report = Callable[[Message], str]


@pytest.fixture
async def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Paper]:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    made = Paper(tmp_path, MovableClock(local("14:00")))
    await made.opens()
    yield made
    await made.store.close()


async def comes_back(paper: Paper, letter: Got, report: Report = reports.postfix) -> Fate:
    """The report arrives: from nobody, and vouched for by nobody."""
    return await paper.arrives(report(letter.message).replace("\n", "\r\n").encode())


async def reported(paper: Paper, line: str = "NOSHOW Sam") -> Got:
    """Dana reports; her draft."""
    await paper.writes(DANA, line)
    return paper.letters("draft", DANA)[-1]


async def case_in(paper: Paper, letter: Got) -> Case:
    case = await paper.store.case(letter.case)
    assert case is not None
    return case


def since(paper: Paper, number: int) -> list[str]:
    """What was sent after so many letters: ``admin@clinic.test notice``."""
    return sorted(f"{one.to} {one.kind}" for one in paper.got[number:])


@pytest.mark.parametrize("report", reports.FOR_GOOD)
async def test_for_good_from_an_associate(paper: Paper, report: Report) -> None:
    draft = await reported(paper)
    await paper.passes(timedelta(minutes=1))
    before = len(paper.got)
    assert await comes_back(paper, draft, report) is Fate.LEFT
    assert since(paper, before) == [f"{ALEX} escalation", f"{ALEX} notice"]
    notice = paper.letters("notice", ALEX)[0]
    assert "(draft) to Dana Lee came back" in " ".join(notice.text.split())
    assert draft.case in notice.text
    await paper.passes(timedelta(hours=5))
    assert since(paper, before) == [f"{ALEX} escalation", f"{ALEX} notice", f"{LEAD} escalation"]  # no reminder
    case = await case_in(paper, draft)
    assert "Reminders go to admin, in the mornings: nothing reaches Dana Lee." in list(quiet(case))
    assert any("came back" in line.text for line in past(case))


@pytest.mark.parametrize("kind", ["draft", "alert"])
async def test_under_a_message_id_that_a_relay_gave_it(paper: Paper, kind: str) -> None:
    await reported(paper)
    letter = paper.letters(kind, DANA if kind == "draft" else ALEX)[-1]
    del letter.message["Message-ID"]
    letter.message["Message-ID"] = "<0100018b@eu-west-1.cloud.test>"
    before = len(paper.got)
    assert await comes_back(paper, letter) is Fate.LEFT
    assert "notice" in " ".join(since(paper, before))
    assert any("came back" in line.text for line in past(await case_in(paper, letter)))


@pytest.mark.parametrize("report", reports.FOR_NOW)
async def test_for_now_it_is_a_line_in_show(paper: Paper, report: Report) -> None:
    draft = await reported(paper)
    before = len(paper.got)
    assert await comes_back(paper, draft, report) is Fate.LEFT
    assert since(paper, before) == []
    case = await case_in(paper, draft)
    assert any("still trying to deliver the draft to Dana Lee" in line.text for line in past(case))
    assert case.letters[1].post is Post.SENT
    await paper.passes(timedelta(minutes=5))
    assert since(paper, before) == [f"{DANA} reminder"]


@pytest.mark.parametrize("report", reports.OF_NO_LETTER)
async def test_what_names_no_letter_of_ours_does_nothing(paper: Paper, report: Report) -> None:
    draft = await reported(paper)
    case, before = await case_in(paper, draft), len(paper.got)
    assert await comes_back(paper, draft, report) is Fate.LEFT
    assert since(paper, before) == []
    assert await case_in(paper, draft) == case


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("5.1.1", "there is no such address (5.1.1)"),
        ("5.2.2", "the mailbox is full (5.2.2)"),
        ("5.7.26", "the mail server does not want it (5.7.26)"),
        ("5.6.0", "its reason (5.6.0)"),
    ],
)
async def test_admin_reads_why(paper: Paper, code: str, why: str) -> None:
    draft = await reported(paper)
    await comes_back(paper, draft, lambda letter: reports.postfix(letter).replace("5.1.1", code))
    assert why in " ".join(paper.letters("notice", ALEX)[0].text.split())


async def test_the_same_letter_twice_and_another_one_are_told_once(paper: Paper) -> None:
    draft = await reported(paper)
    await paper.writes(ALEX, f"[{draft.case}] I am on it")
    update = paper.letters("update", DANA)[0]
    for letter, report in ((draft, reports.postfix), (draft, reports.gmail), (update, reports.postfix)):
        await comes_back(paper, letter, report)
    assert len(paper.letters("notice", ALEX)) == 1
    assert [one.post for one in (await case_in(paper, draft)).letters if one.role == "associate"] == [Post.FAILED] * 2


async def test_a_bounce_may_be_faster_than_the_record_that_the_letter_went(paper: Paper) -> None:
    paper.records = False
    draft = await reported(paper)
    await comes_back(paper, draft)
    assert len(paper.letters("notice", ALEX)) == 1
    await paper.store.settle_letters(paper.unrecorded)
    assert (await case_in(paper, draft)).letters[1].post is Post.FAILED


async def test_a_short_delay_is_escalated_too_when_the_associate_has_no_draft(paper: Paper) -> None:
    draft = await reported(paper, "LATE 5 Sam")
    before = len(paper.got)
    await comes_back(paper, draft)
    assert since(paper, before) == [f"{ALEX} escalation", f"{ALEX} notice"]


async def test_who_writes_is_reminded_again_of_every_case(paper: Paper) -> None:
    first, second = await reported(paper), await reported(paper, "NOSHOW Kim")
    for draft in (first, second):
        await comes_back(paper, draft)
    await paper.passes(timedelta(hours=1))
    assert not paper.letters("reminder", DANA)
    third = await reported(paper, "NOSHOW Robin")  # a new case is a new try
    assert (await case_in(paper, third)).returned_at is None
    await paper.writes(DANA, f"[{third.case}] SENT")
    await paper.passes(timedelta(hours=1))
    reminded = {one.case for one in paper.letters("reminder", DANA)}
    assert reminded == {one.case for one in (first, second)}


async def test_a_robot_of_theirs_is_no_sign_that_they_read(paper: Paper) -> None:
    draft = await reported(paper)
    await comes_back(paper, draft)
    await paper.writes(DANA, f"Re: {draft.message['Subject']}", "SENT", **{"Auto-Submitted": "auto-replied"})
    assert (await case_in(paper, draft)).returned_at is not None


async def test_an_answer_without_a_case_that_comes_back_is_told_once(paper: Paper) -> None:
    await paper.writes(DANA, "HELP")
    help_ = paper.letters("help", DANA)[0]
    await comes_back(paper, help_)
    await comes_back(paper, help_, reports.qmail)
    await comes_back(paper, help_, reports.delayed)
    assert since(paper, 1) == [f"{ALEX} notice"]


@pytest.mark.parametrize("report", [reports.postfix, reports.gmail])
@pytest.mark.parametrize(("subject", "kind"), [("HELP", "help"), ("STATUS", "status")])
async def test_without_a_case_and_under_another_message_id(
    paper: Paper, report: Report, subject: str, kind: str
) -> None:
    await paper.writes(DANA, subject)
    letter = paper.letters(kind, DANA)[0]
    letter.message.replace_header("Message-ID", "<0100018b@eu-west-1.cloud.test>")
    before = len(paper.got)
    for _ in range(2):
        await comes_back(paper, letter, report)
    assert since(paper, before) == [f"{ALEX} notice"]
    assert f"({kind}) to Dana Lee came back" in " ".join(paper.letters("notice", ALEX)[0].text.split())


@pytest.mark.parametrize("message_id", [None, "<0100018b@eu-west-1.cloud.test>"])
@pytest.mark.parametrize(
    ("to", "told"),
    [
        (MAILBOX, {"alex": "to the clinic's own mailbox", "pat": "to the clinic's own mailbox"}),
        ("admin@clinic.test", {"pat": "to Alex"}),
    ],
)
async def test_a_test_letter_that_comes_back_is_told(
    tmp_path: Path, message_id: str | None, to: str, told: dict[str, str]
) -> None:
    """It is kept nowhere: only its own fields know it, and of those only this instance's."""
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        scene = clinic.service.clinic.scene(clinic.clock.now(), "a test letter")
        letter = write_letter(scene, LetterKind.TEST, "", Person("Alex", (to,)), Role.ADMIN)
        sent = email.message_from_bytes(clinic.service.clinic.letters.render(letter, clinic.clock.now()).raw)
        if message_id is not None:
            sent.replace_header("Message-ID", message_id)
        for loop in ("0123456789abcdef", sent["X-Promptly-Loop"]):
            sent.replace_header("X-Promptly-Loop", loop)
            await bounces(clinic, Received(sent.as_bytes()))
            got = await come(clinic, **(dict.fromkeys(told, "notice") if loop != "0123456789abcdef" else {}))
        for name, words in told.items():
            assert f"A letter (test) {words} came back" in " ".join(got[name].text.split())


async def test_the_only_admin_s_alert_comes_back_the_lead_is_told_what_it_was(paper: Paper) -> None:
    await reported(paper)
    alert = paper.letters("alert", ALEX)[0]
    before = len(paper.got)
    await comes_back(paper, alert)
    assert since(paper, before) == [f"{LEAD} alert", f"{LEAD} notice"]
    notice = paper.letters("notice", LEAD)[0]
    assert "Sam" in notice.text
    assert "CONTACTED" in notice.text
    await comes_back(paper, notice)  # a notice about a notice would never end
    await paper.passes(timedelta(minutes=5))
    assert since(paper, before) == [f"{DANA} reminder", f"{LEAD} alert", f"{LEAD} notice"]


async def test_of_two_admins_and_a_lead_both_others_are_told(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat"), lead=True) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        alert = (await come(clinic, dana="draft", alex="alert", pat="alert"))["pat"]
        await bounces(clinic, alert)
        await come(clinic, alex="notice", lee="notice")


async def test_when_nobody_is_left_to_tell_the_daemon_s_health_says_so(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        alert = (await come(clinic, dana="draft", alex="alert"))["alex"]
        assert not clinic.service.auditor.faults()
        await bounces(clinic, alert)
        await come(clinic)
        assert "nobody could be told" in clinic.service.auditor.faults()[0]
        await clinic.passes(hours=25)
        assert not clinic.service.auditor.faults()
        await clinic.collect()
        for person in clinic.people.values():
            person.inbox.clear()


async def test_a_letter_that_comes_back_is_told_and_the_client_is_seen_to(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.minute_by_minute(3)
        await bounces(clinic, draft)
        await come(clinic, alex="notice escalation")  # at once: nobody else knows what to do
        (lying,) = await clinic.server.stored(MAILBOX)
        assert not lying.flags & {"\\Seen", "\\Flagged", "$Promptly"}
        await clinic.minute_by_minute(60)
        await clinic.nothing_else()  # nobody would read a reminder
        await clinic.dana.writes(f"[{draft.case}] LATE 5")  # she writes: her mailbox works again
        await come(clinic, dana="ask", alex="update")
        await clinic.until(on(5, "15:20"))
        await come(clinic, dana="reminder")
        await bounces(clinic, draft)
        await come(clinic)  # the same letter came back twice
        await clinic.dana.taps(draft, "RESCHEDULED")
        got = await come(clinic, dana="receipt", alex="update")
        await bounces(clinic, got["dana"])
        assert "came back" in (await come(clinic, alex="notice"))["alex"].text
        assert not (await case_of(clinic, draft)).open


async def test_an_associate_whose_address_is_refused(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "550 5.1.1 No such user")
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.collect()
        await clinic.settled()
        await come(clinic, alex="alert notice escalation")
        clinic.server.accept("dana@clinic.test")
        await clinic.minute_by_minute(60)
        await clinic.dana.writes("texted")
        await come(clinic, dana="receipt", alex="update")
        await clinic.minute_by_minute(181)
        await come(clinic, dana="reminder")


async def bounces(clinic: Clinic, letter: Received) -> None:
    """It comes back to the clinic's mailbox, for good."""
    clinic.count += 1
    report = reports.postfix(letter.message).replace("<report@", f"<report-{clinic.count}@")
    await clinic.server.deliver(MAILBOX, report.replace("\n", "\r\n").encode(), arrived_at=clinic.clock.now())
    await clinic.settled()
