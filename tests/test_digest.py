"""The morning digest: one sentence of state, open cases oldest first, faults; nothing to say, no mail, but Mondays."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.conversation import TORONTO, Clinic
from workflow.core.model import Post

THURSDAY = datetime(2026, 11, 5, 14, 0, tzinfo=TORONTO)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=TORONTO)


async def test_what_is_open_and_what_was_closed_since(tmp_path: Path) -> None:
    async with Clinic(tmp_path, digest="08:30", at=THURSDAY) as clinic:
        await clinic.dana.writes("LATE 15 Sam Peters")
        late = await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        await clinic.passes(minutes=4)
        await clinic.dana.writes(f"[{late.case}] SENT")
        await clinic.dana.writes(f"[{late.case}] CONNECTED")
        await clinic.ravi.writes("NOSHOW Kim")
        missed = await clinic.ravi.gets("draft")
        await clinic.alex.gets("alert")
        await clinic.ravi.writes(f"[{missed.case}] SENT")
        await clinic.until(at(6, 8, 29))
        for person in (clinic.alex, clinic.dana, clinic.ravi):
            await clinic.collect()
            person.inbox.clear()
        await clinic.until(at(6, 8, 30))
        digest = await clinic.alex.gets("digest")
        assert digest.first_line == "1 open, 1 closed since yesterday, median 4 min to contact."
        reported = "reported Thu 5 Nov, 2:0"
        assert f"[{missed.case}] Kim, noshow, missed by Ravi P., {reported}4 pm: client messaged, asked 2 times" in (
            digest.text
        )
        assert f"[{late.case}] Sam P., late, Dana L., {reported}0 pm: connected, 4 min to contact" in digest.text
        assert "Peters" not in digest.text


async def test_nothing_to_say_no_mail_but_mondays(tmp_path: Path) -> None:
    async with Clinic(tmp_path, digest="08:30", at=THURSDAY) as clinic:
        await clinic.until(at(8, 23, 0))  # Sunday night
        await clinic.nothing_else()
        await clinic.until(at(9, 8, 30))
        digest = await clinic.alex.gets("digest")
        assert digest.first_line.startswith("0 open, 0 closed since")


async def test_letters_of_cases_that_were_refused_or_came_back_are_counted(tmp_path: Path) -> None:
    async with Clinic(tmp_path, digest="08:30", at=THURSDAY, admins=("alex", "pat")) as clinic:
        for address in ("dana@clinic.test", "pat@clinic.test"):
            clinic.server.refuse(address, "550 5.1.1 No such user")
        await clinic.dana.writes("LATE 15 Sam")  # draft, Pat's alert, and what Pat was to be told of both
        await clinic.ravi.writes("NOSHOW Kim")  # Pat's alert
        kim = await clinic.ravi.gets("draft")
        await clinic.ravi.writes(f"[{kim.case}] UNREACHABLE")  # Pat's update
        failed = [
            letter
            for case in [*(await clinic.store.open_cases()).values(), await clinic.store.case(kim.case or "")]
            for letter in (case.letters if case is not None else ())
            if letter.post is Post.FAILED
        ] + [letter for letter in clinic.store.desk.letters if letter.post is Post.FAILED]
        assert {letter.kind.value for letter in failed} >= {"draft", "alert", "update"}
        await clinic.collect()
        for person in (clinic.alex, clinic.ravi):
            person.inbox.clear()
        await clinic.until(at(6, 8, 30))
        lines = (await clinic.alex.gets("digest")).text.splitlines()
        (counted,) = [line for line in lines if "letters refused for good" in line]
        assert int(counted.strip(" -*").split()[0]) >= len(failed)
        await clinic.collect()
        clinic.alex.inbox.clear()
        clinic.server.accept("pat@clinic.test")
        await clinic.until(at(7, 8, 29))
        await clinic.collect()
        clinic.alex.inbox.clear()
        await clinic.until(at(7, 8, 30))
        assert "1 letters refused for good" in (await clinic.alex.gets("digest")).text, "the digest, since the last"
        await clinic.collect()
        clinic.pat.inbox.clear()


async def test_faults_are_counted(tmp_path: Path) -> None:
    async with Clinic(tmp_path, digest="08:30", at=THURSDAY) as clinic:
        for number in range(12):
            await clinic.stranger.writes(f"LATE {number + 10} Sam")
        for _ in range(10):  # ten an hour, the rest is counted
            await clinic.alex.gets("notice")
        await clinic.nothing_else()
        await clinic.until(at(6, 8, 30))
        assert "2 mails of unknown senders" in (await clinic.alex.gets("digest")).text


async def test_a_daemon_that_was_off_at_half_past_eight_sends_it_once_when_it_is_back(tmp_path: Path) -> None:
    async with Clinic(tmp_path, digest="08:30", at=THURSDAY) as clinic:
        await clinic.dana.writes("LATE 15 Sam")
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        await clinic.stops()
        clinic.clock.move_to(at(6, 11, 0))
        await clinic.starts()
        await clinic.alex.gets("digest")
        await clinic.dana.gets("reminder")
        await clinic.alex.gets("escalation")
        await clinic.until(at(6, 23, 0))
        await clinic.nothing_else()


async def test_an_old_digest_that_never_left_is_taken_back(tmp_path: Path) -> None:
    async with Clinic(tmp_path, digest="08:30", at=THURSDAY) as clinic:
        clinic.server.refuse("admin@clinic.test", "451 4.3.0 Later")
        await clinic.until(at(9, 8, 30))
        await clinic.until(at(16, 8, 30))
        assert len([letter for letter in await clinic.store.owed() if letter.kind == "digest"]) == 1
        clinic.server.accept("admin@clinic.test")
        await clinic.passes(minutes=30)
        await clinic.alex.gets("digest")
