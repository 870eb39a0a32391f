"""The letters and the month's page in a real browser: on a phone, with large type, in a window, light and dark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.letters_in_browser import (
    ABSENT,
    CHROMIUM,
    SCHEMES,
    SCREENS,
    SHOWN_AS,
    Browser,
    Link,
    Look,
    as_in_word,
    html_of,
)
from tests.mail.letter_samples import RULES, samples
from tests.months import month_of
from workflow.core.model import Choice, Letter
from workflow.mail.writing.render import Letters

SAMPLES = dict(samples())
LETTERS = Letters(RULES, instance="a1b2c3")

SMALLEST_TARGET = 44
"""CSS pixels: WCAG 2.2, 2.5.5."""

LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3."""


def endless(letter: Letter) -> Letter:
    """A letter with words that no screen is wide enough for."""
    word = "x" * 300
    return replace(letter, data={"by": "Pat", "text": word}, choices=(Choice(f"OTHER {word}", word, letter.case),))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_REAL_SERVERS") == "1":
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    with Browser() as started:
        yield started


@pytest.fixture(scope="module", params=SCREENS)
def screen(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture(scope="module")
def looks(browser: Browser, screen: str) -> dict[str, Look]:
    letters = {**SAMPLES, "endless words": endless(SAMPLES["update-note"])}
    pages = {name: html_of(letter, LETTERS) for name, letter in letters.items()}
    width = SCREENS[screen]
    return {
        f"{name}, {scheme}": browser.show(page, scheme, width) for name, page in pages.items() for scheme in SCHEMES
    }


def links(looks: dict[str, Look]) -> Iterator[tuple[str, Link]]:
    for name, look in looks.items():
        for link in look.links:
            yield name, link


@pytest.mark.slow
@pytest.mark.browser
class TestOnEachScreen:
    def test_light_is_light_and_dark_is_dark(self, looks: dict[str, Look]) -> None:
        pages = {scheme: {look.page for name, look in looks.items() if name.endswith(scheme)} for scheme in SCHEMES}
        assert pages == {"light": {"rgb(255, 255, 255)"}, "dark": {"rgb(18, 18, 18)"}}

    def test_nothing_is_wider_than_the_screen(self, looks: dict[str, Look], screen: str) -> None:
        assert [name for name, look in looks.items() if look.width > SCREENS[screen]] == []

    def test_all_text_can_be_read(self, looks: dict[str, Look]) -> None:
        assert all(len(look.texts) > 2 for look in looks.values())
        faint = [(name, text) for name, look in looks.items() for text in look.texts if text.contrast < LEAST_CONTRAST]
        assert faint == []
        assert {text.size for look in looks.values() for text in look.texts} == {16, 18}

    def test_what_is_tapped_is_large_enough_for_a_thumb(self, looks: dict[str, Look], screen: str) -> None:
        least = SMALLEST_TARGET / (2 if "twice" in screen else 1)
        assert [(name, link) for name, link in links(looks) if min(link.width, link.height) < least] == []

    def test_no_word_is_broken_on_a_button(self, looks: dict[str, Look]) -> None:
        broken = {name: link.broken for name, link in links(looks) if link.broken and not name.startswith("endless")}
        assert broken == {}

    def test_every_link_makes_a_mail_and_there_is_one_for_each_choice(self, looks: dict[str, Look]) -> None:
        made = ("mailto:clinic@", "mailto:?body=Hi%20")
        assert [(name, link) for name, link in links(looks) if not link.href.startswith(made)] == []
        assert len(looks["draft-late, light"].links) == len(SAMPLES["draft-late"].choices) + 1

    def test_nothing_is_fetched_from_anywhere(self, looks: dict[str, Look]) -> None:
        assert {name: look.requested for name, look in looks.items() if look.requested} == {}

    def test_the_message_is_chosen_in_one_piece(self, looks: dict[str, Look]) -> None:
        chosen = {name: look.selected for name, look in looks.items() if look.selected is not None}
        assert chosen["draft-waiting, light"] == (
            "Hi Sam - just checking in. We were scheduled for 2:20 pm. Are you still able to make it today?"
        )
        drafts = {
            name
            for name in SAMPLES
            if (name.startswith(("draft", "stepaway")) and not name.endswith("past"))
            or (name.startswith("reminder") and not {"outcome", "rebook", "apology"} & set(name.split("-")))
            or (name.startswith("escalation") and name.endswith("away"))
        }
        assert {name.partition(",")[0] for name in chosen} == drafts


@pytest.mark.slow
@pytest.mark.browser
def test_what_words_engine_leaves_can_be_read_and_clicked(browser: Browser) -> None:
    """Outlook's: no rounded corners, no blocks that are links; the cells keep their room and their colour."""
    for name, letter in SAMPLES.items():
        look = browser.show(as_in_word(html_of(letter, LETTERS)), "light", SCREENS["window"])
        assert [text for text in look.texts if text.contrast < LEAST_CONTRAST] == [], name
        assert look.width <= SCREENS["window"], name


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("cases", [0, 1, 5, 200])
def test_a_months_page_fits_each_screen(browser: Browser, screen: str, cases: int) -> None:
    page = month_of(cases)
    for scheme in SCHEMES:
        look = browser.show(page, scheme, SCREENS[screen])
        assert look.width <= SCREENS[screen]
        assert [text for text in look.texts if text.contrast < LEAST_CONTRAST] == []
        assert len(look.texts) > (50 if cases else 2)
        assert look.page == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}[scheme]
        assert look.requested == ()
        assert look.links == ()


@pytest.mark.slow
@pytest.mark.browser
def test_what_a_program_made_dark_can_be_read(browser: Browser) -> None:
    for name in SHOWN_AS:
        look = browser.show(html_of(SAMPLES[name], LETTERS), "light", forced_dark=True)
        faint = {text: drawn for text, drawn in browser.contrasts_drawn(look).items() if drawn < LEAST_CONTRAST}
        assert faint == {}, name


@pytest.mark.slow
@pytest.mark.browser
def test_the_keyboard_comes_to_every_link_from_top_to_bottom(browser: Browser) -> None:
    for name in SHOWN_AS:
        look = browser.show(html_of(SAMPLES[name], LETTERS), "light")
        hrefs = [link.href for link in look.links]
        assert browser.tabs(len(hrefs)) == hrefs, name
        assert [link.top for link in look.links] == sorted(link.top for link in look.links), name


@pytest.mark.slow
@pytest.mark.browser
def test_the_ruler_measures(browser: Browser) -> None:
    """What the tests above rely on, shown on a page with every fault."""
    page = (
        '<meta name="color-scheme" content="light dark"><body style="margin:0"><p style="color:#999">faint</p>'
        '<p style="opacity:0.4">half</p><p style="background:#fff;color:#fff">gone</p>'
        '<a href="https://clinic.test/" style="display:block;height:20px">tap</a>'
        '<p style="width:500px">wide</p><img src="http://127.0.0.1:9/pixel.png">'
    )
    look = browser.show(page, "light")
    contrasts = {text.text: round(text.contrast, 1) for text in look.texts}
    assert contrasts == {"faint": 2.8, "half": 2.8, "gone": 1.0, "tap": 9.4, "wide": 21.0}
    drawn = browser.contrasts_drawn(look)
    assert all(abs(drawn[text] - contrast) < contrast / 5 for text, contrast in contrasts.items()), drawn
    assert look.width > SCREENS["phone"]
    assert [(link.href, link.height) for link in look.links] == [("https://clinic.test/", 20)]
    assert look.requested == ("http://127.0.0.1:9/pixel.png",)
