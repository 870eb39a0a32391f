"""Bytes to Mail: every trap that hangs, breaks or fools a mail parser, and ordinary mail among them."""

from __future__ import annotations

import base64
import time
import tracemalloc
from collections.abc import Collection
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.core.model import Mail
from workflow.mail.headers import SUBJECT_MAX
from workflow.mail.parts import DEPTH_MAX, PARTS_MAX, unflow
from workflow.mail.read import TEXT_MAX, Incoming, read

NOW = datetime(2026, 11, 23, 19, 3, tzinfo=UTC)


def reading(
    raw: bytes, *, ours: Collection[str] = (), size: int | None = None, max_size: int | None = None
) -> Incoming:
    return read(raw, NOW, ours=ours, size=size, max_size=max_size, own_address="clinic@clinic.test", instance="i1")


def mail(*fields: str, body: str | bytes = "", sender: str = "Dana Lee <dana@clinic.test>") -> Mail:
    head = "".join(f"{field}\r\n" for field in (f"From: {sender}", *fields)).encode()
    return reading(head + b"\r\n" + (body.encode() if isinstance(body, str) else body)).mail


def parts(kind: str, *inner: str) -> str:
    return f"Content-Type: multipart/{kind}; boundary=b\n\n" + "".join(f"--b\n{part}\n" for part in inner) + "--b--\n"


def text_of(raw: str | bytes) -> str:
    data = raw.encode() if isinstance(raw, str) else raw
    return reading(b"From: dana@clinic.test\n" + data).mail.new_text


class TestOrdinaryMail:
    def test_a_report(self) -> None:
        incoming = reading(
            b"Return-Path: <dana@clinic.test>\r\n"
            b"From: Dana Lee <Dana@Clinic.test>\r\nTo: clinic@clinic.test\r\nSubject: LATE 15 Sam\r\n"
            b"Date: Mon, 23 Nov 2026 14:03:00 -0500\r\nMessage-ID: <1@clinic.test>\r\n"
            b"In-Reply-To: <c@clinic.test>\r\nReferences: <a@clinic.test>\r\n <b@clinic.test> <c@clinic.test>\r\n\r\n"
            b"traffic\r\n\r\nSent from my iPhone\r\n"
        )
        found = incoming.mail
        assert incoming.fault is None
        assert found.sender == "dana@clinic.test"
        assert found.subject == "LATE 15 Sam"
        assert found.new_text == "traffic"
        assert found.quoted_text == "Sent from my iPhone"
        assert found.message_id == "<1@clinic.test>"
        assert found.refers_to == ("<c@clinic.test>", "<b@clinic.test>", "<a@clinic.test>")
        assert found.arrived_at == NOW
        assert found.written_at == datetime(2026, 11, 23, 19, 3, tzinfo=UTC)
        assert found.robot is None
        assert not found.oversize

    def test_our_own_lines_are_no_new_text(self) -> None:
        raw = b"From: dana@clinic.test\n\nSENT\n\nMessage the client now. Copy the text.\n"
        assert reading(raw, ours=["Message the client now. Copy the text."]).mail.new_text == "SENT"
        assert reading(raw).text == "SENT\n\nMessage the client now. Copy the text."

    def test_text_that_python_composed(self) -> None:
        message = EmailMessage()
        message["From"] = "Dana <dana@clinic.test>"
        message["Subject"] = "OTHER Zoë — überlegt"
        message.set_content("Größe\n")
        message.add_alternative("<p>nicht</p>", subtype="html")
        message.add_attachment(b"x", maintype="image", subtype="png", filename="x.png")
        found = reading(message.as_bytes()).mail
        assert (found.subject, found.new_text) == ("OTHER Zoë — überlegt", "Größe")


class TestFrom:
    @pytest.mark.parametrize(
        ("value", "sender"),
        [
            ("dana@clinic.test", "dana@clinic.test"),
            ("<dana@clinic.test>", "dana@clinic.test"),
            ('"Lee, Dana" <dana@clinic.test>', "dana@clinic.test"),
            ("Lee, Dana <dana@clinic.test>", "dana@clinic.test"),
            ("dana@clinic.test (Dana (at work))", "dana@clinic.test"),
            ('"Dana \\"D\\" Lee" <dana@clinic.test>', "dana@clinic.test"),
            ("=?utf-8?q?Dana_Lee?= <dana@clinic.test>", "dana@clinic.test"),
            ("José <josé@clinic.test>", "josé@clinic.test"),
            ("alice@clinic.com)<evil@x.com>", None),
            ("alice@clinic.com) <evil@x.com> (", None),
            ("alice@clinic.com <evil@x.com>", None),
            ("alice@clinic.com, evil@x.com", None),
            ("a <alice@clinic.com>, <evil@x.com>", None),
            ("<alice@clinic.com> evil@x.com", None),
            ("<@a.test,@b.test:alice@clinic.com>", None),
            ("Friends: alice@clinic.com;", None),
            ("alice@clinic.com\x00", None),
            ('"x"alice@clinic.com', None),
            ("alice@strasse.test".replace("ss", "ß"), None),
            ("alice@clini\u212a.com", None),
            ("alice", None),
            ("", None),
            ("(", None),
            ('"alice@clinic.com', None),
            ("<alice@clinic.com", None),
            ("x" * 3000 + " <alice@clinic.com>", None),
        ],
    )
    def test_one_address_speaks_or_nobody(self, value: str, sender: str | None) -> None:
        assert mail(sender=value).sender == sender

    def test_two_from_headers_are_nobody(self) -> None:
        assert mail("From: evil@x.test").sender is None
        assert mail("from : evil@x.test").sender is None
        assert mail("FROM:evil@x.test").sender is None
        assert mail("no field at all", "From: evil@x.test").sender is None

    def test_no_from_header_is_nobody(self) -> None:
        assert reading(b"Sender: dana@clinic.test\n\nSENT").mail.sender is None


class TestHeaders:
    def test_a_subject_is_one_clean_line(self) -> None:
        assert mail("Subject: =?utf-8?q?LATE=0d=0aBcc:_x?= =?utf-8?q?_15?=").subject == "LATE Bcc: x 15"
        assert mail("Subject: LATE\r\n\t15   Sam\x00").subject == "LATE 15 Sam"
        assert mail("Subject: =?utf-7?q?+2AA-?= x").subject == "x"

    @pytest.mark.parametrize(
        ("raw", "subject"),
        [
            (b"=?utf-8?b?TEFURSAxNSBTYW0=?=", "LATE 15 Sam"),
            (b"=?utf-8?b?TEFURSAxNSBTYW0?=", "LATE 15 Sam"),
            (b"=?utf-8?b?ww==?= =?UTF-8?b?qQ==?=", "é"),
            (b"=?utf-8?q?=C3?=\r\n =?utf-8?q?=A9?=", "é"),
            (b"=?iso-8859-1*fr?q?=E9t=E9?= 2", "été 2"),
            (b"=?x-unknown?q?=C3=A9?=", "é"),
            (b"=?idna?q?xn--a?=", "xn--a"),
            (b"caf\xc3\xa9", "café"),
            (b"caf\xe9", "café"),
            (b"\xff\xfe\x81", "ÿþ\x81".strip("\x81")),
            (b"=?utf-8?q?LATE_15?= Sam", "LATE 15 Sam"),
            (b"a =?broken? b", "a =?broken? b"),
        ],
    )
    def test_subjects_of_all_charsets(self, raw: bytes, subject: str) -> None:
        assert reading(b"From: dana@clinic.test\r\nSubject: " + raw + b"\r\n\r\n").mail.subject == subject

    def test_one_bad_header_does_not_spoil_another(self) -> None:
        found = reading(b"X-Bad: \xe9\nFrom: dana@clinic.test\nSubject: caf\xc3\xa9\n\n").mail
        assert found.subject == "café"

    @pytest.mark.parametrize(
        ("value", "found"),
        [
            ("<a@b.test>", "<a@b.test>"),
            ("<[x@microsoft.com]>", "<[x@microsoft.com]>"),
            ("a@b.test", "<a@b.test>"),
            ("junk <a@b.test> junk", "<a@b.test>"),
            ("", None),
            ("<>", None),
            ("< >", None),
        ],
    )
    def test_message_ids(self, value: str, found: str | None) -> None:
        assert mail(f"Message-ID: {value}").message_id == found

    def test_references_that_were_folded_into_encoded_words(self) -> None:
        long = f"<{'k7q2' * 20}@clinic.test>"
        word = "=?utf-8?q?=3C" + "k7q2" * 10 + "?=\r\n =?utf-8?q?" + "k7q2" * 10 + "=40clinic=2Etest=3E?="
        assert mail(f"In-Reply-To: {word}").refers_to == (long,)

    def test_the_newest_references_survive_a_long_list(self) -> None:
        many = " ".join(f"<{n}@clinic.test>" for n in range(3000))
        refers = mail(f"References: {many}").refers_to
        assert refers[0] == "<2999@clinic.test>"
        assert len(refers) == 100

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("Mon, 23 Nov 2026 14:03:00 -0500", datetime(2026, 11, 23, 19, 3, tzinfo=UTC)),
            ("23 Nov 2026 19:03:00 -0000", datetime(2026, 11, 23, 19, 3, tzinfo=UTC)),
            ("Mon, 23 Nov 2026 14:03:00 EST (Toronto)", datetime(2026, 11, 23, 19, 3, tzinfo=UTC)),
            ("yesterday", None),
            ("", None),
            ("Mon, 99 Nov 2026 14:03:00 -0500", None),
            ("Fri, 31 Dec 9999 23:00:00 -0500", None),
            ("Mon, 23 Nov 99999999999999 14:03:00 -0500", None),
            ("0" * 5000, None),
        ],
    )
    def test_dates(self, value: str, expected: datetime | None) -> None:
        assert mail(f"Date: {value}").written_at == expected

    def test_trust_gets_unfolded_results_topmost_first(self) -> None:
        headers = reading(
            b"Authentication-Results: a.test;\r\n dmarc=pass\r\nAuthentication-Results: b.test; none\r\n"
            b"X-MS-Exchange-Organization-AuthAs: Internal\r\n\r\n"
        ).headers
        assert headers.auth_results == ("a.test; dmarc=pass", "b.test; none")
        assert headers.auth_as == "Internal"


class TestBodies:
    @pytest.mark.parametrize(
        ("head", "body", "text"),
        [
            ("Content-Type: text/plain; charset=utf-8", b"caf\xc3\xa9", "café"),
            ("Content-Type: text/plain; charset=utf-8", b"caf\xe9", "café"),
            ("Content-Type: text/plain; charset=iso-8859-1", b"caf\xe9 \x93x\x94", "café “x”"),
            ("Content-Type: text/plain; charset=us-ascii", b"caf\xc3\xa9", "café"),
            ("Content-Type: text/plain; charset=no-such", b"caf\xc3\xa9", "café"),
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
            ("X: y", b"SE\x00NT\x07", "SE NT "),
        ],
    )
    def test_charsets_and_encodings(self, head: str, body: bytes, text: str) -> None:
        assert mail(head, body=body).new_text == text.rstrip()

    def test_plain_text_is_preferred_wherever_it_stands(self) -> None:
        html, plain = "Content-Type: text/html\n\n<p>html</p>", "Content-Type: text/plain\n\nplain"
        assert text_of(parts("alternative", plain, html)) == "plain"
        assert text_of(parts("alternative", html, plain)) == "plain"

    def test_html_speaks_when_the_text_is_empty_or_missing(self) -> None:
        html = "Content-Type: text/html\n\n<div>LATE <b>15</b> Sam<br>note</div><blockquote>old K7Q2</blockquote>"
        for raw in (html, parts("alternative", "Content-Type: text/plain\n\n \n", html), parts("related", html)):
            found = reading(b"From: dana@clinic.test\n" + raw.encode()).mail
            assert found.new_text == "LATE 15 Sam\nnote"
            assert found.quoted_text == "> old K7Q2"

    def test_html_of_gmail_and_outlook(self) -> None:
        gmail = (
            'Content-Type: text/html\n\n<div dir="ltr">SENT</div><br><div class="gmail_quote"><div class="gmail_attr">'
            'On Mon, Nov 23, 2026 at 2:03 PM P &lt;<a href="mailto:c@clinic.test">c@clinic.test</a>&gt; wrote:'
            "<br></div><blockquote><div>You report</div></blockquote></div>"
        )
        outlook = (
            "Content-Type: text/html\n\n<html><head><style><!-- p.MsoNormal {margin:0} --></style></head><body>"
            "<p class=MsoNormal>SENT<o:p></o:p></p><hr><div><p class=MsoNormal><b>From:</b> P &lt;c@clinic.test&gt;<br>"
            "<b>Sent:</b> Monday<br><b>To:</b> Dana<br><b>Subject:</b> [K7Q2]</p></div><p>You report</p></body></html>"
        )
        assert text_of(gmail) == "SENT"
        assert text_of(outlook) == "SENT"

    def test_entities_bring_no_control_characters(self) -> None:
        assert text_of("Content-Type: text/html\n\n<p>SE&#7;NT &amp; &eacute;</p>") == "SE NT & é"
        assert not set("\x00\x02\x07") & set(text_of("Content-Type: text/html\n\n<p>a&#7;b&#0;c&#2;d</p>"))

    def test_html_text_behind_the_last_tag_is_kept(self) -> None:
        assert text_of("Content-Type: text/html\n\n<p>LATE 15 Sam") == "LATE 15 Sam"
        assert text_of("Content-Type: text/html\n\nLATE 15 Sam") == "LATE 15 Sam"
        assert text_of("Content-Type: text/html\n\n<pre>LATE 15\nSam</pre>") == "LATE 15\nSam"

    def test_attachments_and_sealed_parts_have_no_text(self) -> None:
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
            found = reading(
                f"From: dana@clinic.test\nSubject: LATE 15 Sam\nContent-Type: {kind}\n\nNOSHOW Kim".encode()
            )
            assert (found.mail.subject, found.mail.new_text, found.fault) == ("LATE 15 Sam", "", None)
        encrypted = parts("encrypted", "Content-Type: application/pgp-encrypted\n\nVersion: 1", "\nNOSHOW Kim")
        assert text_of(encrypted) == ""
        assert text_of("\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n") == ""

    def test_signed_mail_is_read(self) -> None:
        signed = parts("signed; protocol=x", "Content-Type: text/plain\n\nSENT", "Content-Type: text/plain\n\nsig")
        assert text_of(signed) == "SENT"
        inline = (
            "\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSENT\n- -- \nDana\n"
            "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
        )
        assert text_of(inline) == "SENT"

    def test_a_body_around_a_picture_is_one_text(self) -> None:
        picture = "Content-Type: image/png\nContent-Disposition: inline\n\nxx"
        assert text_of(parts("mixed", "\nOTHER one", picture, "\ntwo")) == "OTHER one\n\ntwo"

    def test_a_footer_does_not_hide_the_html(self) -> None:
        html = "Content-Type: text/html\n\n<p>SENT</p>"
        assert text_of(parts("mixed", html, "Content-Type: text/plain\n\nfooter")) == "SENT\n\nfooter"

    def test_a_boundary_that_begins_another(self) -> None:
        inner = "Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\nSENT\n--bb--"
        assert text_of(parts("mixed", inner, "Content-Type: image/png\n\n")) == "SENT"

    def test_flowed_text_is_joined(self) -> None:
        raw = (
            "Content-Type: text/plain; format=flowed\n\nOTHER the client \nwas in \nMontreal\n> quoted \n> text\n-- \nD"
        )
        found = reading(b"From: dana@clinic.test\n" + raw.encode()).mail
        assert found.new_text == "OTHER the client was in Montreal"
        assert "> quoted text" in found.quoted_text
        assert unflow("ab \ncd", delsp=True) == "abcd"
        assert unflow("  stuffed\n>> deep \n> less", delsp=False) == " stuffed\n>> deep \n> less"


class TestOversize:
    RAW = b"From: dana@clinic.test\r\nSubject: LATE 15 Sam\r\n\r\nNOSHOW Kim"

    def test_it_speaks_by_its_subject(self) -> None:
        found = reading(self.RAW, max_size=20).mail
        assert (found.oversize, found.subject, found.new_text) == (True, "LATE 15 Sam", "")

    def test_the_servers_size_counts(self) -> None:
        head = self.RAW.partition(b"NOSHOW")[0]
        by_head = reading(head, size=6_000_000, max_size=5_000_000).mail
        whole = reading(self.RAW, size=6_000_000, max_size=5_000_000).mail
        assert by_head.oversize
        assert by_head.key == whole.key
        assert not reading(self.RAW, size=100, max_size=100).mail.oversize


class TestKey:
    BASE = b"From: a@b.test\r\nTo: c@d.test\r\nDate: x\r\nSubject: s\r\nMessage-ID: <1@b.test>\r\nX: 1\r\n\r\nbody\r\n"

    def key(self, raw: bytes) -> str:
        return reading(raw).mail.key

    def test_it_is_sha256_in_hex(self) -> None:
        assert len(bytes.fromhex(self.key(self.BASE))) == 32

    @pytest.mark.parametrize("old", [b"a@b.test", b"c@d.test", b"Date: x", b"Subject: s", b"<1@b.test>", b"body"])
    def test_each_named_thing_counts(self, old: bytes) -> None:
        assert self.key(self.BASE.replace(old, old + b"y")) != self.key(self.BASE)

    def test_what_servers_change_does_not(self) -> None:
        assert self.key(self.BASE.replace(b"X: 1", b"X: 2")) == self.key(self.BASE)
        assert self.key(self.BASE.replace(b"\r\n", b"\n")) == self.key(self.BASE)
        assert self.key(b"Received: by x\r\n" + self.BASE) == self.key(self.BASE)

    def test_a_field_cannot_be_moved_into_its_neighbour(self) -> None:
        one, two = b"To: x\nSubject: y z\n\n", b"To: x y\nSubject: z\n\n"
        assert self.key(one) != self.key(two)


class TestFaults:
    @pytest.mark.parametrize("raw", [b"", b"\r\n", b"\x00\xff" * 50, b"hello", b"\n\nFrom: dana@clinic.test"])
    def test_no_header_block(self, raw: bytes) -> None:
        assert reading(raw).fault == "has no header block"

    def test_an_endless_header_block_may_hide_a_second_from(self) -> None:
        raw = b"From: dana@clinic.test\n" + b"X: y\n" * 200_000 + b"From: evil@x.test\n\nSENT"
        assert reading(raw).fault == "has too long a header block"

    def test_a_thousand_fields_are_too_many(self) -> None:
        raw = b"From: dana@clinic.test\n" + b"X:\n" * 1200 + b"From: evil@x.test\n\nSENT"
        assert reading(raw).fault == "has too long a header block"

    def test_parts_without_end(self) -> None:
        raw = parts("mixed", *["Content-Type: image/png\n\n"] * (PARTS_MAX + 1), "\nSENT")
        assert reading(b"From: dana@clinic.test\n" + raw.encode()).fault == "has too many parts"

    def test_what_was_written_above_too_many_parts_is_read(self) -> None:
        raw = parts("mixed", "\nSENT", *["Content-Type: image/png\n\n"] * (PARTS_MAX + 1))
        found = reading(b"From: dana@clinic.test\n" + raw.encode())
        assert (found.mail.new_text, found.fault) == ("SENT", None)

    def test_ordinary_nesting_is_no_fault(self) -> None:
        raw = "\nSENT"
        for level in range(DEPTH_MAX):
            raw = f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n{raw}\n--b{level}--\n"
        assert text_of(raw) == "SENT"
        deeper = f"Content-Type: multipart/mixed; boundary=z\n\n--z\n{raw}\n--z--\n"
        assert reading(b"From: dana@clinic.test\n" + deeper.encode()).fault == "has too many parts"


def nested(levels: int) -> bytes:
    return b"From: a@b.c\nContent-Type: multipart/mixed; boundary=b0\n\n" + b"".join(
        b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (level, level + 1) for level in range(levels)
    )


HTML = b"From: a@b.c\nContent-Type: text/html\n\n"
HOSTILE = {
    "comments in From": b"From: " + b"(" * 800 + b"a@b.c\n\n",
    "quotes in From": b"From: " + b'"' * 50_000 + b"\n\n",
    "backslashes in From": b"From: " + b'"\\' * 50_000 + b"\n\n",
    "a subject of 1 MB": b"Subject: " + b"x" * 1_000_000 + b"\n\n",
    "encoded words": b"Subject: " + b"=?a?q?" * 100_000 + b"\n\n",
    "more encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\n",
    "white space": b"Subject: " + b" " * 1_000_000 + b"x\n\n",
    "folded": b"Subject: x\n" + b" y\n" * 300_000 + b"\n",
    "a huge id": b"Message-ID: <" + b"x" * 500_000 + b"\n\n",
    "open brackets in References": b"References: " + b"<" * 60_000 + b"\n\n",
    "ids without end": b"References: " + (b"<" + b"x" * 900) * 60 + b"\n\n",
    "a date": b"Date: " + b"1:" * 30_000 + b"\n\n",
    "parameters": b"Content-Type: multipart/mixed" + b';x="' * 20_000 + b"\n\n",
    "no field at all": b"x\n" * 500_000,
    "nested multiparts": nested(2000),
    "one boundary": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 1_000_000,
    "nearly a boundary": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"\n--bx" * 1_000_000,
    "one boundary in itself": b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 20_000,
    "many html parts": b"Content-Type: multipart/mixed; boundary=b\n\n"
    + (b"--b\nContent-Type: text/html\n\n" + b"<div>" * 8000 + b"\n") * 50,
    "nested blocks": HTML + b"<div>" * 100_000,
    "nested quotes": HTML + b"<blockquote>" * 100_000 + b"x",
    "formatting": HTML + b"".join(b"<b x%d>" % n for n in range(2000)) + b"<p>a" * 2900,
    "attributes": HTML + b"<p" + b"".join(b" a%d=1" % n for n in range(25_000)) + b">",
    "open tags": HTML + b"<b " * 80_000,
    "copied options": HTML + b"<select><selectedcontent></selectedcontent><option>" * 3000,
    "entities": HTML + b"&amp;" * 100_000,
    "comments": HTML + b"<!--" * 100_000,
    "base64 of nothing": b"Content-Transfer-Encoding: base64\n\n" + b"\x00" * 5_000_000,
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * 5_000_000,
    "idna": b"Content-Type: text/plain; charset=idna\n\n" + b"a." * 500_000,
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"a" * 1_000_000,
    "line ends": b"\n" * 5_000_000,
    "no line ends": b"\nx" + b"y" * 5_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_costs_little_time_and_memory(name: str) -> None:
    raw = HOSTILE[name]
    reading(HTML + b"<p>warm up 2026@:")
    start = time.process_time()
    reading(raw)
    assert time.process_time() - start < 1.0
    tracemalloc.start()
    reading(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 1024 * 1024


def test_what_is_kept_is_bounded() -> None:
    found = mail("Subject: " + "x" * 10_000, body="y " * 200_000)
    assert len(found.subject) == SUBJECT_MAX
    assert len(found.new_text) + len(found.quoted_text) <= TEXT_MAX


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
    found = reading(b"".join(pieces), ours=["LATE 15", "some line of our own letter"]).mail
    for text in (found.subject, found.new_text, found.quoted_text):
        text.encode()  # no surrogate is left
        assert "\x00" not in text
    assert "\n" not in found.subject
    assert found.written_at is None or found.written_at.tzinfo is UTC
