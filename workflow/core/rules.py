"""The rules of one clinic, as configured: the kinds of case, when each asks again, and what else `core` must know.

What is done by them is `law`, `reports` and `schedule`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum

from workflow.core.people import Roster


class Kind(StrEnum):
    LATE = "late"
    NOSHOW = "noshow"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class KindCadence:
    """When one kind of case asks again (contract section 5). Empty or None: never."""

    contact: tuple[timedelta, ...] = ()
    """Reminders after the case was opened or changed, until SENT."""
    repeat: timedelta | None = None
    """After the last of `contact`, again and again until SENT."""
    escalate: timedelta | None = None
    """Escalation to each admin, after the case was opened or changed."""
    lead: timedelta | None = None
    """Escalation to the lead, likewise."""
    after_sent: tuple[timedelta, ...] = ()
    """Outcome reminders after SENT."""
    after_session: timedelta | None = None
    """Outcome reminder after the session must be over."""
    stepaway: timedelta | None = None
    """After the session's start."""
    stepaway_unknown: timedelta | None = None
    """After the report, when no time was given."""
    max_per_day: int = 6
    """Reminders a case and local day."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Every figure of section 5; a case keeps those of the day it opened: editing the configuration changes none.

    The kinds have the defaults of section 6: a case that is older than a kind has those for it.
    """

    session: timedelta
    zone: str
    """IANA name of the clinic's time zone."""
    quiet_from: time
    quiet_to: time
    """Local times; equal means that there are no quiet hours."""
    grace: timedelta
    late: KindCadence = KindCadence(
        contact=(timedelta(minutes=5),),
        escalate=timedelta(minutes=10),
        after_session=timedelta(minutes=5),
    )
    noshow: KindCadence = KindCadence(
        contact=(timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)),
        repeat=timedelta(minutes=60),
        escalate=timedelta(minutes=10),
        lead=timedelta(minutes=30),
        after_sent=(timedelta(hours=3),),
    )
    waiting: KindCadence = KindCadence(
        stepaway=timedelta(minutes=20),
        stepaway_unknown=timedelta(minutes=10),
        after_session=timedelta(minutes=5),
    )

    def of(self, kind: Kind) -> KindCadence:
        match kind:
            case Kind.LATE:
                return self.late
            case Kind.NOSHOW:
                return self.noshow
            case Kind.WAITING:
                return self.waiting


@dataclass(frozen=True, slots=True)
class Rules:
    """What `core` needs to know of the configuration."""

    clinic: str
    address: str
    """The mailbox's own address: From, envelope sender, and where answers go."""
    roster: Roster
    cadence: Cadence
    stale_after: timedelta
    """By arrival: older NOSHOW reports open no case."""
    client_name: str = "first_initial"
    """``[privacy] client_name``: how a client is printed in bodies."""
    shared: bool = True
    digest_at: time | None = None
    """Local time; None: no digest."""
    month: bool = True
    """Whether the month's letter goes out by itself."""
    stale_late: timedelta = timedelta(hours=2)
    """The same for LATE and WAITING (contract section 6)."""
    phone: str = ""
    """Of the desk, as letters print it."""
    rehearsal: bool = False
    """A rehearsed clock: a mail arrives when first seen, nothing is stale."""
    aliases: tuple[str, ...] = ()
    """The mailbox's other addresses, casefolded."""
    own_voice: str = "notice"
    """``[mailbox] own_voice``: what mail written as the mailbox itself is."""

    def owns(self, address: str) -> bool:
        """Whether this address is the mailbox's, under whatever name."""
        return address.casefold() in {self.address.casefold(), *self.aliases}

    def knows(self, address: str) -> bool:
        """Whether this address is the mailbox's own or a configured person's."""
        return self.owns(address) or bool(self.roster.associate(address) or self.roster.admin(address))
