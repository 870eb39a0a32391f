"""What is new in a reply: real shapes of quoting, and each way a reply stripper goes wrong."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import each
from workflow.core.marker import MARKER
from workflow.mail.reading import newtext, quoting
from workflow.mail.reading.charsets import clean

LETTER = """You report that YOU missed the session with S.P. today.

Copy the text; do not forward this mail.

Hi Sam - I'm very sorry, I missed our appointment time today. I understand this is disruptive. I'd like to offer you \
priority to reschedule - would you like me to find a new time for you?

Reply with one word:
SENT
RESCHEDULED - the client took a new time
UNREACHABLE - nobody answered

Case: K7Q2
Kind: noshow"""

MARKED = LETTER.replace("today.\n", f"today.\n\n{MARKER}\n", 1)

QUOTED = "\n".join(f"> {line}".rstrip() for line in LETTER.split("\n"))

GMAIL = "On Mon, Nov 23, 2026 at 2:03 PM Promptly, Riverside <clinic@clinic.test>\nwrote:"

ATTRIBUTIONS = {
    "gmail": GMAIL,
    "gmail, one line": GMAIL.replace("\n", " "),
    "gmail, three lines": "On Mon, Nov 23, 2026 at 2:03 PM Promptly, Riverside\n<clinic@clinic.test>\nwrote:",
    "ios": "On Nov 23, 2026, at 2:03 PM, Promptly, Riverside <clinic@clinic.test> wrote:",
    "apple mail": "On 23 Nov 2026, at 14:03, Promptly, Riverside Counselling <clinic@clinic.test> wrote:",
    "yahoo": "On Monday, November 23, 2026 at 02:03:04 PM EST, Promptly <clinic@clinic.test> wrote:",
    "thunderbird": "On 2026-11-23 14:03, Promptly, Riverside Counselling wrote:",
    "proton": "On Monday, November 23rd, 2026 at 2:03 PM, Promptly <clinic@clinic.test> wrote:",
    "spark": "On 23 Nov 2026 at 14:03 -0500, Promptly <clinic@clinic.test>, wrote:",
    "gmail, french": "Le lun. 23 nov. 2026 à 14:03, Promptly, Riverside <clinic@clinic.test> a écrit :",
    "apple, french": "Le 23 nov. 2026 à 14:03, Promptly, Riverside <clinic@clinic.test> a écrit :",
    "thunderbird, french": "Le 23/11/2026 à 14:03, Promptly a écrit :",
    "gmail, german": "Am Mo., 23. Nov. 2026 um 14:03 Uhr schrieb Promptly <clinic@clinic.test>:",
    "yahoo, german": (
        "Am Montag, 23. November 2026 um 14:03:04 GMT-5 hat Promptly <clinic@clinic.test> Folgendes geschrieben:"
    ),
    "apple, german": "Am 23.11.2026 um 14:03 schrieb Promptly, Riverside <clinic@clinic.test>:",
    "gmail, spanish": "El lun, 23 nov 2026 a las 14:03, Promptly (<clinic@clinic.test>) escribió:",
    "apple, spanish": "El 23 nov 2026, a las 14:03, Promptly <clinic@clinic.test> escribió:",
    "gmail, italian": "Il giorno lun 23 nov 2026 alle ore 14:03 Promptly <clinic@clinic.test> ha scritto:",
    "gmail, dutch": "Op ma 23 nov 2026 om 14:03 schreef Promptly <clinic@clinic.test>:",
    "gmail, swedish": "Den mån 23 nov. 2026 kl 14:03 skrev Promptly <clinic@clinic.test>:",
    "zoho": "---- On Mon, 23 Nov 2026 14:03:00 -0500 Promptly <clinic@clinic.test> wrote ----",
    "zoho, wrapped": " ---- On Mon, 23 Nov 2026 14:03:00 -0500 Promptly\n<clinic@clinic.test> wrote ---",
    "zoho, german": "---- Am Mo, 23 Nov. 2026 14:03:00 -0500 schrieb Promptly <clinic@clinic.test> ----",
    "notes": '-----"Promptly" <clinic@clinic.test> wrote: -----',
    "notes, own directory": "-----Promptly/Riverside wrote: -----",
    "notes, in line": "Promptly ---11/23/2026 02:03:04 PM---You report that YOU missed",
    "yahoo, app": "Yahoo Mail: Search, Organize, Conquer\n\n  On Mon, Nov 23, 2026 at 2:03 PM, P<c@clinic.test> wrote:",
    "yahoo, app in french": (
        "Yahoo Mail : Recherchez, organisez, conquérez\n\nLe lun., nov. 23, 2026 à 14:03, P<c@clinic.test> a écrit :"
    ),
    "streak": f"\u1427\n\n{GMAIL}",
    "mail.ru": 'Понедельник, 23 ноября 2026, 14:03 -05:00 от "Promptly":',
    "mail.ru, short year": "понедельник, 23 ноября 2026г., 14:03 -05:00 от Promptly clinic@clinic.test :",
    "gmail, polish": "pon., 23 lis 2026 o 14:03 Promptly <clinic@clinic.test> napisał(a):",
}

HEADER_BLOCKS = {
    "outlook": (
        "________________________________\nFrom: Promptly, Riverside <clinic@clinic.test>\n"
        "Sent: Monday, November 23, 2026 2:03 PM\nTo: Dana Lee <dana@clinic.test>\nSubject: [K7Q2] MISSED: S.P."
    ),
    "outlook, no rule": (
        "From: Promptly, Riverside <clinic@clinic.test>\nSent: Monday, November 23, 2026 2:03 PM\n"
        "To: Dana Lee <dana@clinic.test>\nSubject: [K7Q2] MISSED: S.P."
    ),
    "outlook, bold": (
        "*From:* Promptly, Riverside <clinic@clinic.test>\n*Sent:* Monday, November 23, 2026 2:03 PM\n"
        "*To:* Dana Lee <dana@clinic.test>\n*Subject:* [K7Q2] MISSED: S.P."
    ),
    "outlook, original message": (
        "-----Original Message-----\nFrom: Promptly <clinic@clinic.test>\nSent: November-23-26 2:03 PM\n"
        "To: Dana Lee\nSubject: [K7Q2] MISSED: S.P."
    ),
    "outlook, french": (
        "De : Promptly <clinic@clinic.test>\nEnvoyé : lundi 23 novembre 2026 14:03\nÀ : Dana Lee <dana@clinic.test>\n"
        "Objet : [K7Q2] MISSED: S.P."
    ),
    "outlook, german": (
        "Von: Promptly <clinic@clinic.test>\nGesendet: Montag, 23. November 2026 14:03\n"
        "An: Dana Lee <dana@clinic.test>\nBetreff: [K7Q2] MISSED: S.P."
    ),
    "outlook, spanish": (
        "De: Promptly <clinic@clinic.test>\nEnviado el: lunes, 23 de noviembre de 2026 14:03\n"
        "Para: Dana Lee <dana@clinic.test>\nAsunto: [K7Q2] MISSED: S.P."
    ),
    "samsung": (
        "-------- Original message --------\nFrom: Promptly <clinic@clinic.test>\n"
        "Date: 2026-11-23 2:03 p.m. (GMT-05:00)\nTo: dana@clinic.test\nSubject: [K7Q2] MISSED: S.P."
    ),
    "samsung, german": "-------- Ursprüngliche Nachricht --------\nVon: Promptly <clinic@clinic.test>\nDatum: 23.11.26",
    "samsung, french": "-------- Message d'origine --------\nDe : Promptly <clinic@clinic.test>\nDate : 23/11/26 14:03",
    "samsung, spanish": "-------- Mensaje original --------\nDe: Promptly <clinic@clinic.test>\nFecha: 23/11/26 14:03",
    "gmail forward": (
        "---------- Forwarded message ---------\nFrom: Promptly <clinic@clinic.test>\nDate: Mon, Nov 23, 2026\n"
        "Subject: [K7Q2] MISSED: S.P.\nTo: <dana@clinic.test>"
    ),
    "ios forward": (
        "Begin forwarded message:\n\nFrom: Promptly <clinic@clinic.test>\nDate: November 23, 2026 at 2:03:04 PM EST\n"
        "To: dana@clinic.test\nSubject: [K7Q2] MISSED: S.P."
    ),
}

PHONES = [
    "Sent from my iPhone",
    "Sent from my iPad",
    "Sent from my Samsung Galaxy smartphone.",
    "Get Outlook for iOS",
    "Get Outlook for Android<https://aka.ms/ghei36>",
    "Sent from Outlook for iOS<https://aka.ms/o0ukef>",
    "Sent from Mail for Windows",
    "Sent from Yahoo Mail for iPhone",
    "Sent from Proton Mail for iOS",
    "Envoyé de mon iPhone",
    "Envoyé à partir de Outlook pour iOS",
    "Von meinem iPhone gesendet",
    "Gesendet von Outlook für Android",
    "Outlook für iOS beziehen",
    "Enviado desde mi iPhone",
    "Obtener Outlook para iOS",
    "Inviato da iPhone",
    "Verzonden vanaf mijn iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Odesláno z iPhonu",
    "Odoslané z iPhonu",
    "Надіслано з iPhone",
    "Στάλθηκε από το iPhone μου",
    "iPhone'umdan gönderildi",
    "Trimis de pe iPhone-ul meu",
    "iPhone-omról küldve",
    "Elküldve az iPhone-omról",
    "Poslano s mog iPhonea",
    "Enviat des del meu iPhone",
    "Đã gửi từ iPhone của tôi",
    "Dikirim dari iPhone saya",
    "נשלח מה-iPhone שלי",
    "أُرسلت من الـ iPhone",
    "iPhoneから送信",
    "发自我的 iPhone",
    "從我的 iPhone 傳送",
    "나의 iPhone에서 보냄",
]

OTHER_SHAPES = {
    "bottom": (f"{GMAIL}\n\n{QUOTED}\n\nSENT\n", "SENT"),
    "bottom, signed": (f"{GMAIL}\n{QUOTED}\n\nSENT\n\n-- \nDana Lee\nRP", "SENT"),
    "inline": (
        f"{GMAIL}\n> You report that YOU missed the session.\n\nyes, sorry\n\n> Reply with one word:\n\nSENT",
        "yes, sorry\n\nSENT",
    ),
    "ios inline": (
        "> On Nov 23, 2026, at 2:03 PM, Promptly <clinic@clinic.test> wrote:\n> \n> Reply with one word:\n\nSENT\n\n"
        "> Case: K7Q2\n\nSent from my iPhone",
        "SENT",
    ),
    "note kept": ("OTHER she asked for a refund\n\nI said: call the desk.\n\n- Dana", None),
    "on my way": ("On my way, CONNECTED\nSam called at 3:\nshe wrote: fine", None),
    "list of dashes": ("OTHER two things:\n- Sam moved\n- call her@2pm", None),
    "thanks first": ("Hi,\nThanks, RESCHEDULED\nsee: jane@clinic.test", None),
    "backslash": (f"SENT\n\nOn Mon, Nov 23, 2026 C:\\1 <clinic@clinic.test>\nwrote:\n{LETTER}", "SENT"),
    "own colon": (f"RESCHEDULED Tue 3pm, see below:\n\n{QUOTED}", "RESCHEDULED Tue 3pm, see below:"),
    "regards": ("RESCHEDULED\n\nKind regards,\nDana Lee\nRegistered Psychotherapist\n416-555-0100", "RESCHEDULED"),
    "regards, german": ("SENT\n\nMit freundlichen Grüßen\nDana Lee", "SENT"),
    "regards, french": ("SENT\n\nCordialement,\nDana Lee", "SENT"),
    "regards, spanish": ("SENT\n\nUn saludo,\nDana", "SENT"),
    "postscript": ("SENT\n\nBest,\nDana\n\nPS she was upset", "SENT\n\nPS she was upset"),
    "thanks are no signature": ("Thanks,\nRESCHEDULED Tue 3pm", None),
    "disclaimer": (
        "SENT\n\nThis email and any attachments are confidential and intended only for the addressee.\nDelete it.",
        "SENT",
    ),
    "confidentiality notice": ("SENT\n\nCONFIDENTIALITY NOTICE: this is private.\nDelete it.", "SENT"),
    "signature above the quote": (f"SENT\n--\nDana Lee\n\n{GMAIL}\n{QUOTED}", "SENT"),
    "signature then bottom": (f"SENT\n-- \nDana\n\n{GMAIL}\n{QUOTED}\n\nand called too", "SENT\n\nand called too"),
    "external banner": (
        "CAUTION: This email originated from outside of the organization. Do not click links.\n\nLATE 15 Sam",
        "LATE 15 Sam",
    ),
    "wrapped banner": (
        "CAUTION: This email originated\nfrom outside of the organization.\n\nLATE 15 Sam",
        "LATE 15 Sam",
    ),
    "banner without a warning": ("This message was sent from outside the clinic.\n\nLATE 15 Sam", "LATE 15 Sam"),
    "first contact": (
        "You don't often get email from dana@clinic.test. Learn why this is important\n\nLATE 15 Sam",
        "LATE 15 Sam",
    ),
    "invisible": ("\ufeff\u200bSENT\u200b\n", "SENT"),
    "no-break space": ("LATE\u00a015\u00a0Sam", "LATE 15 Sam"),
    "indented quote": (f"SENT\n\n{GMAIL}\n  > Reply with one word:\n  > SENT", "SENT"),
    "nested": (f"SENT\n\n{GMAIL}\n> > deep\n> shallow\n>> deep", "SENT"),
    "Google's group footer": (
        'SENT\nYou received this message because you are subscribed to the Google Groups "Reports" group.\nTo unsub',
        "SENT",
    ),
    "Microsoft's group footer": (
        "SENT\n\nYou're receiving this message because you're a member of the Reports group from Us.\n\nView files",
        "SENT",
    ),
    "groups.io's footer": (
        "SENT\n\n-=-=-=-=-=-=-=-=-=-=-=-\nGroups.io Links: You receive all messages sent to this group.\nMute: x",
        "SENT",
    ),
    "mailing list footer": ("SENT\n____________________________\nstaff mailing list", "SENT"),
    "forward with words": ("RESCHEDULED Tue\n\n" + HEADER_BLOCKS["gmail forward"] + "\n\n" + LETTER, "RESCHEDULED Tue"),
    "one line header block": (
        "SENT\n\nFrom: P <c@clinic.test> Sent: Mon To: D <d@clinic.test> Subject: x\nold",
        "SENT",
    ),
    "chinese": (
        "SENT\n\n发件人：Promptly <clinic@clinic.test>\n发送时间：2026年11月23日\n收件人：Dana\n主题：x\n\nold",
        "SENT",
    ),
}


@each("name", ATTRIBUTIONS)
def test_top_answer_above_marked_lines(name: str) -> None:
    new, rest = newtext.split(f"SENT\n\n{ATTRIBUTIONS[name]}\n\n{QUOTED}\n", [])
    assert new == "SENT"
    assert "K7Q2" in rest


@each("name", ATTRIBUTIONS)
def test_top_answer_above_unmarked_lines(name: str) -> None:
    assert newtext.split(f"RESCHEDULED Tue 3pm\n\n{ATTRIBUTIONS[name]}\n\n{LETTER}\n", [])[0] == "RESCHEDULED Tue 3pm"


@each("name", ATTRIBUTIONS)
def test_bottom_answer(name: str) -> None:
    assert newtext.split(f"{ATTRIBUTIONS[name]}\n\n{QUOTED}\n\nSENT\n", [])[0] == "SENT"


@each("name", HEADER_BLOCKS)
def test_top_answer_above_a_header_block(name: str) -> None:
    new, rest = newtext.split(f"SENT\n\n{HEADER_BLOCKS[name]}\n\n{LETTER}\n", [])
    assert new == "SENT"
    assert "K7Q2" in rest


@each("line", PHONES)
def test_a_phone_signs_for_its_owner(line: str) -> None:
    assert newtext.split(f"LATE 15 Sam\n\n{line}\n", [])[0] == "LATE 15 Sam"
    assert newtext.split(line, [])[0] == ""
    assert newtext.split(f"SENT\n\n{line}\n\n{GMAIL}\n\n{QUOTED}", [])[0] == "SENT"


@each(
    "line",
    ["Trimis", "my iPhone died, Sam waits", "\u1427\u1455 waits", "Yahoo Mail: her address is new", "Poslano"],
)
def test_people_write_of_phones(line: str) -> None:
    assert newtext.split(f"OTHER\n{line}", [])[0] == f"OTHER\n{line}"


@each(
    "below",
    [
        "Please phone me, her mother waits at the desk.",
        "Room 4\nKey: at the desk\nSam waits",
        "*67 416 555 0100, code 7*7;",
    ],
)
@each("rule", ["_" * 32, "_" * 10, "=" * 12])
def test_a_rule_that_somebody_draws_hides_nothing(rule: str, below: str) -> None:
    new, rest = newtext.split(f"Two things.\n\n{rule}\n\n{below}", [])
    assert new.replace(f"{rule}\n\n", "") == f"Two things.\n\n{below}"
    assert not rest.strip("_\n")


def test_a_rule_above_a_header_block_of_any_language_hides_it() -> None:
    block = "Feladó: Promptly <clinic@clinic.test>\nElküldve: 2026. november 23.\nCímzett: Dana\nTárgy: [K7Q2]"
    assert newtext.split(f"SENT\n{'_' * 32}\n{block}\n\n{LETTER}", [])[0] == "SENT"


BLOCKS = {
    "title and phone": "Dana Lee\nRegistered Psychotherapist\nRiverside Counselling\n416-555-0100",
    "credentials": "Dana Lee, RP (she/her)\nRiverside",
    "in paragraphs": "*Dana Lee*\n\nRiverside Counselling\n12 Main St.\n\ndana@clinic.test | www.clinic.test",
    "a middle name": "Dana M. Lee\nRP",
    "a name": "Dana Lee",
}


@each("name", BLOCKS)
@each("quote", ["", f"\n\n{GMAIL}\n\n{LETTER}", f"\n\n{GMAIL}\n\n{QUOTED}"])
def test_the_sender_s_own_name_signs(name: str, quote: str) -> None:
    new, rest = newtext.split(f"CONTACTED he will wait\n\n{BLOCKS[name]}{quote}", [], "Dana Lee")
    assert new == "CONTACTED he will wait"
    assert BLOCKS[name].replace("\n\n", "\n") in rest.replace("\n\n", "\n")


@each(
    "text",
    [
        "CONTACTED\n\nSam Porter\nmother: Ann Lee\n416-555-0100",
        "Dana Lee\n\nLATE 15 Sam",
        "OTHER\nDana Lee\nasks for a call.",
        "OTHER\n\nDana Lee asks for a call.\nSoon.",
        "OTHER\n\nDana\n416-555-0100",
        "OTHER\n\nDana Lee\nasks for a call, her number is new.\nPlease phone.",
    ],
)
def test_another_name_or_a_sentence_is_no_signature(text: str) -> None:
    assert newtext.split(text, [], "Dana Lee")[0] == text


@each("line", ["Sent from the car, she is fine", "Sent", "SENT to Sam", "sent her a text, all good"])
def test_a_word_for_sent_is_no_phone(line: str) -> None:
    assert newtext.split(line, [])[0] == line


@each("name", OTHER_SHAPES)
def test_other_shapes(name: str) -> None:
    text, expected = OTHER_SHAPES[name]
    assert newtext.split(text, [])[0] == (text if expected is None else expected)


@pytest.mark.parametrize(
    "sent_back",
    [
        pytest.param(MARKED, id="bare"),
        pytest.param(QUOTED, id="marked"),
        pytest.param(f"{GMAIL}\n\n{QUOTED}", id="gmail"),
        pytest.param(f"{GMAIL}\n\n{LETTER}", id="gmail without marks"),
        pytest.param(f"{HEADER_BLOCKS['outlook']}\n\n{LETTER}", id="outlook"),
        pytest.param(f"\n\nSent from my iPhone\n\n{GMAIL}\n\n{QUOTED}", id="phone"),
        pytest.param(LETTER.replace(". I ", ".\nI ").replace("priority to", "priority\nto"), id="wrapped"),
        pytest.param("\n".join(f"    {line}" for line in LETTER.split("\n")), id="indented"),
        pytest.param("\n".join(f"*{line}*" for line in LETTER.split("\n")), id="starred"),
    ],
)
def test_our_own_letter_sent_back_says_nothing(sent_back: str) -> None:
    assert newtext.split(sent_back, LETTER.split("\n"))[0] == ""


def test_the_marker_cuts_when_nothing_else_shows_where_the_quote_begins() -> None:
    assert newtext.split(f"SENT\n\n{MARKER}\n\nMessage the client now: 555@2026", [])[0] == "SENT"
    assert newtext.split(f"SENT\n\n{MARKER.upper().replace(' ', '  ')} \nMessage the client now", [])[0] == "SENT"


def test_a_quoted_marker_does_not_swallow_an_answer_below() -> None:
    assert newtext.split(f"{GMAIL}\n> {MARKER}\n> Message the client\n\nSENT", [])[0] == "SENT"


def test_an_answer_in_our_words_stays_above_our_unmarked_letter() -> None:
    """SENT stands in our choices: only beside our other lines is it ours."""
    assert newtext.split(f"SENT\n\n{LETTER}", LETTER.split("\n"))[0] == "SENT"
    assert newtext.split(f"{LETTER}\n\nSENT", LETTER.split("\n"))[0] == "SENT"


def test_letters_may_be_given_whole() -> None:
    assert newtext.split(LETTER, [LETTER])[0] == ""


def test_an_attribution_of_a_language_we_do_not_know_is_known_by_date_time_and_address() -> None:
    japanese = "2026年7月22日 18:12 +0900、Promptly <clinic@clinic.test>のメール:"
    polish = "Dnia 23 listopada 2026 14:03 Promptly <clinic@clinic.test> nadesłał:"
    for attribution in (japanese, polish):
        assert newtext.split(f"SENT\n\n{attribution}\n\nMessage the client now", [])[0] == "SENT"


def test_nothing_above_a_quote_of_such_a_language_is_nothing() -> None:
    polish = "Dnia 23 listopada 2026 14:03 Promptly <clinic@clinic.test> nadesłał:\n\nMessage the client now"
    assert newtext.split(polish, [])[0] == ""


@each(
    "text",
    [
        "On file C:\\q of dana@clinic.test:\nshe wrote: fine",
        "On my way, CONNECTED\nshe came, and she\nwrote:\nok",
        "Rescheduled at 14:30 in 2026:\nfine",
    ],
)
def test_what_a_person_says_before_a_colon_is_no_attribution(text: str) -> None:
    assert newtext.split(text, [])[0] == text


def test_the_rest_is_all_that_is_not_new() -> None:
    new, rest = newtext.split(f"SENT\n\n-- \nDana\n\n{GMAIL}\n{QUOTED}", [])
    assert new == "SENT"
    assert "Dana" in rest
    assert "clinic@clinic.test" in rest
    assert "> Case: K7Q2" in rest


def test_nothing_gives_nothing() -> None:
    assert newtext.split("", []) == ("", "")
    assert newtext.split(" \n\t\n", LETTER.split("\n")) == ("", "")


HOSTILE = {
    "on": "On " * 20000 + "2026 a@b.c wrote",
    "on in every line": ("On " * 130 + "\n") * 10 + "a@b.c:",
    "on lines": "On\n" * 9 + "a\n" * 20000 + ":",
    "schrieb": ("am schrieb " * 30 + ":\n") * 200,
    "wrote": ("on 2026 wrote " * 25 + ":\n") * 170,
    "labels": "From: a\nTo: b\n" * 4000,
    "addresses": "a@b " * 16000 + ":",
    "marks": ">" * 64000 + "\n>" * 1000,
    "dashes": "-----\n" * 10000 + "@:",
    "spaces": " " * 64000 + ":\n" + "\t" * 64000,
    "stars": "*" * 64000 + "\n" + "* " * 30000 + ":",
    "stars and words": ("x" + "* " * 1990 + "x\n") * 16,
    "captions": ("CAUTION: outside " * 20 + "\n") * 190,
    "disclaimers": "Disclaimer: mail mail " * 2000 + "@:",
    "lines": "\n" * 1_000_000 + "SENT",
    "long": "x" * 10_000_000,
}


@pytest.mark.slow
@each("name", HOSTILE)
def test_hostile_text_costs_little(name: str) -> None:
    ours = ["one two three four five"] * 3000
    newtext.split("warm up: 2026@\n", [])
    start = time.process_time()
    newtext.split(HOSTILE[name], ours)
    assert time.process_time() - start < 1.0


@pytest.mark.slow
@settings(max_examples=300, deadline=2000)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.sampled_from(
                ["", "SENT", "> x", "-- ", GMAIL, MARKER, "From: a@b.c", "Sent: x", "To: y", "On \\g<1> wrote:"]
            ),
        ),
        max_size=20,
    ),
    st.lists(st.text(max_size=30), max_size=5),
)
def test_any_text_is_split_and_nothing_is_invented(lines: list[str], ours: list[str]) -> None:
    text = "\n".join(lines)
    new, rest = newtext.split(text, ours)
    assert not any(quoting.is_quoted(line) for line in new.split("\n"))
    given_lines = [line for line in clean(text).split("\n") if line.strip()]
    assert len([line for line in f"{new}\n{rest}".split("\n") if line]) <= len(given_lines)
