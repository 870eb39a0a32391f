"""What `daemon.py check` asks of the mailbox. Plain answers, nothing printed, nothing changed in the mailbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from imapclient.exceptions import IMAPClientError

from workflow.mail.imap_session import Session, why_lost
from workflow.mail.mailbox import Filing, Loss, MailboxError, MailboxSettings


class Finding(NamedTuple):
    """One line of the check: which part, whether it will do, and what was found."""

    part: str
    ok: bool
    text: str


_WHY: Mapping[Loss, str] = {
    Loss.UNREACHABLE: "cannot be reached",
    Loss.TLS: "cannot be encrypted, or the certificate is not valid for this host",
    Loss.REFUSED_LOGIN: "user name or password refused, or the password cannot be read",
    Loss.REFUSED_FOLDER: "no such folder, or it may only be read",
    Loss.TIMEOUT: "does not answer in time",
}

_MOVE: Mapping[Filing, str] = {
    Filing.MOVE: "supported",
    Filing.COPY: "missing: handled mail is copied and expunged instead",
    Filing.MARK: "missing, and so is UIDPLUS: handled mail stays in the folder, with a keyword",
    Filing.NONE: "missing, and so are UIDPLUS and keywords: handled mail stays in the folder as it was",
}


def probe(settings: MailboxSettings) -> list[Finding]:
    """Try connection, login, folder, IDLE, MOVE and keywords, up to the first that fails. Blocks, never raises."""
    part = "connection"
    findings: list[Finding] = []
    session: Session | None = None
    try:
        session = Session(settings)
        findings.append(Finding(part, True, "not encrypted" if settings.security == "none" else "encrypted"))
        part = "login"
        session.log_in()
        findings.append(Finding(part, True, "accepted"))
        part = "folder"
        session.open_folder()
        findings.append(Finding(part, True, f"mails: {session.exists}"))
    except (MailboxError, IMAPClientError, OSError, ValueError) as error:
        return [*findings, Finding(part, False, _WHY.get(why_lost(error), "the server hung up or made no sense"))]
    finally:
        if session is not None:
            session.close()
    findings.append(
        Finding("IDLE", True, "supported" if session.can_idle else "missing: asked every few seconds instead")
    )
    if settings.handled_folder:
        findings.append(Finding("MOVE", session.filing is not Filing.NONE, _MOVE[session.filing]))
    needed = not settings.handled_folder
    findings.append(Finding("keywords", session.keywords or not needed, "supported" if session.keywords else "missing"))
    return findings


def read_headers(settings: MailboxSettings, last: int) -> list[bytes]:
    """Header blocks of the last mails in the folder, oldest first. Blocks.

    Raises `MailboxError`, `OSError` or `IMAPClientError`; `imap_session.why_lost` classifies them.
    """
    session = Session(settings)
    try:
        session.log_in()
        session.open_folder(readonly=True)
        uids = session.search_last(last)
        return [raw for _, raw in sorted(session.headers(uids).items()) if raw] if uids else []
    finally:
        session.close()
