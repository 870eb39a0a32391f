"""The daemon, which also notes when a mail was fetched and when a letter was accepted. Else it is ``daemon.py``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import sdnotify

import daemon
from tests.bench.notes import note
from workflow.mail.imap.inbox import Fetched, Inbox
from workflow.mail.smtp.outbox import Attempt, Outbox, Result
from workflow.practice import Practice
from workflow.verbs import run


def _install() -> None:
    send, notify = Outbox.send, sdnotify.SystemdNotifier.notify

    def noted_inbox(*server: Any, deliver: Callable[[Fetched], None], **more: Any) -> Inbox:
        def noted_deliver(fetched: Fetched) -> None:
            note("fetched")
            deliver(fetched)

        return Inbox(*server, deliver=noted_deliver, **more)

    async def noted_send(self: Outbox, raw: bytes, **more: Any) -> Attempt:
        attempt = await send(self, raw, **more)
        if attempt.result is Result.ACCEPTED:
            note("accepted")
        return attempt

    def noted_notify(self: sdnotify.SystemdNotifier, state: str) -> None:
        if state == "READY=1":
            note("ready")
        notify(self, state)

    sdnotify.SystemdNotifier.notify = noted_notify
    run.Practice = partial(Practice, make_inbox=noted_inbox)  # type: ignore[attr-defined,assignment]  # measured from outside
    Outbox.send = noted_send  # type: ignore[method-assign]  # likewise


if __name__ == "__main__":
    _install()
    sys.exit(daemon.main(sys.argv[1:]))
