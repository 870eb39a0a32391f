"""Letters of every kind and topic, for the goldens, the pictures, and rules that hold for every letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.cast import CADENCE
from workflow.core.model import Case, Choice, Datum, Facts, Letter, LetterKind, Outcome, Says, State
from workflow.core.owed import admin_choices, apology_choice, associate_choices, choices, outcome_choices
from workflow.core.people import Person, Role, Roster
from workflow.core.rules import Kind, Rules

DANA = Person("Dana Lee", ("dana@clinic.test",))
RAVI = Person("Ravi Patel", ("ravi@clinic.test",))
ALEX = Person("Front Desk", ("admin@clinic.test",))
PAT = Person("Pat", ("pat@clinic.test",))
LEE = Person("Lee", ("lead@clinic.test",))

RULES = Rules(
    clinic="Riverside Counselling",
    address="clinic@clinic.test",
    roster=Roster((DANA, RAVI), (ALEX, PAT), LEE),
    cadence=CADENCE,
    stale_after=timedelta(hours=12),
)

NOW = datetime(2026, 11, 24, 19, 20, tzinfo=UTC)
"""2:20 pm in Toronto."""
TWO = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
"""2:00 pm."""

LATE = Facts(
    case="K7Q2",
    kind=Kind.LATE,
    state=State.OPEN,
    associate=DANA,
    client="Sam P.",
    minutes=15,
    session_at=None,
    expected_at=None,
    reported_at=NOW,
    contacted_at=None,
    outcome=None,
    outcome_note=None,
    makeup=False,
    note=None,
    reminders_sent=0,
    escalated=False,
    yesterday=False,
    session=timedelta(minutes=50),
    sent=False,
    reached=False,
)
NOSHOW = replace(LATE, kind=Kind.NOSHOW, minutes=None, session_at=TWO)
WAITING = replace(LATE, kind=Kind.WAITING, minutes=None, session_at=TWO)


IN_LISTS: Mapping[str, str] = {
    "K7Q2": "Sam P., noshow, missed by Dana L., session 2:00 pm",
    "W4XP": "Kim O., late, Dana L., reported 2:10 pm",
}
"""Two cases by id, as `core.language.printed` lists them."""

NOTICES: Mapping[str, str] = {
    "bounce": "A letter (draft) to Dana Lee came back as undeliverable.",
    "refused-letter": "A letter (draft) to Dana Lee was refused: 550 no such user.",
    "set-aside": "A mail could not be handled (ValueError). It lies in the folder Promptly/Set aside.",
    "refused": (
        "A mail from Dana Lee <dana@clinic.test>. It is in the name of Dana Lee, and failed the sender check. It had "
        "no effect."
    ),
    "stranger": "A mail from Dana <dana@home.test>. That address is not on the roster. It had no effect.",
    "own-address": (
        "A mail from Riverside <clinic@clinic.test>. Somebody wrote as the clinic's mailbox itself. It had no effect."
    ),
    "out-of-office": (
        "Dana Lee has an open case, and an out-of-office reply came from their address. Perhaps nobody answers: "
        f"[K7Q2] {IN_LISTS['K7Q2']}."
    ),
    "admin-away": "An automatic reply came from the address of Front Desk. Perhaps they read no alerts.",
    "left": (
        f"These open cases are yours: their associate is no longer in the configuration. [K7Q2] {IN_LISTS['K7Q2']}."
    ),
    "stale": "A report of Dana Lee arrived too long ago to act on; no case was opened.",
    "cap": "Dana Lee has had 10 answers within 10 minutes.",
    "outage": "The SMTP server has not been reached since 14:02. Letters wait until it is back; nothing is lost.",
    "login": (
        "The IMAP server has refused the login since 14:02: check the password. New mail is not seen until it is "
        "accepted; nothing is lost."
    ),
    "disk": (
        "The store has refused writes since 14:02: it is full, or failing. New reports and answers wait in the "
        "mailbox, and reminders wait, until it takes them; nothing is lost."
    ),
    "recalled": "Dana Lee tried to recall a mail, and was asked what was a mistake.",
    "unread": "Dana Lee wrote a line that could not be read, and was asked what was meant.",
    "template": "A template of the clinic failed (alert.txt, line 3: UndefinedError); Promptly's own was used instead.",
    "other-associate": "Ravi Patel wrote about case K7Q2 of Dana Lee; nothing was changed.",
    "case-file": "The file K7Q2.json cannot be read; it was set aside.",
    "delayed": "The draft of case K7Q2 to Dana Lee is not accepted yet; it is tried again.",
    "backup": (
        "The daily backup of the state could not be made (No space left on device). Promptly goes on, and tries each "
        "hour."
    ),
    "board": (
        "The board (/srv/board/board.html) could not be written since 2:02 pm: No space left on device. Promptly goes "
        "on, and tries again."
    ),
    "new-state": (
        "Its state is new, but in the mailbox lies mail that a Promptly has handled. If the state was lost, open cases "
        "are lost with it: put back a backup (state/README.md says how), or have them reported anew. If another "
        "Promptly runs on this mailbox, stop one of the two."
    ),
    "other-instance": (
        "Somebody answered a letter, or a letter came, that Promptly wrote for this mailbox, but not this one. Perhaps "
        "a second Promptly runs on it, and everything is done twice: stop one of the two. Or the state was lost since, "
        "and open cases with it."
    ),
    "restored": (
        "3 mails that had been acted on were not known: the state was put back from a copy, or lost its last moments. "
        "All of it goes back to the inbox and is acted on again, under the same case ids. What a copy cannot know: "
        "which letters went since it was made, so that some may come again, and what was erased since then elsewhere."
    ),
    "withheld": (
        "A mail could not be read: the IMAP server refuses to hand it out. It lies where it lay; it may be a report."
    ),
    "unwatched": (
        "Nobody watched the mailbox from 14:02 until 14:41. What came meanwhile is acted on now, and what was due "
        "comes now; nothing is lost."
    ),
    "held": (
        "Since 14:02 nobody watches the mailbox: whoever runs Promptly holds it. Reports wait there until it goes on; "
        "nothing is lost."
    ),
    "stuck": "A due time of case K7Q2 could not be acted on for over a minute: the log says why.",
}
"""What a notice of each topic tells."""


def case_of(facts: Facts) -> Case:
    """The case that a letter with these facts is about."""
    return Case(
        id=facts.case,
        kind=facts.kind,
        state=facts.state,
        associate=facts.associate,
        client=facts.client,
        minutes=facts.minutes,
        session_at=facts.session_at,
        yesterday=facts.yesterday,
        reported_at=facts.reported_at,
        opened_at=facts.reported_at,
        changed_at=facts.reported_at,
        cadence=RULES.cadence,
        sent_at=NOW if facts.sent else None,
        reached_at=NOW if facts.reached else None,
        outcome=facts.outcome,
        makeup=facts.makeup,
        client_says=facts.client_says,
        apology_at=NOW if facts.apology else None,
    )


def offered_in(kind: LetterKind, role: Role, facts: Facts | None) -> tuple[Choice, ...]:
    """The choices that the rules give such a letter."""
    if facts is None or kind is LetterKind.UPDATE or (kind is LetterKind.RECEIPT and role is not Role.ASSOCIATE):
        return ()
    case = case_of(facts)
    answers = kind not in {LetterKind.DRAFT, LetterKind.STEPAWAY}
    return associate_choices(case, answers=answers) if role is Role.ASSOCIATE else admin_choices(case)


def written(
    kind: LetterKind,
    topic: str,
    role: Role = Role.ASSOCIATE,
    facts: Facts | None = None,
    offered: tuple[Choice, ...] | None = None,
    data: Mapping[str, Datum] | None = None,
) -> Letter:
    """A letter as `core.owed` would owe it."""
    if offered is None:
        offered = offered_in(kind, role, facts)
    return Letter(
        id="K7Q2.1" if facts else "desk.1",
        kind=kind,
        topic=topic,
        to={Role.ASSOCIATE: DANA, Role.ADMIN: ALEX, Role.LEAD: LEE}[role],
        role=role,
        message_id="<K7Q2.1.abcdefghijkl@clinic.test>",
        created_at=NOW,
        case=facts.case if facts else None,
        facts=facts,
        data=data or {},
        choices=offered,
    )


def _closed(facts: Facts, outcome: Outcome, note: str | None = None) -> Facts:
    return replace(facts, state=State.CLOSED, outcome=outcome, outcome_note=note)


def samples() -> Iterator[tuple[str, Letter]]:
    """(name of its golden, letter)."""
    yield from _cases()
    yield from _updates()
    yield from _receipts()
    yield from _answers()
    yield from _desk()


def _cases() -> Iterator[tuple[str, Letter]]:
    admin, lead = Role.ADMIN, Role.LEAD
    timed = replace(LATE, session_at=TWO, expected_at=TWO + timedelta(minutes=15), note="stuck in traffic")
    on_the_bus: dict[str, Datum] = {"written_at": "2026-11-24T18:50:00+00:00"}
    messaged = replace(LATE, sent=True, contacted_at=NOW)
    yield "alert-late", written(LetterKind.ALERT, "opened", admin, timed)
    yield "alert-late-texted", written(LetterKind.ALERT, "opened", admin, messaged)
    yield "alert-late-written-long-before", written(LetterKind.ALERT, "opened", admin, LATE, data=on_the_bus)
    yield "alert-late-again", written(LetterKind.ALERT, "changed", admin, LATE, data={"changed": "estimate"})
    named: dict[str, Datum] = {"changed": "client"}
    yield "alert-late-client-named", written(LetterKind.ALERT, "changed", admin, LATE, data=named)
    yield "alert-late-no-client", written(LetterKind.ALERT, "opened", admin, replace(LATE, client=None, minutes=None))
    yield "alert-noshow", written(LetterKind.ALERT, "opened", admin, NOSHOW)
    yield "alert-noshow-after-late", written(LetterKind.ALERT, "changed", admin, NOSHOW, data={"changed": "kind"})
    yield "draft-late", written(LetterKind.DRAFT, "opened", facts=LATE)
    yield "draft-late-one-minute", written(LetterKind.DRAFT, "opened", facts=replace(LATE, minutes=1))
    yield "draft-late-no-minutes", written(LetterKind.DRAFT, "opened", facts=replace(LATE, minutes=None))
    yield "draft-late-texted", written(LetterKind.DRAFT, "opened", facts=messaged)
    yield "draft-late-written-long-before", written(LetterKind.DRAFT, "opened", facts=LATE, data=on_the_bus)
    yield (
        "draft-late-over-session",
        written(LetterKind.DRAFT, "opened", facts=replace(LATE, minutes=75), data={"over_session": True}),
    )
    meant = (Choice("NOSHOW Sam AT 08:00", "Did you mean this?", "K7Q2"), *associate_choices(case_of(LATE)))
    untimed = replace(LATE, session_at=None, expected_at=None)
    early: dict[str, Datum] = {"over_time": "8:00 am"}
    yield "draft-late-over", written(LetterKind.DRAFT, "opened", facts=untimed, offered=meant, data=early)
    yield "alert-late-over", written(LetterKind.ALERT, "opened", Role.ADMIN, untimed, data=early)
    nobody = replace(LATE, client=None)
    yield "draft-late-no-client", written(LetterKind.DRAFT, "opened", facts=nobody)
    couple = replace(LATE, client="Sam & Kim")
    several: dict[str, Datum] = {"unmessaged": ["K."], "others": [f"[W4XP] {IN_LISTS['W4XP']}"]}
    yield "draft-late-couple", written(LetterKind.DRAFT, "opened", facts=couple, data=several)
    later = replace(LATE, minutes=25)
    yield "draft-late-changed", written(LetterKind.DRAFT, "changed", facts=later, data={"changed": "estimate"})
    yield "draft-late-for-her", written(LetterKind.DRAFT, "opened", facts=LATE, data={"by": "Front Desk"})
    yield "draft-late-reached", written(LetterKind.DRAFT, "changed", facts=replace(later, reached=True))
    named_by: dict[str, Datum] = {"changed": "client", "by": "Front Desk"}
    yield "draft-late-named", written(LetterKind.DRAFT, "changed", facts=LATE, data=named_by)
    yield "draft-noshow", written(LetterKind.DRAFT, "opened", facts=NOSHOW)
    last_night: dict[str, Datum] = {"written_at": "2026-11-24T03:50:00+00:00"}
    yield "draft-noshow-written-the-day-before", written(LetterKind.DRAFT, "opened", facts=NOSHOW, data=last_night)
    yield "draft-noshow-texted", written(LetterKind.DRAFT, "opened", facts=replace(NOSHOW, sent=True))
    evening = replace(NOSHOW, yesterday=True, session_at=TWO - timedelta(hours=19))
    yield "draft-noshow-yesterday", written(LetterKind.DRAFT, "opened", facts=evening)
    doubtful: dict[str, Datum] = {"future_time": True, "morning": True}
    long_ago = replace(NOSHOW, session_at=None, missed_on=date(2026, 11, 2))
    yield "draft-noshow-monday", written(LetterKind.DRAFT, "opened", facts=long_ago)
    yield (
        "draft-noshow-morning",
        written(LetterKind.DRAFT, "opened", facts=replace(NOSHOW, session_at=None), data=doubtful),
    )
    yield "draft-waiting", written(LetterKind.DRAFT, "opened", facts=replace(WAITING, session_at=NOW))
    yield "draft-waiting-no-time", written(LetterKind.DRAFT, "opened", facts=replace(WAITING, session_at=None))
    yield "stepaway", written(LetterKind.STEPAWAY, "", facts=WAITING)
    yield "reminder-late-contact", written(LetterKind.REMINDER, "contact", facts=LATE)
    yield "reminder-late-outcome", written(LetterKind.REMINDER, "outcome", facts=messaged)
    yield "reminder-noshow-contact", written(LetterKind.REMINDER, "contact", facts=NOSHOW)
    by_night = replace(NOSHOW, session_at=TWO - timedelta(hours=19), reported_at=TWO - timedelta(hours=18))
    yield "reminder-noshow-next-day", written(LetterKind.REMINDER, "contact", facts=by_night)
    yield "reminder-noshow-outcome", written(LetterKind.REMINDER, "outcome", facts=replace(NOSHOW, sent=True))
    wants = replace(messaged, client_says=Says.REBOOK)
    yield "reminder-late-rebook", written(LetterKind.REMINDER, "outcome", facts=wants)
    owed = replace(_closed(NOSHOW, Outcome.RESCHEDULED, "Tue 3pm"), apology=True)
    yield "reminder-noshow-apology", written(LetterKind.REMINDER, "apology", facts=owed)
    undated = replace(owed, outcome_note=None)
    yield "reminder-noshow-apology-undated", written(LetterKind.REMINDER, "apology", facts=undated)
    could_wait = replace(LATE, reached=True, client_says=Says.WAITS)
    yield "reminder-late-can-wait", written(LetterKind.REMINDER, "contact", facts=could_wait)
    yield "reminder-waiting-outcome", written(LetterKind.REMINDER, "outcome", facts=WAITING)
    yield "escalation-late-admin", written(LetterKind.ESCALATION, "contact", admin, LATE)
    yield "escalation-noshow-admin", written(LetterKind.ESCALATION, "contact", admin, NOSHOW)
    yield "escalation-late-away", written(LetterKind.ESCALATION, "away", admin, LATE)
    yield "escalation-noshow-away", written(LetterKind.ESCALATION, "away", admin, NOSHOW)
    yield "escalation-waiting-away", written(LetterKind.ESCALATION, "away", admin, WAITING)
    yield "reminder-late-contact-admin", written(LetterKind.REMINDER, "contact", admin, LATE)
    yield "reminder-noshow-outcome-admin", written(LetterKind.REMINDER, "outcome", admin, replace(NOSHOW, sent=True))
    over = replace(LATE, session_at=TWO - timedelta(hours=5), reported_at=TWO - timedelta(hours=5), note=None)
    yield "escalation-late-past", written(LetterKind.ESCALATION, "contact", admin, over)
    yield "draft-late-past", written(LetterKind.DRAFT, "changed", facts=over, data={"changed": "client"})
    unread = replace(NOSHOW, unread=True, escalates_at=NOW)
    yield "alert-noshow-unread", written(LetterKind.ALERT, "opened", admin, unread)
    yield "escalation-noshow-lead", written(LetterKind.ESCALATION, "contact", lead, NOSHOW)
    yield "escalation-noshow-lead-away", written(LetterKind.ESCALATION, "away", lead, NOSHOW)


def _updates() -> Iterator[tuple[str, Letter]]:
    admin = Role.ADMIN
    dana: dict[str, Datum] = {"by": "Dana Lee"}
    pat: dict[str, Datum] = {"by": "Pat"}
    note: dict[str, Datum] = {**pat, "text": "I'll call her"}
    told = replace(LATE, sent=True, contacted_at=NOW)
    yield "update-sent", written(LetterKind.UPDATE, "sent", admin, told, data={**dana, "minutes_taken": 4})
    yield "update-sent-at-once", written(LetterKind.UPDATE, "sent", admin, told, data={**dana, "minutes_taken": 0})
    recorded: dict[str, Datum] = {**pat, "minutes_taken": 4, "text": "she waits"}
    yield "update-sent-recorded", written(LetterKind.UPDATE, "sent", admin, told, data=recorded)
    yield "update-note", written(LetterKind.UPDATE, "note", admin, LATE, data=note)
    unclear: dict[str, Datum] = {**dana, "text": "RESCHEDULED or not? She cancelled"}
    yield "update-unclear", written(LetterKind.UPDATE, "unclear", admin, LATE, data=unclear)
    waits = replace(told, client_says=Says.WAITS)
    yield "update-waits", written(LetterKind.UPDATE, "waits", admin, waits, data={**dana, "minutes_taken": 4})
    wants = replace(told, client_says=Says.REBOOK)
    new_time = admin_choices(case_of(wants))[:1]
    yield "update-rebook", written(LetterKind.UPDATE, "rebook", admin, wants, offered=new_time, data=dana)
    asked: dict[str, Datum] = {**dana, "text": "please find him a time"}
    yield "update-rebook-with-a-note", written(LetterKind.UPDATE, "rebook", admin, wants, offered=new_time, data=asked)
    yield "update-associate-waits", written(LetterKind.UPDATE, "waits", facts=waits, data=pat)
    yield "update-associate-rebook", written(LetterKind.UPDATE, "rebook", facts=wants, data=pat)
    yield "update-undone", written(LetterKind.UPDATE, "undone", admin, LATE, data={**dana, "text": "outcome"})
    mistaken = replace(NOSHOW, state=State.CANCELLED)
    yield "update-cancelled", written(LetterKind.UPDATE, "cancelled", admin, mistaken, data=dana)
    yield "update-wrong", written(LetterKind.UPDATE, "wrong", admin, WAITING, data=dana)
    reached = replace(NOSHOW, reached=True, contacted_at=NOW)
    yield "update-reached", written(LetterKind.UPDATE, "reached", admin, reached, data=pat)
    yield "update-makeup", written(LetterKind.UPDATE, "makeup", admin, replace(NOSHOW, makeup=True), data=dana)
    for facts, outcome in (
        (LATE, Outcome.CONNECTED),
        (LATE, Outcome.UNREACHABLE),
        (NOSHOW, Outcome.RESCHEDULED),
        (WAITING, Outcome.ABSENT),
    ):
        ended = _closed(facts, outcome, "Tue 3pm" if outcome is Outcome.RESCHEDULED else None)
        yield f"update-{facts.kind}-{outcome}", written(LetterKind.UPDATE, "outcome", admin, ended, data=dana)
    yield (
        "update-late-other",
        written(LetterKind.UPDATE, "outcome", admin, _closed(LATE, Outcome.OTHER, "left"), data=dana),
    )
    yield "update-associate-sent", written(LetterKind.UPDATE, "sent", facts=told, data=pat)
    corrected = _closed(WAITING, Outcome.UNREACHABLE)
    yield "update-associate-wrong", written(LetterKind.UPDATE, "wrong", facts=corrected, data=pat)
    yield "update-associate-reached", written(LetterKind.UPDATE, "reached", facts=reached, data=pat)
    rebooked = replace(_closed(NOSHOW, Outcome.RESCHEDULED, "Tue 3pm"), apology=True)
    given = apology_choice(case_of(rebooked))
    yield "update-associate-rescheduled", written(LetterKind.UPDATE, "outcome", facts=rebooked, offered=given, data=pat)
    unreached = _closed(NOSHOW, Outcome.UNREACHABLE)
    yield "update-associate-unreachable", written(LetterKind.UPDATE, "outcome", facts=unreached, data=pat)
    gone = _closed(LATE, Outcome.OTHER, "client has left")
    yield "update-associate-other", written(LetterKind.UPDATE, "outcome", facts=gone, data=pat)
    taken_back: dict[str, Datum] = {**pat, "text": "outcome"}
    yield "update-associate-undone", written(LetterKind.UPDATE, "undone", facts=NOSHOW, data=taken_back)
    yield "update-associate-cancelled", written(LetterKind.UPDATE, "cancelled", facts=mistaken, data=pat)
    yield "update-associate-note", written(LetterKind.UPDATE, "note", facts=LATE, data=note)


def _receipts() -> Iterator[tuple[str, Letter]]:
    admin = Role.ADMIN
    told = replace(LATE, sent=True, contacted_at=NOW)
    yield "receipt-sent", written(LetterKind.RECEIPT, "sent", facts=told)
    yield "receipt-sent-recorded", written(LetterKind.RECEIPT, "sent", admin, told)
    waits, wants = replace(told, client_says=Says.WAITS), replace(told, client_says=Says.REBOOK)
    yield "receipt-waits", written(LetterKind.RECEIPT, "waits", facts=waits)
    yield "receipt-rebook", written(LetterKind.RECEIPT, "rebook", facts=wants, data={"asked_admin": "Alex Moreau"})
    yield "receipt-rebook-by-the-only-admin", written(LetterKind.RECEIPT, "rebook", admin, wants)
    yield "receipt-noshow-sent", written(LetterKind.RECEIPT, "sent", facts=replace(NOSHOW, sent=True))
    for facts, outcome in (
        (LATE, Outcome.CONNECTED),
        (LATE, Outcome.UNREACHABLE),
        (NOSHOW, Outcome.RESCHEDULED),
        (WAITING, Outcome.ABSENT),
    ):
        ended = _closed(facts, outcome, "Tue 3pm" if outcome is Outcome.RESCHEDULED else None)
        name = f"receipt-{facts.kind}-{outcome}"
        yield name, written(LetterKind.RECEIPT, "outcome", facts=ended)
    yield "receipt-makeup", written(LetterKind.RECEIPT, "makeup", facts=replace(NOSHOW, makeup=True))
    yield "receipt-client", written(LetterKind.RECEIPT, "client", facts=LATE)
    yield "receipt-undone", written(LetterKind.RECEIPT, "undone", facts=LATE, data={"text": "outcome"})
    yield "receipt-undone-sent", written(LetterKind.RECEIPT, "undone", facts=LATE, data={"text": "sent"})
    other = _closed(LATE, Outcome.OTHER, "client has left")
    yield "receipt-late-other", written(LetterKind.RECEIPT, "outcome", facts=other)
    arrived = _closed(WAITING, Outcome.ARRIVED)
    yield "receipt-waiting-arrived", written(LetterKind.RECEIPT, "outcome", facts=arrived)
    yield "receipt-cancelled", written(LetterKind.RECEIPT, "cancelled", facts=replace(LATE, state=State.CANCELLED))
    mistaken = replace(NOSHOW, state=State.CANCELLED)
    yield "receipt-noshow-cancelled", written(LetterKind.RECEIPT, "cancelled", facts=mistaken)
    corrected = _closed(WAITING, Outcome.UNREACHABLE)
    known = outcome_choices(case_of(corrected))
    yield "receipt-wrong", written(LetterKind.RECEIPT, "wrong", facts=corrected, offered=known)
    never = replace(WAITING, state=State.CANCELLED)
    yield "receipt-wrong-cancelled", written(LetterKind.RECEIPT, "wrong", facts=never, offered=known)
    yield "receipt-wrong-admin", written(LetterKind.RECEIPT, "wrong", admin, WAITING)
    yield "receipt-reached", written(LetterKind.RECEIPT, "reached", admin, replace(NOSHOW, reached=True))
    kept = replace(LATE, unread=True)
    yield "receipt-note-kept", written(LetterKind.RECEIPT, "note", admin, kept, data={"text": "I'll call her"})
    yield "receipt-reached-unread", written(LetterKind.RECEIPT, "reached", admin, replace(kept, reached=True))
    passed: dict[str, Datum] = {"by": "Dana Lee", "text": "I told him in the waiting room"}
    yield "receipt-passed-on", written(LetterKind.RECEIPT, "passed-on", data=passed)
    yield "receipt-note", written(LetterKind.RECEIPT, "note", admin, LATE, data={"text": "I'll call her"})
    yield "receipt-again", written(LetterKind.RECEIPT, "again", facts=LATE)
    yield "receipt-again-with-a-note", written(LetterKind.RECEIPT, "again", facts=LATE, data={"text": "on the bus"})
    yield "receipt-nothing", written(LetterKind.RECEIPT, "nothing", facts=LATE)


def _answers() -> Iterator[tuple[str, Letter]]:
    admin = Role.ADMIN
    two = tuple(Choice("RESCHEDULED", label, case) for case, label in IN_LISTS.items())
    line: dict[str, Datum] = {"line": "rescheduled"}
    yield "ask-which-case", written(LetterKind.ASK, "which-case", offered=two, data=line)
    named: dict[str, Datum] = {"line": "client"}
    who_is_it = choices("K7Q2", "CLIENT")
    yield "ask-which-client", written(LetterKind.ASK, "which-client", facts=LATE, offered=who_is_it, data=named)
    yield "ask-which-outcome", written(LetterKind.ASK, "which-outcome", facts=NOSHOW, data=line)
    who = tuple(Choice(f"LATE 15 Sam FOR {name}", f"For {name}", None) for name in ("Dana Lee", "Ravi Patel"))
    asked: dict[str, Datum] = {"line": "LATE 15 Sam FOR Da"}
    yield "ask-which-associate", written(LetterKind.ASK, "which-associate", admin, offered=who, data=asked)
    own = (Choice("LATE 15 Ben", "It is my own session", None),)
    theirs: dict[str, Datum] = {"line": "LATE 15 Ben FOR Ravi"}
    yield "ask-which-associate-not-yours", written(LetterKind.ASK, "which-associate", offered=own, data=theirs)
    yield "ask-not-yours", written(LetterKind.ASK, "not-yours", data=line)
    absent = choices("K7Q2", "ABSENT")
    missed: dict[str, Datum] = {"line": "NOSHOW Sam"}
    either = (*absent, Choice("NOSHOW Sam FOR Dana Lee", "I have missed the session", None))
    yield "ask-who-missed", written(LetterKind.ASK, "who-missed", offered=either, data=missed)
    taken_back = (*absent, Choice("MISTAKE", "Nobody was waited for: take that back, then report it again", "K7Q2"))
    yield "ask-who-missed-admin", written(LetterKind.ASK, "who-missed", admin, offered=taken_back, data=missed)
    recalled = (Choice("MISTAKE", IN_LISTS["K7Q2"], "K7Q2"),)
    yield "ask-recalled", written(LetterKind.ASK, "recalled", offered=recalled, data={"line": "LATE 15 Sam"})
    ill = (Choice("LATE 20", IN_LISTS["K7Q2"], "K7Q2"), Choice("LATE 20 Flu", "A new report, about another client"))
    yield (
        "ask-other-client",
        written(LetterKind.ASK, "other-client", facts=LATE, offered=ill, data={"line": "late 20 flu"}),
    )
    ended_at = (Choice("LATE 20 Sam Peters", "A new report"), *associate_choices(case_of(LATE)))
    yield (
        "ask-other-session",
        written(LetterKind.ASK, "other-session", facts=LATE, offered=ended_at, data={"line": "LATE 20"}),
    )
    yield (
        "ask-few-words",
        written(LetterKind.ASK, "few-words", facts=LATE, offered=choices("K7Q2", "OTHER"), data={"line": "other"}),
    )
    cancelled = (Choice("OTHER client cancelled", "The client cancelled", "K7Q2"), *choices("K7Q2", "MISTAKE"))
    yield "ask-cancel", written(LetterKind.ASK, "cancel", facts=NOSHOW, offered=cancelled, data={"line": "Cancelled"})
    ended = _closed(NOSHOW, Outcome.RESCHEDULED)
    after = outcome_choices(case_of(ended))
    yield "ask-closed", written(LetterKind.ASK, "which-outcome", facts=ended, offered=after, data={"line": "maybe"})
    yield "ask-admin", written(LetterKind.ASK, "which-outcome", admin, LATE, data={"line": "Rescheduled?"})
    yield "ask-same-kind", written(LetterKind.ASK, "same-kind", facts=NOSHOW, data={"line": "LATE 10"})
    yield "ask-before-sent", written(LetterKind.ASK, "before-sent", facts=LATE, data={"line": "no answer"})
    yield "ask-before-sent-admin", written(LetterKind.ASK, "before-sent", admin, LATE, data={"line": "no answer"})
    reading = (Choice("LATE 15 Sam", "Did you mean this?", None),)
    yield "help-words", written(LetterKind.HELP, "words")
    yield "help-words-both", written(LetterKind.HELP, "words", data={"both": True})
    yield "help-words-admin", written(LetterKind.HELP, "words", admin)
    yield "help-unread", written(LetterKind.HELP, "unread", offered=reading, data={"line": "Lathe 15 Sam"})
    sealed: dict[str, Datum] = {"line": "late for Sam", "unread": True}
    yield "help-text-unread", written(LetterKind.HELP, "unread", offered=reading, data=sealed)
    today = (Choice("LATE 15 Sam", "It is today", None),)
    yield "help-not-today", written(LetterKind.HELP, "not-today", offered=today, data={"line": "LATE 15 Sam Friday"})
    there = (Choice("WAITING Sam", "They are late now", None),)
    yield "help-not-yet", written(LetterKind.HELP, "not-yet", offered=there, data={"line": "WAITING Sam AT 5pm"})
    yield "help-forward", written(LetterKind.HELP, "forward", data={"line": "Fwd: LATE 15 Sam"})
    yield "help-in-your-name", written(LetterKind.HELP, "in-your-name")
    yield "help-untagged", written(LetterKind.HELP, "untagged", data={"line": "Cancel all my sessions"})
    told = ("client messaged", "CLIENT NOT KNOWN TO BE TOLD")
    lines = [f"[{case}] {label}: {known}" for (case, label), known in zip(IN_LISTS.items(), told, strict=True)]
    yield "status", written(LetterKind.STATUS, "", data={"lines": lines})
    yield "status-nothing", written(LetterKind.STATUS, "", admin)


def _desk() -> Iterator[tuple[str, Letter]]:
    admin = Role.ADMIN
    full: dict[str, Datum] = {
        "headline": "1 open, 1 closed since Friday, median 4 min to contact.",
        "open": [
            "[K7Q2] Sam P., late, Dana L., reported Mon 23 Nov, 2:10 pm: CLIENT NOT KNOWN TO BE TOLD, asked 2 times; "
            "last heard Mon 23 Nov, 2:20 pm: opened"
        ],
        "closed": [
            "[W4XP] Kim O., noshow, missed by Dana L., session Mon 23 Nov, 2:00 pm: rescheduled, 4 min to contact"
        ],
        "faults": ["1 mail set aside"],
    }
    yield "digest", written(LetterKind.DIGEST, "", admin, data=full)
    figures: dict[str, Datum] = {
        "month": "November 2026",
        "within": 9,
        "later": 2,
        "unrecorded": 1,
        "median": "4 minutes",
        "median_before": "6.5 minutes",
        "month_before": "October",
        "by_five": 6,
        "by_ten": 3,
        "by_twenty": 1,
        "by_thirty": 0,
        "after": 1,
        "makeups": 2,
        "missed": 4,
        "undated": 1,
        "wait": 3,
        "rebook": 2,
        "lines": ["8 late: connected 6, rescheduled 2", "5 noshow: open 1, rescheduled 3; 1 by mistake"],
    }
    yield "month", written(LetterKind.MONTH, "", admin, data=figures)
    yield "month-asked-none", written(LetterKind.MONTH, "asked", admin, data={"month": "October 2026", "lines": []})
    yield "digest-quiet", written(LetterKind.DIGEST, "", admin, data={"headline": "0 open, 0 closed since Friday."})
    offered = (Choice("LATE 15 Sam FOR Dana Lee", "For Dana Lee", None),)
    for topic, detail in NOTICES.items():
        data: dict[str, Datum] = {"detail": detail}
        if topic in ("stranger", "own-address", "refused", "unread", "stale", "other-associate", "recalled"):
            data["line"] = "LATE 15 Sam"
        named = offered if topic in ("stranger", "own-address", "refused", "unread", "stale") else ()
        yield f"notice-{topic}", written(LetterKind.NOTICE, topic, admin, offered=named, data=data)
    yield "test", written(LetterKind.TEST, "", admin)
