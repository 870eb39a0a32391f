"""How many letters each person gets in each story, and what every one of them says: none that they can't act on."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from tests.conversation import Clinic, Received
from tests.conversations.played_days import STORIES
from tests.mail.letter_reading import outcomes_in_front
from workflow.core.marker import MARKER

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", STORIES)
async def test_a_story_and_its_letters(tmp_path: Path, number: str) -> None:
    story = STORIES[number]
    async with Clinic(tmp_path, **story.setting) as clinic:
        await story.script(clinic)
        await clinic.collect()
        counts = {name: person.read for name, person in clinic.people.items() if person.read}
        assert counts == story.letters, f"{number}: {story.title}"
        for person in clinic.people.values():
            for letter in person.inbox:
                reads_well(letter, to_associate=person.address in {"dana@clinic.test", "ravi@clinic.test"})
            person.inbox.clear()


def reads_well(letter: Received, *, to_associate: bool) -> None:
    """What holds for every letter, as the rules really wrote it (contract sections 2 and 4)."""
    text = letter.text
    first, marker, below = text.partition(f"\n\n{MARKER}\n")
    assert marker and "\n" not in first, "one line of instruction, then the marker"
    assert outcomes_in_front(text) == []
    assert 0 < len(letter.subject) <= 40
    assert not re.search(r"\bSam\b|Peters", f"{letter.subject} {first}")
    taps = re.findall(r"(?m)^(mailto:\S+)$", below)
    assert all(re.fullmatch(r"mailto:clinic@clinic\.test\?subject=[\w.~%-]+", tap) for tap in taps)
    links = [html.unescape(tap) for tap in re.findall(r'href="([^"]+)"', letter.html)]
    assert [link for link in links if not link.startswith("mailto:?body=")] == taps
    if letter.subject.partition("] ")[2].startswith("MISSED BY") or "ASSOCIATE missed" in text:
        who = "You report that YOU missed the session" if to_associate else "ASSOCIATE missed the session"
        assert text.count(who) == 1
        assert "Do not press No Show in Jane" in text
        assert letter.tap("WAITING") == f"[{letter.case}] WAITING"
    elif letter.kind == "update" and not to_associate:
        known = letter.facts
        if known["kind"] == "late" and known["outcome"] not in {None, "connected"}:
            assert "Do not press No Show in Jane" in text, "the client who waited must not be invoiced"


def test_all_are_told() -> None:
    assert {number.rstrip("bcd") for number in STORIES} == {str(number) for number in range(1, 44)}
