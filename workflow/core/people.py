"""Who is who in a clinic, as configured: frozen values, nothing that acts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody from the configuration. ``emails`` are casefolded; we write to the first."""

    name: str
    emails: tuple[str, ...]

    @property
    def email(self) -> str:
        return self.emails[0]


class Role(StrEnum):
    ASSOCIATE = "associate"
    ADMIN = "admin"
    LEAD = "lead"


class Standing(StrEnum):
    """What `mail.reading.trust` makes of a sender."""

    KNOWN = "known"
    """A configured address that passed the sender check."""
    REFUSED = "refused"
    """A configured address whose mail failed the sender check: perhaps a forgery."""
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Roster:
    """All configured people. An address belongs to at most one associate and one admin (config checks it)."""

    associates: tuple[Person, ...]
    admins: tuple[Person, ...]
    lead: Person | None = None

    @property
    def people(self) -> tuple[Person, ...]:
        return (*self.admins, *filter(None, (self.lead,)), *self.associates)

    def associate(self, address: str) -> Person | None:
        return _owner(self.associates, address)

    def admin(self, address: str) -> Person | None:
        """The admin who owns this address; the lead speaks as admin (contract section 3)."""
        return _owner(self.admins, address) or _owner(self._leads, address)

    @property
    def _leads(self) -> tuple[Person, ...]:
        return (self.lead,) if self.lead is not None else ()

    def current(self, meant: Person, role: Role) -> Person | None:
        """Who this is in the configuration as it is now; None: has left.

        Whoever has the name, else one of the addresses: an address that was wrong may be somebody else's. Those of this
        role go before all others.
        """
        admins = (*self.admins, *self._leads)
        own = {Role.ASSOCIATE: self.associates, Role.ADMIN: admins, Role.LEAD: self._leads}[role]
        if meant in own:  # nearly always, and asked three times for each open case at a start
            return meant
        for people in (own, (*self.associates, *admins)):
            sharing = [one for one in people if not set(one.emails).isdisjoint(meant.emails)]
            named = [one for one in people if one.name.casefold() == meant.name.casefold()]
            for found in ([one for one in named if one in sharing], named, sharing):
                if found:
                    return found[0]
        return None


def _owner(people: tuple[Person, ...], address: str) -> Person | None:
    wanted = address.casefold()
    return next((person for person in people if wanted in person.emails), None)
