"""The table of letters of section 4: who gets which letter when, in which thread, and how it looks outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation import Clinic, Received
from tests.conversations.steps import come

pytestmark = pytest.mark.slow

ANSWERS = {"receipt", "ask", "help", "status"}
LOOP = "X-Promptly-Loop"


async def a_long_afternoon(clinic: Clinic) -> None:
    """One letter of nearly every kind to everybody."""
    await clinic.dana.writes("NOSHOW Sam Peters AT 1pm, I forgot", **{"Message-ID": "<report@phone.test>"})
    await clinic.minute_by_minute(31)
    await clinic.collect()
    draft, escalation = clinic.dana.inbox[0], clinic.alex.inbox[-1]
    await clinic.dana.replies(draft, "hm, Peters?")
    await clinic.pat.replies(escalation, "CONTACTED")
    await clinic.dana.replies(draft, "SENT")
    await clinic.dana.replies(draft, "RESCHEDULED Tue 3pm")
    await clinic.dana.replies(draft, "UNDO")
    await clinic.ravi.writes("LATE 15 Kim Oyelaran AT 2:50 pm")
    await clinic.ravi.writes("WAITING Jo AT 1:50 pm")
    await clinic.ravi.writes("STATUS")
    await clinic.ravi.writes("HELP")
    await clinic.ravi.writes("Lathe 15 Jo")
    await clinic.ravi.writes("connected")


async def test_every_letter_says_what_it_is_and_stays_in_its_thread(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat"), lead=True) as clinic:
        await a_long_afternoon(clinic)
        await clinic.collect()
        seen: set[str] = set()
        for person in (clinic.dana, clinic.ravi, clinic.alex, clinic.pat, clinic.lee):
            threads: dict[str, str] = {}
            subjects: dict[tuple[str, str, bool], str] = {}
            for letter in person.inbox:
                seen.add(letter.kind)
                looks_right(letter, person.address)
                if letter.case is None:
                    assert letter.kind in {"help", "ask", "status", "notice"}
                    continue
                first = threads.setdefault(letter.case, letter.id)
                references = str(letter.message["References"] or "").split()
                if letter.id != first:
                    assert references[0] == first
                    assert letter.message["In-Reply-To"] == references[-1]
                looks = (letter.case, letter.subject.split("] ")[1].split(" ")[0], letter.kind == "escalation")
                assert subjects.setdefault(looks, letter.subject) == letter.subject
                assert letter.subject.startswith(f"[{letter.case}] ")
                assert "Peters" not in letter.text + letter.html
                assert not {"Sam", "Kim", "Jo"} & set(letter.first_line.replace(":", " ").split())
            person.inbox.clear()
        assert seen == {
            *("alert", "draft", "stepaway", "reminder", "escalation", "update", "receipt"),
            *("ask", "help", "status", "notice"),
        }


def looks_right(letter: Received, address: str) -> None:
    message = letter.message
    assert str(message["From"]) == '"Promptly, Riverside Counselling" <clinic@clinic.test>'
    assert str(message["To"]).endswith(f"<{address}>")
    assert message["Auto-Submitted"] == ("auto-replied" if letter.kind in ANSWERS else "auto-generated")
    assert ("OOF" in message["X-Auto-Response-Suppress"]) is (letter.kind not in {"alert", "draft", "escalation"})
    assert message[LOOP]
    assert len(letter.subject) <= 40
    to_admin = address in {"admin@clinic.test", "pat@clinic.test", "lead@clinic.test"}
    with_facts = letter.kind in {"alert", "escalation"} or (letter.kind == "update" and to_admin)
    names = [part.get_filename() for part in message.iter_attachments()]
    assert names == (["alert.json"] if with_facts else [])
    assert "http://" not in letter.text + letter.html
    assert "https://" not in letter.text + letter.html
    assert "<img" not in letter.html


async def test_the_facts_of_an_alert(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15 Sam Peters AT 2:05 pm, the bus")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["alex"].facts == {
            "schema": "promptly.alert/1",
            "case": got["dana"].case,
            "kind": "late",
            "state": "open",
            "associate": {"name": "Dana Lee", "email": "dana@clinic.test"},
            "client": "Sam P.",
            "minutes": 15,
            "session_at": "2026-11-05T14:05:00-05:00",
            "expected_at": "2026-11-05T14:20:00-05:00",
            "reported_at": "2026-11-05T14:00:00-05:00",
            "contacted_at": None,
            "outcome": None,
            "outcome_note": None,
            "client_says": None,
            "makeup": False,
            "note": "the bus",
            "reminders_sent": 0,
            "escalated": False,
        }
        for line in ("Client: Sam P.", "Minutes: 15", "Session: 2:05 pm", "Expected: 2:20 pm", "Note: the bus"):
            assert line in got["alex"].text
        await clinic.minute_by_minute(11)
        got = await come(clinic, dana="reminder", alex="escalation")
        assert (got["alex"].facts["reminders_sent"], got["alex"].facts["escalated"]) == (1, True)
        assert got["alex"].subject == f"[{got['dana'].case}] NOT YET TOLD? Dana L. - S.P."


async def test_answers_go_into_the_thread_of_the_question(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        report = await clinic.dana.writes("NOSHOW Sam")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["dana"].message["In-Reply-To"] == report["Message-ID"]
        assert got["alex"].message["In-Reply-To"] is None
        answer = await clinic.dana.replies(got["dana"], "texted")
        after = await come(clinic, dana="receipt", alex="update")
        assert after["dana"].message["In-Reply-To"] == answer["Message-ID"]
        assert after["dana"].message["References"].split() == [got["dana"].id, answer["Message-ID"]]
        assert after["alex"].message["In-Reply-To"] == got["alex"].id


async def test_every_admin_is_told_but_the_writer_and_each_once(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat"), lead=True) as clinic:
        await clinic.dana.writes("LATE 15 Sam")
        got = await come(clinic, dana="draft", alex="alert", pat="alert")
        for word in ("SENT", "LATE 20", "CONNECTED", "UNDO", "MISTAKE"):
            await clinic.dana.replies(got["dana"], word)
            mine, theirs = ("draft", "alert") if word == "LATE 20" else ("receipt", "update")
            await come(clinic, dana=mine, alex=theirs, pat=theirs)
        await clinic.pat.replies(got["pat"], "RESCHEDULED")
        await come(clinic, pat="receipt", alex="update", dana="update")


async def test_a_choice_carries_the_id_and_says_what_it_means(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        got = await come(clinic, dana="draft", alex="alert")
        case = got["dana"].case
        assert f"mailto:clinic@clinic.test?subject=%5B{case}%5D%20RESCHEDULED" in got["dana"].text
        for word in ("SENT", "RESCHEDULED", "UNREACHABLE", "OTHER", "WAITING", "MISTAKE"):
            assert got["dana"].tap(word) == f"[{case}] {word}"
        for word in ("CONTACTED", "RESCHEDULED", "UNREACHABLE", "OTHER"):
            assert got["alex"].tap(word) == f"[{case}] {word}"
        text = got["dana"].text
        assert text.index("Hi Sam - ") < text.index("Reply with one word") < text.index("mailto:")
