"""How our letters travel: headers, ids, encodings, facts for and names. Contract section 4.

Text that means harm is in `tests/arrival/test_injection.py`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from email.header import decode_header, make_header

import pytest

from tests.mail.letter_reading import (
    LETTERS,
    SAMPLES,
    draft_in,
    every_letter,
    mail_of,
    part_of,
    subject_of,
    text_of,
)
from tests.mail.letter_samples import LATE, NOW, RULES, TWO, written
from tests.rows import each
from workflow.core.model import Letter, LetterKind, Outcome, Says, State
from workflow.core.people import Person, Role
from workflow.mail.writing.render import Letters

# --- headers ---------------------------------------------------------------------------------------


@every_letter
def test_headers_are_those_of_the_contract(name: str) -> None:
    letter = SAMPLES[name]
    mail = mail_of(letter)
    assert mail["From"] == '"Promptly, Riverside Counselling" <clinic@clinic.test>'
    assert mail["To"] == f'"{letter.to.name}" <{letter.to.email}>'
    assert mail["Message-ID"] == letter.message_id
    assert mail["Auto-Submitted"] == ("auto-replied" if letter.answers else "auto-generated")
    away_is_known = letter.kind in {LetterKind.ALERT, LetterKind.DRAFT, LetterKind.ESCALATION}
    assert mail["X-Auto-Response-Suppress"] == f"{'' if away_is_known else 'OOF, '}DR, RN, NRN, AutoReply"
    assert mail["X-Promptly-Letter"] == letter.kind.value
    assert mail["X-Promptly-Case"] == letter.case, "absent where no case is meant"
    assert mail["X-Promptly-Loop"] == "a1b2c3"
    assert mail["Date"] == "Tue, 24 Nov 2026 14:20:00 -0500"
    assert {"Cc", "Bcc", "Reply-To", "Sender"}.isdisjoint(mail.keys())


@each("length", [20, 77, 78, 79, 250, 900])
def test_ids_stand_plain_on_the_wire_whatever_their_length(length: int) -> None:
    asked = f"<{'x' * (length - 12)}@mail.test>"
    first = "<K7Q2.1.first@clinic.test>"
    letter = replace(SAMPLES["receipt-sent"], in_reply_to=asked, references=(first, asked))
    raw = LETTERS.render(letter, NOW).raw
    assert f"\r\nIn-Reply-To: {asked}\r\n".encode() in raw
    assert f"\r\nReferences: {first} {asked}\r\n".encode() in raw


def test_a_long_thread_keeps_its_first_and_its_newest_ids_on_one_line() -> None:
    ids = tuple(f"<{number}.{'x' * 60}@mail.test>" for number in range(40))
    mail = mail_of(replace(SAMPLES["receipt-sent"], references=ids))
    kept = str(mail["References"]).split()
    assert kept[0] == ids[0]
    assert tuple(kept[1:]) == ids[-len(kept) + 1 :]
    assert len(kept) > 10


@each("bad", ["no brackets", "<two words@x>", "<a@b>\r\nBcc: evil@x.test", "<zoë@x>", "<" + "x" * 2000 + ">"])
def test_an_id_that_cannot_stand_plain_is_left_out(bad: str) -> None:
    mail = mail_of(replace(SAMPLES["receipt-sent"], in_reply_to=bad, references=(bad, "<good@clinic.test>")))
    assert mail["In-Reply-To"] is None
    assert mail["References"] == "<good@clinic.test>"


def test_every_attempt_is_the_same_mail_but_for_its_date() -> None:
    letter = SAMPLES["alert-late"]
    first, second = (LETTERS.render(letter, NOW + timedelta(seconds=wait)).raw for wait in (0, 60))
    assert first.replace(b"14:20:00", b"14:21:00") == second


@every_letter
def test_the_text_can_be_had_alone(name: str) -> None:
    assert LETTERS.text(SAMPLES[name], NOW) == text_of(SAMPLES[name])


@every_letter
def test_the_wire_is_7_bit_in_short_enough_lines(name: str) -> None:
    raw = LETTERS.render(SAMPLES[name], NOW).raw
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


# --- facts and alert.json --------------------------------------------------------------------------


def attached(letter: Letter) -> Mapping[str, object]:
    mail = mail_of(letter)
    (part,) = [part for part in mail.walk() if part.get_content_type() == "application/json"]
    assert part.get_filename() == "alert.json"
    content: Mapping[str, object] = json.loads(part_of(mail, "application/json"))
    return content


def test_facts_are_lines_in_the_contracts_order() -> None:
    facts = replace(
        LATE,
        session_at=TWO,
        expected_at=TWO + timedelta(minutes=15),
        contacted_at=NOW,
        outcome=Outcome.RESCHEDULED,
        outcome_note="Tue 3pm",
        client_says=Says.REBOOK,
        note="texted",
        state=State.CLOSED,
    )
    text = text_of(written(LetterKind.UPDATE, "outcome", Role.ADMIN, facts))
    assert (
        "Case: K7Q2\nKind: late\nAssociate: Dana Lee\nClient: Sam P.\nMinutes: 15\n"
        "Session: 2:00 pm\nExpected: 2:15 pm\nReported: 2:20 pm\nContacted: 2:20 pm\n"
        "Answer: rebook\nOutcome: rescheduled - Tue 3pm\nNote: texted\n"
    ) in text


def test_alert_json_is_the_contracts_schema() -> None:
    assert attached(SAMPLES["alert-late"]) == {
        "schema": "promptly.alert/1",
        "case": "K7Q2",
        "kind": "late",
        "state": "open",
        "associate": {"name": "Dana Lee", "email": "dana@clinic.test"},
        "client": "Sam P.",
        "minutes": 15,
        "session_at": "2026-11-24T14:00:00-05:00",
        "expected_at": "2026-11-24T14:15:00-05:00",
        "reported_at": "2026-11-24T14:20:00-05:00",
        "contacted_at": None,
        "outcome": None,
        "outcome_note": None,
        "client_says": None,
        "makeup": False,
        "note": "stuck in traffic",
        "reminders_sent": 0,
        "escalated": False,
    }


@every_letter
def test_alert_json_goes_to_admin_and_lead_alone(name: str) -> None:
    letter = SAMPLES[name]
    carries = letter.kind in (LetterKind.ALERT, LetterKind.UPDATE, LetterKind.ESCALATION)
    expected = carries and letter.role is not Role.ASSOCIATE
    kinds = [part.get_content_type() for part in mail_of(letter).walk()]
    assert ("application/json" in kinds) is expected


@each(("setting", "printed"), [("first_initial", "Sam P."), ("initials", "S.P."), ("as_written", "Sam Peterson")])
def test_the_privacy_setting_governs_body_and_attachment(setting: str, printed: str) -> None:
    letters = Letters(replace(RULES, client_name=setting), instance="i")
    letter = written(LetterKind.ALERT, "opened", Role.ADMIN, replace(LATE, client="Sam Peterson"))
    mail = mail_of(letter, letters)
    assert f"Client: {printed}\n" in part_of(mail, "text/plain").replace("\r\n", "\n")
    assert json.loads(part_of(mail, "application/json"))["client"] == printed
    assert ("Peterson" in part_of(mail, "text/plain")) is (setting == "as_written")


@each(
    ("client", "setting", "written_text", "printed"),
    [
        ("Sam Peterson", "first_initial", "Sam Peterson called, PETERSON is cross.", "Sam P. called, P. is cross."),
        ("Sam Peterson", "first_initial", "peterson's mother; petersons", "P.'s mother; petersons"),
        ("Sam Peterson", "initials", "Sam will call", "S. will call"),
        ("Sam Peterson", "as_written", "Sam Peterson called", "Sam Peterson called"),
        ("Mrs Smith-Jones", "first_initial", "Jones is here, Smith-Jones too", "J. is here, S. too"),
        ("Will May", "first_initial", "will call; May will not, may be later", "will call; M. will not, may be later"),
        ("Ana de la Cruz", "first_initial", "de la Cruz, de la mer", "de la C., de la mer"),
        ("Pat O'Neil", "first_initial", "O\u2019Neil wrote to oneil@mail.test", "O. wrote to oneil@mail.test"),
        ("Sam & Kim", "first_initial", "Sam and Kim", "Sam and Kim"),
        ("DBT group", "initials", "the DBT group", "the DBT group"),
    ],
)
def test_what_people_write_names_the_client_no_further_than_we_do(
    client: str, setting: str, written_text: str, printed: str
) -> None:
    letters = Letters(replace(RULES, client_name=setting), instance="i")
    facts = replace(LATE, client=client, note=written_text, outcome=Outcome.OTHER, outcome_note=written_text)
    letter = written(LetterKind.UPDATE, "note", Role.ADMIN, facts, data={"by": "Pat", "text": written_text})
    text = text_of(letter, letters)
    for line in (f"Pat wrote: {printed}", f"Outcome: other - {printed}", f"Note: {printed}"):
        assert line in text.split("\n")
    mail = mail_of(letter, letters)
    content = json.loads(part_of(mail, "application/json"))
    assert (content["note"], content["outcome_note"]) == (printed, printed)


# --- names


def test_accents_survive_in_names_and_texts() -> None:
    zoe = Person("Zoë Ångström", ("zoe@clinic.test",))
    letter = replace(written(LetterKind.DRAFT, "opened", facts=replace(LATE, client="Élodie", associate=zoe)), to=zoe)
    mail = mail_of(letter)
    assert str(make_header(decode_header(str(mail["To"])))) == "Zoë Ångström <zoe@clinic.test>"
    assert "Zoë" in subject_of(letter)
    assert draft_in(text_of(letter)).startswith("Hi Élodie - ")
    for word in re.findall(rb"=\?[^ ]*\?=", LETTERS.render(letter, NOW).raw):
        assert len(word) <= 75, "RFC 2047, 2"


# --- cost ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_letters_cost_little() -> None:
    """Measured 1.9 ms of CPU for alert and draft together; the bound leaves room for slow machines."""
    pair = SAMPLES["alert-late"], SAMPLES["draft-late"]
    costs = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(20):
            for letter in pair:
                LETTERS.render(letter, NOW)
        costs.append((time.process_time() - start) / 20)
    assert min(costs) < 0.006
