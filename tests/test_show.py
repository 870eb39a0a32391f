"""`show CASE` tells the past and the future of a case: what was sent, what is next, and why not yet."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

import daemon
from tests.conversation import MAILBOX, Clinic
from tests.in_time import answers, happens, is_owed, missed, on
from workflow.watch import Away

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def silent_daemon() -> Iterator[None]:
    """What a verb prints is all there is on standard output: the daemon, here in the same process, logs nothing."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


class Shown:
    """What the terminal shows of a case."""

    def __init__(self, text: str) -> None:
        self.text = text
        assert all(len(line) <= 80 for line in text.splitlines()), "readable at 80 columns"
        self.head, _, rest = text.partition("\nWhat happened\n")
        self.past, _, self.future = rest.partition("\nWhat comes next\n")

    @staticmethod
    def said(part: str) -> str:
        """With wrapped lines joined again."""
        return " ".join(part.split())


async def show(clinic: Clinic, case: str, capsys: pytest.CaptureFixture[str]) -> Shown:
    """In a thread: the verb has a loop of its own, as it has a process of its own."""
    capsys.readouterr()
    code = await asyncio.to_thread(daemon.main, ["show", case, "--config", str(clinic.config_file)])
    assert code == 0
    return Shown(capsys.readouterr().out)


async def test_an_open_case_tells_what_is_next_and_what_would_stop_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        case = await missed(clinic)
        shown = await show(clinic, case, capsys)
        assert f"{case} noshow, Dana Lee, Sam: open" in shown.said(shown.head)
        assert shown.past.splitlines() == [
            "  Thu 5 Nov 2026",
            "     2:00 pm  opened, by Dana Lee",
            "     2:00 pm  alert to Alex: sent",
            "     2:00 pm  draft to Dana Lee: sent",
        ]
        assert shown.future.splitlines() == [
            "  Thu 5 Nov 2026",
            "     2:05 pm  reminder to Dana Lee (is the client told?), unless SENT or an",
            "              outcome comes first",
            "     2:10 pm  escalation to admin, unless SENT, CONTACTED or an outcome comes",
            "              first",
            "     2:30 pm  escalation to the lead, unless SENT, CONTACTED or an outcome comes",
            "              first",
        ]


async def test_what_the_client_answered_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        case = await missed(clinic)
        await clinic.dana.writes(f"[{case}] REBOOK")
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")
        assert "Client answered wants a new time" in (shown := await show(clinic, case, capsys)).said(shown.head)


async def test_a_closed_case_tells_how_it_ended_and_that_nothing_comes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Clinic(tmp_path) as clinic:
        case = await missed(clinic)
        await clinic.dana.writes(f"[{case}] SENT")
        await clinic.dana.writes(f"[{case}] RESCHEDULED Tue 3pm")
        for kind in ("receipt", "receipt"):
            await clinic.dana.gets(kind)
            await clinic.alex.gets("update")
        shown = await show(clinic, f"[{case.lower()}]", capsys)  # as it stands in a subject, or as typed
        assert "rescheduled (Tue 3pm)" in shown.said(shown.head)
        assert "Messaged Thu 5 Nov 2026, 2:00 pm" in shown.said(shown.head)
        assert "sent, by Dana Lee" in shown.past
        assert "outcome rescheduled, by Dana Lee" in shown.past
        assert shown.future.split("\n")[:2] == ["  nothing", "  No more reminders: the case is closed."]


async def test_as_json_it_is_the_same_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15 Sam Peters AT 2:10pm")
        case = (await clinic.dana.gets("draft")).case or ""
        await clinic.alex.gets("alert")
        words = ["show", case, "--json", "--config", str(clinic.config_file)]
        clinic.says_it_lives()
        capsys.readouterr()
        assert await asyncio.to_thread(daemon.main, words) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["case"], told["kind"], told["state"], told["client"]) == (case, "late", "open", "Sam P.")
        assert told["session_at"] == "2026-11-05T14:10:00-05:00"
        assert {"at": "2026-11-05T14:00:00-05:00", "what": "alert to Alex: sent"} in told["happened"]
        assert told["next"][0] == {
            "at": "2026-11-05T14:05:00-05:00",
            "what": "reminder to Dana Lee (is the client told?), unless SENT or an outcome comes first",
        }
        assert told["why_not"] == []
        await clinic.dana.writes(f"[{case}] CONNECTED")
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")
        assert await asyncio.to_thread(daemon.main, words) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["outcome"], told["closed_at"]) == ("connected", "2026-11-05T14:00:00-05:00")
        assert (told["next"], told["why_not"]) == ([], ["No more reminders: the case is closed."])


async def test_a_withdrawn_letter_says_why_it_was_not_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        case = await missed(clinic)
        await clinic.server.down_smtp()
        clinic.clock.move(timedelta(minutes=5))
        clinic.service.wake()
        await is_owed(clinic, "reminder")
        shown = await show(clinic, case, capsys)
        assert "reminder to Dana Lee (is the client told?): owed" in shown.said(shown.future)
        await answers(clinic, "dana", f"[{case}] UNREACHABLE")
        await is_owed(clinic, "receipt")
        shown = await show(clinic, case, capsys)
        assert "reminder to Dana Lee (is the client told?): not sent: the case was closed" in shown.said(shown.past)
        await clinic.server.up_smtp()
        await clinic.settled()
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")


async def test_quiet_hours_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path, at=on("2026-11-05", "22:30")) as clinic:
        case = await missed(clinic)
        await clinic.minute_by_minute(6)
        await clinic.dana.gets("reminder")
        future = (await show(clinic, case, capsys)).future
        assert "  Fri 6 Nov 2026\n     8:00 am  reminder to Dana Lee" in future
        assert Shown.said(future).count("not earlier: quiet hours") == 2  # the escalation, too


async def test_a_letter_that_an_outage_kept_into_the_night_waits_for_the_morning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Clinic(tmp_path, at=on("2026-11-05", "19:30")) as clinic:
        case = await missed(clinic)
        await clinic.server.down_smtp()
        clinic.clock.move(timedelta(minutes=5))
        clinic.service.wake()
        await is_owed(clinic, "reminder")
        clinic.clock.move_to(on("2026-11-05", "23:00"))
        clinic.says_it_lives()
        future = Shown.said((await show(clinic, case, capsys)).future)
        assert "8:00 am reminder to Dana Lee (is the client told?): owed; not earlier: quiet hours" in future
        await clinic.server.up_smtp()
        await clinic.settled()


async def test_enough_reminders_for_a_day_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        case = await missed(clinic)
        await clinic.minute_by_minute(200)
        for _ in range(6):
            await clinic.dana.gets("reminder")
        await clinic.alex.gets("escalation")
        shown = await show(clinic, case, capsys)
        assert "  Fri 6 Nov 2026\n     8:00 am  reminder to Dana Lee" in shown.future
        assert "not earlier: enough reminders for a day" in shown.said(shown.future)
        assert "No escalation to admin: it was sent." in shown.future


async def test_a_temporary_refusal_is_told_with_the_next_attempt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "451 4.7.1 Greylisted")
        await clinic.dana.writes("LATE 15 Sam")
        await clinic.passes(minutes=1)
        alert = await clinic.alex.gets("alert")
        shown = await show(clinic, alert.case or "", capsys)
        assert "2:03 pm draft to Dana Lee: owed, tried again; refused for now 2 times:" in shown.said(shown.future)
        assert "451" in shown.future
        clinic.server.accept("dana@clinic.test")
        await clinic.passes(minutes=2)
        await clinic.dana.gets("draft")
        assert "draft to Dana Lee: sent, at attempt 3" in (await show(clinic, alert.case or "", capsys)).past


async def test_a_refusal_for_good_is_told_and_that_reminders_stop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "550 5.1.1 No such user")
        await clinic.dana.writes("LATE 15 Sam")
        alert = await clinic.alex.gets("alert")
        shown = await show(clinic, alert.case or "", capsys)
        assert "draft to Dana Lee: refused for good: RCPT 550" in shown.said(shown.past)
        assert "Reminders go to admin, in the mornings: nothing reaches Dana Lee." in shown.future
        await clinic.settled()
        await clinic.alex.gets("notice")
        await clinic.alex.gets("escalation")


async def test_an_escalation_that_was_refused_is_not_said_to_have_been_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        case = await missed(clinic)
        await clinic.pat.gets("alert")
        clinic.server.refuse("admin@clinic.test", "550 5.1.1 No such user")
        clinic.server.refuse("pat@clinic.test", "550 5.7.1 Not from you")
        await clinic.passes(minutes=10)
        await clinic.dana.gets("reminder")
        shown = await show(clinic, case, capsys)
        assert "escalation to Alex: refused for good: RCPT 550" in shown.said(shown.past)
        assert "escalation to Pat: owed, tried again; refused for now once: RCPT 550" in shown.said(shown.future)
        assert "No escalation" not in shown.future
        clinic.server.accept("pat@clinic.test")
        clinic.server.refuse("pat@clinic.test", "550 5.1.1 No such user")
        await clinic.passes(minutes=1)
        shown = await show(clinic, case, capsys)
        assert "No escalation to admin: it was refused, or came back." in shown.said(shown.future)


async def test_an_outage_of_sending_is_told_as_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse(MAILBOX, "550 5.4.5 Sending limit exceeded", stage="MAIL")
        await answers(clinic, "dana", "NOSHOW Sam")
        await is_owed(clinic, "draft")
        await happens(lambda: clinic.service.sender.outage.since is not None)
        clinic.service.beat()
        shown = await show(clinic, (await clinic.only_case()).id, capsys)
        assert "The SMTP server is not reached, or refuses us: letters wait." in shown.said(shown.future)
        clinic.server.accept(MAILBOX)
        await clinic.passes(minutes=1)
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")


async def test_a_short_delay_says_why_nobody_is_asked_to_help(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 5 Sam")
        await clinic.alex.gets("alert")
        draft = await clinic.dana.gets("draft")
        shown = await show(clinic, draft.case or "", capsys)
        assert "late 5, Dana Lee, Sam: open" in shown.said(shown.head)
        assert "No escalation to admin: so short a delay is over before it could help." in shown.said(shown.future)


async def test_without_a_daemon_it_says_that_nothing_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Clinic(tmp_path) as clinic:
        case = await missed(clinic)
        await clinic.stops()
        (clinic.folder / "state" / "alive.json").unlink()  # the test's own process would count as the daemon
        assert "No daemon runs: nothing is sent or decided until one does." in (await show(clinic, case, capsys)).future
        await clinic.starts()


async def test_the_smtp_server_that_is_away_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        case = await missed(clinic)
        await clinic.service.auditor.look({"IMAP": None, "SMTP": Away(clinic.clock.now() - timedelta(minutes=3))})
        shown = await show(clinic, case, capsys)
        assert "The SMTP server is not reached, or refuses us: letters wait." in shown.future
        await clinic.settled()
        await clinic.alex.gets("notice")


@pytest.mark.parametrize("setting", ["initials", "first_initial", "as_written"])
async def test_the_client_is_shown_as_configured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    async with Clinic(tmp_path, more=f'[privacy]\nclient_name = "{setting}"\n') as clinic:
        await clinic.dana.writes("LATE 15 Sam Peters")
        await clinic.alex.gets("alert")
        draft = await clinic.dana.gets("draft")
        shown = await show(clinic, draft.case or "", capsys)
        assert {"initials": "S.P.", "first_initial": "Sam P.", "as_written": "Sam Peters"}[setting] in shown.head
        assert ("Peters" in shown.text) == (setting == "as_written")


async def test_an_unknown_case_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        code = await asyncio.to_thread(daemon.main, ["show", "ZZZZ", "--config", str(clinic.config_file)])
        assert code == 2
        assert "Case ZZZZ is not there" in capsys.readouterr().err


async def test_a_case_that_cannot_be_read_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        case = await missed(clinic)
        await clinic.server.wait_for(MAILBOX, 1, "Promptly")  # or the report would be read, and acted on, again
        await clinic.stops()
        (clinic.folder / "state" / "open" / f"{case}.json").write_text("{")
        await clinic.starts()
        await clinic.alex.gets("notice")
        code = await asyncio.to_thread(daemon.main, ["show", case, "--config", str(clinic.config_file)])
        assert code == 2
        assert f"Case {case} can't be read: see state/README.md" in capsys.readouterr().err
