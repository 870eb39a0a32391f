"""Which letter to whom, as data: the recipients, the thread, the choices. No wording: that is in templates/.

Which letters there are: `topics`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from workflow.core import presence
from workflow.core.kinds import KINDS
from workflow.core.mail import Mail
from workflow.core.model import Case, Choice, Datum, Due, Facts, Letter, LetterKind, Outcome, Post, Says, State
from workflow.core.people import Person, Role
from workflow.core.rules import Kind, Rules
from workflow.core.schedule import unread_since
from workflow.core.topics import Notice, Topic

_OF_LETTER = re.compile(r"<(?:desk|[0-9A-Z]{4}(?:\.\d+)?)\.[0-9a-z]+")
"""The left side of our Message-IDs; those of earlier versions have a number in it."""

LABELS: Mapping[str, str] = {
    "SENT": "I have messaged the client",
    "WAITS": "The client can wait",
    "REBOOK": "The client wants a new time",
    "CONNECTED": "The session took place",
    "RESCHEDULED": "The client has a new time, or will take one",
    "UNREACHABLE": "I could not reach the client",
    "ARRIVED": "The client came",
    "ABSENT": "The client did not come",
    "OTHER": "Something else, in a few words",
    "NOSHOW": "I have missed the session",
    "WAITING": "no: the client did not come",
    "MISTAKE": "This report was a mistake",
    "MAKEUP": "I have offered a make-up session",
    "UNDO": "Take that back",
    "CLIENT": "Write the client's name after the word",
    "CONTACTED": "I have reached the client",
    "STATUS": "My open cases",
    "HELP": "How to write",
}
"""What each word means to the one who taps it."""


def facts(case: Case) -> Facts:
    """The case as its letters tell it (contract section 4), frozen at this moment."""
    said: dict[str, Any] = {
        "case": case.id,
        "note": case.notes[-1] if case.notes else None,
        "reminders_sent": len(case.reminders),
        "escalated": case.escalated_at is not None,
        "session": case.cadence.session,
        "sent": case.sent_at is not None,
        "reached": case.reached_at is not None,
        "unclear": _not_understood(case),
        "apology": case.owes_apology,
        "unread": unread_since(case) is not None,
        "escalates_at": next((timer.at for timer in case.timers if timer.due is Due.ESCALATION), None),
    }
    same = (part.name for part in fields(Facts) if part.name not in said)
    return Facts(**said, **{name: getattr(case, name) for name in same})


def _not_understood(case: Case) -> str | None:
    """The newest words since the last change, if they were a doubt: without the subject of the letter answered."""
    said = [entry for entry in case.history if entry.at > case.changed_at and entry.text]
    if not said or not said[-1].what.startswith("unclear"):
        return None
    subject, _, text = said[-1].text.partition("\n")
    return text or subject


def told_admins(case: Case, rules: Rules, but: Person | None = None) -> tuple[Person, ...]:
    """Each admin who hears of this case, less the writer `but`.

    Who is both associate and admin gets no alert about themselves while there is another admin or a lead (section 3).
    """
    others = tuple(admin for admin in rules.roster.admins if not is_same(admin, case.associate))
    lead = rules.roster.lead
    if not others:
        others = (lead,) if lead and not is_same(lead, case.associate) else rules.roster.admins
    return tuple(admin for admin in others if but is None or not is_same(admin, but))


def alerted(scene: Scene, case: Case) -> tuple[Person, ...]:
    """Who gets a case's alerts and escalations: each admin, and while all of them are away the lead, too."""
    admins, lead = told_admins(case, scene.rules), scene.rules.roster.lead
    if lead is None or not all(map(scene.is_away, admins)):
        return admins
    return admins if any(is_same(lead, one) for one in (*admins, case.associate)) else (*admins, lead)


def associate_choices(case: Case, *, answers: bool = True) -> tuple[Choice, ...]:
    """The words that move this case, the likeliest first (contract section 3, "Replies"); with what the client may have
    answered, but for the draft."""
    if not case.open:
        words = ["MAKEUP"] if case.kind is Kind.NOSHOW and case.state is State.CLOSED and not case.makeup else []
        if case.client_says is Says.REBOOK and case.outcome not in {None, Outcome.RESCHEDULED}:
            words.insert(0, "RESCHEDULED")
        return (
            (*apology_choice(case), *choices(case.id, *words))
            if case.owes_apology
            else choices(case.id, *words, "UNDO")
        )
    words = [] if case.sent_at is not None or case.kind is Kind.WAITING else ["SENT"]
    words += [outcome.value.upper() for outcome in KINDS[case.kind].outcomes]
    if case.client_says is Says.REBOOK:
        words.insert(0, words.pop(words.index("RESCHEDULED")))
    if answers:
        words += [word for word in KINDS[case.kind].answers if word.lower() != case.client_says]
    words += KINDS[case.kind].instead
    words += ["MISTAKE"]
    if case.client is None:
        words.insert(0 if case.kind is Kind.WAITING else 1, "CLIENT")  # behind what is due now
    return choices(case.id, *words)


def apology_choice(case: Case) -> tuple[Choice, ...]:
    """Where an apology is owed: that it was given."""
    return (Choice(line="SENT", label="I have apologized to the client", case=case.id),) if case.owes_apology else ()


def outcome_choices(case: Case) -> tuple[Choice, ...]:
    """How a case can have ended, for a question after it was closed: an answer may still replace the outcome."""
    return choices(case.id, *(outcome.value.upper() for outcome in KINDS[case.kind].outcomes), "UNDO")


def admin_choices(case: Case) -> tuple[Choice, ...]:
    """The words admin can answer an alert with."""
    words = [] if case.reached_at is not None else ["CONTACTED"]
    if case.client is None:
        words.append("CLIENT")
    labels = {
        "RESCHEDULED": "I have given the client a new time",
        "UNREACHABLE": "The client could not be reached",
        "OTHER": "It ended otherwise, in a few words",
    }
    said, ends = choices(case.id, *words), tuple(Choice(word, label, case.id) for word, label in labels.items())
    return (*ends[:1], *said, *ends[1:]) if case.client_says is Says.REBOOK else (*said, *ends)


def choices(case_id: str | None, *words: str) -> tuple[Choice, ...]:
    return tuple(Choice(line=word, label=LABELS[word], case=case_id) for word in words)


@dataclass(frozen=True, slots=True)
class Scene:
    """What every decision needs besides the case and the event."""

    rules: Rules
    now: datetime
    token: Callable[[str], str]
    """For the Message-ID of the letter of this name: lower-case letters and digits, at least 60 bits, the same each
    time."""
    case_id: str = ""
    """The id for the one case that a decision may open: no case has it, open or closed."""
    cause: str = ""
    """What is decided about, if it can be again: a mail's content key, a due time. "": this moment."""
    marks: presence.Marks = field(default_factory=dict)
    """The desk's."""

    @property
    def domain(self) -> str:
        """The right side of our Message-IDs."""
        return self.rules.address.rpartition("@")[2]

    def is_away(self, person: Person) -> bool:
        """Whether this person does not read what is sent to them (contract section 1)."""
        answers = presence.answers_itself(self.marks, person, self.now)
        return answers or presence.is_returned(self.marks, person)


def is_of_letter(message_id: str, domain: str) -> bool:
    """Whether a Message-ID has the form of our letters', as `write_letter` makes them."""
    local, _, rest = message_id.rpartition("@")
    return rest == f"{domain}>" and _OF_LETTER.fullmatch(local) is not None


def to_case(
    scene: Scene,
    case: Case,
    kind: LetterKind,
    topic: Topic,
    recipients: Iterable[Person],
    role: Role,
    *,
    offered: tuple[Choice, ...] = (),
    answering: Mail | None = None,
    data: Mapping[str, Datum] | None = None,
) -> Case:
    """The case with one more owed letter for each recipient."""
    for person in recipients:
        letter = write_letter(
            scene, kind, topic, person, role, about=case, offered=offered, answering=answering, data=data
        )
        case = replace(case, letters=(*case.letters, letter))
    return case


def write_letter(
    scene: Scene,
    kind: LetterKind,
    topic: Topic,
    to: Person,
    role: Role,
    *,
    about: Case | None = None,
    offered: tuple[Choice, ...] = (),
    answering: Mail | None = None,
    data: Mapping[str, Datum] | None = None,
) -> Letter:
    """An owed letter: the next of a case, or one that belongs to none.

    Its Message-ID follows from the mail that opened the case, and from what it comes of; not from how many there were
    before, for the same mail acted on again gives the same. Letters to one person about one case make one thread:
    In-Reply-To is the mail just answered, or else the first letter of the thread; References begin with the thread's
    first letter (RFC 5322, 3.6.4).
    """
    line = (data or {}).get("line", "") if about is None else ""
    letter_id, message_id = next_id(scene, about, f"{line} {kind} {topic} {role} {to.email}")
    earlier = [old.message_id for old in about.letters if old.to.email == to.email] if about is not None else []
    asked = answering.message_id if answering is not None else None
    thread = tuple(dict.fromkeys(known for known in (*earlier[:1], asked) if known is not None))
    blind = answering is not None and answering.unread and kind in {LetterKind.ASK, LetterKind.HELP}
    unread: dict[str, Datum] = {"unread": True} if blind else {}
    return Letter(
        id=letter_id,
        kind=kind,
        topic=topic,
        to=to,
        role=role,
        message_id=message_id,
        created_at=scene.now,
        case=about.id if about is not None else None,
        facts=facts(about) if about is not None else None,
        data={**(data or {}), **unread},
        choices=offered,
        in_reply_to=thread[-1] if thread else None,
        references=thread,
    )


def next_id(scene: Scene, about: Case | None, name: str) -> tuple[str, str]:
    """The id and the Message-ID of the next letter, of a case or of none; `name` tells it from others that come of the
    same."""
    of = "" if about is None else next((mail.key for mail in about.mails), about.id)
    token = scene.token(f"{of} {scene.cause or scene.now.isoformat()} {name}")
    letter_id = f"desk.{token}" if about is None else f"{about.id}.{len(about.letters) + 1}"
    return letter_id, f"<{'desk' if about is None else about.id}.{token}@{scene.domain}>"


def notices(
    scene: Scene, topic: Notice, *, offered: tuple[Choice, ...] = (), but: str | None = None, **data: Datum
) -> tuple[Letter, ...]:
    """A fault told to each admin (contract section 4, `notice`), less the one whose own address is the fault.

    When that was the only admin: to the lead; when there is none either, nobody is left to tell.
    """
    roster = scene.rules.roster
    people = [admin for admin in roster.admins if but is None or but not in admin.emails]
    if not people and roster.lead is not None and (but is None or but not in roster.lead.emails):
        people = [roster.lead]
    return tuple(
        write_letter(scene, LetterKind.NOTICE, topic, one, Role.ADMIN, offered=offered, data=data) for one in people
    )


def withdraw(case: Case, kinds: Iterable[LetterKind], reason: str, now: datetime) -> Case:
    """The case with its owed letters of these kinds taken back: they have lost their sense (contract section 5)."""
    gone = frozenset(kinds)
    letters = tuple(
        replace(letter, post=Post.WITHDRAWN, reason=reason, settled_at=now)
        if letter.post is Post.OWED and letter.kind in gone
        else letter
        for letter in case.letters
    )
    return replace(case, letters=letters)


def is_same(one: Person, other: Person) -> bool:
    """Whether two entries of the configuration are one human being: they share an address."""
    return not set(one.emails).isdisjoint(other.emails)
