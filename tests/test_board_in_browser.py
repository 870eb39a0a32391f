"""The board in a real browser: on a phone, in a window, on a screen seen from across the room; light and dark; and what
the screen says once nothing new comes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.board_samples import boards
from tests.letters_in_browser import ABSENT, BOARD_SCREENS, CHROMIUM, SCHEMES, Browser, Look
from tests.premises import Premises, premises
from tests.test_health import free_port, listening

__all__ = ["premises"]

pytestmark = [pytest.mark.slow, pytest.mark.browser]

LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3."""

FAR = 4000
"""Millimetres, from the desk to the screen."""

PIXEL = 24 * 25.4 * 16 / (16**2 + 9**2) ** 0.5 / 1920
"""Millimetres, of a screen of 24 inches: 0.277."""

DIGIT = 0.7
"""The height of a digit, of its type's size: 0.71 to 0.73 in the usual faces."""

LEGIBLE = 0.00582
"""20 minutes of arc, as what is read in comfort needs (ISO 9241-303: 20 to 22, at least 16)."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_REAL_SERVERS") == "1":
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def looks(browser: Browser) -> dict[tuple[str, str, str], Look]:
    return {
        (name, screen, scheme): browser.show(page, scheme, *size)
        for name, page in boards()
        for screen, size in BOARD_SCREENS.items()
        for scheme in SCHEMES
    }


Looks = dict[tuple[str, str, str], Look]


def test_nothing_is_wider_than_the_screen(looks: Looks) -> None:
    wider = [which for which, look in looks.items() if look.width > BOARD_SCREENS[which[1]][0]]
    assert wider == []


def test_all_text_can_be_read_and_nothing_is_fetched_or_tapped(looks: Looks) -> None:
    faint = [(which, text) for which, look in looks.items() for text in look.texts if text.contrast < LEAST_CONTRAST]
    assert faint == []
    assert min(text.size for look in looks.values() for text in look.texts) >= 16
    assert {which: look.requested for which, look in looks.items() if look.requested} == {}
    assert {which: look.links for which, look in looks.items() if look.links} == {}


def test_light_is_light_and_dark_is_dark(looks: Looks) -> None:
    pages = {scheme: {look.page for (*_, own), look in looks.items() if own == scheme} for scheme in SCHEMES}
    assert pages == {"light": {"rgb(255, 255, 255)"}, "dark": {"rgb(18, 18, 18)"}}


def test_the_minutes_can_be_read_from_across_the_room(looks: Looks) -> None:
    """And an afternoon's board needs no scrolling."""
    for scheme in SCHEMES:
        look = looks["afternoon", "wall", scheme]
        (size,) = {text.size for text in look.texts if text.text in {"31", "46"}}
        assert size * DIGIT * PIXEL >= FAR * LEGIBLE
        assert look.height <= BOARD_SCREENS["wall"][1]


async def test_shows_the_next_each_minute_and_says_old_once_the_daemon_has_stopped(
    premises: Premises, browser: Browser
) -> None:
    port = free_port()
    premises.configure(listening(port))
    async with premises.daemon():
        browser.open(f"http://127.0.0.1:{port}/board", ahead=61)  # the next one is fetched a few seconds after 60
        assert "min old" in await browser.shows("Nothing is open")
        await premises.report()
        await browser.shows("1 needs somebody now")
    browser.clock_is(ahead=100)
    text = await browser.shows("1 min old")
    assert not re.search(r"\bOLD\b", text)
    browser.clock_is(ahead=130)
    text = await browser.shows("OLD: 2 min")
    assert "1 needs somebody now" in text, "what was so last is still to be seen"
    browser.clock_is(ahead=-200)  # nobody knows how old it is
    await browser.shows("OLD: 3 min")


async def test_a_file_shows_the_next_each_minute_and_says_old_where_there_is_none(
    tmp_path: Path, browser: Browser
) -> None:
    file, pages = tmp_path / "board.html", dict(boards())
    file.write_text(pages["some"])
    browser.open(file.as_uri(), ahead=61)
    await browser.shows("1 needs somebody now, 2 open")
    file.write_text(pages["nothing"])
    assert "old" not in (await browser.shows("Nothing is open")).casefold()
    browser.open(file.as_uri(), ahead=3600)
    await browser.shows("OLD: 60 min")
