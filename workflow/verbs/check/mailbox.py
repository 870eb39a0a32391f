"""What `daemon.py check` asks of the mailbox beyond what the daemon needs. Plain answers; nothing is printed or judged.

It leaves the mailbox as it was, but for a handled folder that was missing, which the daemon would have made as well.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from imapclient import DELETED, SEEN
from imapclient.exceptions import IMAPClientError

from workflow.config.keys import ImapServer
from workflow.mail.imap.mailbox import PATIENCE, UNKNOWN_ARRIVAL, Filing, MailboxError
from workflow.mail.imap.session import Session, why_lost

__all__ = ["TROUBLE", "IMAPClientError", "MailboxError", "Probe", "Trial", "read_headers", "why_lost"]

TROUBLE = (MailboxError, IMAPClientError, OSError, ValueError)
"""What a `Session` may raise; `why_lost` classifies it."""

_APPENDED = re.compile(rb"\[APPENDUID (\d+) (\d+)\]", re.IGNORECASE)
_CLOCK_MAIL = (
    b"Subject: Promptly asks the server for its time\r\nX-Promptly-Letter: test\r\nX-Promptly-Loop: check\r\n"
    b"Auto-Submitted: auto-generated\r\n\r\nThis mail can be deleted.\r\n"
)
"""Lies in the handled folder for a moment. If we were stopped in it: read, and nothing that anybody would act on."""


class Trial(NamedTuple):
    """The test letter as it lies in the folder."""

    uid: int
    arrived_at: datetime | None
    """INTERNALDATE, in UTC; None when the server tells none that can be read."""
    header: bytes


class Probe(Session):
    """A session that is also asked what only `check` wants to know. Its methods raise what is in `TROUBLE`."""

    def folders(self) -> list[str]:
        """The names of all folders that can be opened."""
        listed = self._client.list_folders()
        return sorted(str(name) for flags, _, name in listed if b"\\noselect" not in {flag.lower() for flag in flags})

    def delimiter(self) -> str:
        """What stands between a folder and one within it."""
        return self._delimiter()

    def make_handled_folder(self) -> tuple[str, bool]:
        """The handled folder's name on this server, and whether it was missing until now."""
        before = self.folders()
        name = self._archive("")
        return name, name not in before

    def server_time(self) -> datetime | None:
        """What time it is by the server's clock, in UTC, to the second; None when it can't be asked without a trace.

        A mail of three lines is put into the handled folder, so that the server dates it (RFC 3501, 6.3.11), and is
        expunged by its UID, which takes UIDPLUS (RFC 4315). Afterwards another folder is open.
        """
        if not self._client.has_capability("UIDPLUS"):
            return None
        folder = self._archive("")
        answer = self._client.append(folder, _CLOCK_MAIL, flags=[SEEN])
        appended = _APPENDED.search(answer if isinstance(answer, bytes) else str(answer).encode())
        opened = self._client.select_folder(folder)
        if appended is None or int(appended[1]) != opened.get(b"UIDVALIDITY"):
            return None
        uid = int(appended[2])
        try:
            ((_, arrived_at),) = [(mail.uid, mail.arrived_at) for mail in self.weigh([uid])] or [(uid, UNKNOWN_ARRIVAL)]
        finally:
            self._client.add_flags([uid], DELETED, silent=True)
            self._client.uid_expunge([uid])
        return None if arrived_at == UNKNOWN_ARRIVAL else arrived_at

    def find(self, above: int, message_id: str) -> Trial | None:
        """The mail with this id among those with a higher UID, if it has come."""
        self.noop()
        uids = self.search(above)
        found = {uid: raw for uid, raw in self.headers(uids).items() if raw} if uids else {}
        uid = next((uid for uid, raw in found.items() if message_id.encode() in raw), None)
        if uid is None:
            return None
        at = next((mail.arrived_at for mail in self.weigh([uid])), UNKNOWN_ARRIVAL)
        return Trial(uid, None if at == UNKNOWN_ARRIVAL else at.astimezone(UTC), found[uid])

    def put_away(self, uid: int) -> bool:
        """File a mail as the daemon files handled ones; False if it stays in the folder."""
        match self.filing:
            case Filing.MOVE | Filing.COPY:
                self.file_away([uid])
                return True
            case Filing.MARK:
                self.mark([uid])
            case Filing.NONE:
                pass
        return False


def read_headers(server: ImapServer, last: int, timeout: float = PATIENCE) -> list[bytes]:
    """Header blocks of the last mails in the folder, oldest first. Blocks. Raises what is in `TROUBLE`."""
    session = Session(server, timeout=timeout)
    try:
        session.log_in()
        session.open_folder(readonly=True)
        uids = session.search_last(last)
        return [raw for _, raw in sorted(session.headers(uids).items()) if raw] if uids else []
    finally:
        session.close()
