"""What `check` asks of the mailbox beyond what the daemon needs. Plain answers; nothing is printed or judged.

It leaves the mailbox as it was, but for a handled folder that was missing, which the daemon would have made as well.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import NamedTuple

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from workflow.config.keys import ImapServer
from workflow.mail.imap.mailbox import PATIENCE, UNKNOWN_ARRIVAL, Filing, MailboxError
from workflow.mail.imap.session import Session

__all__ = ["TROUBLE", "IMAPClientAbortError", "IMAPClientError", "Mailbox", "Trial", "read_headers"]

TROUBLE = (MailboxError, IMAPClientError, OSError, ValueError)
"""What a `Session` may raise; `why_lost` classifies it."""

ROOM_LEAST = 100
"""KB of quota: a mail with a signature's pictures."""


class Trial(NamedTuple):
    uid: int
    arrived_at: datetime | None
    """INTERNALDATE, in UTC; None when the server tells none that can be read."""
    header: bytes


class Mailbox(Session):
    """A session that is also asked what only `check` wants to know. Its methods raise what is in `TROUBLE`."""

    def wire(self) -> object:
        return self._client.socket()

    def folders(self) -> list[str]:
        listed = self._client.list_folders()
        return sorted(str(name) for flags, _, name in listed if b"\\noselect" not in {flag.lower() for flag in flags})

    def delimiter(self) -> str:
        return self._delimiter()

    def make_handled_folder(self) -> tuple[str, bool]:
        """The handled folder's name on this server, and whether it was missing until now."""
        before = self.folders()
        name = self._archive("")
        return name, name not in before

    def quota(self) -> tuple[int, int] | None:
        """KB that are used, and that there are (RFC 2087); None where the server counts none, or keeps it to itself."""
        if not self._client.has_capability("QUOTA"):
            return None
        try:
            counted = [(one.usage, one.limit) for one in self._client.get_quota() if one.resource == "STORAGE"]
        except IMAPClientError:
            return None
        return min(counted, key=lambda one: one[1] - one[0], default=None)

    def find(self, above: int, message_id: str) -> Trial | None:
        """The mail with this id among those with a higher UID, if it has come."""
        self.noop()
        uids = self.search(above)
        for uid, raw in self.headers(uids).items() if uids else ():
            if raw and message_id.encode() in raw:
                at = next((mail.arrived_at for mail in self.weigh([uid])), UNKNOWN_ARRIVAL)
                return Trial(uid, None if at == UNKNOWN_ARRIVAL else at, raw)
        return None

    def put_away(self, uid: int) -> bool:
        """File a mail as the daemon files handled ones; False if it stays in the folder."""
        if self.filing in (Filing.MOVE, Filing.COPY):
            self.file_away([uid])
            return True
        if self.filing is Filing.MARK:
            self.mark([uid])
        return False


def read_headers(server: ImapServer, last: int, timeout: float = PATIENCE) -> list[bytes]:
    """Header blocks of the last mails in the folder, oldest first. Blocks. Raises what is in `TROUBLE`."""
    with closing(Session(server, timeout=timeout)) as session:
        session.log_in()
        session.open_folder(readonly=True)
        uids = session.search_last(last)
        return [raw for _, raw in sorted(session.headers(uids).items()) if raw] if uids else []
