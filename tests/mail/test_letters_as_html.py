"""The page beside the text: the same words and links, one column, fit for a phone. A browser measures it elsewhere."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from urllib.parse import unquote

from tests.mail.letter_reading import SAMPLES, draft_in, every_letter, html_of, mail_of, part_of, text_of
from tests.mail.letter_samples import LATE, written
from workflow.core.marker import MARKER
from workflow.core.model import LetterKind
from workflow.core.people import Role


@every_letter
def test_html_and_text_say_the_same(name: str) -> None:
    letter = SAMPLES[name]
    text = text_of(letter).partition("\n\nTo tap instead, in the same order:\n")[0]
    plain = re.sub(r"(?m)^- ", "", text).split()
    html = " ".join(word for word in html_of(letter).words if word != "-")
    for said in ("Message to copy ", "Open as an email, from your clinic account "):
        html = html.replace(said, "")
    assert html.split() == [word for word in plain if word != "-"]


@every_letter
def test_html_is_one_column_fit_for_a_phone(name: str) -> None:
    page = html_of(SAMPLES[name])
    source = part_of(mail_of(SAMPLES[name]), "text/html")
    assert "http" not in source
    assert {"img", "link", "script", "iframe", "form"}.isdisjoint(tag for tag, _ in page.tags)
    assert ("html", {"lang": "en"}) in page.tags
    assert set(re.findall(r"font-size:(\w+)", source)) == {"16px", "18px"}
    for tag, attributes in page.tags:
        if tag == "a":
            assert re.search(r"display:(?:inline-)?block;padding:10px ", str(attributes["style"]))
            assert "line-height:24px;min-height:24px" in str(attributes["style"]), "10 + 24 + 10 = 44 px"


@every_letter
def test_html_is_made_of_what_a_screen_reader_and_outlook_know(name: str) -> None:
    """A heading, lists, a table of facts, one of a chart, a labelled message, a cell for each button."""
    letter = SAMPLES[name]
    source, text = part_of(mail_of(letter), "text/html"), text_of(letter)
    said, _, taps = text.partition("\n\nTo tap instead, in the same order:\n")
    above, heading, below = re.split(r"<h1[^>]*>(.*?)</h1>", source)
    assert html.unescape(re.sub(r"</?bdi>", "", heading)) == text.splitlines()[0]
    assert "<p" not in above
    assert len(re.findall(r'<td[^>]*><a href="mailto:clinic@', source)) == len(taps.splitlines())
    rows = re.findall(r'<th scope="row"[^>]*>(\w+):</th><td', source)
    bars = source.count('<th scope="row"') - len(rows)
    assert source.count("<li") + bars + len(taps.splitlines()) == len(re.findall("(?m)^- ", said))
    facts = re.findall(r"(?ms)^Case: .*", said)
    assert rows == (re.findall(r"(?m)^(\w+): ", facts[0]) if facts else [])
    if "Message to copy</p>" in below:
        assert unquote(re.findall(r'href="mailto:\?body=([^"]*)"', source)[0]) == draft_in(said)


@every_letter
def test_the_preview_in_a_list_of_mails_is_the_instruction_alone(name: str) -> None:
    """Behind it blanks, and neither the marker nor what somebody wrote; a screen reader passes over both."""
    _, _, below = part_of(mail_of(SAMPLES[name]), "text/html").partition("</h1>")
    blanks, marker = re.findall(r'<(?:div|p) aria-hidden="true"[^>]*>(.*?)</(?:div|p)>', below)
    assert below.index(blanks) < below.index(marker)
    assert re.sub(r"<[^>]*>", "", below.partition(blanks)[0]).strip() == ""
    assert len(html.unescape(blanks)) >= 100 and html.unescape(blanks).strip("\u200c\xa0") == ""
    assert marker == MARKER


def test_the_only_colours_are_the_buttons_and_they_contrast() -> None:
    source = part_of(mail_of(SAMPLES["draft-noshow"]), "text/html")
    assert set(re.findall(r"(?<![-\w])color:(\S+?)[;\"]", source)) == {"#ffffff", "inherit"}
    assert set(re.findall(r"background:(#\w+)", source)) == {"#1a4f8b"}
    assert (1 + 0.05) / (_luminance("1a4f8b") + 0.05) >= 4.5, "WCAG 2.2, 1.4.3"
    assert 'name="color-scheme" content="light dark"' in source


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_names_disturb_no_order_of_words() -> None:
    facts = replace(LATE, client="\u05e9\u05e8\u05d4 \u05dc\u05d5\u05d9")
    source = part_of(mail_of(written(LetterKind.ALERT, "opened", Role.ADMIN, facts)), "text/html")
    assert "<bdi>Dana Lee</bdi>" in source
    assert "<bdi>\u05e9\u05e8\u05d4" in source
    assert "<bdi>" not in source.partition("<body")[0]


def test_a_chart_is_made_of_cells_as_wide_as_what_they_count() -> None:
    page = html_of(SAMPLES["month"])
    bars = [attributes["width"] for _, attributes in page.tags if "bgcolor" in attributes]
    assert bars == ["100%", "50%", "17%", "17%", "17%"]  # 6, 3, 1, none, 1, and 1 not recorded
    assert len({attributes["bgcolor"] for _, attributes in page.tags if "bgcolor" in attributes}) == 3
