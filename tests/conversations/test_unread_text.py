"""Mail whose text could not be read, sealed, a file or a picture: it speaks by its subject, or is asked back."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.arrival.paper import Paper, a_mail
from tests.cast import local
from tests.conversation import MAILBOX, Clinic, Received
from tests.conversations.steps import case_of, come, opens
from tests.machine_world import ALEX, DANA
from tests.movable_clock import MovableClock
from workflow.mail.imap.mailbox import Withheld

NOISE = base64.b64encode(b"\x30\x80\x06\x09" * 60).decode()


def mixed(*parts: str, kind: str = "mixed") -> str:
    return f"Content-Type: multipart/{kind}; boundary=b\n\n" + "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"


BLANK = "Content-Type: text/plain\n\n\n"
UNREADABLE = {
    "S/MIME": "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n"
    f"Content-Transfer-Encoding: base64\n\n{NOISE}\n",
    "PGP/MIME": mixed(
        "Content-Type: application/pgp-encrypted\n\nVersion: 1\n",
        "Content-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n",
        kind="encrypted",
    ),
    "PGP in the text": "Content-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n",
    "a file": f"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n{NOISE}\n",
    "winmail.dat": mixed(BLANK, f"Content-Type: application/ms-tnef; name=winmail.dat\n\n{NOISE}"),
    "a calendar": "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n",
    "a picture": mixed("Content-Type: text/html\n\n<p><img src=cid:1></p>\n", f"Content-Type: image/jpeg\n\n{NOISE}"),
    "a document": mixed(BLANK, f"Content-Type: application/msword; name=reply.doc\n\n{NOISE}"),
    "a text in a file": mixed(BLANK, "Content-Type: text/plain; name=reply.txt\n\nRESCHEDULED Tue 3pm\n"),
    "a forwarded file": "Content-Type: message/rfc822\n\nSubject: x\n\nRESCHEDULED\n",
    "rich text": "Content-Type: application/rtf\n\n{\\rtf1 RESCHEDULED}\n",
    "uuencode": "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n'4T5.5\"!45\n`\nend\n",
    "another encoding": "Content-Transfer-Encoding: x-gzip64\n\nH4sIAAAAAAAAA3MNCnYMcvVw8XdxBQBVxZrIDwAAAAAAAAA=\n",
    "no charset's letters": "Content-Type: text/plain; charset=iso-2022-xx\n\n\u00d0\u00df \u00e9\u00e8\n",
}

CLIENTS = ["Ana", "Ben", "Cleo", "Dov", "Eli", "Fay", "Gus"]


async def arrives(clinic: Clinic, subject: str, body: str, *fields: str, sender: str = "dana@clinic.test") -> None:
    clinic.count += 1
    head = (
        "Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test",
        f"From: {sender}",
        f"Subject: {subject}",
        f"Message-ID: <sealed-{clinic.count}@phone.test>",
        *(fields if any(field.startswith("To:") for field in fields) else (f"To: {MAILBOX}", *fields)),
    )
    raw = "\n".join((*head, body)).replace("\n", "\r\n").encode("latin-1")
    await clinic.server.deliver(MAILBOX, raw, arrived_at=clinic.clock.now())
    await clinic.settled()


def says_so(letter: Received) -> bool:
    return "The text of your mail was not read" in " ".join(letter.text.split())


@pytest.mark.parametrize("half", [0, 1])
async def test_an_answer_to_a_letter_is_asked_for(tmp_path: Path, half: int) -> None:
    async with Clinic(tmp_path) as clinic:
        for client, (name, body) in zip(CLIENTS, list(UNREADABLE.items())[half::2], strict=True):
            draft = await opens(clinic, f"LATE 15 {client}")
            ids = (f"In-Reply-To: {draft.id}", f"References: {draft.id}")
            for sender, reader in (("dana@clinic.test", "dana"), ("admin@clinic.test", "alex")):
                await arrives(clinic, f"Re: {draft.subject}", body, *ids, sender=sender)
                assert says_so((await come(clinic, **{reader: "ask"}))[reader]), (name, reader)
            assert (await case_of(clinic, draft)).open


async def test_a_subject_that_says_something_is_answered(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        answers = {"Sent": "ask", "Kim - rescheduled": "help", "Re: NOSHOW Sam": "help", "[ZZZZ] SENT": "ask"}
        for (name, body), (subject, kind) in zip(UNREADABLE.items(), list(answers.items()) * 4, strict=False):
            await arrives(clinic, subject, body)
            letter = (await come(clinic, dana=kind))["dana"]
            assert says_so(letter), (name, subject)
            await clinic.passes(minutes=11)
        assert not await clinic.store.open_cases()
        await arrives(clinic, "Re: NOSHOW Sam", UNREADABLE["S/MIME"])
        offered = (await come(clinic, dana="help"))["dana"]
        await clinic.dana.taps(offered, "NOSHOW Sam")
        await come(clinic, dana="draft", alex="alert")


@pytest.mark.slow
async def test_a_report_in_the_subject_is_one_and_other_mail_is_left_alone(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for name in ("S/MIME", "a picture", "winmail.dat"):
            await arrives(clinic, "Lunch on Friday", UNREADABLE[name])
            await arrives(clinic, "Session note, client 12", UNREADABLE[name])
            await arrives(clinic, "Re: October invoice", UNREADABLE[name], "In-Reply-To: <a@colleague.test>")
            await arrives(clinic, "Letter sent", UNREADABLE[name], "To: kim@x.test", f"Cc: {MAILBOX}")
        await come(clinic)
        await arrives(clinic, "Re: NOSHOW Kim", UNREADABLE["S/MIME"], sender="admin@clinic.test")
        assert (await come(clinic, alex="help"))["alex"].tap("NOSHOW Kim FOR Dana Lee")
        await arrives(clinic, "NOSHOW Sam", UNREADABLE["S/MIME"])
        await come(clinic, dana="draft", alex="alert")


@pytest.mark.slow
async def test_a_seal_or_a_picture_beside_a_tap_is_no_text(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        seal = f"Content-Type: application/pkcs7-signature; name=smime.p7s\n\n{NOISE}"
        await arrives(clinic, draft.tap("SENT"), mixed(BLANK, seal, kind="signed"))
        await come(clinic, dana="receipt", alex="update")
        await arrives(clinic, f"[{draft.case}] rescheduled?", mixed(BLANK, seal, kind="signed"))
        letter = (await come(clinic, dana="ask", alex="update"))["dana"]
        assert not says_so(letter)
        await arrives(
            clinic, draft.tap("RESCHEDULED"), mixed(BLANK, f"Content-Type: image/png; name=logo.png\n\n{NOISE}")
        )
        await come(clinic, dana="receipt", alex="update")


@pytest.mark.slow
async def test_a_mail_that_is_too_large_is_asked_back(tmp_path: Path) -> None:
    async with Clinic(tmp_path, mailbox={"max_size": "10KB"}) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        large = f"Content-Type: text/plain\n\nRESCHEDULED\n{'x' * 70}\n" + f"{'y' * 70}\n" * 200
        await arrives(clinic, f"Re: {draft.subject}", large, f"In-Reply-To: {draft.id}")
        assert says_so((await come(clinic, dana="ask"))["dana"])


@pytest.mark.slow
async def test_a_text_that_the_server_withholds_is_told_and_asked_back(tmp_path: Path) -> None:
    paper = Paper(tmp_path, MovableClock(local("14:00")))
    await paper.opens()
    await paper.writes(DANA, "NOSHOW Sam")
    (draft,) = paper.letters("draft", DANA)
    answer = a_mail(DANA, MAILBOX, f"Re: {draft.message['Subject']}", **{"In-Reply-To": draft.message["Message-ID"]})
    await paper.arrives(answer.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n\r\n", Withheld.REFUSED)
    assert len(paper.letters("notice", ALEX)) == 1
    (ask,) = paper.letters("ask", DANA)
    assert "The text of your mail was not read" in " ".join(ask.text.split())
    await paper.store.close()


@pytest.mark.slow
async def test_a_stranger_s_text_that_is_not_read_is_told_so(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await arrives(clinic, f"Re: {draft.subject}", UNREADABLE["S/MIME"], sender="Dana <dana@home.test>")
        notice = (await come(clinic, alex="notice"))["alex"]
        assert "Its text could not be read." in notice.text
