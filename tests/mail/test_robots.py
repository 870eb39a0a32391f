"""Which mails machines wrote, and that people are never taken for one."""

from __future__ import annotations

import time
import unicodedata
from datetime import UTC, datetime

from tests.rows import each
from workflow.core.model import Robot
from workflow.mail.reading.message import read

NOW = datetime(2026, 11, 23, 19, 3, tzinfo=UTC)
RETURNED = "<k7q2.3.abc@clinic.test>"


def spot(
    *fields: str, sender: str = "Dana Lee <dana@clinic.test>", subject: str = "x", body: str = "hello"
) -> Robot | None:
    raw = "".join(f"{field}\r\n" for field in (*fields, f"From: {sender}", f"Subject: {subject}"))
    mail = f"{raw}\r\n{body}".replace("\r\n", "\n").replace("\n", "\r\n").encode()
    return read(mail, NOW, own_address="Clinic@clinic.test", instance="i1").mail.robot


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


@each(
    "fields",
    [
        (),
        ("X-Auto-Response-Suppress: All",),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", "Thread-Index: AdX"),
        ("Auto-Submitted: no",),
        ("Auto-Submitted: No (a person wrote this); x=y",),
        ("Auto-Submitted:",),
        ("Auto-Submitted: (auto-replied) no",),
        ("Auto-Submitted: no; auto-replied",),
        ("X-Autoreply: no",),
        ("Precedence: normal",),
        ("In-Reply-To: <k7q2.1@clinic.test>",),
        ("Return-Path: <dana@clinic.test>",),
        ("X-Priority: 1", "Importance: high"),
        ("Content-Type: multipart/signed; boundary=b",),
        ('Content-Type: text/calendar; method=REQUEST; charset="utf-8"',),
    ],
)
def test_people_are_no_robots(fields: tuple[str, ...]) -> None:
    assert kind(*fields, subject="LATE 15 Sam") is None


@each(
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


@each(
    ("fields", "expected"),
    [
        (("Auto-Submitted: auto-replied",), "out-of-office"),
        (("Auto-Submitted: (vacation) Auto-Replied; owner-email=x@y.test",), "out-of-office"),
        (("Auto-Submitted: (a (nested \\) one) comment) auto-replied (vacation); x=y",), "out-of-office"),
        (('Auto-Submitted: "auto-replied"',), "out-of-office"),
        (("Auto-Submitted: auto-replied x",), "out-of-office"),
        (("Precedence: bulk", "In-Reply-To: <k7q2.1@clinic.test>"), "out-of-office"),
        (("Return-Path: <>", "In-Reply-To: <k7q2.1@clinic.test>"), "out-of-office"),
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
        (("List-Post: NO",), "list"),
        (("List-Owner: <mailto:x@y.test>",), "list"),
        (("Mailing-List: list x@y.test",), "list"),
        (("List-Id: x", "Auto-Submitted: auto-replied"), "out-of-office"),
    ],
)
def test_robots_by_their_headers(fields: tuple[str, ...], expected: str) -> None:
    assert kind(*fields) == expected


@each(
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
        "自动答复: x",
        "Автоматический ответ: x",
        "Automatická odpoveď: x",
        "Otomatik yanıt: x",
        "תשובה אוטומטית: x",
        "[EXTERNAL] Automatic reply: x",
        unicodedata.normalize("NFD", "Réponse automatique : x"),
    ],
)
def test_out_of_office_in_many_languages(subject: str) -> None:
    assert kind(subject=subject) == "out-of-office"


@each(
    ("text", "permanent", "code"),
    [
        (dsn("Action: failed\nStatus: 5.1.1", WHOLE), True, "5.1.1"),
        (dsn("Action: failed\nStatus: 5.1.1", HEADERS_ONLY), True, "5.1.1"),
        (dsn("Action: failed (no such user)\nStatus: 4.4.7", WHOLE), True, "4.4.7"),
        (dsn("action: error\nstatus: 5.0.0", WHOLE), True, "5.0.0"),
        (dsn("Action: delayed\nStatus: 4.4.1", HEADERS_ONLY), False, "4.4.1"),
        (dsn("Action: failed\nStatus: 5.1.1", WHOLE, report=""), True, "5.1.1"),
        (dsn("Action: failure", WHOLE), True, ""),
        (dsn("Action: failed\nStatus: 5.2.2", WHOLE.replace("message/rfc822", "message/global")), True, "5.2.2"),
        (dsn("Status: 5.7.1 (refused)", WHOLE), True, "5.7.1"),
        (dsn("Status: 4.2.2", WHOLE), False, "4.2.2"),
    ],
)
def test_a_bounce_names_our_letter_and_whether_for_good_and_why(text: str, permanent: bool, code: str) -> None:
    assert bounce(text) == Robot("bounce", RETURNED, permanent, code)
    assert bounce(text, sender="Microsoft Outlook <x@clinic.test>") == Robot("bounce", RETURNED, permanent, code)


def test_a_bounce_may_return_nothing_or_a_letter_of_another_promptly() -> None:
    assert bounce(dsn("Action: failed", "")) == Robot("bounce", None, permanent=True)
    other = WHOLE.replace("Loop: i1", "Loop: i2")
    assert bounce(dsn("Action: failed", other)) == Robot("bounce", None, permanent=True)


def test_a_returned_id_may_be_folded_or_encoded() -> None:
    folded = WHOLE.replace(f"Message-ID: {RETURNED}", f"Message-Id:\n {RETURNED}")
    assert bounce(dsn("Action: failed", folded)) == Robot("bounce", RETURNED, permanent=True)


def test_good_news_is_a_receipt() -> None:
    assert bounce(dsn("Action: delivered\nStatus: 2.0.0", HEADERS_ONLY)) == Robot("receipt")


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
    unnamed = body.replace('; method="reply"', "").replace("BEGIN:VCALENDAR", "BEGIN:VCALENDAR\nMETHOD:REPLY")
    assert spot(answer, subject="Accepted: LATE 15 Sam", body=unnamed) == Robot("receipt")
    wrapped = "--b\nContent-Type: message/disposition-notification\n\nDisposition: manual-action; displayed\n--b--\n"
    assert spot("Content-Type: multipart/mixed; boundary=b", subject="Read: x", body=wrapped) == Robot("receipt")


def test_a_person_who_passes_a_bounce_on_is_a_person() -> None:
    kind, _, body = dsn("Action: failed\nStatus: 5.1.1", WHOLE).partition("\n\n")
    passed_on = kind.replace("multipart/report; report-type=delivery-status", "multipart/mixed")
    assert spot(passed_on, subject="Fwd: Undelivered", body=body) is None


def test_a_bounce_of_any_kind_costs_little() -> None:
    bounce("X: y\n\nHello.")
    start = time.process_time()
    bounce("X: y\n\n" + "Message-ID: <" * 40000)
    bounce("X: y\n\n" + "<a@b.c>:\n" * 30000)
    bounce("Content-Type: multipart/mixed; boundary=b\n\n" + "--b\nContent-Type: text/plain\n\n" * 9000)
    nested = "".join(f"--b{i}\nContent-Type: multipart/mixed; boundary=b{i + 1}\n\n" for i in range(2000))
    bounce(f"Content-Type: multipart/mixed; boundary=b0\n\n{nested}")
    assert time.process_time() - start < 3.0
