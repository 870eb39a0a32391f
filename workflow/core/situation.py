"""A mail with all that was gathered to decide about it, and who is who in it. No rule: those are in `routing`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from workflow.core.cases import Cases
from workflow.core.entries import Voice
from workflow.core.mail import Mail, Mark, Reading
from workflow.core.marker import holds_marker
from workflow.core.model import Case, Letter
from workflow.core.owed import Scene, is_of_letter, is_same
from workflow.core.people import Person, Role, Standing


@dataclass(frozen=True, slots=True)
class Situation:
    scene: Scene
    mail: Mail
    reading: Reading
    standing: Standing
    associate: Person | None
    admin: Person | None
    """The admin or lead who owns the sender's address."""
    cases: Cases
    """Every open case, and each closed one that the mail points to."""
    thread: tuple[str, ...] = ()
    """The cases that In-Reply-To and References lead to, newest first."""
    apart: tuple[Scene | None, ...] = ()
    """For each further report of the mail, with an id and a cause of its own; None: it was acted on before."""
    beside: tuple[Case, ...] = ()
    """What the reports before this one of the same mail have made of theirs."""
    month: date | None = None
    """The first day of the month whose figures an admin asks for."""
    reported: tuple[Case, ...] = ()
    """Those since the month before that one."""
    bounced: Letter | None = None
    """Our letter that came back with this mail."""
    notices: tuple[datetime, ...] = ()
    """When admin was last told about strangers and refused senders."""
    warned: tuple[datetime, ...] = ()
    """When this person was last told that a mail in their name was not accepted."""
    wrote: tuple[datetime, ...] = ()
    """When whoever has the address of a machine's mail was heard last."""

    @property
    def own_cases(self) -> list[Case]:
        """The sender's own open cases as associate, oldest first."""
        return self.cases.of(self.associate) if self.associate is not None else []

    @property
    def voice(self) -> Voice:
        """The person, and as whom they speak where no case says it."""
        if self.associate is not None:
            return Voice(self.mail, self.associate, Role.ASSOCIATE)
        assert self.admin is not None, "only known people get here"
        return Voice(self.mail, self.admin, Role.ADMIN)

    @property
    def own(self) -> bool:
        """Whether the mail bears the mailbox's own address."""
        return self.scene.rules.owns(self.mail.sender or "")

    @property
    def handed_on(self) -> tuple[Person, ...]:
        """Whose mail it says it was before a list or group put its own address into From; nothing vouches for that."""
        roster = self.scene.rules.roster
        named = (roster.associate(one) or roster.admin(one) for one in self.mail.other_senders)
        return tuple(person for person in named if person is not None)

    @property
    def answers(self) -> bool:
        return self.mail.answers or self.reading.mark is Mark.REPLY

    @property
    def among_others(self) -> bool:
        """Whether people write to each other: it answers no letter of ours and no mail that we acted on, or somebody
        outside the configuration reads it. Asked only where nothing points to a case."""
        taken = {mail.message_id for case in self.own_cases for mail in case.mails}
        ours = any(known in taken or is_of_letter(known, self.scene.domain) for known in self.mail.refers_to)
        return (self.answers and not ours) or self.goes_outside

    @property
    def quotes_us(self) -> bool:
        """Whether it quotes a letter of ours, or answers one."""
        answers = any(is_of_letter(known, self.scene.domain) for known in self.mail.refers_to)
        return answers or holds_marker(self.mail.quoted_text)

    @property
    def goes_outside(self) -> bool:
        """Whether it goes to anybody outside the configuration."""
        return not all(map(self.scene.rules.knows, self.mail.recipients))

    def voice_about(self, case: Case) -> Voice | None:
        """As whom the sender speaks about this case; None: not at all.

        "Only the case's own associate and admin speak for it; the lead speaks as admin" (contract section 3). Who is
        both is the associate of their own cases.
        """
        if self.associate is not None and is_same(self.associate, case.associate):
            return Voice(self.mail, self.associate, Role.ASSOCIATE)
        return None if self.admin is None else Voice(self.mail, self.admin, Role.ADMIN)
