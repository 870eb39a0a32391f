"""Who reads what is sent: people who leave, addresses that are mended, mailboxes that answer by themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.arrival import reports
from tests.conversation import MAILBOX, Clinic, Received
from tests.conversations.steps import DANA, WRONG, case_of, changes, come, on, opens
from workflow.core.model import Case

HOW = ("reloaded", "restarted")
STATES = ("unsent", "sent", "reminded", "escalated", "messaged", "closed")
MESSAGE = "Hi Sam - I'm very sorry, I missed our appointment time today."


async def brings(clinic: Clinic, state: str, address: str = "dana@clinic.test") -> Case:
    """A missed session, in this state; every letter until then was read."""
    if state == "unsent":
        clinic.server.refuse(address, "451 4.3.0 later")
    await clinic.dana.writes("NOSHOW Sam")
    case = await clinic.only_case()
    if state == "reminded":
        await clinic.minute_by_minute(6)
    if state == "escalated":
        await clinic.minute_by_minute(11)
    if state in {"messaged", "closed"}:
        await clinic.dana.writes(f"[{case.id}] {'SENT' if state == 'messaged' else 'UNREACHABLE'}")
    await clears(clinic)
    clinic.server.accept(address)
    return case


async def clears(clinic: Clinic) -> None:
    """Everybody has read what there is."""
    await clinic.collect()
    for person in clinic.people.values():
        person.inbox.clear()


async def answers_by_itself(clinic: Clinic, name: str, letter: Received, says: str = "I am away.") -> None:
    """The reader's mailbox answers this letter."""
    robot = {"Auto-Submitted": "auto-replied", "In-Reply-To": letter.id}
    await clinic.people[name].writes(f"Automatic reply: {letter.subject}", says, **robot)


async def comes_back(clinic: Clinic, letter: Received) -> None:
    report = reports.postfix(letter.message).replace("\n", "\r\n").encode()
    await clinic.server.deliver(MAILBOX, report, arrived_at=clinic.clock.now())
    await clinic.settled()


async def each_morning(clinic: Clinic, first: int, last: int) -> dict[str, list[str]]:
    """Who gets what on these days of November, until noon: ``{"alex": ["06 08:00 reminder"]}``."""
    found: dict[str, list[str]] = {}
    for day in range(first, last + 1):
        for clock in ("07:59", "08:00", "12:00"):
            await clinic.until(on(day, clock))
            await clinic.collect()
            for name, person in clinic.people.items():
                found.setdefault(name, []).extend(f"{day:02} {clock} {letter.kind}" for letter in person.inbox)
                person.inbox.clear()
    return {name: letters for name, letters in found.items() if letters}


# --- who has left -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("state", STATES)
async def test_who_has_left_gets_nothing_more_and_admin_has_their_cases(tmp_path: Path, state: str, how: str) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        case = await brings(clinic, state)
        await changes(clinic, how, DANA, "")
        if state == "closed":
            await clinic.until(on(7, "12:00"))
            return
        untold = state != "messaged"
        kinds = "notice escalation" if untold else "notice"
        got = await come(clinic, alex=kinds, pat=kinds)
        if untold:
            assert f"\n{MESSAGE}" in got["alex"].text
            assert "send it as Dana L.'s words" in got["alex"].text
        await changes(clinic, how, "Ravi Patel", "Ravi Kumar Patel")  # told once, whatever else changes
        await clinic.minute_by_minute(1)
        await clinic.minute_by_minute(120)
        await clinic.nothing_else()
        mornings = ["06 08:00 reminder", "07 08:00 reminder"]
        assert await each_morning(clinic, 6, 7) == {"alex": mornings, "pat": mornings}
        await clinic.alex.writes(f"[{case.id}] RESCHEDULED Tue 3pm")
        await come(clinic, alex="receipt", pat="update")
        await clinic.until(on(10, "12:00"))
        await clinic.nothing_else()


async def test_the_notice_names_every_case_of_who_has_left_once(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        cases = {(await opens(clinic, line)).case for line in ("NOSHOW Sam, texted", "LATE 15 Kim", "WAITING Jo")}
        await clinic.ravi.writes("LATE 20 Max")
        await clears(clinic)
        await changes(clinic, "reloaded", DANA, "")
        got = await come(clinic, alex="escalation escalation notice")
        assert set(re.findall(r"\[(\w{4})\]", got["alex"].text)) == cases
        ravi = '[[associates]]\nname = "Ravi Patel"'
        await changes(clinic, "reloaded", ravi, DANA + ravi)  # it was a slip
        await changes(clinic, "reloaded", DANA, "")  # it was none
        again = await come(clinic, alex="notice")
        assert set(re.findall(r"\[(\w{4})\]", again["alex"].text)) == cases


@pytest.mark.slow
async def test_who_is_somebody_else_there_too_has_not_left(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("dana", "alex")) as clinic:
        case = await brings(clinic, "sent")
        await changes(clinic, "reloaded", DANA, "")
        await clinic.nothing_else()
        await clinic.minute_by_minute(6)
        await come(clinic, dana="reminder")
        await clinic.dana.writes(f"[{case.id}] SENT")
        await clears(clinic)
        assert (await clinic.only_case()).contacted_at is not None


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
async def test_an_admin_who_has_left_gets_nothing_more(tmp_path: Path, how: str) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        clinic.server.refuse("pat@clinic.test", "451 4.3.0 later")
        await clinic.dana.writes("NOSHOW Sam")
        await come(clinic, dana="draft", alex="alert")
        clinic.server.accept("pat@clinic.test")
        await changes(clinic, how, ', "Pat <pat@clinic.test>"', "")
        await clinic.minute_by_minute(11)
        await come(clinic, dana="reminder reminder", alex="escalation")
        assert any("no longer in the configuration" in letter.reason for letter in (await clinic.only_case()).letters)


# --- a mended address ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("state", STATES)
async def test_letters_go_to_the_address_of_now(tmp_path: Path, state: str, how: str) -> None:
    async with Clinic(tmp_path) as clinic:
        await changes(clinic, "restarted", DANA, WRONG)
        case = await brings(clinic, state, "someone@elsewhere.test")
        await changes(clinic, how, WRONG, DANA)
        await clinic.minute_by_minute(200)
        await clinic.collect()
        kinds = [letter.kind for letter in clinic.dana.inbox]
        assert ("draft" in kinds) is (state == "unsent")
        assert ("reminder" in kinds) is (state != "closed")
        await clears(clinic)
        assert clinic.stranger.read == {"unsent": 0, "reminded": 2, "escalated": 3, "sent": 1}.get(state, 2)
        await clinic.dana.writes(f"[{case.id}] RESCHEDULED Tue 3pm")
        await come(clinic, dana="receipt", alex="update")


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("bounced", [False, True])
async def test_what_failed_for_an_address_goes_to_the_mended_one(tmp_path: Path, how: str, bounced: bool) -> None:
    async with Clinic(tmp_path) as clinic:
        await changes(clinic, "restarted", DANA, WRONG)
        if not bounced:
            clinic.server.refuse("someone@elsewhere.test", "550 5.1.1 No such user")
        await clinic.dana.writes("NOSHOW Sam")
        if bounced:
            await comes_back(clinic, await clinic.stranger.gets("draft"))
        await clinic.settled()
        await come(clinic, alex="alert notice escalation")
        await clinic.minute_by_minute(30)
        await clinic.nothing_else()
        await changes(clinic, how, WRONG, DANA)
        draft = (await come(clinic, dana="draft"))["dana"]
        assert MESSAGE in draft.text
        await changes(clinic, how, "Ravi Patel", "Ravi Kumar Patel")
        await clinic.nothing_else()  # once
        await clinic.minute_by_minute(51)
        await come(clinic, dana="reminder")  # of 15:20: she is reminded again
        await clinic.dana.replies(draft, "SENT")
        await come(clinic, dana="receipt", alex="update")
        await clinic.until(on(6, "08:00"))
        await come(clinic, dana="reminder reminder")


@pytest.mark.slow
async def test_a_bounce_that_is_slower_than_the_one_who_mends(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await changes(clinic, "restarted", DANA, WRONG)
        await clinic.dana.writes("NOSHOW Sam")
        draft = (await come(clinic, alex="alert", stranger="draft"))["stranger"]
        await changes(clinic, "reloaded", WRONG, DANA)
        await comes_back(clinic, draft)
        got = await come(clinic, dana="draft", alex="notice")
        assert "It is for another address now." in got["alex"].text
        await clinic.minute_by_minute(5)
        await come(clinic, dana="reminder")  # nobody is away


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
async def test_two_addresses_that_were_mixed_up_are_put_right(tmp_path: Path, how: str) -> None:
    async with Clinic(tmp_path) as clinic:
        mixed = DANA.replace('"dana@clinic.test", "dana.lee', '"ravi@clinic.test", "dana.lee')
        ravi = '[[associates]]\nname = "Ravi Patel"\nemails = ["ravi@clinic.test"]\n'
        wrong = mixed + ravi.replace("ravi@", "dana@")
        await changes(clinic, "restarted", DANA + ravi, wrong)
        await clinic.alex.writes("LATE 15 Sam FOR Dana Lee")
        await come(clinic, alex="alert", ravi="draft")
        await changes(clinic, how, wrong, DANA + ravi)
        await clinic.minute_by_minute(5)
        reminder = (await come(clinic, dana="reminder"))["dana"]
        await clinic.dana.taps(reminder, "SENT")  # it is hers
        await come(clinic, dana="receipt", alex="update")
        await clinic.ravi.writes("STATUS")
        assert "Sam" not in (await come(clinic, ravi="status"))["ravi"].text


@pytest.mark.slow
async def test_what_has_lost_its_sense_is_not_owed_again(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await changes(clinic, "restarted", DANA, WRONG)
        clinic.server.refuse("someone@elsewhere.test", "550 5.1.1 No such user")
        await clinic.dana.writes("LATE 15 Sam")
        await clinic.dana.writes("LATE 30 Sam")
        await clinic.settled()
        await clears(clinic)
        await clinic.passes(hours=25)
        await clears(clinic)
        await changes(clinic, "reloaded", WRONG, DANA)
        await clinic.collect()
        drafts = [letter for letter in clinic.dana.inbox if letter.kind == "draft"]
        assert ["about 30 minutes" in draft.text for draft in drafts] == [True]
        await clears(clinic)


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
async def test_an_admin_whose_address_was_mended_has_the_alert(tmp_path: Path, how: str) -> None:
    wrong = '"Alex <someone@elsewhere.test>"'
    async with Clinic(tmp_path, lead=True) as clinic:
        await changes(clinic, "restarted", '"Alex <admin@clinic.test>"', wrong)
        clinic.server.refuse("someone@elsewhere.test", "550 5.1.1 No such user")
        await clinic.dana.writes("NOSHOW Sam")
        await come(clinic, dana="draft", lee="notice alert")
        await changes(clinic, how, wrong, '"Alex <admin@clinic.test>"')
        await come(clinic, alex="alert")
        await clinic.minute_by_minute(11)
        await come(clinic, dana="reminder reminder", alex="escalation")  # Lee is out of it again


@pytest.mark.slow
async def test_an_admin_and_the_lead_write_from_any_of_their_addresses(tmp_path: Path) -> None:
    several = '{ name = "Alex Moreau", emails = ["admin@clinic.test", "pat@clinic.test"] }'
    lead = 'lead = { name = "Lee Chan", emails = ["lead@clinic.test", "someone@elsewhere.test"] }'
    async with Clinic(tmp_path, lead=True) as clinic:
        await changes(clinic, "reloaded", '"Alex <admin@clinic.test>"', several)
        await changes(clinic, "reloaded", 'lead = "Lee <lead@clinic.test>"', lead)
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.pat.writes(f"[{draft.case}] CONTACTED")  # the same Alex
        got = await come(clinic, alex="receipt", dana="update")
        assert str(got["alex"].message["To"]) == "Alex Moreau <admin@clinic.test>"
        await clinic.stranger.writes(f"[{draft.case}] her mother called")
        await come(clinic, lee="receipt", alex="update", dana="update")


# --- mailboxes that answer by themselves --------------------------------------------------------------


@pytest.mark.slow
async def test_on_holiday_admin_has_it_at_once_and_each_morning_while_it_answers(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        await clinic.pat.writes("LATE 5 Sam FOR Dana")
        draft = (await come(clinic, dana="draft", alex="alert", pat="alert"))["dana"]
        assert "OOF" not in draft.message["X-Auto-Response-Suppress"]
        await answers_by_itself(clinic, "dana", draft)
        got = await come(clinic, alex="notice escalation", pat="notice escalation")
        assert "about 5 minutes late today" in got["alex"].text
        for minutes in (5, 60):  # she may read them all the same
            await clinic.minute_by_minute(minutes)
            await answers_by_itself(clinic, "dana", (await come(clinic, dana="reminder"))["dana"])
        for day in (6, 7, 8):
            await clinic.until(on(day, "08:00"))
            got = await come(clinic, dana="reminder", alex="reminder", pat="reminder")
            assert "Dana L. does not read mail" in got["alex"].first_line
            if day < 8:
                await answers_by_itself(clinic, "dana", got["dana"])
        await clinic.until(on(9, "08:00"))
        await come(clinic, dana="reminder")  # it has not answered for a day
        await clinic.dana.writes(f"[{draft.case}] CONNECTED")
        await come(clinic, dana="receipt", alex="update", pat="update")


@pytest.mark.slow
async def test_who_has_written_shortly_before_or_since_is_not_away(tmp_path: Path) -> None:
    crisis = "Thank you. In a crisis call 911."
    async with Clinic(tmp_path, at=on(5, "08:30")) as clinic:
        draft = await opens(clinic, "LATE 5 Sam")
        await answers_by_itself(clinic, "dana", draft, crisis)
        await come(clinic, alex="notice")
        await clinic.minute_by_minute(5)
        await answers_by_itself(clinic, "dana", (await come(clinic, dana="reminder"))["dana"], crisis)
        await clinic.dana.writes("STATUS")
        await come(clinic, dana="status")
        await clinic.until(on(5, "20:36"))  # twelve hours since
        question = (await come(clinic, dana="reminder"))["dana"]
        await answers_by_itself(clinic, "dana", question, crisis)
        await come(clinic, alex="escalation")
        await clinic.dana.writes("HELP")
        await come(clinic, dana="help")
        await clinic.until(on(6, "08:00"))
        await come(clinic, dana="reminder")  # and none to admin


@pytest.mark.slow
async def test_it_is_known_after_a_restart_and_for_other_cases(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.alex.writes("LATE 5 Sam FOR Dana")
        draft = (await come(clinic, dana="draft", alex="alert"))["dana"]
        await answers_by_itself(clinic, "dana", draft)
        await come(clinic, alex="notice escalation")
        await clinic.stops()
        await clinic.starts()
        await clinic.nothing_else()
        await clinic.alex.writes("WAITING Kim FOR Dana")
        escalation = (await come(clinic, dana="draft", alex="escalation"))["alex"]
        assert "Hi Kim - just checking in." in escalation.text
        await clinic.dana.writes(f"[{draft.case}] SENT")
        await come(clinic, dana="receipt", alex="update")
        await clinic.alex.writes("LATE 5 Jo FOR Dana")
        await come(clinic, dana="draft", alex="alert")


@pytest.mark.slow
async def test_in_the_night_admin_is_not_rung_for_it(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "22:30")) as clinic:
        await clinic.alex.writes("LATE 15 Sam FOR Dana")
        draft = (await come(clinic, dana="draft", alex="alert"))["dana"]
        await answers_by_itself(clinic, "dana", draft)
        await come(clinic, alex="notice")
        await clinic.until(on(6, "07:59"))
        await come(clinic, dana="reminder")
        await clinic.until(on(6, "08:00"))
        await come(clinic, dana="reminder", alex="escalation reminder")


@pytest.mark.slow
async def test_who_answered_by_itself_two_days_ago_is_not_away(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "22:30")) as clinic:
        await clinic.alex.writes("LATE 15 Sam FOR Dana")
        draft = (await come(clinic, dana="draft", alex="alert"))["dana"]
        await answers_by_itself(clinic, "dana", draft)
        await come(clinic, alex="notice")
        await clinic.passes(hours=40)  # the computer slept
        got = await come(clinic, dana="reminder", alex="escalation")
        assert got["alex"].first_line.startswith("Reach S. now")


@pytest.mark.slow
async def test_who_was_messaged_is_not_escalated(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.alex.writes("LATE 15 Sam FOR Dana, texted")
        draft = (await come(clinic, dana="draft", alex="alert"))["dana"]
        await comes_back(clinic, draft)
        await come(clinic, alex="notice")
        await clinic.until(on(6, "08:00"))
        reminder = (await come(clinic, alex="reminder"))["alex"]
        assert reminder.first_line == "No outcome yet, and Dana L. does not read mail: reply how it ended with S."
        await clinic.alex.taps(reminder, "RESCHEDULED")
        await come(clinic, alex="receipt", dana="update")
        assert not (await case_of(clinic, draft)).open


@pytest.mark.slow
async def test_the_lead_does_not_read_that_who_is_gone_still_answers(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        clinic.server.refuse("dana@clinic.test", "550 5.1.1 No such user")
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.settled()
        await come(clinic, alex="alert notice escalation")
        await clinic.minute_by_minute(31)
        told = (await come(clinic, lee="escalation"))["lee"]
        assert told.first_line.startswith("Message S. now for Dana L., who does not read mail")
        assert "still owns" not in told.text
        assert f"\n{MESSAGE}" in told.text


@pytest.mark.slow
@pytest.mark.parametrize("bounced", [True, False], ids=["comes back", "answers by itself"])
async def test_after_the_usual_escalation_admin_hears_of_each_case_that_nobody_reads(
    tmp_path: Path, bounced: bool
) -> None:
    async with Clinic(tmp_path) as clinic:
        for client in ("Kim", "Sam"):
            await clinic.alex.writes(f"NOSHOW {client} FOR Dana")
        draft = (await come(clinic, dana="draft draft", alex="alert alert"))["dana"]
        await clinic.minute_by_minute(11)
        got = await come(clinic, dana="reminder reminder reminder reminder", alex="escalation escalation")
        assert "Dana Lee still owns the response" in got["alex"].text
        await (comes_back(clinic, draft) if bounced else answers_by_itself(clinic, "dana", draft))
        await clinic.alex.gets("notice")
        told = [await clinic.alex.gets("escalation") for _ in range(2)]
        assert {one.first_line.split(", who")[0] for one in told} == {f"Message {who}. now for Dana L." for who in "KS"}
        assert any(f"\n{MESSAGE}" in one.text for one in told)
        assert not any("still owns" in one.text for one in told)
        await clinic.nothing_else()
        await clinic.stops()
        await clinic.starts()
        await clinic.minute_by_minute(5)
        await clinic.nothing_else()


# --- admins who are away ------------------------------------------------------------------------------


@pytest.mark.slow
async def test_while_the_only_admin_is_away_the_lead_has_alerts_and_escalations(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        await opens(clinic, "LATE 15 Kim, texted")
        await clinic.dana.writes("LATE 15 Sam")
        alert = (await come(clinic, dana="draft", alex="alert"))["alex"]
        await answers_by_itself(clinic, "alex", alert)
        got = await come(clinic, lee="notice alert")
        assert got["lee"].facts["case"] == alert.case  # of whom nobody told; Kim was
        await answers_by_itself(clinic, "alex", alert)
        await clinic.nothing_else()  # once in seven days
        await clinic.minute_by_minute(11)
        await come(clinic, dana="reminder", alex="escalation", lee="escalation")
        await clinic.stops()
        await clinic.starts()
        await clinic.dana.writes("NOSHOW Jo")
        got = await come(clinic, dana="draft", alex="alert", lee="alert")
        await clinic.lee.taps(got["lee"], "CONTACTED")
        await come(clinic, lee="receipt", alex="update", dana="update")
        await clinic.alex.writes("STATUS")  # he is back
        await come(clinic, alex="status")
        await clinic.dana.writes("LATE 5 Max")
        await come(clinic, dana="draft", alex="alert")


@pytest.mark.slow
async def test_while_one_of_two_admins_is_there_the_lead_is_left_alone(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat"), lead=True) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        got = await come(clinic, dana="draft", alex="alert", pat="alert")
        await answers_by_itself(clinic, "alex", got["alex"])
        await come(clinic, pat="notice", lee="notice")
        await clinic.minute_by_minute(11)
        await clinic.dana.gets("reminder")
        await clinic.dana.gets("reminder")
        await clinic.alex.gets("escalation")
        await answers_by_itself(clinic, "pat", await clinic.pat.gets("escalation"))
        await come(clinic, alex="notice", lee="notice alert escalation")


@pytest.mark.slow
async def test_an_admin_who_wrote_today_is_told_of_and_not_away(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        await clinic.alex.writes("STATUS")
        await come(clinic, alex="status")
        await clinic.dana.writes("NOSHOW Sam")
        alert = (await come(clinic, dana="draft", alex="alert"))["alex"]
        await answers_by_itself(clinic, "alex", alert)
        await come(clinic, lee="notice")
        await clinic.minute_by_minute(11)
        await come(clinic, dana="reminder reminder", alex="escalation")


@pytest.mark.slow
async def test_the_lead_hears_what_still_is_so(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.minute_by_minute(11)
        usual = (await come(clinic, dana="reminder reminder", alex="escalation"))["alex"]
        await comes_back(clinic, draft)
        await come(clinic, alex="notice escalation")
        await clinic.dana.writes("HELP")
        await come(clinic, dana="help")
        await comes_back(clinic, usual)
        told = (await come(clinic, lee="notice alert escalation"))["lee"]
        assert told.first_line.startswith("Reach S. now")
