"""What `check` asks of the mailbox beyond what the daemon needs. Plain answers; nothing is printed or judged.

It leaves the mailbox as it was, but for a handled folder that was missing, which the daemon would have made as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import NamedTuple

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from workflow.config.keys import ImapServer
from workflow.mail.imap.mailbox import PATIENCE, UNKNOWN_ARRIVAL, Filing, MailboxError, Withheld
from workflow.mail.imap.session import Alone, Session
from workflow.mail.reading.headers import Headers, split_block

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

    def find(self, above: int, is_it: Callable[[Headers], bool]) -> Trial | None:
        """The mail that is wanted among those with a higher UID, if it has come."""
        self.noop()
        uids = self.search(above)
        for uid in uids:
            mail = self.alone(uid, whole=False)
            if isinstance(mail, Alone) and is_it(split_block(mail.raw)[0]):
                return Trial(uid, None if mail.arrived_at == UNKNOWN_ARRIVAL else mail.arrived_at, mail.raw)
        return None

    def try_last(self, count: int) -> Iterator[tuple[int, Withheld | None]]:
        """Fetch the last mails as the daemon does, one by one, the newest first: UID, and why not, if it is not to be
        had. After one that broke the connection comes none."""
        for uid in reversed(self.search_last(count)):
            try:
                mail = self.alone(uid)
            except TROUBLE:
                yield uid, Withheld.BROKE_OFF
                return
            if isinstance(mail, Alone) or uid in self.still_there([uid]):
                yield uid, None if isinstance(mail, Alone) else mail

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
        try:
            return list(session.headers(uids).values()) if uids else []
        except IMAPClientAbortError:
            raise
        except IMAPClientError:  # for one of them, perhaps
            mails = (session.alone(uid, whole=False) for uid in uids)
            return [mail.raw for mail in mails if isinstance(mail, Alone)]
