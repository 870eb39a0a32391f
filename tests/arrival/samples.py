"""Mail for the tests of bytes: ordinary mail of every shape, mail made to hang a parser, and their common frame.

All of it is made here; none was ever sent.
"""

from __future__ import annotations

import base64
import quopri
from collections.abc import Mapping

TRUSTED = b"Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\n"
"""What the clinic's own server writes above a mail that it vouches for."""

HEAD = (
    b"Return-Path: <dana@clinic.test>\r\n"
    + TRUSTED
    + b"Received: from phone.test (phone.test [192.0.2.7])\r\n\tby mx.clinic.test with ESMTPS id 4Xy;\r\n"
    b"\tThu, 5 Nov 2026 14:00:00 -0500 (EST)\r\n"
    b"From: Dana Lee <dana@clinic.test>\r\nTo: clinic@clinic.test\r\nDate: Thu, 5 Nov 2026 14:00:00 -0500\r\n"
    b"Message-ID: <1@phone.test>\r\nMIME-Version: 1.0\r\n"
)

QUOTED = (
    "SENT\r\n\r\nOn Thu, Nov 5, 2026 at 2:00 PM Promptly <clinic@clinic.test> wrote:\r\n"
    "> Message the client now: about 15 minutes late.\r\n> === Please answer above this line ===\r\n"
)


def mail(kind: str, body: bytes | str, *fields: str, subject: str = "LATE 15 Sam") -> bytes:
    """Dana's mail with this Content-Type."""
    more = "".join(f"{field}\r\n" for field in (f"Subject: {subject}", *fields, f"Content-Type: {kind}"))
    return HEAD + more.encode() + b"\r\n" + (body.encode() if isinstance(body, str) else body)


def parts(subtype: str, *inner: bytes | str, boundary: str = "=_b1", more: str = "") -> tuple[str, bytes]:
    """A multipart: its Content-Type and its body."""
    whole = [part.encode() if isinstance(part, str) else part for part in inner]
    opened = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in whole)
    return f'multipart/{subtype}; boundary="{boundary}"{more}', opened + b"--" + boundary.encode() + b"--\r\n"


def entity(kind: str, body: bytes) -> bytes:
    """A part with this Content-Type."""
    return b"Content-Type: %s\r\n\r\n%s" % (kind.encode(), body)


PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\nstuck in traffic\r\n"
HTML_PART = "Content-Type: text/html; charset=utf-8\r\n\r\n<div dir=ltr>stuck in <b>traffic</b><br></div>\r\n"
PHOTOGRAPH = (
    b"Content-Type: image/jpeg; name=x.jpg\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=x.jpg\r\n\r\n" + base64.encodebytes(bytes(range(256)) * 20)
)
RETURNED = (
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.elsewhere.test\r\n\r\n"
    "Final-Recipient: rfc822; dana@clinic.test\r\nAction: failed\r\nStatus: 5.1.1\r\n",
    "Content-Type: message/rfc822\r\n\r\nFrom: clinic@clinic.test\r\nMessage-ID: <K7Q2.1@clinic.test>\r\n"
    "X-Promptly-Loop: i1\r\nSubject: [K7Q2] LATE\r\n\r\nthe text\r\n",
)
CALENDAR = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:NOSHOW Kim\r\nEND:VEVENT\r\n"

ORDINARY: Mapping[str, bytes] = {
    "a report from a phone": mail("text/plain; charset=us-ascii", "Sent from my iPhone\r\n"),
    "an encoded subject": mail("text/plain", "", subject="=?utf-8?b?TEFURSAxNSBTYW0=?= =?iso-8859-1?q?_Zo=EB?="),
    "a reply": mail(
        "text/plain; charset=utf-8; format=flowed; delsp=yes",
        QUOTED,
        "In-Reply-To: <K7Q2.1@clinic.test>",
        "References: <K7Q2.0@clinic.test>\r\n <K7Q2.1@clinic.test>",
        subject="Re: [K7Q2] LATE: Dana L. - S.P.",
    ),
    "text and HTML": mail(*parts("alternative", PLAIN, HTML_PART)),
    "HTML alone": mail("text/html; charset=windows-1252", HTML_PART.partition("\r\n\r\n")[2].encode("cp1252")),
    "an empty text beside HTML": mail(*parts("alternative", "Content-Type: text/plain\r\n\r\n \r\n", HTML_PART)),
    "quoted-printable": mail(
        "text/plain; charset=iso-8859-1",
        quopri.encodestring("Zoë, überlegt = déjà vu\r\n".encode("latin-1") * 5),
        "Content-Transfer-Encoding: quoted-printable",
    ),
    "base64": mail(
        "text/plain; charset=utf-8",
        base64.encodebytes(QUOTED.encode() * 3),
        "Content-Transfer-Encoding: base64",
    ),
    "utf-16": mail("text/plain; charset=utf-16", "stuck — traffic".encode("utf-16")),
    "iso-2022-jp": mail("text/plain; charset=iso-2022-jp", "遅れます".encode("iso-2022-jp")),
    "a photograph": mail(*parts("mixed", PLAIN, PHOTOGRAPH)),
    "text around a picture": mail(*parts("mixed", PLAIN, PHOTOGRAPH, PLAIN)),
    "signed by S/MIME": mail(
        *parts(
            "signed", PLAIN, "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nMII", more="; micalg=x"
        )
    ),
    "opaque S/MIME": mail(
        "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        base64.encodebytes(b"0\x80\x06\x09*\x86H\x86\xf7\x0d\x01\x07\x02" * 30),
        "Content-Transfer-Encoding: base64",
    ),
    "encrypted by PGP": mail(
        *parts(
            "encrypted",
            "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n",
            "Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n",
            more="; protocol=pgp",
        )
    ),
    "signed by PGP in the text": mail(
        "text/plain",
        "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nstuck\r\n- -- \r\nDana\r\n"
        "-----BEGIN PGP SIGNATURE-----\r\n\r\niQEz\r\n-----END PGP SIGNATURE-----\r\n",
    ),
    "winmail.dat": mail(
        *parts("mixed", PLAIN, b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n\x78\x9f\x3e\x22\x00\x01")
    ),
    "a calendar's answer": mail(
        *parts("alternative", PLAIN, f"Content-Type: text/calendar; method=REPLY\r\n\r\n{CALENDAR}"),
        subject="Accepted: Staff meeting",
    ),
    "out of office": mail(
        "text/plain", "away", "Auto-Submitted: auto-replied (vacation)", subject="Automatic reply: x"
    ),
    "a bounce": mail(*parts("report", PLAIN, *RETURNED, more="; report-type=delivery-status"), subject="Undelivered"),
    "a mailing list's": mail("text/plain", "hello", "List-Id: <staff.clinic.test>", "Precedence: list"),
    "Exchange's": mail("text/plain", "hello", "X-MS-Exchange-Organization-AuthAs: Internal", subject="NOSHOW Sam"),
    "forwarded": mail(*parts("mixed", PLAIN, b"Content-Type: message/rfc822\r\n\r\n" + HEAD + b"\r\nold\r\n")),
    "three levels": mail(
        *parts(
            "mixed",
            entity(*parts("alternative", PLAIN, HTML_PART, boundary="=_b11")),
            PHOTOGRAPH,
        )
    ),
}
"""Mail that people and machines send on any day; where nothing else is said, its subject is a report."""


def nested(levels: int) -> bytes:
    """Multiparts in each other."""
    return (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b0\n\n"
        + b"".join(
            b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (level, level + 1) for level in range(levels)
        )
    )


FROM = b"From: a@b.test\n"
HTML = FROM + b"Content-Type: text/html\n\n"
TEXT = FROM + b"Content-Type: text/plain\n\n"
MIXED = FROM + b"Content-Type: multipart/mixed; boundary=b\n\n"
HOSTILE: Mapping[str, bytes] = {
    "comments in From": b"From: " + b"(" * 800 + b"a@b.test\n\n",
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
    "many ids": b"References: " + b"<a@b.test> " * 400_000 + b"\n\n",
    "a date": b"Date: " + b"1:" * 30_000 + b"\n\n",
    "parameters": b"Content-Type: multipart/mixed" + b';x="' * 20_000 + b"\n\n",
    "parameters in every part": MIXED
    + (b"--b\nContent-Type: text/plain" + b"".join(b";a%d=1" % n for n in range(25_000)) + b"\n\n") * 22,
    "pieces of a parameter": b"Content-Type: multipart/mixed" + b"; boundary*0=x" * 400_000 + b"\n\n",
    "a disposition": FROM + b"Content-Disposition: " + b"attachment;" * 400_000 + b"\n\n",
    "no field at all": b"x\n" * 500_000,
    "fields without end": FROM + b"X:\n" * 1_600_000,
    "one field, a million times": FROM + b"From: a@b.test\n" * 330_000 + b"\n",
    "nested multiparts": nested(2000),
    "one boundary": MIXED + b"--b\n" * 1_000_000,
    "nearly a boundary": MIXED + b"\n--bx" * 1_000_000,
    "one boundary in itself": MIXED + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 20_000,
    "boundaries of hyphens": FROM
    + b"".join(
        b"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n" % (b"-" * long, b"-" * long) for long in range(1, 31, 3)
    )
    + b"-" * 4_900_000,
    "a boundary of one letter": FROM + b"Content-Type: multipart/mixed; boundary=-\n\n" + b"-" * 4_900_000,
    "many html parts": MIXED + (b"--b\nContent-Type: text/html\n\n" + b"<div>" * 8000 + b"\n") * 50,
    "many big texts": MIXED + (b"--b\n\n" + b"late 15 sam\n" * 40_000) * 10,
    "nested blocks": HTML + b"<div>" * 100_000,
    "nested quotes": HTML + b"<blockquote>" * 100_000 + b"x",
    "formatting": HTML + b"".join(b"<b x%d>" % n for n in range(2000)) + b"<p>a" * 2900,
    "attributes": HTML + b"<p" + b"".join(b" a%d=1" % n for n in range(58_000)) + b">",
    "open tags": HTML + b"<b " * 80_000,
    "copied options": HTML + b"<select><selectedcontent></selectedcontent><option>" * 3000,
    "entities of controls": HTML + b"&#7;&#0;&#2;&#x1b;&#xd800;" * 100,
    "entities": HTML + b"&amp;" * 100_000,
    "comments": HTML + b"<!--" * 100_000,
    "base64 of nothing": b"Content-Transfer-Encoding: base64\n\n" + b"\x00" * 4_900_000,
    "base64 of much": FROM + b"Content-Transfer-Encoding: base64\n\n" + b"QUFB" * 1_200_000,
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * 4_900_000,
    "idna": b"Content-Type: text/plain; charset=idna\n\n" + b"a." * 500_000,
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"a" * 1_000_000,
    "line ends": b"\n" * 4_900_000,
    "returns": b"\r" * 4_900_000,
    "no line ends": b"\nx" + b"y" * 4_900_000,
    "NUL": TEXT + b"\x00" * 4_900_000,
    "letters as wide as an emoji": TEXT + b"\xf0\x9f\x98\x80" + b"a " * 2_450_000,
    "quotes": TEXT + b"> " * 2_000_000,
    "quoted lines": TEXT + b">\n" * 2_000_000,
    "On": TEXT + b"On Mon 2026 a@b.c\n" * 200_000,
    "wrote": TEXT + b"On 1 Jan 2026 x wrote " * 100_000 + b":",
    "signatures": TEXT + b"-- \n" * 1_000_000,
    "labels": TEXT + b"From: a@b.c Date: To: Subject: \n" * 100_000,
    "armour": TEXT + b"-----BEGIN PGP SIGNED MESSAGE-----\n" * 100_000,
    "armour's headers": TEXT + b"-----BEGIN PGP SIGNED MESSAGE-----\n" + b"Hash: x\n" * 500_000,
    "flowed": FROM + b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 1_600_000,
    "minutes": TEXT + b"late 15 " * 500_000,
    "a long name": FROM + b"Subject: LATE 15 " + b"Sam " * 200 + b"\n\n" + b"Sam " * 100_000,
    "ids of cases": FROM + b"Subject: " + b"[K7Q2] " * 140 + b"\n\n" + b"[K7Q2] " * 10_000,
    "results": TRUSTED[:-2] + b"; x=y" * 10_000 + b"\nFrom: dana@clinic.test\n\n",
    "results in comments": TRUSTED[:-2] + b" (" * 30_000 + b"\nFrom: dana@clinic.test\n\n",
    "a server without end": b"Authentication-Results: " + b" " * 60_000 + b"\nFrom: dana@clinic.test\n\n",
    "comments before a server": b"Authentication-Results: " + b"() " * 20_000 + b"\nFrom: dana@clinic.test\n\n",
    "many results": TRUSTED.replace(b"mx", b"mx2") * 900 + b"From: dana@clinic.test\n\n",
    "a bounce without end": FROM.replace(b"a@", b"mailer-daemon@")
    + b"\n"
    + b"<a@b.test>: 550 unknown user\n" * 100_000,
    "a report of nothing": FROM
    + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    + b"--b\nContent-Type: message/delivery-status\n\nAction: x\n" * 90_000,
}
"""Mail made to cost a parser minutes or half a gigabyte. Each under the default `max_size`."""
