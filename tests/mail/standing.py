"""Who speaks, for tests: a small roster, the kinds of ``[trust]``, and what is thought of a mail's head."""

from __future__ import annotations

from tests.mail.reading import reading
from workflow.core.model import Person, Roster, Standing
from workflow.mail.reading.message import Incoming
from workflow.mail.reading.trust import TrustSettings, judge

ROSTER = Roster(
    associates=(
        Person("Dana Lee", ("dana@clinic.test", "dana.lee@mail.test")),
        Person("Ravi Patel", ("ravi@clinic.test", "ravi+clinic@clinic.test")),
    ),
    admins=(Person("Front Desk", ("admin@clinic.test",)),),
    lead=Person("Lee", ("lead@clinic.test",)),
)
STRICT = TrustSettings(authserv_id="mx.clinic.test", require=True, internal="")
LENIENT = TrustSettings(authserv_id="mx.clinic.test", require=False, internal="")
EXCHANGE = TrustSettings(authserv_id="", require=True, internal="exchange")
MICROSOFT = TrustSettings(authserv_id="exchange", require=True, internal="")


def mail(*fields: str, sender: str = "Dana Lee <dana@clinic.test>") -> Incoming:
    """A report with these fields above its From."""
    head = "".join(f"{field}\r\n" for field in (*fields, f"From: {sender}", "Subject: LATE 15 Sam"))
    return reading(f"{head}\r\n".encode())


def standing(*fields: str, trust: TrustSettings = STRICT, sender: str = "Dana Lee <dana@clinic.test>") -> Standing:
    return judge(mail(*fields, sender=sender), ROSTER, trust, "clinic.test")


def verdict(result: str, trust: TrustSettings = STRICT, sender: str = "Dana Lee <dana@clinic.test>") -> Standing:
    return standing(f"Authentication-Results: {result}", trust=trust, sender=sender)
