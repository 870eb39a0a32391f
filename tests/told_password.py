"""Mail servers whose password a test says, anew at each login."""

from __future__ import annotations

from collections.abc import Callable

from workflow.config.keys import ImapServer, ServerKeys, SmtpServer


class _Told(ServerKeys):
    word: Callable[[], str]

    def password(self) -> str:
        return self.word()


class ToldImap(_Told, ImapServer):
    """`[mailbox]`."""


class ToldSmtp(_Told, SmtpServer):
    """`[smtp]`."""
