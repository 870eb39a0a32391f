"""What was handled, looked through over a connection and on a thread of its own: new mail never waits for it.

It lies in the handled folder, or bears our keyword in the inbox. What goes back is for others to say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from workflow.config.keys import ImapServer
from workflow.core.mail import Place
from workflow.mail.imap.mailbox import KEYWORD, UNKNOWN_ARRIVAL, Fetched, Filing
from workflow.mail.imap.session import Session, Weighed
from workflow.mail.tokens import Tokens

_WEIGHED_AT_ONCE = 50

_BACK_AT_ONCE = 100
"""UIDs in one command."""

Answer = TypeVar("Answer")


class HandledFolder(Session):
    """A connection to what was handled. Nothing is made that is not there."""

    is_there = False

    def open_handled(self) -> None:
        """Open the folder in which it lies, if there is one. Raises as `Session.open_folder` does."""
        self.open_folder()
        name = self._server.handled_folder
        folders = dict.fromkeys((name, self._prefix() + name)) if self.filing in (Filing.MOVE, Filing.COPY) else ()
        for known in folders:
            if self._client.folder_exists(known):
                self._client.select_folder(known)
                self.is_there = True
                return
        self.is_there = self.filing is Filing.MARK

    def handled(self, since: date | None = None) -> list[int]:
        """UIDs of all that lies there, ascending; `since`: as for `search`."""
        if not self.is_there:
            return []
        self._forget_updates()
        criteria: list[str | date] = ["UNDELETED"]
        if since is not None:
            criteria += ["SINCE", since]
        if self.filing is Filing.MARK:
            criteria += ["KEYWORD", KEYWORD]
        return sorted(self._client.search(criteria))

    def give_back(self, uids: Sequence[int]) -> None:
        if self.filing is Filing.MARK:
            self._client.remove_flags(uids, KEYWORD, silent=True)
        else:
            self._move(uids, self._server.folder)


@dataclass(frozen=True, slots=True)
class Lying:
    """A mail that was handled. Its UID holds until `HandledMail.close`."""

    uid: int
    key: str


class HandledMail:
    """One connection, made when something is first asked; one thing at a time. What is asked fails with whatever a
    `Session` raises, and may be asked again then. `key` gives a mail's content key; it is called on another thread.
    """

    def __init__(self, server: ImapServer, key: Callable[[Fetched], str], *, tokens: Tokens | None = None) -> None:
        self._server = server
        self._key = key
        self._tokens = tokens
        self._session: HandledFolder | None = None
        self._busy = False
        self.in_place = False
        """It lies in the inbox, so that its UIDs are those of the inbox."""

    def count(self) -> Future[int]:
        """Of mail that was ever handled here and is still there."""
        return self._on_thread(lambda session: len(session.handled()))

    def arrived(self, since: datetime) -> Future[list[Lying]]:
        """What arrived after that by the server's word, oldest first."""
        return self._on_thread(lambda session: [Lying(mail.uid, key) for mail, key in self._arrived(session, since)])

    def give_back(self, uids: Sequence[int]) -> Future[bool]:
        """These are unread mail of the inbox again, in this order."""

        def give(session: HandledFolder) -> bool:
            for start in range(0, len(uids), _BACK_AT_ONCE):
                session.give_back(uids[start : start + _BACK_AT_ONCE])
            return True

        return self._on_thread(give)

    def close(self) -> None:
        """Break the connection, whatever is going on; from any thread."""
        if self._session is not None:
            self._session.sever()
            if not self._busy:
                self._let_go()

    def _let_go(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _on_thread(self, work: Callable[[HandledFolder], Answer]) -> Future[Answer]:
        future: Future[Answer] = Future()

        def run() -> None:
            try:
                answer = work(self._connected())
            except Exception as error:  # whoever waits for it judges
                self._let_go()
                self._busy = False
                future.set_exception(error)
            else:
                self._busy = False
                future.set_result(answer)

        self._busy = True
        future.set_running_or_notify_cancel()
        threading.Thread(target=run, name="handled", daemon=True).start()
        return future

    def _connected(self) -> HandledFolder:
        if self._session is None:
            session = self._session = HandledFolder(self._server, tokens=self._tokens)
            session.log_in()
            session.open_handled()
            self.in_place = session.filing is Filing.MARK
        return self._session

    def _arrived(self, session: HandledFolder, since: datetime) -> Iterator[tuple[Weighed, str]]:
        """What has no time that the server knows is left where it is, for it may be years old; so is what is not handed
        out."""
        # SINCE goes by the day, and by the day of the server's zone: one day more, then INTERNALDATE to the second.
        uids = session.handled((since - timedelta(days=1)).date())
        found: list[Weighed] = []
        for start in range(0, len(uids), _WEIGHED_AT_ONCE):
            found += session.weigh(uids[start : start + _WEIGHED_AT_ONCE]).values()
        recent = [mail for mail in found if since < mail.arrived_at < UNKNOWN_ARRIVAL]
        for mail in sorted(recent, key=lambda mail: (mail.arrived_at, mail.uid)):
            whole = mail.size <= self._server.max_size
            raw = (session.bodies if whole else session.headers)([mail.uid]).get(mail.uid)
            if raw is not None:
                place = Place(session.uidvalidity, mail.uid)
                yield mail, self._key(Fetched(place, mail.arrived_at, mail.size, raw, whole))
