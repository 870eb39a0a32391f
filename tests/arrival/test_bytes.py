"""Any bytes are a mail, or have a reason why not: in two seconds and 64 MB, whatever a stranger throws at the mailbox.

Ordinary mail is read in `tests/mail/test_read.py`; `fuzz` looks for what nobody has thought of yet.
"""

from __future__ import annotations

import base64
import os
import quopri
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.arrival import fuzz
from tests.arrival.fuzz import Reader, examine
from tests.arrival.samples import HOSTILE, ORDINARY, TRUSTED
from tests.arrival.samples import mail as sample
from tests.arrival.samples import parts as sample_parts
from tests.conversation import MAILBOX, Clinic
from tests.mail.reading import mail, parts, reading, text_of
from tests.rows import each
from workflow.mail.reading.headers import BLOCK_MAX
from workflow.mail.reading.parts import DEPTH_MAX, PARTS_MAX

# --- in bounds ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@pytest.mark.slow
@each("name", HOSTILE)
def test_mail_made_to_hang_or_fill_a_parser_does_neither(name: str, reader: Reader) -> None:
    fault, _ = reader.fault_of(HOSTILE[name])
    assert fault is None


@pytest.mark.slow
def test_mail_damaged_at_random() -> None:
    """The same few hundred each time; `make fuzz` makes new ones for a minute."""
    sound, told = fuzz.run(seconds=60, most=400, seed=6)
    assert sound, told


def picky(raw: bytes) -> str | None:
    """A judge that errs: it cannot bear a z, ends at a q, and keeps all it gets to see."""
    if b"q" in raw.lower() and b"From" not in raw:
        os._exit(1)
    kept.append(b"x" * (len(raw) * 100))
    return "a z" if b"z" in raw and b"From" not in raw else None


kept: list[bytes] = []


@pytest.mark.slow
def test_the_fuzz_tells_what_is_wrong_and_makes_it_small() -> None:
    reader = Reader(picky)
    assert reader.fault_of(b"y")[0] is None
    assert reader.fault_of(b"yqy")[0] == "ends the process"
    assert reader.fault_of(b"y" * 1_000_000)[0] == "takes more than 64 MB"
    assert fuzz.smaller(reader, b"y" * 30 + b"z" + b"y" * 30, "a z") == b"z"
    reader.close()


FRAGMENTS = st.sampled_from(
    [
        b"From: dana@clinic.test\r\n", b"From: ", b"Subject: =?utf-8?b?", b"?=", b"\r\n", b"\n\n", b"\n ", b"\r",
        b"Content-Type: multipart/alternative; boundary=b\n", b"Content-Type: text/html; charset=utf-16\n", b"\n--b\n",
        b"\n--b--\n", b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n",
        b"Content-Type: message/delivery-status\n\nAction: failed\n", b"Return-Path: <>\n", b"MAILER-DAEMON@x.test",
        b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n", b"Date: 1 Jan 2026",
        b"References: <a@b>", b"<div><blockquote>", b"</p>", b"> quoted\n", b"On Mon 2026 a@b.c wrote:\n", b"-- \n",
        b"-----BEGIN PGP SIGNED MESSAGE-----\n",
        b"\xff\xfe", b"\x00", b"=C3", b"&#0;", b"Auto-Submitted: (", b"LATE 15",
    ]
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=400, deadline=2000)
@given(st.lists(st.one_of(FRAGMENTS, st.binary(max_size=40)), max_size=25))
def test_any_bytes_are_a_mail(pieces: list[bytes]) -> None:
    assert examine(b"".join(pieces)) is None


def test_what_is_kept_is_bounded() -> None:
    head = b"From: a@b.test\nSubject: " + b"x" * 10_000 + b"\n\n"
    incoming = reading(head + b"y " * 200_000)
    assert len(incoming.mail.subject) == 1000
    assert len(incoming.text) == 64 * 1024
    assert len(incoming.mail.new_text) + len(incoming.mail.quoted_text) <= 64 * 1024


@pytest.mark.slow
def test_a_large_mail_is_not_copied() -> None:
    raw = sample("text/plain", b"photograph\r\n" * 2_000_000)
    tracemalloc.start()
    reading(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(raw) // 3


# --- a mail, or a reason why not --------------------------------------------------------------------------------------


@each("raw", [b"", b"\r\n", b"\x00\xff" * 50, b"hello", b"\n\nFrom: dana@clinic.test"])
def test_no_header_block(raw: bytes) -> None:
    assert reading(raw).fault == "has no header block"


def test_an_endless_header_block_may_hide_a_second_from() -> None:
    raw = b"From: dana@clinic.test\n" + b"X: y\n" * 200_000 + b"From: evil@x.test\n\nSENT"
    assert reading(raw).fault == "has too long a header block"


def test_a_thousand_fields_are_too_many() -> None:
    raw = b"From: dana@clinic.test\n" + b"X:\n" * 1200 + b"From: evil@x.test\n\nSENT"
    assert reading(raw).fault == "has too long a header block"


def test_parts_without_end() -> None:
    raw = parts("mixed", *["Content-Type: image/png\n\n"] * (PARTS_MAX + 1), "\nSENT")
    assert reading(b"From: dana@clinic.test\n" + raw.encode()).fault == "has too many parts"


def test_what_was_written_above_too_many_parts_is_read() -> None:
    raw = parts("mixed", "\nSENT", *["Content-Type: image/png\n\n"] * (PARTS_MAX + 1))
    found = reading(b"From: dana@clinic.test\n" + raw.encode())
    assert (found.mail.new_text, found.fault) == ("SENT", None)


def test_ordinary_nesting_is_no_fault() -> None:
    raw = "\nSENT"
    for level in range(DEPTH_MAX):
        raw = f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n{raw}\n--b{level}--\n"
    assert text_of(raw) == "SENT"
    deeper = f"Content-Type: multipart/mixed; boundary=z\n\n--z\n{raw}\n--z--\n"
    assert reading(b"From: dana@clinic.test\n" + deeper.encode()).fault == "has too many parts"


def test_an_oversize_mails_header_block_may_hide_a_second_from_too() -> None:
    """No more than its beginning is fetched, and nothing in it says that it goes on."""
    fetched = (b"From: dana@clinic.test\n" + b"X: %s\n" % (b"y" * 900) * 300)[:BLOCK_MAX]
    assert reading(fetched, size=6_000_000, max_size=5_000_000).fault == "has too long a header block"


# --- charsets, dates, seals


@each(
    ("head", "body", "text"),
    [
        ("Content-Type: text/plain; charset=utf-8", b"caf\xc3\xa9", "café"),
        ("Content-Type: text/plain; charset=utf-8", b"caf\xe9", "café"),
        ("Content-Type: text/plain; charset=iso-8859-1", b"caf\xe9 \x93x\x94", "café “x”"),
        ("Content-Type: text/plain; charset=us-ascii", b"caf\xc3\xa9", "café"),
        ("Content-Type: text/plain; charset=no-such", b"caf\xc3\xa9", "café"),
        ("Content-Type: text/plain; charset=no-such", b"I can\x92t, Zo\xeb \x96 at 3", "I can’t, \ufffd – at 3"),
        ("Content-Type: text/plain; charset=unknown-8bit", b"caf\xe9", "café"),
        ("Content-Type: text/plain; charset=iso-8859-8-i", b"LATE 15 \xf9\xf8", "LATE 15 שר"),
        ("Content-Type: text/plain; charset=ISO-8859-6-E", b"\xd3\xc7\xe5", "سام"),
        ("Content-Type: text/plain; charset=x-windows-1255", b"\xf9\xf8", "שר"),
        ("Content-Type: text/plain; charset=iso-9999-1", b"caf\xc3\xa9", "café"),
        ("Content-Type: text/plain; charset=utf-16", "SENT".encode("utf-16"), "SENT"),
        ("Content-Type: text/plain; charset=zlib_codec", b"SENT", "SENT"),
        ("Content-Type: text/plain; charset=unicode_escape", b"\\x41", "\\x41"),
        ("Content-Type: text/plain; charset=punycode", b"SENT", "SENT"),
        ('Content-Type: text/plain; charset="utf-8\0"', b"SENT", "SENT"),
        ("Content-Type: text/plain; charset=utf-7", b"+2AA-SENT", " SENT"),
        ("Content-Type: nonsense", b"SENT", "SENT"),
        ("Content-Type: multipart/mixed", b"SENT", "SENT"),
        ("Content-Type: multipart/mixed; boundary=nowhere", b"SENT", "SENT"),
        ("Content-Transfer-Encoding: base64", base64.b64encode(b"SENT") + b"\n\n_____\nfooter", "SENT"),
        ("Content-Transfer-Encoding: base64", b"U0VOV", "SEN"),
        ("Content-Transfer-Encoding: BASE64", b"U0VO\r\nVA", "SENT"),
        ("Content-Transfer-Encoding: quoted-printable", b"caf=C3=A9 =\r\nbar=ZZ=", "café bar=ZZ"),
        ("Content-Transfer-Encoding: what-is-this", b"SENT", "SENT"),
        ("Content-Transfer-Encoding: base64;", b"U0VOVA==", "SENT"),
        ('Content-Transfer-Encoding: "base64"', b"U0VOVA==", "SENT"),
        ("Content-Transfer-Encoding: base64 (of RFC 2045)", b"U0VOVA==", "SENT"),
        ("Content-Transfer-Encoding: base-64", b"U0VOVA==", "SENT"),
        ("Content-Transfer-Encoding: (x) Quoted_Printable", b"caf=C3=A9", "café"),
        ("Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64", b"U0VOVA==", "SENT"),
        ("Content-Transfer-Encoding: quoted-printable\r\nContent-Transfer-Encoding: 8bit", b"caf=C3=A9", "café"),
        ("Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: base64", b"LATE 15 Sam", "LATE 15 Sam"),
        ("Content-Transfer-Encoding: base64", b"RESCHEDULED Tue 3pm, she agreed.", "RESCHEDULED Tue 3pm, she agreed."),
        ("X: y", b"SE\x00NT\x07", "SE NT "),
    ],
)
def test_charsets_and_encodings(head: str, body: bytes, text: str) -> None:
    assert mail(head, body=body).new_text == text.rstrip()


@each(
    ("raw", "subject"),
    [
        (b"=?utf-8?b?TEFURSAxNSBTYW0=?=", "LATE 15 Sam"),
        (b"=?utf-8?b?TEFURSAxNSBTYW0?=", "LATE 15 Sam"),
        (b"=?utf-8?b?ww==?= =?UTF-8?b?qQ==?=", "é"),
        (b"=?utf-8?q?=C3?=\r\n =?utf-8?q?=A9?=", "é"),
        (b"=?iso-8859-1*fr?q?=E9t=E9?= 2", "été 2"),
        (b"=?iso-8859-8-i?B?TEFURSAxNSD5+OQ=?=", "LATE 15 שרה"),
        (b"=?iso-2022-xx?B?TEFURSAxNSBab+s=?=", "LATE 15 \ufffd"),
        (b"=?utf-8?b?QQ==?= =?utf-8?b?Qg==?= =?utf-8?q?C=C3?= =?utf-8?b?qQ?=", "ABCé"),
        (b"=?x-unknown?q?=C3=A9?=", "é"),
        (b"=?idna?q?xn--a?=", "xn--a"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"\xff\xfe\x81", "ÿþ\x81".strip("\x81")),
        (b"=?utf-8?q?LATE_15?= Sam", "LATE 15 Sam"),
        (b"a =?broken? b", "a =?broken? b"),
        (b"%5BK7Q2%5D%20CONNECTED", "[K7Q2] CONNECTED"),
        (b"%5bK7Q2%5d+RESCHEDULED Tue 3pm", "[K7Q2] RESCHEDULED Tue 3pm"),
        (b"[K7Q2]+SENT", "[K7Q2] SENT"),
        (b"[K7Q2]%20OTHER Sam%20+ Kim", "[K7Q2] OTHER Sam%20+ Kim"),
        (b"=?utf-8?q?=5BK7Q2=5D=2520SENT?=", "[K7Q2] SENT"),
        (b"%5BK7Q2%5D%20CLIENT%20Zo%C3%AB", "[K7Q2] CLIENT Zoë"),
        (b"LATE%2015%20Sam%20FOR%20Dana%20Lee", "LATE 15 Sam FOR Dana Lee"),
        (b"WAITING+Eli", "WAITING Eli"),
        (b"%5BK7Q2%5D%20SENT%0D%0ABcc:%20x%00", "[K7Q2] SENT Bcc: x"),
        (b"[K7Q2] RESCHEDULED 50%20", "[K7Q2] RESCHEDULED 50%20"),
        (b"LATE 15 Sam+Kim", "LATE 15 Sam+Kim"),
        (b"Sam+Kim", "Sam+Kim"),
        (b"Report%202026.pdf", "Report%202026.pdf"),
        (b"REPORT%202026.pdf attached", "REPORT%202026.pdf attached"),
        (b"C++", "C++"),
    ],
)
def test_subjects_of_all_charsets(raw: bytes, subject: str) -> None:
    assert reading(b"From: dana@clinic.test\r\nSubject: " + raw + b"\r\n\r\n").mail.subject == subject


@each("encoding", ["base64", "quoted-printable"])
def test_one_transfer_encoding_may_lie_over_all_parts(encoding: str) -> None:
    text = "Content-Type: text/plain; charset=utf-8\n\nRESCHEDULED caf\u00e9"
    kind, _, body = parts("alternative; x=_", text, "Content-Type: text/html\n\n<p>x</p>").partition("\n\n")
    kind, body = kind.replace("boundary=b", 'boundary="=_b"'), body.replace("--b", "--=_b")
    encoded = base64.encodebytes(body.encode()) if encoding == "base64" else quopri.encodestring(body.encode())
    fields = (*kind.split("\n"), f"Content-Transfer-Encoding: {encoding}")
    assert mail(*fields, body=encoded).new_text == "RESCHEDULED café"
    assert mail(*fields, body=body).new_text == "RESCHEDULED café"


def test_lines_may_end_in_two_returns() -> None:
    plain = b"From: dana@clinic.test\nSubject: LATE 15\n Sam\n\nstuck\n\nin traffic\n"
    whole = b"From: dana@clinic.test\n" + parts("mixed", "\nSENT", "\n2").encode()
    for raw, text in ((plain, "stuck\n\nin traffic"), (whole, "SENT\n\n2")):
        assert reading(raw.replace(b"\n", b"\r\r\n")).mail.new_text == text
        assert reading(raw.replace(b"\n", b"\r\r\n")).mail.subject == reading(raw).mail.subject
    assert reading(b"From: dana@clinic.test\n\na\r\rb").mail.new_text == "a\n\nb"
    assert reading(b"\r\r\nSubject: x").mail.subject == ""


@each("encoding", ["b", "q"])
@each("cut", range(1, 40))
def test_one_encoded_text_may_be_cut_at_any_letter(encoding: str, cut: int) -> None:
    text = "LATE 15 Zoë überlegt"
    data = text.encode()
    written = base64.b64encode(data).decode() if encoding == "b" else "".join(f"={byte:02X}" for byte in data)
    words = [f"=?utf-8?{encoding}?{piece}?=" for piece in (written[:cut], written[cut:])]
    assert mail("Subject: " + "\r\n ".join(words)).subject == text


@each(
    ("value", "expected"),
    [
        ("Mon, 23 Nov 2026 14:03:00 -0500", datetime(2026, 11, 23, 19, 3, tzinfo=UTC)),
        ("23 Nov 2026 19:03:00 -0000", datetime(2026, 11, 23, 19, 3, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 14:03:00 EST (Toronto)", datetime(2026, 11, 23, 19, 3, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 19:03:00 GMT", datetime(2026, 11, 23, 19, 3, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 14:03:00", None),
        ("Mon, 23 Nov 2026 02:03:00 PM -0500", None),
        ("Mon, 23 Nov 2026 14:03:00 CET", None),
        ("Thu, 1 Jan 1970 00:00:00 +0000", None),
        ("Fri, 31 Dec 1999 23:59:59 +0000", None),
        ("Mon, 23 Nov 2026 14:03:01 -0500", None),
        ("Mon, 23 Nov 2126 14:03:00 -0500", None),
        ("Sun, 23 Nov 2025 14:03:00 -0500", datetime(2025, 11, 23, 19, 3, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("Mon, 99 Nov 2026 14:03:00 -0500", None),
        ("Fri, 31 Dec 9999 23:00:00 -0500", None),
        ("Mon, 23 Nov 99999999999999 14:03:00 -0500", None),
        ("0" * 5000, None),
    ],
)
def test_dates(value: str, expected: datetime | None) -> None:
    assert mail(f"Date: {value}").written_at == expected


def test_attachments_and_sealed_parts_have_no_text() -> None:
    attached = "Content-Type: text/plain\nContent-Disposition: attachment; filename=x.txt\n\nNOSHOW Kim"
    inline = "Content-Type: text/plain; name=x.txt\nContent-Disposition: inline\n\nNOSHOW Kim"
    assert text_of(parts("mixed", "\nSENT", attached, inline)) == "SENT"
    for kind in (
        "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
        "application/ms-tnef; name=winmail.dat",
        "text/calendar; method=REQUEST",
        "image/png",
        "message/rfc822",
    ):
        found = reading(f"From: dana@clinic.test\nSubject: LATE 15 Sam\nContent-Type: {kind}\n\nNOSHOW Kim".encode())
        assert (found.mail.subject, found.mail.new_text, found.fault) == ("LATE 15 Sam", "", None)
    encrypted = parts("encrypted", "Content-Type: application/pgp-encrypted\n\nVersion: 1", "\nNOSHOW Kim")
    assert text_of(encrypted) == ""
    assert text_of("\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n") == ""


@each("name", ["an empty text beside HTML", "HTML alone", "text and HTML", "three levels"])
def test_an_empty_text_does_not_hide_the_html(name: str) -> None:
    assert reading(ORDINARY[name]).mail.new_text == "stuck in traffic"


@each("name", ORDINARY)
def test_ordinary_mail_has_no_fault(name: str) -> None:
    found = reading(ORDINARY[name])
    assert found.fault is None
    assert found.mail.sender == "dana@clinic.test"


# --- and the whole service


NO_MAIL = {
    "nothing": b"\r\n",
    "bytes": b"\x00\xff\xfe not a mail at all",
    "no From": TRUSTED + b"Sender: dana@clinic.test\r\nSubject: NOSHOW Sam\r\n\r\n",
    "two From": b"From: dana@clinic.test\r\nFrom: evil@elsewhere.test\r\n" + TRUSTED + b"Subject: NOSHOW Sam\r\n\r\n",
    "parentheses": b"From: " + b"(" * 800 + b"\r\nSubject: NOSHOW Sam\r\n\r\n",
    "smuggled": b"From: dana@clinic.test)<evil@elsewhere.test>\r\n" + TRUSTED + b"Subject: NOSHOW Sam\r\n\r\n",
    "a header block without end": b"From: dana@clinic.test\r\n"
    + TRUSTED
    + b"Subject: NOSHOW Sam\r\n"
    + b"X: y\r\n" * 60_000,
    "too many parts": sample(
        *sample_parts("mixed", *["Content-Type: image/png\r\n\r\n"] * (PARTS_MAX + 1)), subject=""
    ),
}


@pytest.mark.slow
async def test_what_is_no_mail_opens_nothing_and_the_next_mail_is_handled(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for raw in NO_MAIL.values():
            await clinic.server.deliver(MAILBOX, raw, arrived_at=clinic.clock.now())
        await clinic.settled()
        assert not await clinic.store.open_cases()
        await clinic.collect()
        assert {letter.kind for letter in clinic.alex.inbox} == {"notice"}
        clinic.alex.inbox.clear()
        await clinic.dana.gets_nothing()
        await clinic.dana.writes("NOSHOW Robin")
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")


@pytest.mark.slow
async def test_sealed_mail_speaks_by_its_subject(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        sealed = ("opaque S/MIME", "encrypted by PGP", "winmail.dat")
        for number, name in enumerate(sealed):
            raw = ORDINARY[name].replace(b"LATE 15 Sam", b"NOSHOW Sam" + b"abc"[number : number + 1])
            await clinic.server.deliver(MAILBOX, raw, arrived_at=clinic.clock.now())
            await clinic.settled()
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")
        assert len(await clinic.store.open_cases()) == len(sealed)
