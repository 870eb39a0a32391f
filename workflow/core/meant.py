"""Which case a report means, and which associate: of whom, and of which session, it tells. Contract section 3.

Questions alone: what is decided by the answers is `routing`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from workflow.core.entries import Voice
from workflow.core.language import doubts, names, reply
from workflow.core.language.plain import fold
from workflow.core.mail import Report
from workflow.core.model import Case
from workflow.core.people import Person
from workflow.core.reports import is_repeated, may_become, session_of
from workflow.core.rules import Kind
from workflow.core.schedule import session_over
from workflow.core.situation import Situation

SAME_SESSION = timedelta(hours=3)
"""A second report about the same client within this of the case's last report is about the same session (section 3)."""


def is_over(situation: Situation, case: Case) -> bool:
    """Whether a delay can hardly be about this case: it is closed, or its session must be over."""
    return not case.open or (case.kind is Kind.LATE and situation.mail.arrived_at >= session_over(case))


def is_of_another_case(situation: Situation, report: Report, case: Case) -> bool:
    """Whether a whole report in a case's thread cannot be about it: another client, session or associate, or closed.

    Of a client who is waited for "no show - flu" says an outcome with its reason, and no client called Flu. Under the
    case's id it is the case's session.
    """
    reading = situation.reading
    if report.for_associate is not None and not is_called(case.associate, report.for_associate):
        return True
    if report.client is None or reply.tells_absence(reading, case):
        return False
    if not case.open or (case.client is not None and not names.same_client(report.client, case.client)):
        return True
    return not (reading.ids or _is_near(situation, case) or is_at(situation, report, case))


def _is_near(situation: Situation, case: Case) -> bool:
    return situation.mail.arrived_at - case.reported_at <= SAME_SESSION


def is_at(situation: Situation, report: Report, case: Case) -> bool:
    """Whether the report is for the same time as the case."""
    at = session_of(report, situation.mail.arrived_at, situation.scene.rules).at
    return at is not None and at == case.session_at


def waited_for(theirs: list[Case], report: Report, known: Case | None) -> Case | None:
    """The open case in which the client of a NOSHOW is waited for: did the associate miss them, or did they not come?

    "no show - flu" in a mail of its own names no client, but says why one did not come.
    """
    if report.kind is not Kind.NOSHOW or report.client is None:
        return None
    if known is None and doubts.gives_reason(report.client):
        return next((case for case in reversed(theirs) if case.kind is Kind.WAITING), None)
    return known if known is not None and known.kind is Kind.WAITING else None


def same_session(situation: Situation, voice: Voice, theirs: list[Case], report: Report) -> Case | None:
    """The open case that this report is about (section 3).

    The same client, for the same time or within three hours; else the one without a client that it names: for its time,
    or the only one of three hours. Who names no client means what is for the same time, or says the same again. A kind
    that the case cannot become, at another time of the day, is about another session: missed at nine, late at four.
    """
    at = session_of(report, voice.mail.arrived_at, situation.scene.rules).at
    timed = [case for case in theirs if at is not None and at == case.session_at]
    if report.client is None:
        again = [case for case in theirs if case.client is None and is_repeated(situation.scene, voice, case, report)]
        fitting = [case for case in timed if _may_name(report.kind, case.kind)]
        return next((some[-1] for some in (fitting, again) if some), None)
    named = [case for case in theirs if case.client is not None and names.same_client(report.client, case.client)]
    untimed = [case for case in theirs if at is None or case.session_at is None]
    near = [
        case for case in named if _is_near(situation, case) and (_may_name(report.kind, case.kind) or case in untimed)
    ]
    nameless = [case for case in theirs if case.client is None and _is_near(situation, case)]
    fitting = [case for case in nameless if _may_name(report.kind, case.kind)]
    exact = [case for case in fitting if case in timed]
    filled = [case for case in fitting if case in untimed and nameless == [case]]
    same = [case for case in named if case in timed]
    return next((some[-1] for some in (same, near, exact, filled) if some), None)


def _may_name(new: Kind, old: Kind) -> bool:
    """A missed session is not a client's who is late, whoever that is: both are told apart by name (section 2)."""
    return may_become(old, new) and not (old is Kind.WAITING and new is Kind.NOSHOW)


def associate_meant(situation: Situation, report: Report) -> Person | None:
    """About whom the report is; None: it does not say (section 3, "FOR")."""
    wanted = report.for_associate
    if wanted is None:
        return situation.associate
    found = [person for person in situation.scene.rules.roster.associates if is_called(person, wanted)]
    if len(found) != 1:
        return None
    themselves = situation.associate is not None and situation.associate.email == found[0].email
    return found[0] if situation.admin is not None or themselves else None


def said_for(situation: Situation, report: Report) -> Report:
    """The report, with the name right behind FOR taken for the associate where no client stands before it.

    ``LATE 15 FOR Dana Lee`` by admin is about Dana Lee, and its client is asked for. To an associate "for" leads to the
    client (section 3, "CLIENT"), unless it is their own full name.
    """
    name, own = report.client, situation.associate
    if (
        name is None
        or report.for_associate is not None
        or f" for {fold(name)}" not in f" {fold(situation.reading.line)}"
    ):
        return report
    opens = report.kind is not Kind.WAITING and (report.capitals or report.minutes is not None)
    called = [person for person in situation.scene.rules.roster.associates if is_called(person, name)]
    themselves = own is not None and [person.email for person in called] == [own.email]
    if not opens or not called or (own is not None and situation.admin is None and not themselves):
        return report
    if themselves and own is not None and fold(name) != fold(own.name):
        return report  # a client who has the therapist's first name
    return replace(report, client=None, for_associate=name)


def is_called(person: Person, wanted: str) -> bool:
    """First name, full name or address, exactly, but for case."""
    said_name = " ".join(wanted.casefold().split())
    full = " ".join(person.name.casefold().split())
    return said_name in {full, full.split(" ")[0], *person.emails}
