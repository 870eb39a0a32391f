"""A client's name, planted in every kind of mail that people write: it shows where the clinic lets it, no further.

Contract section 4: initials in subjects and first lines, ``[privacy] client_name`` in bodies and attachments; 8.7: no
name, address, subject or body in the log.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.conversation import Clinic, Received
from tests.conversations.steps import on

pytestmark = pytest.mark.slow

FIRST, LAST = "Quillon", "Vandersprock"
"""Words that stand in no sentence of ours."""

NAME = f"{FIRST} {LAST}"

SHOWN = {"first_initial": {FIRST}, "initials": set(), "as_written": {FIRST, LAST}}
"""Which words of the name a body may hold, by ``[privacy] client_name``."""

KINDS = {"alert", "draft", "reminder", "escalation", "update", "receipt", "ask", "stepaway", "status", "help", "notice"}
KINDS |= {"digest"}
"""What comes in a day as below: everything but the test letter, which knows no client."""


async def a_day(clinic: Clinic) -> list[Received]:
    """One of everything, with the name wherever a person may write it; all letters of that day."""
    dana, ravi, alex = clinic.dana, clinic.ravi, clinic.alex
    await dana.writes(f"LATE 15 {NAME} AT 2pm, {LAST} knows")
    alert, draft = await alex.gets("alert"), await dana.gets("draft")
    letters = [alert, draft]
    await clinic.minute_by_minute(11)
    await alex.replies(alert, f"{FIRST} {LAST} asked for you, {LAST.lower()}'s number is in Jane")
    await dana.replies(draft, f"perhaps {NAME} rescheduled?")
    await dana.taps(draft, "NOSHOW")
    await dana.writes(f"[{draft.case}] SENT", f"and left {LAST} a voice message")
    await dana.writes(f"[{draft.case}] OTHER {NAME} wants no more sessions")
    await dana.writes(f"[{draft.case}] UNDO")
    await dana.writes(f"[{draft.case}] UNREACHABLE")
    await ravi.writes(f"WAITING {NAME} AT 2pm")
    await clinic.minute_by_minute(20)
    await ravi.writes(f"LATE 40 {FIRST}")  # the other open case is listed in its draft
    await ravi.writes("SENT")  # about which of the two?
    await ravi.writes("STATUS")
    await clinic.until(on(5, "14:40"))
    letters.append(await ravi.gets("stepaway"))
    await ravi.taps(letters[-1], "ABSENT")
    await ravi.writes(f"Lathe 15 {NAME}")
    await clinic.stranger.writes(f"LATE 15 {NAME}")
    await clinic.collect()
    for person in clinic.people.values():
        letters += person.inbox
        person.inbox.clear()
    return letters


def quotes_without_a_case(letter: Received) -> bool:
    """What one person wrote and nobody could place is quoted as it was: to the writer, or to admin for a decision."""
    return letter.case is None and letter.kind in {"ask", "help", "notice"}


def words_of_the_name(text: str) -> set[str]:
    return {word for word in (FIRST, LAST) if word.casefold() in text.casefold()}


def without_message(letter: Received) -> str:
    """The letter's text less the message for the client, which greets them by their first name."""
    if letter.kind not in {"draft", "reminder", "stepaway"}:
        return letter.text
    text, found = re.subn(rf"\n\nHi {FIRST} - .*\n\n", "\n\n", letter.text)
    assert found == 1
    return text


@pytest.mark.parametrize("setting", SHOWN)
async def test_the_name_goes_as_far_as_the_setting_lets_it(
    tmp_path: Path, setting: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logs:
        async with Clinic(tmp_path, digest="14:40", more=f'[privacy]\nclient_name = "{setting}"') as clinic:
            letters = await a_day(clinic)
    assert {letter.kind for letter in letters} == KINDS

    for letter in letters:
        assert words_of_the_name(letter.subject) == set(), letter.kind
        assert words_of_the_name(letter.first_line) == set(), letter.kind
        if quotes_without_a_case(letter):
            continue
        assert words_of_the_name(without_message(letter)) <= SHOWN[setting], letter.text
        assert words_of_the_name(letter.html) <= SHOWN[setting] | {FIRST}, letter.text
        for part in letter.message.iter_attachments():
            assert words_of_the_name(json.dumps(part.get_content().decode())) <= SHOWN[setting]
    told = "".join(letter.text for letter in letters if letter.kind == "alert")
    assert words_of_the_name(told) == SHOWN[setting], "the setting shows what it may show"

    printed = capfd.readouterr()
    lines = [json.dumps(line, default=str) for line in logs] + [*caplog.messages, printed.out, printed.err]
    assert any("letter sent" in line for line in lines), "something was logged"
    for line in lines:
        assert not re.search(rf"{FIRST}|{LAST}|dana|ravi|front desk|@", line, re.IGNORECASE), line
    names = [path.name for path in tmp_path.rglob("*")]
    assert any(name.endswith(".json") for name in names), "something was written"
    assert words_of_the_name(" ".join(names)) == set()
