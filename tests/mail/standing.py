"""Who speaks, for tests: a small roster, the kinds of ``[trust]``, and what is thought of a mail's head."""

from __future__ import annotations

from tests.mail.reading import reading
from workflow.config.keys import Trust
from workflow.core.people import Person, Roster, Standing
from workflow.mail.reading.message import Incoming
from workflow.mail.reading.trust import judge

ROSTER = Roster(
    associates=(
        Person("Dana Lee", ("dana@clinic.test", "dana.lee@mail.test")),
        Person("Ravi Patel", ("ravi@clinic.test", "ravi+clinic@clinic.test")),
    ),
    admins=(Person("Front Desk", ("admin@clinic.test",)),),
    lead=Person("Lee", ("lead@clinic.test",)),
)
STRICT = Trust(authserv_id=("mx.clinic.test",), require=True, internal="")
LENIENT = Trust(authserv_id=("mx.clinic.test",), require=False, internal="")
EXCHANGE = Trust(require=True, internal="exchange")
MICROSOFT = Trust(authserv_id=("exchange",), require=True, internal="")


def mail(*fields: str, sender: str = "Dana Lee <dana@clinic.test>") -> Incoming:
    """A report with these fields above its From."""
    head = "".join(f"{field}\r\n" for field in (*fields, f"From: {sender}", "Subject: LATE 15 Sam"))
    return reading(f"{head}\r\n".encode())


def standing(*fields: str, trust: Trust = STRICT, sender: str = "Dana Lee <dana@clinic.test>") -> Standing:
    return judge(mail(*fields, sender=sender), ROSTER, trust, "clinic.test")


def verdict(result: str, trust: Trust = STRICT, sender: str = "Dana Lee <dana@clinic.test>") -> Standing:
    return standing(f"Authentication-Results: {result}", trust=trust, sender=sender)
