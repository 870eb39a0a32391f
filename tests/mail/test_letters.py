"""What our letters say and how they travel: goldens of every text, and contract section 4 over all of them."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mail.letter_samples import (
    DANA,
    LATE,
    NOSHOW,
    NOW,
    RULES,
    TWO,
    WAITING,
    choices,
    samples,
    written,
)
from workflow.core.model import ANSWERS, Choice, Facts, Kind, Letter, LetterKind, Outcome, Person, Role, State
from workflow.mail.letters import Letters, Unsafe
from workflow.mail.marker import MARKER
from workflow.mail.mime import Body, Mailbox, compose

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = dict(samples())
LETTERS = Letters(RULES, instance="a1b2c3")

OUTCOME_WORDS = (
    "CONNECTED|RESCHEDULED|UNREACHABLE|ARRIVED|ABSENT|OTHER|rebooked|resched|re-scheduled|unable|couldn't reach|"
    "no answer|voicemail|here|joined|started|came|no show|no-show|noshow|didn't come"
)


def mail_of(letter: Letter, letters: Letters = LETTERS) -> Message:
    """As a mail program reads it."""
    return BytesParser(policy=compat32).parsebytes(letters.render(letter, NOW).raw)


def part_of(mail: Message, kind: str) -> str:
    (part,) = [part for part in mail.walk() if part.get_content_type() == kind]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode("utf-8")


def text_of(letter: Letter, letters: Letters = LETTERS) -> str:
    return part_of(mail_of(letter, letters), "text/plain").replace("\r\n", "\n")


def subject_of(letter: Letter) -> str:
    return str(make_header(decode_header(str(mail_of(letter)["Subject"]))))


def draft_in(text: str) -> str:
    """The message for the client: the paragraph that greets."""
    (found,) = [paragraph for paragraph in text.split("\n\n") if paragraph.startswith("Hi")]
    return found


every_letter = pytest.mark.parametrize("name", SAMPLES)
letters_of_a_case = pytest.mark.parametrize("name", [name for name, letter in SAMPLES.items() if letter.facts])


# --- goldens ----------------------------------------------------------------------------------------


@every_letter
def test_the_text_is_the_golden_one(name: str) -> None:
    """``UPDATE_GOLDEN=1`` writes the goldens anew; read the diff."""
    letter = SAMPLES[name]
    said = f"Subject: {subject_of(letter)}\n\n{text_of(letter)}"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def test_the_html_is_the_golden_one() -> None:
    said = part_of(mail_of(SAMPLES["draft-noshow"]), "text/html").replace("\r\n", "\n")
    golden = GOLDEN / "draft-noshow.html"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} == set(SAMPLES)


# --- headers ----------------------------------------------------------------------------------------


@every_letter
def test_headers_are_those_of_the_contract(name: str) -> None:
    letter = SAMPLES[name]
    mail = mail_of(letter)
    assert mail["From"] == '"Promptly, Riverside Counselling" <clinic@clinic.test>'
    assert mail["To"] == f'"{letter.to.name}" <{letter.to.email}>'
    assert mail["Message-ID"] == letter.message_id
    assert mail["Auto-Submitted"] == ("auto-replied" if letter.kind in ANSWERS else "auto-generated")
    assert mail["X-Auto-Response-Suppress"] == "OOF, DR, RN, NRN, AutoReply"
    assert mail["X-Promptly-Letter"] == letter.kind.value
    assert mail["X-Promptly-Case"] == letter.case, "absent where no case is meant"
    assert mail["X-Promptly-Loop"] == "a1b2c3"
    assert mail["Date"] == "Tue, 24 Nov 2026 14:20:00 -0500"
    assert {"Cc", "Bcc", "Reply-To", "Sender"}.isdisjoint(mail.keys())


@pytest.mark.parametrize("length", [20, 77, 78, 79, 250, 900])
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


@pytest.mark.parametrize(
    "bad", ["no brackets", "<two words@x>", "<a@b>\r\nBcc: evil@x.test", "<zoë@x>", "<" + "x" * 2000 + ">"]
)
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


# --- subjects ---------------------------------------------------------------------------------------


def test_subjects_are_the_contracts() -> None:
    assert subject_of(SAMPLES["alert-late"]) == "[K7Q2] LATE: Dana L. - S.P."
    assert subject_of(SAMPLES["alert-noshow"]) == "[K7Q2] MISSED BY Dana L. - S.P."
    assert subject_of(SAMPLES["escalation-late-admin"]) == "[K7Q2] NOT YET TOLD? Dana L. - S.P."
    assert subject_of(SAMPLES["draft-waiting"]) == "[K7Q2] WAITING FOR S.P. - Dana L."
    assert subject_of(SAMPLES["help-unread"]) == "Promptly: not understood"


@letters_of_a_case
def test_a_subject_is_constant_for_a_case_and_its_kind(name: str) -> None:
    letter = SAMPLES[name]
    facts = letter.facts
    assert facts is not None
    if letter.kind is LetterKind.ESCALATION or facts.client != "Sam P.":
        assert subject_of(letter).startswith("[K7Q2] ")
    else:
        by_kind = {Kind.LATE: "alert-late", Kind.NOSHOW: "alert-noshow", Kind.WAITING: "draft-waiting"}
        assert subject_of(letter) == subject_of(SAMPLES[by_kind[facts.kind]])


@every_letter
def test_subject_and_first_line_hold_no_name_of_a_client(name: str) -> None:
    letter = SAMPLES[name]
    assert "Sam" not in subject_of(letter)
    assert "Sam" not in text_of(letter).split("\n")[0]


@pytest.mark.parametrize(
    "associate", ["Dana Lee", "Maximiliana Josephine Wolfeschlegel", "Jo", "Þórgunnur Ásgeirsdóttir"]
)
@pytest.mark.parametrize("client", ["Sam P.", None, "Maria de la Cruz", "Smith family"])
@pytest.mark.parametrize("kind", list(Kind))
def test_a_subject_is_short(associate: str, client: str | None, kind: Kind) -> None:
    facts = replace(LATE, kind=kind, associate=Person(associate, ("x@clinic.test",)), client=client)
    for letter in (
        written(LetterKind.DRAFT, "opened", facts=facts),
        written(LetterKind.ESCALATION, "contact", Role.LEAD, facts),
    ):
        subject = subject_of(letter)
        assert subject.startswith("[K7Q2] ")
        assert len(subject) <= 40


@every_letter
def test_every_subject_is_short(name: str) -> None:
    assert 0 < len(subject_of(SAMPLES[name])) <= 40


# --- the client's message ---------------------------------------------------------------------------

LATE_START = "Hi Sam - I'm running behind and expect to be"
LATE_END = "late today. I'm sorry for the delay. Are you able to wait, or would you prefer to reschedule?"
MISSED = (
    "I understand this is disruptive. I'd like to offer you priority to reschedule - "
    "would you like me to find a new time for you?"
)
DRAFTS: Mapping[str, str] = {
    "draft-late": f"{LATE_START} about 15 minutes {LATE_END}",
    "draft-late-one-minute": f"{LATE_START} about 1 minute {LATE_END}",
    "draft-late-no-minutes": f"{LATE_START} a few minutes {LATE_END}",
    "draft-late-couple": f"{LATE_START} about 15 minutes {LATE_END}".replace("Hi Sam", "Hi"),
    "draft-late-no-client": f"{LATE_START} about 15 minutes {LATE_END}".replace("Hi Sam", "Hi"),
    "reminder-late-contact": f"{LATE_START} about 15 minutes {LATE_END}",
    "draft-noshow": f"Hi Sam - I'm very sorry, I missed our appointment time today. {MISSED}",
    "draft-noshow-yesterday": f"Hi Sam - I'm very sorry, I missed our appointment time yesterday. {MISSED}",
    "draft-waiting": "Hi Sam - just checking in. We were scheduled for 2:20 pm. Are you still able to make it today?",
    "draft-waiting-no-time": "Hi Sam - just checking in. Are you still able to make it today?",
    "stepaway": (
        "Hi Sam - I'm going to step away from the screen/office for now "
        "since it's been 20 minutes past our start time. "
        "If you're still able to meet today, please reply and let me know what time you'll be ready. "
        "Otherwise, we can reschedule."
    ),
}


@pytest.mark.parametrize("name", DRAFTS)
def test_the_message_is_the_policys_in_ascii_alone_between_blank_lines(name: str) -> None:
    text = text_of(SAMPLES[name])
    assert draft_in(text) == DRAFTS[name]
    assert f"\n\n{DRAFTS[name]}\n\n" in text
    assert DRAFTS[name].isascii()


def test_a_text_message_link_only_where_the_clinic_wants_it() -> None:
    letter = SAMPLES["draft-late"]
    assert "sms:" not in part_of(mail_of(letter), "text/html")
    linked = part_of(mail_of(letter, Letters(RULES, instance="i", sms_link=True)), "text/html")
    (body,) = re.findall(r'href="sms:\?&amp;body=([^"]*)"', linked)
    assert unquote(body) == DRAFTS["draft-late"]


# --- what letters say -------------------------------------------------------------------------------


@every_letter
def test_the_instruction_is_first_and_the_marker_right_below(name: str) -> None:
    lines = text_of(SAMPLES[name]).split("\n")
    assert lines[0]
    assert lines[1:4] == ["", MARKER, ""]


@every_letter
def test_no_line_starts_with_an_outcome_word(name: str) -> None:
    for line in text_of(SAMPLES[name]).split("\n"):
        assert not re.match(rf"[-\s]*(?:{OUTCOME_WORDS})\b", line, re.IGNORECASE), line


@every_letter
def test_the_order_is_instruction_message_choices_the_rest(name: str) -> None:
    text = text_of(SAMPLES[name])
    parts = (r"^", r"\nHi ", r"\nReply with", r"\nmailto:|\n  mailto:", r"\n(?:Case: |This is case )")
    places = [found.start() for part in parts if (found := re.search(part, text))]
    assert places == sorted(places)


@letters_of_a_case
def test_a_missed_session_says_who_missed_and_how_to_say_otherwise(name: str) -> None:
    letter = SAMPLES[name]
    assert letter.facts is not None
    text = text_of(letter)
    told = letter.facts.kind is Kind.NOSHOW and letter.facts.state is not State.CANCELLED
    if told:
        who = (
            "You report that YOU missed the session"
            if letter.role is Role.ASSOCIATE
            else "The ASSOCIATE missed the session"
        )
        assert who in text
        assert "Do not press No Show in Jane" in text
        assert "- no: the client did not come (WAITING)" in text
    else:
        assert "missed the session" not in text.replace("I have missed the session", "")


@pytest.mark.parametrize("outcome", [Outcome.RESCHEDULED, Outcome.UNREACHABLE, Outcome.OTHER, Outcome.CONNECTED])
def test_a_late_case_without_a_session_warns_of_janes_button(outcome: Outcome) -> None:
    facts = replace(LATE, state=State.CLOSED, outcome=outcome)
    text = text_of(written(LetterKind.RECEIPT, "outcome", facts=facts))
    assert ("Do not press No Show in Jane" in text) is (outcome is not Outcome.CONNECTED)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.startswith("reminder")])
def test_a_reminder_asks_no_question(name: str) -> None:
    text = text_of(SAMPLES[name])
    for line in text.split("\n"):
        if "?" in line and not line.startswith(("Hi ", "  mailto:")):
            pytest.fail(line)


def test_drafts_say_to_copy_and_what_comes_after() -> None:
    late, noshow = text_of(SAMPLES["draft-late"]), text_of(SAMPLES["draft-noshow"])
    for text in (late, noshow):
        assert "Copy the text; do not forward this mail." in text
    assert "When you connect: apologize, confirm the plan, and offer a reschedule if needed." in late
    assert "A suggestion, not a requirement, if this was your responsibility alone" in noshow


def test_a_mail_written_long_before_it_arrived_says_so_first() -> None:
    for name in ("alert-late-written-long-before", "draft-late-written-long-before"):
        assert text_of(SAMPLES[name]).startswith("Written at 1:50 pm, arrived at 2:20 pm. ")


def test_a_letter_that_was_held_up_says_since_when() -> None:
    old = replace(SAMPLES["alert-late"], created_at=NOW - timedelta(hours=3))
    assert "This letter should have gone at 11:20 am" in text_of(old)
    assert "should have gone" not in text_of(SAMPLES["alert-late"])


def test_times_of_another_day_say_which() -> None:
    assert "Session: Mon 23 Nov, 7:00 pm" in text_of(
        written(LetterKind.ALERT, "opened", Role.ADMIN, replace(NOSHOW, session_at=TWO - timedelta(hours=19)))
    )
    assert "Session: Mon 23 Nov\n" in text_of(
        written(LetterKind.ALERT, "opened", Role.ADMIN, replace(NOSHOW, session_at=None, yesterday=True))
    )


# --- choices ----------------------------------------------------------------------------------------


def test_choices_name_the_words_first_and_then_one_link_each() -> None:
    text = text_of(SAMPLES["draft-late"])
    assert (
        "Reply with one word: SENT, CONNECTED, RESCHEDULED, UNREACHABLE, OTHER (and a few words) or MISTAKE\n\n"
        "Or tap what fits:\n"
        "- I have messaged the client (SENT)\n"
        "  mailto:clinic@clinic.test?subject=%5BK7Q2%5D%20SENT\n"
    ) in text


def test_a_link_is_percent_encoded_and_the_id_only_where_there_is_a_case() -> None:
    odd = (
        Choice("OTHER it's 50% & rising + more?", "Odd", "K7Q2"),
        Choice("LATE 15 Zoë FOR Dana Lee", "Report", None),
    )
    text = text_of(written(LetterKind.ASK, "cancel", facts=LATE, offered=odd))
    found = re.findall(r"mailto:clinic@clinic\.test\?subject=(\S+)", text)
    assert [unquote(subject) for subject in found] == [
        "[K7Q2] OTHER it's 50% & rising + more?",
        "LATE 15 Zoë FOR Dana Lee",
    ]
    assert not re.search(r"[^A-Za-z0-9%._~-]", "".join(found))


def test_a_choice_of_another_case_is_typed_with_its_id() -> None:
    assert "Reply with: K7Q2 RESCHEDULED or W4XP RESCHEDULED" in text_of(SAMPLES["ask-which-case"])


@every_letter
def test_the_html_offers_the_same_links(name: str) -> None:
    mail = mail_of(SAMPLES[name])
    in_text = re.findall(r"mailto:\S+", part_of(mail, "text/plain"))
    assert re.findall(r'href="(mailto:[^"]+)"', part_of(mail, "text/html")) == in_text


# --- html -------------------------------------------------------------------------------------------


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] != "title":
            self.words += data.split()


def html_of(letter: Letter) -> _Words:
    page = _Words()
    page.feed(part_of(mail_of(letter), "text/html"))
    return page


@every_letter
def test_html_and_text_say_the_same(name: str) -> None:
    letter = SAMPLES[name]
    text = re.sub(r"\n  mailto:\S+", "", text_of(letter))
    plain = re.sub(r"(?m)^- ", "", text).split()
    html = [word for word in html_of(letter).words if word != "-"]
    assert html == [word for word in plain if word != "-"]


@every_letter
def test_html_is_one_column_fit_for_a_phone(name: str) -> None:
    page = html_of(SAMPLES[name])
    source = part_of(mail_of(SAMPLES[name]), "text/html")
    assert "http" not in source
    assert {"img", "link", "script", "iframe", "form"}.isdisjoint(tag for tag, _ in page.tags)
    assert ("html", {"lang": "en"}) in page.tags
    assert [attributes["role"] for tag, attributes in page.tags if tag == "table"] == ["presentation"]
    assert set(re.findall(r"font-size:(\w+)", source)) == {"16px"}
    for tag, attributes in page.tags:
        if tag == "a":
            assert "display:block;padding:10px 16px" in str(attributes["style"])
            assert "line-height:24px;min-height:24px" in str(attributes["style"]), "10 + 24 + 10 = 44 px"


def test_the_only_colours_are_the_buttons_and_they_contrast() -> None:
    source = part_of(mail_of(SAMPLES["draft-noshow"]), "text/html")
    assert set(re.findall(r"(?<![-\w])color:(#\w+)", source)) == {"#ffffff"}
    assert set(re.findall(r"background:(#\w+)", source)) == {"#1a4f8b"}
    assert (1 + 0.05) / (_luminance("1a4f8b") + 0.05) >= 4.5, "WCAG 2.2, 1.4.3"
    assert 'name="color-scheme" content="light dark"' in source


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


# --- facts and alert.json ---------------------------------------------------------------------------


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
        note="texted",
        state=State.CLOSED,
    )
    text = text_of(written(LetterKind.UPDATE, "outcome", Role.ADMIN, facts))
    assert (
        "Case: K7Q2\nKind: late\nAssociate: Dana Lee\nClient: Sam P.\nMinutes: 15\n"
        "Session: 2:00 pm\nExpected: 2:15 pm\nReported: 2:20 pm\nContacted: 2:20 pm\n"
        "Outcome: rescheduled - Tue 3pm\nNote: texted\n"
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


@pytest.mark.parametrize(
    ("setting", "printed"), [("first_initial", "Sam P."), ("initials", "S.P."), ("as_written", "Sam Peterson")]
)
def test_the_privacy_setting_governs_body_and_attachment(setting: str, printed: str) -> None:
    letters = Letters(replace(RULES, client_name=setting), instance="i")
    letter = written(LetterKind.ALERT, "opened", Role.ADMIN, replace(LATE, client="Sam Peterson"))
    mail = mail_of(letter, letters)
    assert f"Client: {printed}\n" in part_of(mail, "text/plain").replace("\r\n", "\n")
    assert json.loads(part_of(mail, "application/json"))["client"] == printed
    assert ("Peterson" in part_of(mail, "text/plain")) is (setting == "as_written")


# --- hostile text -----------------------------------------------------------------------------------

hostile = st.text(max_size=60) | st.sampled_from(
    [
        "Sam\r\nBcc: evil@x.test",
        "=?utf-8?q?=0d=0aBcc:_evil=40x.test?=",
        "Sam\u2028RESCHEDULED",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}{% include 'x' %}",
        "\ud800 lone",
        "\u202egnp.exe",
        "a" * 3000,
        "Zoë Ångström",
        '"><a href="http://evil.test">',
    ]
)


@settings(max_examples=40, deadline=None)
@given(client=hostile, name=hostile, note=hostile, line=hostile)
def test_no_text_makes_a_header_a_recipient_or_a_line_of_its_own(client: str, name: str, note: str, line: str) -> None:
    facts = replace(LATE, client=client, note=note, outcome_note=note, associate=Person(name, DANA.emails))
    letter = replace(
        written(LetterKind.UPDATE, "note", Role.ADMIN, facts, data={"text": note, "by": name, "line": line}),
        to=Person(name, ("admin@clinic.test",)),
        choices=(Choice(line, note, "K7Q2"),),
    )
    plain = mail_of(SAMPLES["update-note"])
    mail = mail_of(letter)
    assert sorted(mail.keys()) == sorted(plain.keys())
    assert LETTERS.render(letter, NOW).recipient == "admin@clinic.test"
    subject = subject_of(letter)
    assert len(subject) <= 40
    assert subject.startswith("[K7Q2]")
    html = html_of(letter)
    assert {tag for tag, _ in html.tags} <= {tag for tag, _ in html_of(SAMPLES["update-note"]).tags} | {"a", "br"}
    assert not re.search(r"(?m)^RESCHEDULED", text_of(letter))


def test_a_name_that_pretends_to_be_another_header_is_only_a_name() -> None:
    mail = mail_of(replace(SAMPLES["draft-late"], to=Person("Dana <x@evil.test>, \r\nBcc: y@evil.test", DANA.emails)))
    assert mail["To"] == '"Dana x evil.test Bcc y evil.test" <dana@clinic.test>'
    assert mail["Bcc"] is None


def test_accents_survive_in_names_and_texts() -> None:
    zoe = Person("Zoë Ångström", ("zoe@clinic.test",))
    letter = replace(written(LetterKind.DRAFT, "opened", facts=replace(LATE, client="Élodie", associate=zoe)), to=zoe)
    mail = mail_of(letter)
    assert str(make_header(decode_header(str(mail["To"])))) == "Zoë Ångström <zoe@clinic.test>"
    assert "Zoë" in subject_of(letter)
    assert draft_in(text_of(letter)).startswith("Hi Élodie - ")
    for word in re.findall(rb"=\?[^ ]*\?=", LETTERS.render(letter, NOW).raw):
        assert len(word) <= 75, "RFC 2047, 2"


@pytest.mark.parametrize(
    "address", ["dana@clinic.test, evil@x.test", "dana@clinic.test>\r\nBcc: evil@x.test", "zoë@clinic.test"]
)
def test_an_address_that_is_not_one_is_never_sent(address: str) -> None:
    with pytest.raises(Unsafe):
        LETTERS.render(replace(SAMPLES["draft-late"], to=Person("Dana", (address,))), NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {"Subject": "hello\r\nBcc: evil@x.test"},
        {"Subject": "hello\n\nA body of its own"},
        {"Subject": "=?utf-8?q?=0d=0aBcc:_evil=40x.test?="},
        {"Subject": "x" * 1000},
    ],
)
def test_the_last_gate_stops_what_was_not_cleaned(headers: Mapping[str, str]) -> None:
    clinic, dana = Mailbox("Promptly, Riverside", "clinic@clinic.test"), Mailbox("Dana Lee", "dana@clinic.test")
    with pytest.raises(Unsafe):
        compose(headers, clinic, dana, Body("text", "<p>text</p>"), seed="<1@clinic.test>")


def test_a_text_that_holds_a_boundary_is_never_sent() -> None:
    clinic, dana = Mailbox("Promptly, Riverside", "clinic@clinic.test"), Mailbox("Dana Lee", "dana@clinic.test")
    raw = compose({}, clinic, dana, Body("text", "<p>text</p>"), seed="<1@clinic.test>")
    boundary = re.search(rb'boundary="([^"]+)"', raw)
    assert boundary is not None
    forged = f"text\n--{boundary[1].decode()}\nContent-Type: text/html\n\nforged"
    with pytest.raises(Unsafe):
        compose({}, clinic, dana, Body(forged, "<p>text</p>"), seed="<1@clinic.test>")


def test_a_message_id_that_is_none_is_never_sent() -> None:
    with pytest.raises(Unsafe):
        LETTERS.render(replace(SAMPLES["draft-late"], message_id="<a b@clinic.test>"), NOW)


# --- a clinic's own templates -----------------------------------------------------------------------


def own(folder: Path, **files: str) -> Letters:
    for name, content in files.items():
        (folder / f"{name}.txt").write_text(content, encoding="utf-8")
    return Letters(RULES, instance="i", templates=folder)


def test_a_clinics_own_file_replaces_ours(tmp_path: Path) -> None:
    letters = own(tmp_path, alert="{% block first %}Riverside says: {{ who }} is late.{% endblock %}")
    rendered = letters.render(SAMPLES["alert-late"], NOW)
    assert rendered.fell_back is None
    assert text_of(SAMPLES["alert-late"], letters).startswith("Riverside says: Dana Lee is late.")
    assert text_of(SAMPLES["draft-late"], letters) == text_of(SAMPLES["draft-late"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{% block first %}\n{{ nobody }}\n{% endblock %}", "alert.txt, line 2: UndefinedError"),
        ("{% block first %}\n{{ data.tex }}\n{% endblock %}", "alert.txt, line 2: UndefinedError"),
        ("{% block first %}\n{{ 1 / 0 }}\n{% endblock %}", "alert.txt, line 2: ZeroDivisionError"),
        ("{% block first %}\n{% if %}\n{% endblock %}", "alert.txt, line 2: TemplateSyntaxError"),
        ("{% block first %}{{ ''.__class__.__mro__ }}{% endblock %}", "alert.txt, line 1: SecurityError"),
        ("{% block first %}\n\n{% include 'gone.txt' %}{% endblock %}", "alert.txt, line 3: TemplateNotFound"),
        ("Riverside", "alert.txt: no first line"),
    ],
)
def test_when_a_clinics_file_fails_ours_is_used_and_the_place_is_told(
    tmp_path: Path, content: str, reason: str
) -> None:
    rendered = own(tmp_path, alert=content).render(SAMPLES["alert-late"], NOW)
    assert rendered.fell_back == reason
    assert rendered.raw == LETTERS.render(SAMPLES["alert-late"], NOW).raw.replace(
        b"X-Promptly-Loop: a1b2c3", b"X-Promptly-Loop: i"
    )


def test_a_file_that_is_not_text_falls_back(tmp_path: Path) -> None:
    (tmp_path / "alert.txt").write_bytes(b"\xff\xfe\x00")
    rendered = Letters(RULES, instance="i", templates=tmp_path).render(SAMPLES["alert-late"], NOW)
    assert rendered.fell_back is not None


def test_check_says_what_is_wrong_with_a_clinics_files(tmp_path: Path) -> None:
    letters = own(
        tmp_path, alert="{% block first %}\n{% if %}", allert="Hello", draft="{% block first %}x{% endblock %}"
    )
    assert letters.template_faults() == [
        "alert.txt, line 2: TemplateSyntaxError",
        "allert.txt: replaces no file of ours",
    ]
    assert LETTERS.template_faults() == []
    assert Letters(RULES, instance="i", templates=tmp_path / "gone").template_faults() == ["the folder does not exist"]


# --- cost -------------------------------------------------------------------------------------------


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


def facts_of_every_kind() -> tuple[Facts, ...]:
    return LATE, NOSHOW, WAITING


@pytest.mark.parametrize("kind", list(LetterKind))
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("topic", ["", "something new"])
def test_a_topic_that_no_template_knows_still_makes_a_letter(kind: LetterKind, role: Role, topic: str) -> None:
    for facts in (*facts_of_every_kind(), None):
        needs_a_case = kind in (LetterKind.DRAFT, LetterKind.ALERT, LetterKind.STEPAWAY, LetterKind.ESCALATION)
        if facts is None and needs_a_case:
            continue
        assert text_of(written(kind, topic, role, facts, choices("MISTAKE"))).count(MARKER) == 1
