"""pymap bent to our needs: keywords, an IDLE that misses nothing, logins by access token, no look into DNS.

`verbs.embedded` runs it.
"""

from __future__ import annotations

from pymap.backend.dict import Config
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.concurrent import Event
from pymap.parsing.specials import ObjectId
from pymap.parsing.specials.flag import Flag, Wildcard
from pymap.selected import SelectedMailbox
from pysasl import SASLAuth

from workflow.verbs import xoauth2


class ImapConfig(Config):
    """pymap's, without its look into DNS for a greeting."""

    tokens: xoauth2.ForImap | None = None

    @property
    def tls_auth(self) -> SASLAuth:
        named: SASLAuth = super().tls_auth
        return named if self.tokens is None else SASLAuth([*named.server_mechanisms, self.tokens])

    @property
    def greeting(self) -> bytes:
        return b"ready"


class Folder(MailboxData):
    """A folder that keeps keywords, and whose IDLE misses nothing."""

    def __init__(self, boxes: FolderSet) -> None:
        super().__init__(boxes._content_cache, boxes._thread_cache)
        self._updated = boxes.changed

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        return super().permanent_flags | {Wildcard}

    async def update_selected(self, selected: SelectedMailbox, *, wait_on: Event | None = None) -> SelectedMailbox:
        # pymap waits for the next change even when one came between the last command and IDLE: a lost push.
        if selected.mod_sequence != self._mod_sequences.highest:
            wait_on = None
        return await super().update_selected(selected, wait_on=wait_on)


class FolderSet(MailboxSet):
    """All folders of an account; `changed` rings at every change in any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = Event.for_asyncio()
        self._inbox = Folder(self)

    async def add_mailbox(self, name: str) -> ObjectId:
        if name in self._set:
            raise ValueError(name)
        self._set[name] = mailbox = Folder(self)
        self.changed.set()
        return mailbox.mailbox_id
