"""Which mails machines wrote, and that people are never taken for one."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from workflow.core.model import Robot
from workflow.mail.read import read

NOW = datetime(2026, 11, 23, 19, 3, tzinfo=UTC)
RETURNED = "<k7q2.3.abc@clinic.test>"


def spot(
    *fields: str, sender: str = "Dana Lee <dana@clinic.test>", subject: str = "x", body: str = "hello"
) -> Robot | None:
    raw = "".join(f"{field}\r\n" for field in (*fields, f"From: {sender}", f"Subject: {subject}"))
    mail = f"{raw}\r\n{body}".replace("\r\n", "\n").replace("\n", "\r\n").encode()
    return read(mail, NOW, ours=(), own_address="Clinic@clinic.test", instance="i1").mail.robot


def kind(*fields: str, sender: str = "Dana Lee <dana@clinic.test>", subject: str = "x") -> str | None:
    robot = spot(*fields, sender=sender, subject=subject)
    return robot.kind if robot else None


def dsn(status: str, returned: str, *, report: str = "report-type=delivery-status; ") -> str:
    return (
        f"Content-Type: multipart/report; {report}boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nYour mail came back.\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n"
        f"Final-Recipient: rfc822; dana@clinic.test\n{status}\n\n{returned}\n--b--\n"
    )


LETTER = f"Message-ID: {RETURNED}\nX-Promptly-Loop: i1\nX-Promptly-Letter: alert\nSubject: [K7Q2]\n"
WHOLE = f"--b\nContent-Type: message/rfc822\n\nReceived: by x\n{LETTER}\nYou report that YOU missed it.\n"
HEADERS_ONLY = f"--b\nContent-Type: text/rfc822-headers\n\n{LETTER}\n"


def bounce(text: str, sender: str = "MAILER-DAEMON@mx.test") -> Robot | None:
    head, _, body = text.partition("\n\n")
    return spot(*head.split("\n"), "Return-Path: <>", sender=sender, subject="Undelivered", body=body)


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("X-Auto-Response-Suppress: All",),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", "Thread-Index: AdX"),
        ("Auto-Submitted: no",),
        ("Auto-Submitted: No (a person wrote this); x=y",),
        ("Auto-Submitted:",),
        ("Precedence: normal",),
        ("Return-Path: <dana@clinic.test>",),
        ("X-Priority: 1", "Importance: high"),
        ("Content-Type: multipart/signed; boundary=b",),
        ('Content-Type: text/calendar; method=REQUEST; charset="utf-8"',),
    ],
)
def test_people_are_no_robots(fields: tuple[str, ...]) -> None:
    assert kind(*fields, subject="LATE 15 Sam") is None


@pytest.mark.parametrize(
    "subject",
    [
        "LATE 15 Sam",
        "Out of office today, LATE 15 Sam",
        "Out of the office but reachable",
        "Re: [K7Q2] MISSED BY Dana L. - S.P.",
        "Undelivered mail",
        "Abwesend war nur Sam",
        "Automatic door broken",
    ],
)
def test_no_subject_of_a_person_makes_a_robot(subject: str) -> None:
    assert kind(subject=subject) is None


def test_our_own_mail_comes_from_our_address_or_bears_our_loop_mark() -> None:
    assert kind(sender="Promptly <CLINIC@clinic.test>") == "own"
    assert kind("X-Promptly-Loop: i1") == "own"
    assert kind("X-Promptly-Loop: of-another-clinic") == "own"
    assert kind("x-promptly-loop:") == "own"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("Auto-Submitted: auto-replied",), "out-of-office"),
        (("Auto-Submitted: (vacation) Auto-Replied; owner-email=x@y.test",), "out-of-office"),
        (("Auto-Submitted: no", "Auto-Submitted: auto-replied"), "out-of-office"),
        (("X-Autoreply: yes",), "out-of-office"),
        (("Precedence: auto_reply",), "out-of-office"),
        (("Auto-Submitted: auto-generated",), "automatic"),
        (("Auto-Submitted: auto-notified; x=y",), "automatic"),
        (("Precedence: bulk",), "automatic"),
        (("Precedence: JUNK (really)",), "automatic"),
        (("Return-Path: <>",), "automatic"),
        (("Return-Path: < >",), "automatic"),
        (("Precedence: list",), "list"),
        (("List-Id: Staff <staff.clinic.test>",), "list"),
        (("List-Unsubscribe: <mailto:x@y.test>",), "list"),
        (("Mailing-List: list x@y.test",), "list"),
        (("List-Id: x", "Auto-Submitted: auto-replied"), "out-of-office"),
    ],
)
def test_robots_by_their_headers(fields: tuple[str, ...], expected: str) -> None:
    assert kind(*fields) == expected


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: [K7Q2] MISSED BY Dana L. - S.P.",
        "Auto-Reply: x",
        "Out of Office: x",
        "Out of office",
        "Out of Office AutoReply: x",
        "Automatische Antwort: x",
        "Abwesenheitsnotiz: x",
        "=?utf-8?q?R=C3=A9ponse_automatique_=3A_x?=",
        "Absence du bureau : x",
        "Respuesta automática: x",
        "Fuera de la oficina",
        "Risposta automatica: x",
        "Automatisch antwoord: x",
        "Autosvar: x",
        "自动回复: x",
    ],
)
def test_out_of_office_in_many_languages(subject: str) -> None:
    assert kind(subject=subject) == "out-of-office"


@pytest.mark.parametrize(
    ("text", "permanent"),
    [
        (dsn("Action: failed\nStatus: 5.1.1", WHOLE), True),
        (dsn("Action: failed\nStatus: 5.1.1", HEADERS_ONLY), True),
        (dsn("Action: failed (no such user)\nStatus: 4.4.7", WHOLE), True),
        (dsn("action: error\nstatus: 5.0.0", WHOLE), True),
        (dsn("Action: delayed\nStatus: 4.4.1", HEADERS_ONLY), False),
        (dsn("Action: failed\nStatus: 5.1.1", WHOLE, report=""), True),
    ],
)
def test_a_bounce_names_our_letter_and_whether_for_good(text: str, permanent: bool) -> None:
    assert bounce(text) == Robot("bounce", RETURNED, permanent)
    assert bounce(text, sender="Microsoft Outlook <x@clinic.test>") == Robot("bounce", RETURNED, permanent)


def test_a_bounce_may_return_nothing_or_a_letter_of_another_promptly() -> None:
    assert bounce(dsn("Action: failed", "")) == Robot("bounce", None, permanent=True)
    other = WHOLE.replace("Loop: i1", "Loop: i2")
    assert bounce(dsn("Action: failed", other)) == Robot("bounce", None, permanent=True)


def test_a_returned_id_may_be_folded_or_encoded() -> None:
    folded = WHOLE.replace(f"Message-ID: {RETURNED}", f"Message-Id:\n {RETURNED}")
    assert bounce(dsn("Action: failed", folded)) == Robot("bounce", RETURNED, permanent=True)


def test_good_news_is_a_receipt() -> None:
    assert bounce(dsn("Action: delivered\nStatus: 2.0.0", HEADERS_ONLY)) == Robot("receipt")


def test_old_mail_servers_have_forms_of_their_own() -> None:
    qmail = (
        "Hi. This is the qmail-send program at mx.test.\nI'm afraid I wasn't able to deliver your message.\n\n"
        "<dana@clinic.test>:\n192.0.2.1 does not like recipient.\n\n"
        f"--- Below this line is a copy of the message.\n\n{LETTER}\nhello\n"
    )
    assert bounce(f"X: y\n\n{qmail}") == Robot("bounce", RETURNED, permanent=True)
    assert bounce(f"X: y\n\n{qmail}", sender="MAILER-DAEMON (Mail Delivery System)") == Robot("bounce", RETURNED, True)


def test_a_mailer_daemon_that_says_nothing_known_is_still_no_person() -> None:
    assert bounce("X: y\n\nHello.") == Robot("automatic")
    assert bounce("X: y\n\nHello.", sender="postmaster@clinic.test") == Robot("automatic")


def test_read_receipts_and_answers_to_invitations() -> None:
    receipt = "Content-Type: multipart/report; report-type=disposition-notification; boundary=b"
    assert spot(receipt, body="--b\n\nread\n--b--\n") == Robot("receipt")
    assert spot("Content-Type: multipart/report; boundary=b", body="--b\n\nread\n--b--\n") == Robot("receipt")
    answer = "Content-Type: multipart/alternative; boundary=b"
    body = (
        '--b\nContent-Type: text/plain\n\n\n--b\nContent-Type: text/calendar; method="reply"\n\nBEGIN:VCALENDAR\n--b--'
    )
    assert spot(answer, subject="Accepted: LATE 15 Sam", body=body) == Robot("receipt")


def test_a_bounce_of_any_kind_costs_little() -> None:
    bounce("X: y\n\nHello.")
    start = time.process_time()
    bounce("X: y\n\n" + "Message-ID: <" * 40000)
    bounce("X: y\n\n" + "<a@b.c>:\n" * 30000)
    bounce("Content-Type: multipart/mixed; boundary=b\n\n" + "--b\nContent-Type: text/plain\n\n" * 9000)
    nested = "".join(f"--b{i}\nContent-Type: multipart/mixed; boundary=b{i + 1}\n\n" for i in range(2000))
    bounce(f"Content-Type: multipart/mixed; boundary=b0\n\n{nested}")
    assert time.process_time() - start < 3.0
