"""The steps that conversations share: letters that come, and a case that is open."""

from __future__ import annotations

from datetime import datetime

from tests.conversation import TORONTO, Clinic, Received
from workflow.config import load
from workflow.core.model import Case

DANA = '[[associates]]\nname = "Dana Lee"\nemails = ["dana@clinic.test", "dana.lee@clinic.test"]\n'
"""Her entry in the configuration."""
WRONG = DANA.replace('"dana@clinic.test"', '"someone@elsewhere.test"').replace("dana.lee@", "dana@")
"""The first address, to which letters go, is somebody else's."""


async def come(clinic: Clinic, **expected: str) -> dict[str, Received]:
    """These letters have come, and no others: ``come(clinic, dana="draft", alex="alert")``; the last of each reader."""
    got: dict[str, Received] = {}
    for name, kinds in expected.items():
        for kind in kinds.split():
            got[name] = await clinic.people[name].gets(kind)
    await clinic.nothing_else()
    return got


async def opens(clinic: Clinic, line: str, body: str = "", **headers: str) -> Received:
    """Dana reports, and a new case is open: her draft. Alex, the one admin, has the alert, but for `waiting`."""
    before = set(await clinic.store.open_cases())
    await clinic.dana.writes(line, body, **headers)
    assert len(set(await clinic.store.open_cases()) - before) == 1, f"{line} opened no case"
    draft = await clinic.dana.gets("draft")
    if (await case_of(clinic, draft)).kind != "waiting":
        await clinic.alex.gets("alert")
    await clinic.nothing_else()
    return draft


async def case_of(clinic: Clinic, letter: Received) -> Case:
    """The case that a letter is about, open or closed, as it stands now."""
    case = await clinic.store.case(letter.case or "")
    assert case is not None, f"no case {letter.case}"
    return case


def on(day: int, clock: str) -> datetime:
    """A local time in November 2026: the fifth is a Thursday."""
    return datetime.fromisoformat(f"2026-11-{day:02}T{clock}").replace(tzinfo=TORONTO)


async def changes(clinic: Clinic, how: str, old: str, new: str) -> None:
    """Somebody edits the configuration; the daemon takes it."""
    text = clinic.config_file.read_text()
    assert text.count(old) == 1
    if how == "restarted":
        await clinic.stops()
    clinic.config_file.write_text(text.replace(old, new))
    if how == "restarted":
        await clinic.starts()
    else:
        clinic.service.reload(load(clinic.config_file))
        await clinic.settled()
