"""``report`` and ``export``: figures without a client, and everything about one."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import daemon
from tests.cast import a_case, local
from tests.conversation import Clinic
from workflow.core.figures import figures, over_ten_minutes
from workflow.core.model import Case, Outcome, State
from workflow.core.rules import Kind

pytestmark = pytest.mark.slow

CLIENT, SURNAME = "Quillon", "Vandersprock"


def told_after(minutes: float | None, kind: Kind = Kind.NOSHOW) -> Case:
    told_at = None if minutes is None else local("14:00") + timedelta(minutes=minutes)
    return replace(a_case(kind, local("14:00")), told_at=told_at)


def ended(case: Case, outcome: Outcome = Outcome.RESCHEDULED, after: float = 30) -> Case:
    return replace(
        case, state=State.CLOSED, outcome=outcome, closed_at=local("14:00") + timedelta(minutes=after), timers=()
    )


class TestFigures:
    def test_median_and_nine_of_ten(self) -> None:
        cases = [ended(told_after(minutes)) for minutes in (1, 2, 3, 4, 5, 6, 7, 8, 9, 40)]
        found = figures(cases)
        assert (found.contacted, found.median_minutes, found.p90_minutes) == (10, 5.5, 9.0)
        assert figures(cases[-1:]).p90_minutes == 40.0
        assert figures([]).median_minutes is None

    def test_what_nobody_recorded_is_neither_late_nor_in_time(self) -> None:
        ten, eleven, never = told_after(10), told_after(10.1), told_after(None)
        fine = [ten, never, ended(never), told_after(None, Kind.WAITING), replace(eleven, state=State.CANCELLED)]
        assert over_ten_minutes([eleven, *fine]) == [eleven]
        found = figures([eleven, *fine])
        assert (found.within_10_minutes, found.over_10_minutes, found.not_recorded) == (1, 1, 2)

    def test_outcomes_are_counted_and_mistakes_left_out(self) -> None:
        wrong = replace(told_after(3), state=State.CANCELLED)
        cases = [ended(told_after(3)), ended(told_after(4), Outcome.OTHER), told_after(5), wrong]
        found = figures(cases)
        assert (found.cases, found.mistakes, found.contacted) == (4, 1, 3)
        assert found.outcomes == {"open": 1, "other": 1, "rescheduled": 1}


async def run(clinic: Clinic, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = await asyncio.to_thread(daemon.main, [*words, "--config", str(clinic.config_file)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def parsed(out: str) -> Any:
    # log lines of a daemon in the same process stand before it, and after it
    return json.JSONDecoder().raw_decode(out[out.index("{\n") :])[0]


async def a_week(clinic: Clinic) -> tuple[str, str, str]:
    """A client told in time, one told late, and one who is still not told; the cases."""
    ids = []
    for words in (f"LATE 15 {CLIENT} {SURNAME}, {SURNAME} knows", "NOSHOW Kim", "WAITING Ann"):
        await clinic.dana.writes(words)
        ids.append((await clinic.dana.gets("draft")).case or "")
    await clinic.minute_by_minute(4)
    await clinic.dana.writes(f"[{ids[0]}] SENT")
    await clinic.minute_by_minute(8)
    await clinic.dana.writes(f"[{ids[1]}] SENT")
    await clinic.dana.writes(f"[{ids[0]}] RESCHEDULED Tue 3pm with {SURNAME}")
    await clinic.settled()
    await clinic.collect()
    for person in clinic.people.values():
        person.inbox.clear()
    return ids[0], ids[1], ids[2]


async def test_report_as_json_beside_a_running_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        _, missed, _ = await a_week(clinic)
        code, out, _ = await run(clinic, capsys, "report", "--month", "2026-11", "--json")
        assert code == 0
        told = parsed(out)
        assert told["month"] == "2026-11"
        assert told["all"] == {
            "cases": 3,
            "mistakes": 0,
            "contacted": 2,
            "median_minutes": 8.0,
            "p90_minutes": 12.0,
            "within_10_minutes": 1,
            "over_10_minutes": 1,
            "not_recorded": 0,
            "makeups": 0,
            "undated": 0,
            "client_says": {},
            "outcomes": {"open": 2, "rescheduled": 1},
        }
        assert set(told["kinds"]) == set(Kind)
        assert told["kinds"]["late"]["outcomes"] == {"rescheduled": 1}
        assert [(one["case"], one["minutes_to_contact"]) for one in told["over_10_minutes"]] == [(missed, 12.0)]
        assert CLIENT not in out
        assert SURNAME not in out
        code, out, _ = await run(clinic, capsys, "report", "--month", "2026-10", "--json")
        assert (code, parsed(out)["all"]["cases"]) == (0, 0)


async def test_report_for_people_and_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        late, missed, waiting = await a_week(clinic)
        file = tmp_path / "november.csv"
        code, out, _ = await run(clinic, capsys, "report", "--csv", str(file))
        assert code == 0
        lines = [line.split() for line in out.splitlines()]
        assert ["late", "1", "0", "1", "4", "4", "0", "0"] in lines
        assert ["noshow", "1", "0", "1", "12", "12", "1", "0"] in lines
        assert ["waiting", "1", "0", "-", "-", "-", "-", "-"] in lines
        assert [missed, "noshow", "Dana", "Lee", "05", "Nov", "2026", "14:00", "12", "min", "open"] in lines
        rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel reads accents by it"
        assert [row["case"] for row in rows] == sorted([late, missed, waiting])
        (row,) = [row for row in rows if row["case"] == late]
        assert row["reported_at"] == "2026-11-05T14:00:00-05:00"
        assert (row["minutes_to_contact"], row["over_10_minutes"], row["outcome"]) == ("4.0", "no", "rescheduled")
        for said in (out, file.read_text()):
            assert CLIENT not in said
            assert SURNAME not in said


async def test_a_month_that_is_none_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        for month in ("2026-13", "November", "0000-01"):
            code, _, err = await run(clinic, capsys, "report", "--month", month)
            assert code == 2
            assert "write a month such as 2026-11" in err


async def test_export_holds_everything_as_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path, more='[privacy]\nclient_name = "initials"\n') as clinic:
        late, *_ = await a_week(clinic)
        code, out, _ = await run(clinic, capsys, "export", f"[{late.lower()}]")
        assert code == 0
        told = parsed(out)
        assert (told["case"], told["kind"], told["client"]) == (late, "late", f"{CLIENT} {SURNAME}")
        assert told["outcome_note"] == f"Tue 3pm with {SURNAME}"
        assert told["history"][0]["text"].startswith(f"LATE 15 {CLIENT} {SURNAME}, {SURNAME}")
        assert {"alert", "draft", "receipt", "update"} <= {letter["kind"] for letter in told["letters"]}
        assert f"closed/2026-11/{late}.json" in told["files"]
        assert (await run(clinic, capsys, "export", "ZZZZ"))[0] == 2
