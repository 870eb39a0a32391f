"""What really happens in a clinic, some forty times, with the number of letters that each person gets.

Dana and Ravi are associates, Alex and Pat admins, Lee the lead, Sam a client. A letter more, or one less, is a change
of what people live through, and to be thought about. Nobody else gets any.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.conversation import Clinic, Received
from tests.conversations.steps import DANA, case_of, changes, on

Script = Callable[[Clinic], Awaitable[None]]


@dataclass(frozen=True)
class Story:
    title: str
    script: Script
    letters: dict[str, int]
    setting: dict[str, Any]


STORIES: dict[str, Story] = {}


def story(number: str, setting: dict[str, Any] | None = None, **letters: int) -> Callable[[Script], Script]:
    """``@story("1", dana=3, alex=3)``: so many letters to each."""

    def keep(script: Script) -> Script:
        STORIES[number] = Story(script.__doc__ or "", script, letters, setting or {})
        return script

    return keep


async def newest(clinic: Clinic, name: str, kind: str) -> Received:
    """Somebody's newest letter of this kind."""
    await clinic.collect()
    return [letter for letter in clinic.people[name].inbox if letter.kind == kind][-1]


async def kinds(clinic: Clinic, name: str) -> list[str]:
    await clinic.collect()
    return [letter.kind for letter in clinic.people[name].inbox]


async def dana_taps(clinic: Clinic, word: str) -> None:
    """On her draft."""
    await clinic.dana.taps(await newest(clinic, "dana", "draft"), word)


@story("1", dana=3, alex=3)
async def everybody_does_everything_right(clinic: Clinic) -> None:
    """Late 10, arrives after 6, taps SENT in the hallway and CONNECTED in the doorway: nothing buzzes later."""
    await clinic.dana.writes("LATE 10 Sam")
    await clinic.minute_by_minute(2)
    await dana_taps(clinic, "SENT")
    await clinic.minute_by_minute(4)
    await dana_taps(clinic, "CONNECTED")
    await clinic.until(on(7, "12:00"))


@story("2", dana=4, alex=3)
async def she_answers_after_the_session(clinic: Clinic) -> None:
    """Nothing while she is with the client; one question when the session must be over."""
    await clinic.dana.writes("LATE 10 Sam")
    await clinic.minute_by_minute(2)
    await dana_taps(clinic, "SENT")
    await clinic.until(on(5, "15:04"))
    assert await kinds(clinic, "dana") == ["draft", "receipt"]
    await clinic.until(on(5, "15:20"))
    await clinic.dana.replies(await newest(clinic, "dana", "reminder"), "connected")
    await clinic.until(on(7, "12:00"))


@story("3", dana=3, alex=2)
async def three_sessions_in_a_row(clinic: Clinic) -> None:
    """ "LATE 15 Sam, texted" from a taxi; reads mail at 18:05: no escalation, one question after the session."""
    await clinic.dana.writes("LATE 15 Sam, texted")
    await clinic.until(on(5, "18:05"))
    await dana_taps(clinic, "CONNECTED")
    await clinic.until(on(7, "12:00"))


@story("4", {"digest": "08:30"}, dana=10, alex=9)
async def she_never_answers(clinic: Clinic) -> None:
    """One reminder early, one after the session, one each morning; the digest shows it daily."""
    await clinic.dana.writes("LATE 15 Sam")
    for day in range(6, 13):
        await clinic.until(on(day, "08:30"))
    assert await kinds(clinic, "dana") == ["draft"] + ["reminder"] * 9
    assert await kinds(clinic, "alex") == ["alert", "escalation"] + ["digest"] * 7


@story("5", {"at": on(5, "14:20")}, dana=5, alex=3)
async def the_client_answers_next_day(clinic: Clinic) -> None:
    """Reminders stop at SENT; one at 5:24, one next morning; RESCHEDULED closes."""
    await clinic.dana.writes("NOSHOW Sam AT 2pm")
    await clinic.until(on(5, "14:24"))
    await dana_taps(clinic, "SENT")
    await clinic.until(on(5, "17:23"))
    assert "reminder" not in await kinds(clinic, "dana")
    await clinic.until(on(6, "09:00"))
    await clinic.dana.replies(await newest(clinic, "dana", "reminder"), "Rescheduled to Mon 4pm")
    await clinic.until(on(7, "12:00"))


@story("6", {"at": on(5, "22:30"), "lead": True}, dana=4, alex=3, lee=1)
async def noticed_at_half_past_ten(clinic: Clinic) -> None:
    """Draft, alert and one reminder at once; nobody is rung out of bed; the rest in the morning."""
    await clinic.dana.writes("NOSHOW Sam AT 7pm")
    await clinic.until(on(6, "07:59"))
    assert await kinds(clinic, "dana") == ["draft", "reminder"]
    assert await kinds(clinic, "alex") == ["alert"]
    await clinic.until(on(6, "08:04"))
    assert "I missed our appointment time yesterday." in (await newest(clinic, "dana", "reminder")).text
    await dana_taps(clinic, "SENT")


@story("7", {"at": on(6, "08:40")}, dana=3, alex=3)
async def noticed_next_morning(clinic: Clinic) -> None:
    """The draft says yesterday, the alert has last night's time."""
    await clinic.dana.writes("NOSHOW Sam YESTERDAY 7pm")
    assert "appointment time yesterday" in (await newest(clinic, "dana", "draft")).text
    assert (await newest(clinic, "alex", "alert")).facts["session_at"] == "2026-11-05T19:00:00-05:00"
    await dana_taps(clinic, "SENT")
    await dana_taps(clinic, "UNREACHABLE")


@story("8", dana=3, alex=3)
async def the_angry_client_cancels(clinic: Clinic) -> None:
    """Not a mistake, not an outcome yet: asked, OTHER client cancelled is one tap."""
    await clinic.dana.writes("NOSHOW Sam, texted")
    await clinic.dana.replies(await newest(clinic, "dana", "draft"), "Cancelled")
    await clinic.dana.taps(await newest(clinic, "dana", "ask"), "OTHER client cancelled")
    assert (await newest(clinic, "alex", "update")).facts["outcome_note"] == "client cancelled"


@story("9", {"at": on(5, "14:10")}, dana=3)
async def the_client_comes_at_minute_twelve(clinic: Clinic) -> None:
    """One stepping-away draft she ignores, one question after, gone by morning."""
    await clinic.dana.writes("WAITING Sam AT 2pm")
    await clinic.until(on(7, "12:00"))
    assert await kinds(clinic, "dana") == ["draft", "stepaway", "reminder"]


@story("10", {"at": on(5, "14:12")}, dana=3, alex=1)
async def the_client_never_comes(clinic: Clinic) -> None:
    """Absent: no apology draft, no alert that SHE missed; Jane's button is right this time."""
    await clinic.dana.writes("WAITING Sam AT 2pm")
    await clinic.until(on(5, "14:25"))
    await clinic.dana.replies(await newest(clinic, "dana", "stepaway"), "no show")
    assert "No Show is right this time" in (await newest(clinic, "dana", "receipt")).text
    await clinic.until(on(7, "12:00"))


@story("11", dana=3, alex=3)
async def meant_about_the_client(clinic: Clinic) -> None:
    """The draft's first line says YOU missed; one tap on WAITING; admin is told the alert was wrong."""
    await clinic.dana.writes("NOSHOW Sam")
    assert "YOU missed" in (await newest(clinic, "dana", "draft")).first_line
    await dana_taps(clinic, "WAITING")
    assert "wrong" in (await newest(clinic, "alex", "update")).first_line
    await dana_taps(clinic, "ABSENT")


@story("12", dana=2, alex=2)
async def the_client_has_gone(clinic: Clinic) -> None:
    """Not connected; admin is warned: the client who waited must not be invoiced."""
    await clinic.dana.writes("LATE 25 Sam, texted")
    await clinic.dana.replies(await newest(clinic, "dana", "draft"), "OTHER she had gone home")
    assert "No Show in Jane" in (await newest(clinic, "alex", "update")).text


@story("13", dana=9, alex=9)
async def three_clients_three_mails(clinic: Clinic) -> None:
    """Three cases that don't disturb each other."""
    for client in ("Sam", "Kim", "Jo"):
        await clinic.dana.writes(f"LATE 40 {client}")
        await dana_taps(clinic, "SENT")
    drafts = [letter for letter in clinic.dana.inbox if letter.kind == "draft"]
    for draft in drafts:
        await clinic.minute_by_minute(20)
        await clinic.dana.taps(draft, "CONNECTED")
    assert not await clinic.store.open_cases()


@story("13b", dana=12, alex=9)
async def three_clients_three_questions(clinic: Clinic) -> None:
    """The same; she answers each after its session."""
    for client in ("Sam", "Kim", "Jo"):
        await clinic.dana.writes(f"LATE 40 {client}")
        await dana_taps(clinic, "SENT")
    await clinic.until(on(5, "16:00"))
    assert await kinds(clinic, "dana") == ["draft", "receipt"] * 3 + ["reminder"] * 3
    for question in [letter for letter in clinic.dana.inbox if letter.kind == "reminder"]:
        await clinic.dana.replies(question, "connected")
    assert not await clinic.store.open_cases()
    await clinic.until(on(7, "12:00"))


@story("13c", dana=9, alex=9)
async def three_clients_one_mail(clinic: Clinic) -> None:
    """One mail of three lines: three cases."""
    await clinic.dana.writes("", "LATE 40 Sam\nLATE 50 Kim\nStuck behind an accident.\nLATE 60 Jo")
    await clinic.collect()
    drafts = [letter for letter in clinic.dana.inbox if letter.kind == "draft"]
    assert len({draft.case for draft in drafts}) == len(drafts)
    for word in ("SENT", "CONNECTED"):
        for draft in drafts:
            await clinic.dana.taps(draft, word)
        await clinic.minute_by_minute(20)
    assert not await clinic.store.open_cases()


@story("13d", dana=6, alex=6)
async def two_clients_in_one_line(clinic: Clinic) -> None:
    """The second client is one tap on the draft about the first."""
    await clinic.dana.writes("LATE 10 Sam and LATE 10 Kim")
    first = await newest(clinic, "dana", "draft")
    await clinic.dana.taps(first, "LATE 10 Kim")
    second = await newest(clinic, "dana", "draft")
    assert second.case != first.case
    for word in ("SENT", "CONNECTED"):
        for draft in (first, second):
            await clinic.dana.taps(draft, word)
    await clinic.until(on(6, "12:00"))


@story("14", dana=1, alex=1)
async def a_couple(clinic: Clinic) -> None:
    """Greets plain "Hi": two strangers must not learn of each other."""
    await clinic.dana.writes("LATE 10 Sam & Kim")
    assert "\nHi - I'm running behind" in (await newest(clinic, "dana", "draft")).text


@story("14b", dana=3, ravi=3, alex=6)
async def a_couple_of_two_therapists(clinic: Clinic) -> None:
    """Both are late for the couple that they share: a case each, that the other's answers leave alone."""
    await clinic.dana.writes("LATE 10 Sam & Kim AT 2pm")
    await clinic.ravi.writes("LATE 15 Sam & Kim AT 2pm")
    hers, his = await newest(clinic, "dana", "draft"), await newest(clinic, "ravi", "draft")
    assert hers.case != his.case
    for word in ("SENT", "CONNECTED"):
        await clinic.dana.taps(hers, word)
        assert (await case_of(clinic, his)).sent_at is None or word == "CONNECTED"
        await clinic.ravi.taps(his, word)
    assert not await clinic.store.open_cases()


@story("15", dana=7, alex=7)
async def ordinary_names(clinic: Clinic) -> None:
    """Clients called Will, Grace, May, Art, Hope, To, An."""
    for name in ("Will", "Grace", "May", "Art", "Hope", "To", "An"):
        await clinic.dana.writes(f"LATE 10 {name}, texted")
        assert f"\nHi {name} - " in (await newest(clinic, "dana", "draft")).text


@story("16", dana=5, alex=3)
async def the_phone_is_dead(clinic: Clinic) -> None:
    """Alex reports for Dana and phones Sam: no letter tells Alex "not contacted"; Dana finds it all in the thread."""
    await clinic.alex.writes("LATE 15 Sam FOR Dana")
    await clinic.minute_by_minute(4)
    await clinic.alex.taps(await newest(clinic, "alex", "alert"), "CONTACTED")
    await clinic.until(on(5, "18:00"))
    assert await kinds(clinic, "alex") == ["alert", "receipt"]
    await dana_taps(clinic, "CONNECTED")
    threads = {letter.message["References"].split()[0] for letter in clinic.dana.inbox[1:]}
    assert threads == {clinic.dana.inbox[0].id}


@story("17", {"admins": ("alex", "pat")}, dana=2, alex=2, pat=2)
async def i_will_call_her(clinic: Clinic) -> None:
    """A note: Dana and Alex read it; nobody records a contact that did not happen."""
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.pat.replies(await newest(clinic, "pat", "alert"), "I'll call her")
    assert (await clinic.only_case()).contacted_at is None


@story("18", dana=3, alex=2)
async def rebooked_already(clinic: Clinic) -> None:
    """Closed; Dana reads that an apology is still owed, and is asked once more, in the morning."""
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.alex.replies(await newest(clinic, "alex", "alert"), "RESCHEDULED Tue 3pm")
    told = await newest(clinic, "dana", "update")
    assert told.first_line.startswith("Do not offer a time; an apology from you is still owed")
    await clinic.until(on(7, "12:00"))


@story("19", dana=2, alex=3)
async def from_her_private_account(clinic: Clinic) -> None:
    """Admin gets a notice with the line and a one-tap choice at once; letters say "reply with one word" first."""
    await clinic.dana.writes("LATE 15 Sam")
    draft = await newest(clinic, "dana", "draft")
    assert draft.text.index("Reply with one word") < draft.text.index("mailto:")
    await clinic.stranger.taps(draft, "SENT")
    await clinic.alex.taps(await newest(clinic, "alex", "notice"), "SENT")
    await clinic.until(on(5, "15:00"))
    assert (await case_of(clinic, draft)).contacted_at is not None


@story("20", dana=3, alex=2)
async def never_silence(clinic: Clinic) -> None:
    """Read, or asked with the reading as one tap, and admin told."""
    await clinic.dana.writes("Lathe 15 Sam")
    assert (await newest(clinic, "dana", "help")).tap("LATE 15 Sam")
    await clinic.dana.writes("I'll be 15 minutes late for Sam")
    await clinic.dana.writes("Late 15 for Sam")
    assert (await clinic.only_case()).client == "Sam"


@story("21", dana=1, alex=2)
async def front_desk_mail(clinic: Clinic) -> None:
    """Sam's case stays open; asked; the mail stays in INBOX for people."""
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.alex.writes("RESCHEDULED Kim to Thu")
    assert await kinds(clinic, "alex") == ["alert", "ask"]
    assert (await clinic.only_case()).open
    assert any(b"Kim to Thu" in mail.raw for mail in await clinic.server.stored("clinic@clinic.test"))


@story("22")
async def not_ours(clinic: Clinic) -> None:
    """Left for people."""
    await clinic.dana.writes("Cancel all my sessions today, I'm ill")


@story("22b", {"shared": False}, dana=1, alex=1)
async def not_ours_where_nobody_reads(clinic: Clinic) -> None:
    """In an unshared mailbox: help, and a notice to admin."""
    await clinic.dana.writes("Cancel all my sessions today, I'm ill")


@story("23", {"admins": ("dana", "alex")}, dana=3, alex=3)
async def the_owner(clinic: Clinic) -> None:
    """Reports for herself without FOR; no alert to herself where another admin exists."""
    await clinic.dana.writes("NOSHOW Sam")
    await dana_taps(clinic, "SENT")
    await dana_taps(clinic, "RESCHEDULED")


@story("24", {"lead": True}, dana=7, alex=4, lee=3)
async def the_lead_answers(clinic: Clinic) -> None:
    """Lee is heard as admin; the apology is still Dana's."""
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.minute_by_minute(31)
    escalation = await newest(clinic, "lee", "escalation")
    await clinic.lee.replies(escalation, "I called, rescheduled Tue")
    await clinic.lee.taps(await newest(clinic, "lee", "ask"), "RESCHEDULED")
    await clinic.until(on(7, "12:00"))


@story("25", {"at": on(5, "14:40")}, dana=1, alex=1)
async def written_on_the_bus(clinic: Clinic) -> None:
    """Both letters begin with when it was written; nobody is told a wrong time."""
    await clinic.dana.writes("LATE 15 Sam", Date="Thu, 05 Nov 2026 13:50:00 -0500")
    for name, kind in (("dana", "draft"), ("alex", "alert")):
        assert (await newest(clinic, name, kind)).first_line.startswith("Written at 1:50 pm, arrived at 2:40 pm.")


@story("26", {"at": on(5, "13:20")}, dana=1, alex=1)
async def before_the_hour(clinic: Clinic) -> None:
    """No "expected" is invented."""
    await clinic.dana.writes("LATE 15 Sam")
    alert = await newest(clinic, "alex", "alert")
    assert alert.facts["expected_at"] is None
    assert "Expected:" not in alert.text


@story("27", {"at": on(5, "10:00")}, dana=4, alex=2)
async def two_sams(clinic: Clinic) -> None:
    """Two cases; the first does not vanish into the second."""
    await clinic.dana.writes("NOSHOW Sam AT 9am, texted")
    await clinic.until(on(5, "16:00"))
    await clinic.dana.writes("LATE 15 Sam, texted")
    assert len(await clinic.store.open_cases()) == 2
    await clinic.until(on(5, "17:30"))


@story("27b", dana=8, alex=6)
async def late_again_in_yesterdays_thread(clinic: Clinic) -> None:
    """Today's report in yesterday's thread is a case of its own, and its client is told."""
    await clinic.dana.writes("LATE 10 Sam")
    yesterday = await newest(clinic, "dana", "draft")
    await clinic.dana.taps(yesterday, "SENT")
    await clinic.until(on(6, "13:55"))
    await clinic.dana.replies(yesterday, "Late 10 Sam AT 2pm")
    today = await newest(clinic, "dana", "draft")
    assert today.case != yesterday.case
    for word, draft in (("SENT", today), ("CONNECTED", today), ("CONNECTED", yesterday)):
        await clinic.dana.taps(draft, word)
    assert not await clinic.store.open_cases()


@story("28", dana=9, alex=4)
async def on_holiday(clinic: Clinic) -> None:
    """Admin: one notice, one escalation, then one reminder a clinic morning; the robot moves nothing, gets nothing."""
    await clinic.alex.writes("NOSHOW Sam FOR Dana")
    answered = 0
    for at in (on(5, "14:00"), on(5, "14:05"), on(5, "20:00"), on(6, "08:00"), on(6, "08:19")):
        await clinic.until(at)
        await clinic.collect()
        for letter in clinic.dana.inbox[answered:]:
            answer = {"Auto-Submitted": "auto-replied", "In-Reply-To": letter.id}
            await clinic.dana.writes(f"Automatic reply: {letter.subject}", "I am away. RESCHEDULED", **answer)
        answered = len(clinic.dana.inbox)
    await clinic.until(on(6, "08:20"))
    assert await kinds(clinic, "alex") == ["alert", "notice", "escalation", "reminder"]
    assert (await clinic.only_case()).open


@story("29", dana=3, alex=2)
async def thanks(clinic: Clinic) -> None:
    """Asked at most, and admin is not bothered."""
    await clinic.dana.writes("LATE 10 Sam")
    await dana_taps(clinic, "SENT")
    await clinic.dana.replies(await newest(clinic, "dana", "receipt"), "thanks!")


@story("30", dana=1, alex=1)
async def face_up_on_the_table(clinic: Clinic) -> None:
    """She presents her screen: subject and first line show initials only."""
    await clinic.dana.writes("LATE 10 Sam Peters")
    for name, kind in (("dana", "draft"), ("alex", "alert")):
        letter = await newest(clinic, name, kind)
        shown = f"{letter.subject} {letter.first_line}"
        assert "S.P." in shown
        assert "Sam" not in shown
        assert "Peters" not in shown


@story("31", dana=3, alex=3)
async def the_client_waits(clinic: Clinic) -> None:
    """One mail says that the client was told, and what they answered; nothing is asked back."""
    await clinic.dana.writes("LATE 15 Sam AT 2pm")
    await clinic.minute_by_minute(2)
    await clinic.dana.replies(await newest(clinic, "dana", "draft"), "Sent, she'll wait")
    assert (await newest(clinic, "alex", "update")).facts["client_says"] == "waits"
    await clinic.minute_by_minute(13)
    await clinic.dana.taps(await newest(clinic, "dana", "receipt"), "CONNECTED")
    await clinic.until(on(6, "12:00"))


@story("32", {"digest": "08:30"}, dana=6, alex=5)
async def the_client_wants_another_time(clinic: Clinic) -> None:
    """Admin is asked for it, sees it in the morning, and finds one; Dana is asked at the end of the session."""
    await clinic.dana.writes("LATE 15 Sam AT 2pm")
    await dana_taps(clinic, "SENT")
    await clinic.dana.replies(await newest(clinic, "dana", "receipt"), "Client would rather reschedule")
    await clinic.until(on(6, "08:45"))
    assert "wants a new time" in (await newest(clinic, "alex", "digest")).text
    await clinic.alex.taps(await newest(clinic, "alex", "update"), "RESCHEDULED")
    await clinic.until(on(6, "20:00"))


@story("33", dana=4, alex=3)
async def an_apology_in_the_morning(clinic: Clinic) -> None:
    """Admin has found a new time; Dana apologizes when she is asked, and nothing more is."""
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.alex.replies(await newest(clinic, "alex", "alert"), "RESCHEDULED Tue 3pm")
    await clinic.until(on(6, "08:30"))
    await clinic.dana.replies(await newest(clinic, "dana", "reminder"), "Called her, she was kind")
    assert "Nothing more to answer" in (await newest(clinic, "dana", "receipt")).first_line
    await clinic.until(on(9, "12:00"))


@story("34", dana=8, alex=6)
async def late_twice_in_two_days(clinic: Clinic) -> None:
    """The same client on two days: two cases, each with its own letters and its own end."""
    for day in (5, 6):
        await clinic.until(on(day, "14:00"))
        await clinic.dana.writes("LATE 10 Sam AT 2pm")
        await clinic.minute_by_minute(6)  # reminded
        await dana_taps(clinic, "SENT")
        await clinic.minute_by_minute(6)
        await dana_taps(clinic, "CONNECTED")
    assert not await clinic.store.open_cases()


@story("35", dana=1, alex=5)
async def the_leaver(clinic: Clinic) -> None:
    """Dana leaves with a case open: admin has the notice, her message and the morning's reminder, and ends it."""
    await clinic.dana.writes("NOSHOW Sam")
    await changes(clinic, "reloaded", DANA, "")
    await clinic.until(on(6, "08:10"))
    await clinic.alex.taps(await newest(clinic, "alex", "reminder"), "RESCHEDULED")
    await clinic.until(on(9, "12:00"))
    assert sorted(await kinds(clinic, "alex")) == ["alert", "escalation", "notice", "receipt", "reminder"]


@story("36", {"lead": True}, dana=4, alex=3, lee=3)
async def the_admin_is_away(clinic: Clinic) -> None:
    """The only admin's mailbox answers by itself: the lead has the alert, and reaches the client."""
    await clinic.dana.writes("LATE 20 Sam AT 2pm")
    alert = await newest(clinic, "alex", "alert")
    answer = {"Auto-Submitted": "auto-replied", "In-Reply-To": alert.id}
    await clinic.alex.writes(f"Automatic reply: {alert.subject}", "I am away.", **answer)
    await clinic.lee.replies(await newest(clinic, "lee", "alert"), "Called her, she can wait")
    assert (await clinic.only_case()).client_says == "waits"
    await clinic.minute_by_minute(20)
    await dana_taps(clinic, "CONNECTED")
    await clinic.until(on(6, "12:00"))
