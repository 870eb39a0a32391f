"""``report --html``: a month as a page. Its figures are those of the text and the JSON; each dot is one client."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import daemon
from tests.conversation import Clinic
from tests.months import many, told_after
from tests.rows import each
from workflow.core.figures import figures, minutes_told, totals
from workflow.core.model import Case, Outcome, Says, State
from workflow.core.rules import Kind
from workflow.verbs.month_page import AT_ONCE, LAST, WIDTH, Chart, chart, page

CLIENT, SURNAME = "Quillon", "Vandersprock"

PHONE, WINDOW = 343.0, 820.0
"""CSS pixels of the chart on a screen of 375, and on a wide one."""


class Read(HTMLParser):
    """What stands on the page: words, tags, and the rows of its table."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: dict[str, list[str]] = {}
        self.words = ""
        self._row: list[str] = []
        self.feed(source)

    @property
    def dots(self) -> Counter[str | None]:
        return Counter(attributes["class"] for tag, attributes in self.tags if tag == "circle")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self._row = []
        if tag in ("th", "td"):
            self._row.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] != "style":
            self.words += data
        if self._row:
            self._row[-1] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self.rows[self._row[0]] = self._row[1:]


def drawn(cases: list[Case]) -> Read:
    return Read(page("Riverside Counselling", date(2026, 11, 1), totals(cases), figures([]))[0])


# --- the dots -----------------------------------------------------------------------------------------


def apart(found: Chart, width: float, radius: float) -> bool:
    """Whether no dot covers another."""
    places = [(dot.x * width / 100, dot.y) for dot in found.dots]
    return all((a - c) ** 2 + (b - d) ** 2 >= (2 * radius) ** 2 for (a, b), (c, d) in combinations(places, 2))


@each(("count", "smallest"), [(0, 0), (1, 3), (5, 3), (40, 3), (200, 1.5)])
def test_each_dot_is_seen_by_itself(count: int, smallest: float) -> None:
    found = chart(many(count), count // 10)
    assert len(found.dots) == count + count // 10
    assert found.radius >= smallest
    assert found.radius_in_a_window >= found.radius
    assert apart(found, PHONE, found.radius)
    assert apart(found, WINDOW, found.radius_in_a_window)
    assert found.height <= 260


@each(
    ("minutes", "place"), [(1, "within"), (10, "within"), (11, "later"), (30, "later"), (31, "later"), (900, "later")]
)
def test_a_dot_stands_on_its_side_of_the_mark(minutes: int, place: str) -> None:
    (dot,) = chart((minutes,), 0).dots
    assert dot.told == place
    assert (dot.x * WIDTH / 100 < AT_ONCE) == (place == "within")
    assert (dot.x * WIDTH / 100 > LAST) == (minutes > LAST)


def test_thousands_of_dots_still_fit() -> None:
    assert chart(many(5000), 300).height <= 260


@each(
    ("minutes", "column"),
    [(0, 1), (0.5, 1), (1, 1), (1.01, 2), (9.99, 10), (10, 10), (10.001, 11), (-3, 1), (None, None)],
)
def test_the_minute_of_who_was_told_agrees_with_the_count(minutes: float | None, column: int | None) -> None:
    case = told_after(minutes)
    assert minutes_told([case]) == (() if column is None else (column,))
    told = figures([case])
    assert (told.within_10_minutes, told.over_10_minutes) == (column is not None and column <= 10, (column or 0) > 10)


# --- the page -----------------------------------------------------------------------------------------


def test_the_page_tells_figures_and_nobody() -> None:
    told, open_one, wrong = told_after(4), told_after(None), replace(told_after(2), state=State.CANCELLED)
    late = replace(told_after(25, Kind.LATE), client_says=Says.REBOOK)
    waiting = told_after(None, Kind.WAITING)
    closed = replace(told, state=State.CLOSED, outcome=Outcome.RESCHEDULED, undated=True, makeup=True)
    read = drawn([closed, open_one, wrong, late, waiting])
    assert read.dots == {"within": 1, "later": 1, "never": 1}
    assert read.rows["cases"] == ["1", "3", "1", "5"]
    assert read.rows["by mistake"] == ["0", "1", "0", "1"]
    assert read.rows["median minutes"] == ["25", "4", "", "14.5"]
    assert read.rows["rescheduled"] == ["0", "1", "0", "1"]
    assert read.rows["open"] == ["1", "1", "1", "3"]
    assert read.rows["rescheduled, no time"] == ["0", "1", "0", "1"]
    assert read.rows["sessions missed"] == ["0", "2", "0", "2"]
    assert read.rows["make-ups offered"] == ["0", "1", "0", "1"]
    assert read.rows["wanted another time"] == ["1", "0", "0", "1"]
    assert "Dana" not in read.words
    assert "Sam" not in read.words


def test_it_loads_nothing_and_runs_nothing() -> None:
    source, wrong = page("<b>R & S</b>", date(2026, 11, 1), totals([told_after(4)]), figures([told_after(7)]))
    assert wrong is None
    assert "&lt;b&gt;R &amp; S&lt;/b&gt;" in source
    assert re.search(r"(?i)<script|\bon\w+=|href|src=|url\(|@import|http", source) is None
    assert "4</b>minutes, the median (October: 7)" in source


def test_a_month_without_a_case_says_so() -> None:
    assert "No case was reported in November 2026." in drawn([]).words


def test_a_clinics_own_page_is_used_unless_it_fails(tmp_path: Path) -> None:
    def written(own: str) -> tuple[str, str | None]:
        (tmp_path / "month.html").write_text(own, encoding="utf-8")
        return page("Riverside", None, totals([]), figures([]), tmp_path)

    assert written("{{ clinic }}, ours") == ("Riverside, ours", None)
    source, wrong = written("\n{{ nobody }}")
    assert "All cases that are kept" in source
    assert wrong is not None
    assert wrong.startswith("month.html, line 2: UndefinedError")


# --- the verb -----------------------------------------------------------------------------------------


async def a_week(clinic: Clinic) -> None:
    """A client told in time, one late who wants another time, one not told, one waited for; a report by mistake."""
    ids = []
    for words in (f"LATE 15 {CLIENT} {SURNAME}", "NOSHOW Kim", "NOSHOW Ann", "WAITING Bo", "LATE 5 Cleo"):
        await clinic.dana.writes(words)
        ids.append((await clinic.dana.gets("draft")).case)
    await clinic.dana.writes(f"[{ids[4]}] MISTAKE")
    await clinic.minute_by_minute(4)
    await clinic.dana.writes(f"[{ids[0]}] SENT, {CLIENT} can wait")
    await clinic.dana.writes(f"[{ids[0]}] RESCHEDULED")
    await clinic.minute_by_minute(8)
    await clinic.dana.writes(f"[{ids[1]}] REBOOK")
    await clinic.dana.writes(f"[{ids[1]}] RESCHEDULED Tue 3pm MAKEUP")
    await clinic.settled()
    await clinic.collect()
    for person in clinic.people.values():
        person.inbox.clear()


@pytest.mark.slow
async def test_page_json_and_letter_tell_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        await a_week(clinic)
        await clinic.alex.writes("REPORT")
        letter = await clinic.alex.gets("month")
        file = tmp_path / "november.html"
        capsys.readouterr()
        options = ["--month", "2026-11", "--json", "--html", str(file), "--config", str(clinic.config_file)]
        assert await asyncio.to_thread(daemon.main, ["report", *options]) == 0
        out = capsys.readouterr().out
        told: dict[str, Any] = json.JSONDecoder().raw_decode(out[out.index("{\n") :])[0]
        source = file.read_text(encoding="utf-8")

    assert file.stat().st_mode & 0o777 == 0o600
    everyone, kinds = told["all"], [*told["kinds"].values(), told["all"]]
    read = Read(source)
    names = {"within": "within_10_minutes", "later": "over_10_minutes", "never": "not_recorded"}
    assert dict(read.dots) == {place: everyone[name] for place, name in names.items()} == dict.fromkeys(names, 1)
    for row, name in (
        ("cases", "cases"),
        ("by mistake", "mistakes"),
        ("within 10 minutes", "within_10_minutes"),
        ("later", "over_10_minutes"),
        ("not recorded", "not_recorded"),
        ("rescheduled, no time", "undated"),
        ("make-ups offered", "makeups"),
    ):
        assert read.rows[row] == [str(one[name]) for one in kinds], row
    for outcome, count in everyone["outcomes"].items():
        assert read.rows[outcome][-1] == str(count)
    assert everyone["client_says"] == {"rebook": 1, "waits": 1}
    assert (everyone["undated"], everyone["makeups"], everyone["median_minutes"]) == (1, 1, 8.0)

    assert letter.first_line == "November 2026: 1 client told within 10 minutes, 1 later, 1 not recorded."
    for said in (
        "told: 8 minutes.",
        "- 0 to 5: 1\n- 5 to 10: 0\n\n- 10 to 20: 1\n- 20 to 30: 0\n- over 30: 0\n\n- not recorded: 1\n",
        "Make-up sessions offered: 1; sessions missed: 2.\n",
        "Of those rescheduled, without a time: 1.\n",
        "What clients answered: 1 could wait, 1 wanted another time.\n",
    ):
        assert said in letter.text
    for said in (source, letter.text, letter.html):
        for name in (CLIENT, SURNAME, "Kim", "Ann", "Cleo", "Dana"):
            assert name not in said


@pytest.mark.slow
async def test_a_page_that_cannot_be_written_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        nowhere = str(tmp_path / "gone" / "month.html")
        options = ["report", "--html", nowhere, "--config", str(clinic.config_file)]
        assert await asyncio.to_thread(daemon.main, options) == 2
        assert f"{nowhere}: No such file" in capsys.readouterr().err
