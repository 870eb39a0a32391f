"""The sample letters as a mail program reads them, for the tests of their words, their page and their headers."""

from __future__ import annotations

import re
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from html.parser import HTMLParser

from tests.mail.letter_samples import NOW, RULES, samples
from tests.rows import each
from workflow.core.model import Letter
from workflow.mail.writing.render import Letters

SAMPLES = dict(samples())
LETTERS = Letters(RULES, instance="a1b2c3")

OUTCOME_WORDS = (
    "CONNECTED|RESCHEDULED|UNREACHABLE|ARRIVED|ABSENT|OTHER|rebooked|resched|re-scheduled|unable|couldn't reach|"
    "no answer|voicemail|here|joined|started|came|no show|no-show|noshow|didn't come"
)

_READ: dict[int, Message] = {}


def mail_of(letter: Letter, letters: Letters = LETTERS) -> Message:
    """As a mail program reads it; the samples are written once."""
    if letters is not LETTERS or not any(letter is sample for sample in SAMPLES.values()):
        return BytesParser(policy=compat32).parsebytes(letters.render(letter, NOW).raw)
    if id(letter) not in _READ:
        _READ[id(letter)] = BytesParser(policy=compat32).parsebytes(LETTERS.render(letter, NOW).raw)
    return _READ[id(letter)]


def part_of(mail: Message, kind: str) -> str:
    (part,) = [part for part in mail.walk() if part.get_content_type() == kind]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode("utf-8")


def text_of(letter: Letter, letters: Letters = LETTERS) -> str:
    return part_of(mail_of(letter, letters), "text/plain").replace("\r\n", "\n")


def subject_of(letter: Letter) -> str:
    return str(make_header(decode_header(str(mail_of(letter)["Subject"]))))


class Page(HTMLParser):
    """The words and tags of an HTML part."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    @property
    def words(self) -> list[str]:
        return self.text.replace("\u200c", " ").split()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        self._part(tag)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] != "title":
            self.text += data

    def _part(self, tag: str) -> None:
        if tag not in ("bdi", "a"):
            self.text += " "


def html_of(letter: Letter) -> Page:
    page = Page()
    page.feed(part_of(mail_of(letter), "text/html"))
    return page


def outcomes_in_front(text: str) -> list[str]:
    """The lines that start with a word for an outcome: quoted, they could be taken for an answer."""
    front = re.compile(rf"[-\s]*(?:{OUTCOME_WORDS})\b", re.IGNORECASE)
    return [line for line in text.split("\n") if front.match(line)]


def draft_in(text: str) -> str:
    """The message for the client: the paragraph that greets."""
    (found,) = [paragraph for paragraph in text.split("\n\n") if paragraph.startswith("Hi")]
    return found


every_letter = each("name", SAMPLES)
letters_of_a_case = each("name", [name for name, letter in SAMPLES.items() if letter.facts])
