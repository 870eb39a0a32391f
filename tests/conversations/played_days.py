"""More of `stories`: days on which somebody's phone, clock, address or mind was not as usual."""

from __future__ import annotations

from datetime import datetime

from tests.conversation import TORONTO, Clinic
from tests.conversations.steps import DANA, WRONG, case_of, changes, on
from tests.conversations.stories import STORIES, dana_taps, kinds, newest, story

__all__ = ["STORIES"]


@story("37", {"at": datetime(2026, 10, 31, 22, 30, tzinfo=TORONTO)}, dana=6, alex=4)
async def the_clock_goes_back(clinic: Clinic) -> None:
    """The night has an hour more; the morning comes at eight all the same, and yesterday is yesterday."""
    await clinic.dana.writes("NOSHOW Sam AT 9pm")
    await clinic.until(on(1, "07:59"))
    assert await kinds(clinic, "dana") == ["draft", "reminder"]
    assert "You hear again on Sun 1 Nov, 8:00 am" in (await newest(clinic, "alex", "alert")).text
    await clinic.until(on(1, "08:04"))
    assert await kinds(clinic, "alex") == ["alert", "escalation"]
    assert "missed our appointment time yesterday" in (await newest(clinic, "dana", "reminder")).text
    await dana_taps(clinic, "SENT")
    assert "after 634 minutes" in (await newest(clinic, "alex", "update")).first_line
    await clinic.until(on(1, "11:10"))
    await clinic.dana.replies(await newest(clinic, "dana", "reminder"), "Rescheduled to Tue 3pm")
    await clinic.until(on(3, "12:00"))


@story("38", dana=6, alex=6)
async def two_kinds_in_one_mail(clinic: Clinic) -> None:
    """Overslept: one session is missed, the next begins late. Each client has the text that is theirs."""
    await clinic.dana.writes("NOSHOW Kim AT 1pm", "LATE 15 Sam AT 2pm")
    await clinic.collect()
    missed, late = sorted(clinic.dana.inbox, key=lambda draft: "LATE" in draft.subject)
    assert "Hi Kim - I'm very sorry, I missed" in missed.text
    assert "Hi Sam - I'm running behind" in late.text
    assert {letter.facts["kind"] for letter in clinic.alex.inbox} == {"noshow", "late"}
    for draft, word in ((late, "SENT"), (missed, "SENT"), (late, "CONNECTED"), (missed, "RESCHEDULED")):
        await clinic.dana.taps(draft, word)
    assert not await clinic.store.open_cases()


@story("39", dana=3, alex=5)
async def the_wrong_address_is_mended(clinic: Clinic) -> None:
    """Letters to Dana are refused: Alex has her message at once. Mended and reread, it is hers again."""
    await changes(clinic, "restarted", DANA, WRONG)
    clinic.server.refuse("someone@elsewhere.test", "550 5.1.1 No such user")
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.settled()
    assert "Hi Sam - I'm very sorry" in (await newest(clinic, "alex", "escalation")).text
    await changes(clinic, "reloaded", WRONG, DANA)
    await clinic.minute_by_minute(4)
    await dana_taps(clinic, "SENT")
    await clinic.dana.replies(await newest(clinic, "dana", "receipt"), "RESCHEDULED Tue 3pm")
    await clinic.until(on(7, "12:00"))


@story("40", {"at": on(5, "14:12")}, dana=4, alex=2)
async def the_late_client_wants_another_time(clinic: Clinic) -> None:
    """Told to admin, who finds one within the session's time: Dana is not asked how it ended."""
    await clinic.dana.writes("WAITING Sam AT 2pm")
    await clinic.minute_by_minute(3)
    await clinic.dana.replies(await newest(clinic, "dana", "draft"), "She wants to reschedule")
    await clinic.until(on(5, "14:40"))
    await clinic.alex.replies(await newest(clinic, "alex", "update"), "RESCHEDULED Thu 4pm")
    await clinic.until(on(7, "12:00"))


@story("41", dana=3, alex=3)
async def a_phone_without_subject(clinic: Clinic) -> None:
    """Every line is a mail of its own, with a signature that is none of her words."""
    for line in ("late 10 Sam", "Sent", "Connected"):
        await clinic.dana.writes("", f"{line}\n\nSent from my iPhone\n")
        await clinic.minute_by_minute(4)
    assert "iPhone" not in "".join(letter.text for letter in (*clinic.dana.inbox, *clinic.alex.inbox))
    await clinic.until(on(6, "12:00"))


@story("42", dana=4, alex=4)
async def the_client_changes_their_mind(clinic: Clinic) -> None:
    """First they can wait, then they want another time: the later answer stands, and admin finds one."""
    await clinic.dana.writes("LATE 20 Sam AT 2pm")
    await clinic.dana.replies(await newest(clinic, "dana", "draft"), "Told him, he can wait")
    await clinic.minute_by_minute(8)
    await clinic.dana.replies(await newest(clinic, "dana", "receipt"), "He would rather reschedule")
    update = await newest(clinic, "alex", "update")
    assert update.first_line.startswith("Find S. a new time")
    await clinic.alex.replies(update, "RESCHEDULED Mon 9am")
    await clinic.until(on(6, "12:00"))


@story("43", dana=6, alex=4)
async def the_wrong_case_is_taken_back(clinic: Clinic) -> None:
    """Alex closes Kim's case with Sam's new time, and takes it back: Dana is asked about both as before."""
    for client in ("Sam", "Kim"):
        await clinic.dana.writes(f"NOSHOW {client}, texted")
    theirs = await newest(clinic, "alex", "alert")
    await clinic.alex.replies(theirs, "RESCHEDULED Tue 3pm")
    await clinic.minute_by_minute(2)
    await clinic.alex.replies(theirs, "UNDO")
    assert (await case_of(clinic, theirs)).open
    await clinic.until(on(5, "17:10"))
    await clinic.collect()
    reminders = [letter.case for letter in clinic.dana.inbox if letter.kind == "reminder"]
    assert len(reminders) == 2 and theirs.case in reminders
