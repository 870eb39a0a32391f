"""The table of section 5, for people who answer nothing: every letter with its minute, in all three kinds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.conversation import TORONTO, Clinic
from tests.conversations.steps import case_of, come, on, opens


async def timeline(clinic: Clinic, until: datetime) -> list[str]:
    """What comes up to then, for a daemon that is awake: ``05 14:05 dana reminder``."""
    told: list[str] = []
    while (due := await clinic.store.next_due()) is not None and due <= until:
        await clinic.until(due)
        await clinic.collect()
        clock = due.astimezone(TORONTO).strftime("%d %H:%M")
        for name, person in clinic.people.items():
            told += [f"{clock} {name} {letter.kind}" for letter in person.inbox]
            person.inbox.clear()
    await clinic.until(until)
    await clinic.nothing_else()
    return told


ROWS = {
    "NOSHOW Sam": [
        *("05 14:05 dana reminder", "05 14:10 dana reminder", "05 14:10 alex escalation", "05 14:20 dana reminder"),
        *("05 14:30 lee escalation", "05 15:20 dana reminder", "05 16:20 dana reminder", "05 17:20 dana reminder"),
        "06 08:00 dana reminder",  # six reminders a day; then the clinic morning
    ],
    "NOSHOW Sam, texted": ["05 17:00 dana reminder", "06 08:00 dana reminder"],
    "LATE 15 Sam": [
        *("05 14:05 dana reminder", "05 14:10 alex escalation", "05 15:10 dana reminder", "06 08:00 dana reminder"),
    ],
    "LATE Sam AT 2:20 pm": [
        *("05 14:05 dana reminder", "05 14:10 alex escalation", "05 15:15 dana reminder", "06 08:00 dana reminder"),
    ],
    "LATE 10 Sam": ["05 14:05 dana reminder", "05 15:05 dana reminder", "06 08:00 dana reminder"],
    "LATE 15 Sam, texted": ["05 15:10 dana reminder", "06 08:00 dana reminder"],
    "WAITING Sam AT 1:50 pm": ["05 14:10 dana stepaway", "05 14:45 dana reminder"],
    "WAITING Sam": ["05 14:10 dana stepaway", "05 14:55 dana reminder"],
}


@pytest.mark.parametrize("line", ROWS)
async def test_nobody_answers(tmp_path: Path, line: str) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        draft = await opens(clinic, line)
        assert await timeline(clinic, on(6, "08:10")) == ROWS[line]
        assert (await case_of(clinic, draft)).open is not line.startswith("WAITING")


async def test_admin_contacted_stops_the_ringing_and_sent_stops_the_asking(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        got = await come(clinic, dana="draft", alex="alert")
        await clinic.minute_by_minute(11)
        await come(clinic, dana="reminder reminder", alex="escalation")
        await clinic.alex.replies(got["alex"], "CONTACTED")
        await come(clinic, alex="receipt", dana="update")
        assert await timeline(clinic, on(5, "14:40")) == ["05 14:20 dana reminder"]
        await clinic.dana.replies(got["dana"], "SENT")
        await come(clinic, dana="receipt", alex="update")
        assert await timeline(clinic, on(5, "20:00")) == ["05 17:40 dana reminder"]


async def test_in_the_night_one_reminder_and_the_rest_in_the_morning_as_one_letter(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "22:30"), lead=True) as clinic:
        await opens(clinic, "NOSHOW Sam AT 7pm")
        assert await timeline(clinic, on(6, "08:15")) == [
            *(
                "05 22:35 dana reminder",
                "06 08:00 dana reminder",
                "06 08:00 alex escalation",
                "06 08:00 lee escalation",
            ),
        ]


async def test_the_first_hour_of_a_case_opened_by_day_is_not_held_back(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "20:45"), lead=True) as clinic:
        await opens(clinic, "NOSHOW Sam AT 8pm")
        assert await timeline(clinic, on(6, "07:59")) == [
            *("05 20:50 dana reminder", "05 20:55 dana reminder", "05 20:55 alex escalation"),
            *("05 21:05 dana reminder", "05 21:15 lee escalation"),
        ]


async def test_one_reminder_after_a_night_asleep_and_the_next_in_its_time(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "NOSHOW Sam")
        await clinic.passes(minutes=78)  # one at 15:18 for all that was missed …
        await come(clinic, dana="reminder", alex="escalation")
        assert await timeline(clinic, on(5, "16:30")) == ["05 16:20 dana reminder"]  # … and not again at 15:20


async def test_the_lead_is_not_rung_about_herself(tmp_path: Path) -> None:
    owner = 'lead = "dana@clinic.test"'
    async with Clinic(tmp_path) as clinic:
        clinic.config_file.write_text(clinic.config_file.read_text().replace("[mailbox]", f"{owner}\n[mailbox]", 1))
        await clinic.stops()
        await clinic.starts()
        await opens(clinic, "NOSHOW Sam")
        told = await timeline(clinic, on(5, "14:40"))
        assert [line for line in told if "escalation" in line] == ["05 14:10 alex escalation"]
