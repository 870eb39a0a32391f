"""The page of ``report --html``: a month's figures, and a dot for each client who was owed a message. It names nobody.

Where each dot stands is worked out here; how the page looks, and what it says, stands in templates/month.html.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from workflow.core.figures import Figures, Totals
from workflow.core.month import month_before
from workflow.mail.writing.templates import OURS, Pages, explained, our_pages

TEMPLATE = "month.html"

LAST = 30
"""Minutes of the line; who was told after it stands apart, at its end."""

AT_ONCE = 10
"""The policy's minutes: the mark on the line."""

MORE, MORE_WIDE = 32.5, 4
NEVER, NEVER_WIDE = 38.0, 6
"""Where those stand who were told later than that, or of whom nothing is recorded, and how wide: in minutes."""

WIDTH = NEVER + NEVER_WIDE
"""Minutes that the whole chart is wide: of a phone's 343 px each has eight."""

MINUTE, MINUTE_IN_A_WINDOW = 343 / WIDTH, 820 / WIDTH
"""CSS pixels."""

LOWEST, HIGHEST = 56, 260
LARGEST = 14
"""CSS pixels: of all dots together, and of one with the room around it."""


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    """Of the middle, in hundredths of the chart's width."""
    y: float
    """Likewise, in CSS pixels from the top."""
    told: str
    """"within" ten minutes, "later", or "never" that anybody recorded."""


@dataclass(frozen=True, slots=True)
class Chart:
    dots: tuple[Dot, ...]
    height: float
    radius: float
    radius_in_a_window: float
    """CSS pixels. The dots are wider apart in a window, and may be larger."""


def page(
    clinic: str, month: date | None, told: Totals, before: Figures, templates: Path | None = None
) -> tuple[str, str | None]:
    """The page, and what is wrong with the clinic's own template, where ours had to stand in for it.

    `month`: its first day, None for all cases that are kept; `before`: of the month before it; `templates`: the
    clinic's own folder.
    """
    values = {
        "clinic": clinic,
        "month": f"{month:%B %Y}" if month is not None else "",
        "month_before": f"{month_before(month):%B}" if month is not None else "",
        "told": told,
        "before": before,
        "chart": chart(told.minutes, told.all.not_recorded),
        "marks": {minute: _across(minute) for minute in range(0, LAST + 1, 5)},
        "more": (_across(MORE), _across(MORE + MORE_WIDE / 2), _across(MORE + MORE_WIDE)),
        "never": (_across(NEVER), _across(NEVER + NEVER_WIDE / 2), _across(NEVER + NEVER_WIDE)),
    }
    wrong = None
    if templates is not None:
        try:
            return Pages(templates, OURS).page(TEMPLATE, values), None
        except Exception as fault:  # a clinic's own file can fail in any way
            wrong = explained(fault)
    return our_pages().page(TEMPLATE, values), wrong


def chart(minutes: tuple[int, ...], not_recorded: int) -> Chart:
    """A dot for each client: in the column of their minute (`figures.minutes_told`), so that who was told within ten
    minutes stands left of the mark. The dots are as large as the fullest column lets them be."""
    on_the_line = bisect_right(minutes, LAST)
    columns = [
        *((minute - 1.0, 1, count) for minute, count in Counter(minutes[:on_the_line]).items()),
        (MORE, MORE_WIDE, len(minutes) - on_the_line),
        (NEVER, NEVER_WIDE, not_recorded),
    ]

    def rows(abreast: int) -> int:
        return max(1, *(-(-count // (wide * abreast)) for _, wide, count in columns))

    def room(abreast: int) -> float:
        return min(MINUTE / abreast, HIGHEST / rows(abreast))

    abreast = max(range(1, 7), key=room)
    step = min(LARGEST, HIGHEST / rows(abreast))
    height = max(LOWEST, step * rows(abreast))
    dots = []
    for start, wide, count in columns:
        told = "never" if start == NEVER else "within" if start < AT_ONCE else "later"
        for number in range(count):
            row, place = divmod(number, wide * abreast)
            dots.append(Dot(_across(start + (place + 0.5) / abreast), round(height - (row + 0.5) * step, 1), told))
    return Chart(
        tuple(dots),
        height=round(height, 1),
        radius=round(0.46 * min(MINUTE / abreast, step), 2),
        radius_in_a_window=round(0.46 * min(MINUTE_IN_A_WINDOW / abreast, step), 2),
    )


def _across(minute: float) -> float:
    return round(100 * minute / WIDTH, 2)
