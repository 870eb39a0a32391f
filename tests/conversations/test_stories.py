"""How many letters each person gets in each story: nobody gets one that they can't act on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation import Clinic
from tests.conversations.stories import STORIES

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
            person.inbox.clear()


def test_all_thirty_are_told() -> None:
    assert {number.rstrip("b") for number in STORIES} == {str(number) for number in range(1, 31)}
