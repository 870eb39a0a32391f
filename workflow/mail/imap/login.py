"""How we log in to an IMAP server: by password, or by access token (XOAUTH2). One attempt, classified; no retry."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, LoginError

from workflow.config.keys import ImapServer
from workflow.mail.imap.mailbox import Loss, MailboxError
from workflow.mail.tokens import TokenError, Tokens, xoauth2

_BUSY = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]|(?:too many|number of)[a-z ]* connections", re.I)
"""A login refused for a reason that is no judgement on us (RFC 5530, 3): most of all, too many connections, for which
Gmail has but words."""


def log_in(client: Any, server: ImapServer, tokens: Tokens | None) -> None:
    """Log `client`, an IMAPClient, in. Blocks; for a token, as long as `mail.tokens` says.

    Raises `MailboxError`: refused-login, or unreachable if the server, or the provider of tokens, could not even be
    asked.
    """
    if tokens is not None:
        _log_in_by_token(client, server.username, tokens)
        return
    try:
        password = server.password()
    except OSError as error:
        raise MailboxError(Loss.REFUSED_LOGIN) from error
    name = server.username
    try:
        # AUTHENTICATE carries UTF-8; LOGIN is ASCII, and imaplib sends the name unquoted.
        if client.has_capability("AUTH=PLAIN"):
            client.plain_login(name, password)
        else:
            quoted = name.replace("\\", "\\\\").replace('"', '\\"')
            client.login(f'"{quoted}"', password)
    except LoginError as error:
        raise MailboxError(_why_refused(error)) from error
    except UnicodeEncodeError as error:
        raise MailboxError(Loss.REFUSED_LOGIN) from error


def _log_in_by_token(client: Any, name: str, tokens: Tokens) -> None:
    """XOAUTH2, once more with a fresh token if the server refuses the first: it may have been taken back."""
    if not client.has_capability("AUTH=XOAUTH2"):
        raise MailboxError(Loss.REFUSED_LOGIN, "this server takes no access tokens (XOAUTH2)")
    try:
        client.sasl_login("XOAUTH2", _answers(name, tokens.get()))
    except LoginError as error:
        if (why := _why_refused(error)) is not Loss.REFUSED_LOGIN:
            raise MailboxError(why) from error
    except TokenError as error:
        raise _no_token(error) from error
    else:
        return
    try:
        client.sasl_login("XOAUTH2", _answers(name, tokens.get(fresh=True)))
    except LoginError as error:
        # Even if the line dropped: some servers hang up after a refusal.
        raise MailboxError(Loss.REFUSED_LOGIN, "the server refuses the access token for this mailbox") from error
    except TokenError as error:
        raise _no_token(error) from error


def _answers(name: str, token: str) -> Callable[[bytes], str]:
    """What we say to each of the server's challenges: the token, then nothing, for the second tells why it is refused.

    After that empty line comes the refusal itself.
    """
    answers = iter([xoauth2(name, token)])
    return lambda _: next(answers, "")


def _no_token(error: TokenError) -> MailboxError:
    return MailboxError(Loss.REFUSED_LOGIN if error.refused else Loss.UNREACHABLE, error.reason)


def _why_refused(error: LoginError) -> Loss:
    # The library says LoginError for a dropped line, too.
    dropped = isinstance(error.__context__, IMAPClientAbortError)
    return Loss.UNREACHABLE if dropped or _BUSY.search(str(error)) else Loss.REFUSED_LOGIN
