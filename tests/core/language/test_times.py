"""Minutes and times of the day as people type them. Contract section 3."""

from __future__ import annotations

from datetime import date, time

from tests.rows import each
from workflow.core.language.times import clock_at, date_of, minutes_at, tokens


@each(
    ("text", "at"),
    [
        ("2pm", time(14)),
        ("2 p.m.", time(14)),
        ("2p", time(14)),
        ("12am", time(0)),
        ("12 pm", time(12)),
        ("2:30 pm", time(14, 30)),
        ("2.30pm", time(14, 30)),
        ("14:30", time(14, 30)),
        ("2:30", time(14, 30)),
        ("9:30", time(9, 30)),
        ("02:30", time(2, 30)),
        ("00:15", time(0, 15)),
        ("14h30", time(14, 30)),
        ("14h", time(14)),
        ("13pm", None),
        ("0am", None),
        ("14h30 pm", None),
        ("25:00", None),
        ("2:75", None),
        ("2.30", None),
        ("1h30", None),
        ("3h", None),
        ("15", None),
        ("2px", None),
        ("2:30mm", None),
        ("Sam", None),
        ("", None),
    ],
)
def test_times_of_the_day(text: str, at: time | None) -> None:
    found = clock_at(tokens(text), 0)
    assert (found and found[0]) == at


@each(
    ("text", "minutes"),
    [
        ("15", 15),
        ("0", 0),
        ("9999", 9999),
        ("one", 1),
        ("twenty-one", 21),
        ("thirty two min", 32),
        ("twenty ten", 20),
        ("twenty-ten", None),
        ("twenty-one-two", None),
        ("one-two", None),
        ("two hours", 120),
        ("15%", None),
        ("$15", None),
        ("1st", None),
        ("2pm", None),
        ("Sam", None),
        ("", None),
    ],
)
def test_minutes(text: str, minutes: int | None) -> None:
    found = minutes_at(tokens(text), 0)
    assert (found and found.value) == minutes


@each(
    ("said", "day"),
    [
        ("11-12/12-11", date(2026, 11, 12)),
        ("10-12/12-10", date(2026, 10, 12)),
        ("12-1/1-12", None),
        ("11-30/30-11", date(2026, 11, 30)),
    ],
)
def test_a_date_in_figures_is_the_last_one_past_and_not_long_ago(said: str, day: date | None) -> None:
    assert date_of(said, date(2026, 11, 30)) == day
