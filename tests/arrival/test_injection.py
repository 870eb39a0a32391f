"""Nothing that people write can add a header, a recipient, markup or template code to what we send.

A thousand letters, each with attacks wherever text of others stands: a client's name, a note, a line, an associate's
or the clinic's name, an id. They are read back as mail programs read them, and compared with the letter that was meant.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.policy import default as modern
from email.utils import getaddresses
from functools import cache
from itertools import cycle
from pathlib import Path
from random import Random
from urllib.parse import quote, unquote

import pytest

from tests.conversation import Clinic
from tests.mail.letter_reading import LETTERS, SAMPLES, mail_of, part_of
from tests.mail.letter_samples import DANA, NOW, RULES
from tests.rows import each
from workflow.core.model import Datum, Letter
from workflow.core.people import Person
from workflow.mail.writing.mime import Body, Correspondent, to_bytes
from workflow.mail.writing.render import Letters, Unsafe

CASES = int(os.environ.get("ATTACKS", "1000"))
"""`make fuzz` makes ten thousand."""

# --- attacks


LINE_ENDS = (
    "\r\n", "\n", "\r", "\r\n ", "\n\t", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00\r\n", "\r\n\r\n", "\\r\\n",
)  # fmt: skip
GOODS = (
    "Bcc: evil@x.test", "To: evil@x.test", "Cc: evil@x.test", "From: evil@x.test", "X-Promptly-Case: ZZZZ",
    "Subject: x", "Content-Type: text/html", "MIME-Version: 1.0", "Reply-To: <evil@x.test>", "<script>evil()</script>",
    "RESCHEDULED", ".", "--=_a_", "From evil@x.test Mon Jan 1", ", evil@x.test", "<evil@x.test>", '" <evil@x.test>, "',
    "evil@x.test;", "(evil@x.test)",
)  # fmt: skip
MARKUP = (
    '"><a href="http://x.test">', "<img src=x onerror=evil()>", "</p></td></table><h1>", "'><b>", "<!-- ",
    "&#60;b&#62;", "&lt;script&gt;", "{{ 7777 * 7777 }}", "{% include 'alert.txt' %}", "{# gone #}",
    "{{ self.__init__.__globals__ }}", "{%", "}}", "${7777*7777}",
    "%(x)s", "?bcc=evil@x.test&body=x", "%0d%0aBcc:%20evil@x.test", "#", "%", "\\", '"',
    "javascript:evil()", "http://x.test", "\u202eevil", "\u200b", "\ud800", "\ufeff", "\U000e0041", "e" + "\u0301" * 40,
    "a" * 300, "李", "Zoë", "=?", "?=", "=?utf-8?q?", "=",
)  # fmt: skip


def _q(text: str) -> str:
    data = text.encode("utf-8", "replace")
    return f"=?utf-8?q?{''.join(f'={byte:02x}' for byte in data)}?="


def _b(text: str) -> str:
    return f"=?utf-8?B?{base64.b64encode(text.encode('utf-8', 'replace')).decode()}?="


ENCODINGS = (
    str,
    _q,
    _b,
    lambda text: _q(_q(text)),
    lambda text: _b(_q(text)),
    lambda text: _q(_b(text)),
    lambda text: f"=?utf-8?q?=0d=0a?= {text}",
    lambda text: f"{_q(text[: len(text) // 2])} {_q(text[len(text) // 2 :])}",
    lambda text: f"=?utf-7?q?{text}?=",
    lambda text: quote(text.encode("utf-8", "replace")),
    lambda text: "".join(f"&#{ord(letter)};" for letter in text[:60]),
)


def attack(random: Random) -> str:
    """A name or a note that means harm, plain, encoded, or encoded twice."""
    wanted = random.choice(MARKUP) if random.random() < 0.3 else random.choice(LINE_ENDS) + random.choice(GOODS)
    wanted = random.choice(ENCODINGS)(wanted)
    return random.choice(("Sam", "Sam ", "", "Zoë ", "O'Neil-")) + wanted + random.choice(("", " P.", "\r\n", " x"))


def attacked(random: Random, letter: Letter) -> Letter:
    """The letter with attacks in every place where somebody's text stands."""

    def some(text: str | None) -> str:
        return attack(random) if random.random() < 0.5 or text is None else text

    def datum(value: Datum) -> Datum:
        if isinstance(value, str) and not re.match(r"20\d\d-", value):
            return f"A mail of {some(value)}"  # sentences of ours, with a name in them
        return [some(line) for line in value] if isinstance(value, list) else value

    facts = letter.facts
    if facts is not None:
        facts = replace(
            facts,
            client=some(facts.client) if facts.client else None,
            associate=Person(some(facts.associate.name), facts.associate.emails),
            note=some(facts.note) if facts.note else None,
            outcome_note=some(facts.outcome_note) if facts.outcome_note else None,
        )
    return replace(
        letter,
        facts=facts,
        to=Person(some(letter.to.name), letter.to.emails),
        data={name: datum(value) for name, value in letter.data.items()},
        choices=tuple(replace(one, line=some(one.line), label=some(one.label)) for one in letter.choices),
        in_reply_to=f"<{attack(random)}@x.test>" if random.random() < 0.2 else letter.in_reply_to,
        references=(*letter.references, *([f"<{attack(random)}>"] if random.random() < 0.2 else [])),
    )


@cache
def clinics() -> tuple[Letters, ...]:
    """Clinics of all names."""
    random = Random(8)
    names = ["Riverside Counselling", *(attack(random) for _ in range(4))]
    return tuple(Letters(replace(RULES, clinic=name), instance=attack(random)) for name in names)


# --- what they come to

SKELETON = re.compile(r"<[a-zA-Z/!][^>]*>")
HREF = re.compile(r'href="([^"]*)"')
LINK = re.compile(r"mailto:(?:clinic@clinic\.test\?subject|\?body)=[A-Za-z0-9%._~/-]+")
ONLY_SOMETIMES = {"In-Reply-To", "References"}


@cache
def tags() -> frozenset[str]:
    """Every tag that a letter may hold, whatever it says, links apart."""
    pages = [part_of(mail_of(letter), "text/html") for letter in SAMPLES.values()]
    return frozenset(HREF.sub("href", tag) for page in pages for tag in SKELETON.findall(page))


def names_of(mail: Message) -> list[str]:
    return [name for name, _ in mail.items() if name not in ONLY_SOMETIMES]


def check(letter: Letter, raw: bytes, plain: Message) -> None:
    """These bytes are a letter like the plain one: no header, recipient, part or tag more, and its links lead to us."""
    mail = BytesParser(policy=compat32).parsebytes(raw)
    assert names_of(mail) == names_of(plain)
    for name, address in (("To", letter.to.email), ("From", "clinic@clinic.test")):
        assert [known for _, known in getaddresses([str(mail[name])])] == [address]
    for value in mail.values():
        once = str(make_header(decode_header(value))) if "=?" in value else value
        assert once.isprintable(), once
        assert not re.search(r"=\?\S+\?[bq]\?", once, re.IGNORECASE), "encoded twice"
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == [part.get_content_type() for part in plain.walk()]
    text, page = part_of(mail, "text/plain"), part_of(mail, "text/html")
    assert not re.search(r"(?m)^(?:RESCHEDULED\b|Bcc:|Content-Type:|X-Promptly-Case:)", text)
    found = SKELETON.findall(page)
    assert {HREF.sub("href", tag) for tag in found} <= tags()
    assert "60481729" not in text + page, "template code ran"
    links = [link for tag in found for link in HREF.findall(tag)]
    assert [link for link in links if not link.startswith("mailto:?body=")] == re.findall(r"mailto:\S*", text)
    for link in links:
        assert LINK.fullmatch(link), link
        assert unquote(link).isprintable()
    if letter.facts is not None and "application/json" in kinds:
        assert json.loads(part_of(mail, "application/json"))["case"] == letter.facts.case


def letters(seed: int, count: int) -> Iterator[tuple[str, Letter, Letters]]:
    random = Random(seed)
    names = cycle(SAMPLES)
    for _ in range(count):
        name = next(names)
        yield name, attacked(random, SAMPLES[name]), random.choice(clinics())


@pytest.mark.slow
@each("seed", range(4))
def test_attacked_letters_say_no_more_than_was_meant(seed: int) -> None:
    for name, letter, clinic in letters(seed, CASES // 4):
        rendered = clinic.render(letter, NOW)
        assert rendered.recipient == SAMPLES[name].to.email
        try:
            check(letter, rendered.raw, mail_of(SAMPLES[name]))
        except AssertionError as wrong:
            raise AssertionError(f"{name}: {wrong}\n{letter}\n{rendered.raw.decode('ascii')}") from wrong


@pytest.mark.slow
def test_a_mail_program_that_decodes_before_it_reads_addresses_finds_ours_alone() -> None:
    for _, letter, clinic in letters(9, 60):
        mail = BytesParser(policy=modern).parsebytes(clinic.render(letter, NOW).raw)
        assert [one.addr_spec for one in mail["To"].addresses] == [letter.to.email]
        assert [one.addr_spec for one in mail["From"].addresses] == ["clinic@clinic.test"]
        assert not mail.defects


# --- the last gate, with nothing cleaned before it

CLINIC = Correspondent("Promptly, Riverside", "clinic@clinic.test")
TO_DANA = Correspondent("Dana Lee", "dana@clinic.test")
BODY = Body("text", "<p>text</p>")


@pytest.mark.slow
def test_uncleaned_headers_go_as_meant_or_not_at_all() -> None:
    random, stopped = Random(10), 0
    for _ in range(CASES):
        meant = {"Subject": attack(random), "X-Promptly-Case": "K7Q2"}
        sender, recipient = CLINIC, TO_DANA
        match random.randrange(4):
            case 0:
                meant["References"] = f"<{attack(random)}@x.test>"
            case 1:
                recipient = Correspondent(attack(random), "dana@clinic.test")
            case 2:
                sender = Correspondent(attack(random), "clinic@clinic.test")
            case _:
                recipient = Correspondent("Dana Lee", "dana@clinic.test" + attack(random))
        try:
            raw = to_bytes(meant, sender, recipient, BODY, seed="<1@clinic.test>")
        except Unsafe:
            stopped += 1
            continue
        mail = BytesParser(policy=compat32).parsebytes(raw)
        assert sorted(mail.keys()) == sorted(["Content-Type", "MIME-Version", "From", "To", *meant])
        assert [known for _, known in getaddresses([str(mail["To"])])] == [recipient.address]
        for name, value in meant.items():
            assert str(make_header(decode_header(str(mail[name])))) == value
            assert "\n" not in value
            assert "\r" not in value
    assert CASES // 2 < stopped < CASES, "most attacks are stopped, and some are only odd text"


@each("address", ["dana@clinic.test, evil@x.test", "dana@clinic.test>\r\nBcc: evil@x.test", "zoë@clinic.test"])
def test_an_address_that_is_not_one_is_never_sent(address: str) -> None:
    with pytest.raises(Unsafe):
        LETTERS.render(replace(SAMPLES["draft-late"], to=Person("Dana", (address,))), NOW)


@each(
    "headers",
    [
        {"Subject": "hello\r\nBcc: evil@x.test"},
        {"Subject": "hello\n\nA body of its own"},
        {"X-One: two\r\nBcc": "evil@x.test"},
        {"Subject": "=?utf-8?q?=0d=0aBcc:_evil=40x.test?="},
        {"Subject": "x" * 1000},
    ],
)
def test_the_last_gate_stops_what_was_not_cleaned(headers: Mapping[str, str]) -> None:
    with pytest.raises(Unsafe):
        to_bytes(headers, CLINIC, TO_DANA, BODY, seed="<1@clinic.test>")


def test_a_text_that_holds_a_boundary_is_never_sent() -> None:
    raw = to_bytes({}, CLINIC, TO_DANA, BODY, seed="<1@clinic.test>")
    boundary = re.search(rb'boundary="([^"]+)"', raw)
    assert boundary is not None
    forged = f"text\n--{boundary[1].decode()}\nContent-Type: text/html\n\nforged"
    with pytest.raises(Unsafe):
        to_bytes({}, CLINIC, TO_DANA, Body(forged, "<p>text</p>"), seed="<1@clinic.test>")


def test_a_message_id_that_is_none_is_never_sent() -> None:
    with pytest.raises(Unsafe):
        LETTERS.render(replace(SAMPLES["draft-late"], message_id="<a b@clinic.test>"), NOW)


def test_a_name_that_pretends_to_be_another_header_is_only_a_name() -> None:
    mail = mail_of(replace(SAMPLES["draft-late"], to=Person("Dana <x@evil.test>, \r\nBcc: y@evil.test", DANA.emails)))
    assert mail["To"] == '"Dana x evil.test Bcc y evil.test" <dana@clinic.test>'
    assert mail["Bcc"] is None


@each("bad", ["<=?utf-8?q?=0d=0aBcc:_x?=@x.test>", "<=?utf-8?b?DQo=?=>"])
def test_an_id_that_reads_as_an_encoded_word_is_left_out_and_the_letter_goes(bad: str) -> None:
    mail = mail_of(replace(SAMPLES["receipt-sent"], in_reply_to=bad, references=(bad, "<good@clinic.test>")))
    assert mail["In-Reply-To"] is None
    assert mail["References"] == "<good@clinic.test>"


# --- the whole way


async def test_what_arrives_encoded_leaves_as_text(tmp_path: Path) -> None:
    lines = (
        "=?utf-8?q?LATE_15_Sam=0d=0aBcc:_evil=40x.test?=",
        "LATE 25 =?utf-8?b?PXxCY2M6?= Kim, {{ 7777 * 7777 }} <script>evil()</script>",
        "=?utf-8?q?LATE_35_Robin,_=3D=3Futf-8=3Fq=3F=3D0d=3D0aBcc:=5Fevil=3F=3D?=",
    )
    async with Clinic(tmp_path) as clinic:
        for number, line in enumerate(lines):
            raw = (
                "Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\n"
                f"From: =?utf-8?q?Dana=0d=0aBcc:_evil?= <dana@clinic.test>\r\nSubject: {line}\r\n"
                f"Message-ID: <=?utf-8?q?=0d=0aBcc:_evil{number}?=@x.test>\r\n\r\n"
            )
            await clinic.server.deliver("clinic@clinic.test", raw.encode(), arrived_at=clinic.clock.now())
            await clinic.settled()
            for letter in (await clinic.alex.gets("alert"), await clinic.dana.gets("draft")):
                assert "Bcc" not in letter.message
                assert "<script>" not in letter.html
                assert "60481729" not in letter.text
        reached = {address for letter in clinic.server.passed for address in letter.recipients}
        assert reached == {"dana@clinic.test", "admin@clinic.test"}


SERIALISING = {"as_bytes", "as_string", "flatten", "Generator", "BytesGenerator", "DecodedGenerator", "generator"}
WRITING = {"operator.py"}
"""Where the library writes a message: to the operator, in our own words; nothing of it was received."""
PARSING = {"robots.py", "bounces.py", "demo.py"}
"""Where the library's parser makes a message: of a bounce, for flufl.bounce to look at, and of our own letters, to show
them. Neither is written out again."""


@pytest.mark.slow
def test_a_received_message_is_never_serialised_again() -> None:
    """What is written again can come out as other headers than went in: the library folds, decodes and repairs."""
    for file in Path("workflow").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names: set[str] = set()
            match node:
                case ast.Attribute(attr=name) | ast.Name(id=name):
                    names = {name}
                case ast.Import(names=imported) | ast.ImportFrom(names=imported):
                    names = {part for one in imported for part in one.name.split(".")}
            assert not names & SERIALISING or file.name in WRITING, f"{file} writes a message"
            if {"message_from_bytes", "message_from_string", "BytesParser"} & names:
                assert file.name in PARSING, f"{file} parses a message"
