"""Which case is meant, and who may speak for it: section 3, "Which case". Never a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic
from tests.conversations.steps import case_of, come, opens

PLAIN = {"quoting": False}


async def test_the_id_then_the_thread_then_what_is_quoted(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        sam, kim = await opens(clinic, "NOSHOW Sam"), await opens(clinic, "NOSHOW Kim")
        await clinic.dana.replies(sam, f"[{kim.case}] RESCHEDULED")  # the id wins over the thread
        await come(clinic, dana="receipt", alex="update")
        assert (await case_of(clinic, kim)).outcome == "rescheduled"
        await clinic.dana.replies(sam, "texted", quoting=False)  # the thread alone
        assert (await come(clinic, dana="receipt", alex="update"))["dana"].case == sam.case
        await clinic.dana.writes("UNDO", f"for case {sam.case.lower() if sam.case else ''}")
        await come(clinic, dana="receipt", alex="update")
        jo = await opens(clinic, "NOSHOW Jo")
        quoted = "\n".join(f"> {line}" for line in jo.text.splitlines())
        await clinic.dana.writes(f"Re: {jo.subject}", f"Called Jo\n\n{quoted}\n")  # an old phone: no ids in the header
        assert (await come(clinic, dana="receipt", alex="update"))["dana"].case == jo.case


async def test_a_lone_word_is_about_the_only_open_case(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("sent")  # about none: asked
        await come(clinic, dana="ask")
        sam = await opens(clinic, "LATE 15 Sam")
        for word in ("texted Sam", "LATE 20", "rescheduled Tue 3pm"):
            await clinic.dana.writes(word)
            await clinic.collect()
            clinic.dana.inbox.clear()
            clinic.alex.inbox.clear()
        assert (await case_of(clinic, sam)).outcome_note == "Tue 3pm"
        assert (await case_of(clinic, sam)).minutes == 20


HUMAN = {"In-Reply-To": "<oct@colleague.test>", "References": "<sep@colleague.test> <oct@colleague.test>"}
QUOTE = "\n\nOn Thu, Nov 5, 2026 at 1:50 PM Kim <kim@elsewhere.test> wrote:\n> Did you send it?\n"
OUTSIDE = {"To": "Kim, MD <kim@elsewhere.test>", "Cc": MAILBOX}


BETWEEN_PEOPLE: list[tuple[str, str, dict[str, str]]] = [
    ("Re: October invoice", f"Sent.{QUOTE}", HUMAN),
    ("Re: October invoice", "Sent.", HUMAN),
    ("Re: October invoice", "Rescheduled to Tuesday 3pm.", {}),  # a phone that drops the ids and the quotation
    ("October invoice", f"Sent.{QUOTE}", {}),
    ("Sent", "", {"In-Reply-To": "october"}),
    ("Re: [ZZZ2] October invoice", "Sent.", {}),  # another program's number
    ("Rescheduled to Tuesday 3pm.", "", OUTSIDE),
    ("Your session", "Rescheduled to Tuesday 3pm.", OUTSIDE),
    ("unreachable", "", {"To": f"{MAILBOX}, kim@elsewhere.test"}),
    ("unreachable", "", {"To": f"Team: {MAILBOX}, <KIM@elsewhere.test>;"}),
    ("unreachable", "", {"To": "undisclosed-recipients:;"}),
    ("texted Sam", "", OUTSIDE),
    ("RESCHEDULED Sam to Tue, please tell her", "", OUTSIDE),
    ("Re: October invoice", "HELP", HUMAN),
    ("STATUS", "", OUTSIDE),
]


@pytest.mark.slow
async def test_what_people_write_to_each_other_is_about_no_case(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "NOSHOW Sam")
        before = await clinic.only_case()
        for subject, text, headers in BETWEEN_PEOPLE:
            await clinic.dana.writes(subject, text, **headers)
            await clinic.alex.writes(subject, text, **headers)
            await come(clinic)
            assert await clinic.only_case() == before, (subject, text, headers)


async def test_the_clinic_s_own_people_may_read_a_lone_word(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        await opens(clinic, "NOSHOW Sam")
        everybody = (
            'Ravi <RAVI@clinic.test>, Lee, "the lead" <lead@clinic.test>, dana.lee@clinic.test, admin@clinic.test'
        )
        await clinic.dana.writes("sent", "--\nDana Lee, they/them\ndana@clinic.test", Cc=everybody)
        await come(clinic, dana="receipt", alex="update")


async def test_a_report_opens_whoever_reads_it_and_whatever_it_answers(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "LATE 15 Sam", **OUTSIDE)
        await opens(clinic, "Re: October invoice", f"NOSHOW Kim{QUOTE}", **HUMAN)
        await clinic.dana.writes("Re: October invoice", "LATE 20", **HUMAN)  # whose? not Sam's new estimate
        await come(clinic, dana="draft", alex="alert")
        assert len(await clinic.store.open_cases()) == 3


async def test_a_thread_of_ours_stays_ours_whoever_wrote_in_it_last(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        thread = {
            "In-Reply-To": "<c@colleague.test>",
            "References": f"<b@colleague.test> {draft.id} <c@colleague.test>",
        }
        await clinic.dana.writes("Re: how is it going?", "Sent.", Cc="kim@elsewhere.test", **thread)
        await come(clinic, dana="receipt", alex="update")
        await clinic.alex.writes("RESCHEDULED")
        ask = (await come(clinic, alex="ask"))["alex"]  # a letter of ours about no case
        await clinic.alex.replies(ask, "rescheduled Tue", quoting=False)
        await come(clinic, alex="ask")
        await clinic.dana.writes("HELP")
        help_letter = (await come(clinic, dana="help"))["dana"]
        await clinic.dana.replies(help_letter, "rescheduled Tue", quoting=False)  # it answers us, but about what?
        await come(clinic, dana="ask")
        assert (await clinic.only_case()).open


async def test_several_cases_are_asked_about_with_the_choices(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        sam, kim = await opens(clinic, "NOSHOW Sam"), await opens(clinic, "NOSHOW Kim")
        await clinic.dana.writes("Rescheduled to Tue")
        ask = (await come(clinic, dana="ask"))["dana"]
        assert ask.case is None
        await clinic.dana.writes(f"RESCHEDULED [{sam.case}] and [{kim.case}]")
        again = (await come(clinic, dana="ask"))["dana"]
        assert again.text.count("mailto:") == 2
        await clinic.dana.replies(ask, f"{kim.case} RESCHEDULED Tue")
        assert (await come(clinic, dana="receipt", alex="update"))["dana"].case == kim.case
        await clinic.dana.writes("[ZZZZ] RESCHEDULED")  # nobody has that id
        ask = (await come(clinic, dana="ask"))["dana"]
        await clinic.dana.writes(next(word for word in [ask.tap("RESCHEDULED")] if sam.case and sam.case in word))
        assert (await come(clinic, dana="receipt", alex="update"))["dana"].case == sam.case


async def test_admin_is_never_taken_to_mean_the_only_case(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        sam = await opens(clinic, "NOSHOW Sam")
        await clinic.alex.writes("RESCHEDULED")
        assert (await come(clinic, alex="ask"))["alex"].tap("RESCHEDULED") == f"[{sam.case}] RESCHEDULED"
        await clinic.alex.writes("RESCHEDULED Kim to Thu")  # front-desk mail, about another client
        await come(clinic, alex="ask")
        await clinic.dana.writes("Rescheduled Kim to Thu, please tell her")
        await come(clinic, dana="ask")
        await clinic.ravi.writes("Rescheduled Kim to Thu, please tell her")  # he has no case: people's mail
        await come(clinic)
        assert (await clinic.only_case()).open


async def test_another_client_s_report_in_a_thread_opens_a_case_of_its_own(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        sam = await opens(clinic, "LATE 15 Sam, texted")
        await clinic.dana.replies(sam, "LATE 20 Kim")
        kim = (await come(clinic, dana="draft", alex="alert"))["dana"]
        assert kim.case != sam.case
        await clinic.dana.writes(f"[{sam.case}] LATE 20 Jo")  # Sam's id, Jo's name: which is it?
        ask = (await come(clinic, dana="ask"))["dana"]
        assert ask.tap("LATE 20 Jo")
        await clinic.dana.taps(sam, "CONNECTED")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.replies(sam, "LATE 10 Sam")  # an old thread, another day's session
        again = (await come(clinic, dana="draft", alex="alert"))["dana"]
        assert again.case not in {sam.case, kim.case}
        await clinic.alex.writes("LATE 10 Ann FOR Dana")
        alert = (await come(clinic, dana="draft", alex="alert"))["alex"]
        await clinic.alex.replies(alert, "LATE 10 Ann FOR Ravi")
        await come(clinic, ravi="draft", alex="alert")


async def test_another_associate_s_word_changes_nothing(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        sam = await opens(clinic, "NOSHOW Sam")
        await clinic.ravi.writes(f"[{sam.case}] RESCHEDULED Tue")
        got = await come(clinic, ravi="ask", alex="notice")
        assert "another associate" in got["ravi"].first_line
        assert "RESCHEDULED Tue" in got["alex"].text
        assert f"case {sam.case} of Dana Lee" in got["alex"].text
        assert (await clinic.only_case()).open
        await clinic.alex.taps(got["alex"], "RESCHEDULED Tue")  # Ravi was right: one tap
        await come(clinic, alex="receipt", dana="update")


async def test_a_colleagues_words_in_the_thread_are_passed_on(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        sam = await opens(clinic, "NOSHOW Sam Peters")
        await clinic.ravi.replies(sam, "SENT, I told him in the waiting room\nHe is upset")
        got = await come(clinic, ravi="receipt", dana="update", alex="notice")
        assert got["ravi"].first_line.startswith("Passed on to Dana Lee and to admin")
        assert "You report" not in got["ravi"].text and got["ravi"].taps == []
        assert "Ravi Patel wrote: SENT, I told him in the waiting room / He is upset" in got["dana"].text
        assert "He is upset" in got["alex"].text
        assert got["dana"].case == sam.case and got["alex"].tap("SENT, I told him in the waiting room")
        case = await clinic.only_case()
        assert (case.open, case.sent_at, case.notes) == (True, None, ())
        await clinic.ravi.replies(sam, "thanks!")
        await clinic.nothing_else()
        await clinic.dana.replies(sam, "UNREACHABLE")
        await come(clinic, dana="receipt", alex="update")
        await clinic.ravi.replies(sam, "RESCHEDULED Tue 3pm")
        await come(clinic, ravi="receipt", dana="update", alex="notice")
        assert (await case_of(clinic, sam)).outcome == "unreachable"


async def test_a_colleagues_own_report_in_the_thread_is_theirs(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        sam = await opens(clinic, "NOSHOW Sam")
        await clinic.ravi.replies(sam, "LATE 15 Kim")
        draft = (await come(clinic, ravi="draft", alex="alert"))["ravi"]
        assert (await case_of(clinic, draft)).associate.name == "Ravi Patel"
        await clinic.ravi.replies(sam, "LATE 15 Sam")  # Dana's client
        await come(clinic, ravi="receipt", dana="update", alex="notice")
        await clinic.ravi.replies(draft, "SENT")
        await come(clinic, ravi="receipt", alex="update")
