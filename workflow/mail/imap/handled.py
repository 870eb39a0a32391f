"""What was handled, looked through over a connection and on a thread of its own: new mail never waits for it.

It lies in the handled folder, or bears our keyword in the inbox. What nobody knows of goes back; who knows is asked,
and nothing is decided here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workflow.config.keys import ImapServer
from workflow.core.model import Place
from workflow.mail.imap.mailbox import KEYWORD, UNKNOWN_ARRIVAL, Fetched, Filing
from workflow.mail.imap.session import Session, Weighed
from workflow.mail.tokens import Tokens

_WEIGHED_AT_ONCE = 50

_BACK_AT_ONCE = 100
"""UIDs in one command: the report goes back before the answers to it."""


class HandledFolder(Session):
    """A connection to what was handled. Nothing is made that is not there."""

    def open_handled(self) -> bool:
        """Open the folder in which it lies; False when there is none. Raises as `Session.open_folder` does."""
        self.open_folder()
        if self.filing in (Filing.MARK, Filing.NONE):
            return self.filing is Filing.MARK
        name = self._server.handled_folder
        for known in dict.fromkeys((name, self._prefix() + name)):
            if self._client.folder_exists(known):
                self._client.select_folder(known)
                return True
        return False

    def handled(self, since: date | None = None) -> list[int]:
        """UIDs of all that lies there, ascending; `since`: as for `search`."""
        self._forget_updates()
        criteria: list[str | date] = ["UNDELETED"]
        if since is not None:
            criteria += ["SINCE", since]
        if self.filing is Filing.MARK:
            criteria += ["KEYWORD", KEYWORD]
        return sorted(self._client.search(criteria))

    def give_back(self, uids: list[int]) -> None:
        if self.filing is Filing.MARK:
            self._client.remove_flags(uids, KEYWORD, silent=True)
        else:
            self._move(uids, self._server.folder)


@dataclass(frozen=True, slots=True)
class Handled:
    """What was found."""

    lies: bool
    """Anything was ever handled here, as far as the mailbox shows."""
    back: tuple[int, ...] = ()
    """UIDs of what went back."""
    in_place: bool = False
    """They lay in the folder all the time: their UIDs are those of the inbox."""


class HandledMail:
    """Looked through by `look`. `knows` and `tell` are called on its thread: whether the state knows a mail, and,
    before anything is moved, of how many it does not.
    """

    def __init__(
        self,
        server: ImapServer,
        *,
        knows: Callable[[Fetched], bool],
        tell: Callable[[int], None],
        tokens: Tokens | None = None,
    ) -> None:
        self._server = server
        self._knows = knows
        self._tell = tell
        self._tokens = tokens
        self._session: HandledFolder | None = None

    def look(self, since: datetime | None) -> Future[Handled]:
        """Look through what arrived `since` then, by the server's word (None: only whether there is anything), and give
        back what is not known. Fails with whatever a `Session` raises; then the same may be asked again.
        """
        future: Future[Handled] = Future()

        def work() -> None:
            try:
                future.set_result(self._look(since))
            except Exception as error:  # whoever waits for it judges
                future.set_exception(error)

        future.set_running_or_notify_cancel()
        threading.Thread(target=work, name="handled", daemon=True).start()
        return future

    def stop(self) -> None:
        """Break the connection, from any thread."""
        if self._session is not None:
            self._session.sever()

    def _look(self, since: datetime | None) -> Handled:
        session = self._session = HandledFolder(self._server, tokens=self._tokens)
        try:
            session.log_in()
            if not session.open_handled() or not session.handled():
                return Handled(lies=False)
            if since is None:
                return Handled(lies=True)
            back = [mail.uid for mail in self._arrived(session, since) if not self._is_known(session, mail)]
            if back:
                self._tell(len(back))
            for start in range(0, len(back), _BACK_AT_ONCE):
                session.give_back(back[start : start + _BACK_AT_ONCE])
            return Handled(lies=True, back=tuple(back), in_place=session.filing is Filing.MARK)
        finally:
            self._session = None
            session.close()

    def _arrived(self, session: HandledFolder, since: datetime) -> Iterator[Weighed]:
        """Oldest first, by arrival. What has none that the server knows is left where it is: it may be years old."""
        # SINCE goes by the day, and by the day of the server's zone: one day more, then INTERNALDATE to the second.
        uids = session.handled((since - timedelta(days=1)).date())
        found: list[Weighed] = []
        for start in range(0, len(uids), _WEIGHED_AT_ONCE):
            found += session.weigh(uids[start : start + _WEIGHED_AT_ONCE]).values()
        recent = (mail for mail in found if since <= mail.arrived_at < UNKNOWN_ARRIVAL)
        return iter(sorted(recent, key=lambda mail: (mail.arrived_at, mail.uid)))

    def _is_known(self, session: HandledFolder, mail: Weighed) -> bool:
        """One that is not handed out is left where it is."""
        whole = mail.size <= self._server.max_size
        raw = (session.bodies if whole else session.headers)([mail.uid]).get(mail.uid)
        place = Place(session.uidvalidity, mail.uid)
        return raw is None or self._knows(Fetched(place, mail.arrived_at, mail.size, raw, whole))
