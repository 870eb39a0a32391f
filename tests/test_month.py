"""The month's letter: figures, no name; by itself on the 1st, and to admin who asks REPORT."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.conversation import TORONTO, Clinic

EVE = datetime(2026, 11, 30, 14, 0, tzinfo=TORONTO)
FIRST = datetime(2026, 12, 1, 8, 0, tzinfo=TORONTO)
"""The clinic morning: there is no digest."""


async def a_day(clinic: Clinic) -> None:
    """A client told in four minutes, one who is not known to be told, and a report by mistake."""
    for subject in ("LATE 15 Quillon", "LATE 5 Kim", "NOSHOW Ann"):
        await clinic.dana.writes(subject)
    ids = {subject: (await clinic.dana.gets("draft")).case for subject in ("quillon", "kim", "ann")}
    await clinic.passes(minutes=4)
    await clinic.dana.writes(f"[{ids['quillon']}] SENT")
    await clinic.dana.writes(f"[{ids['quillon']}] CONNECTED")
    await clinic.dana.writes(f"[{ids['kim']}] CONNECTED")
    await clinic.dana.writes(f"[{ids['ann']}] MISTAKE")
    await clinic.collect()
    for person in (clinic.dana, clinic.alex, clinic.lee):
        person.inbox.clear()


async def test_on_the_first_the_lead_reads_the_figures_of_the_month(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True, at=EVE, month=True) as clinic:
        await a_day(clinic)
        await clinic.until(FIRST)
        month = await clinic.lee.gets("month")
        assert month.first_line == "November 2026: 1 client told within 10 minutes, 0 later, 1 not recorded."
        assert "Median from the report until the client was told: 4 minutes." in month.text
        assert "- 2 late: connected 2\n" in month.text
        assert "- 1 noshow: 1 by mistake\n" in month.text
        assert month.subject == "Promptly: the month"
        assert month.message["Auto-Submitted"] == "auto-generated"
        for name in ("Quillon", "Kim", "Ann", "Dana"):
            assert name not in month.text
        await clinic.passes(hours=24)  # told once


@pytest.mark.slow
async def test_without_a_lead_the_first_admin_reads_it_later_if_it_was_missed(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat"), at=EVE, month=True) as clinic:
        await a_day(clinic)
        await clinic.collect()
        clinic.pat.inbox.clear()
        await clinic.stops()
        clinic.clock.move_to(FIRST.replace(day=3))
        await clinic.starts()
        assert (await clinic.alex.gets("month")).first_line.startswith("November 2026: 1 client")


@pytest.mark.slow
async def test_a_month_without_a_case_is_told_to_nobody(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=EVE, month=True) as clinic:
        await clinic.until(FIRST)


@pytest.mark.slow
async def test_whoever_asks_for_a_month_reads_it_at_once(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=EVE, month=True) as clinic:
        await a_day(clinic)
        await clinic.alex.writes("REPORT")
        asked = await clinic.alex.gets("month")
        assert asked.first_line.startswith("November 2026: 1 client told")
        assert asked.message["Auto-Submitted"] == "auto-replied"
        await clinic.alex.writes("Figures, please", "report 2026-10")
        assert (await clinic.alex.gets("month")).first_line == "No case was reported in October 2026."
        await clinic.alex.writes("REPORT 0000-01")  # no month that there was
        for person, body in ((clinic.dana, ""), (clinic.alex, "The report of Thursday is on your desk.")):
            await person.writes("Report", body)  # not admin's, or not alone: for people
        await clinic.alex.writes("REPORT 0000-01")  # no such month


@pytest.mark.slow
async def test_a_clinic_may_do_without(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=EVE, month=False) as clinic:
        await a_day(clinic)
        await clinic.until(FIRST)
