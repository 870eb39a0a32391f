"""Who we are, said to an IMAP server: by password, or by access token (RFC 3501, 6.2; XOAUTH2)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, LoginError

from workflow.config.keys import ImapServer
from workflow.mail.imap.mailbox import Loss, MailboxError, is_passing
from workflow.mail.tokens import TokenError, Tokens, xoauth2


def log_in(client: Any, server: ImapServer, tokens: Tokens | None) -> None:
    """By password, or by access token, once. Blocks; for a token, as long as `mail.tokens` says.

    Raises `MailboxError`: refused-login, or unreachable if the server, or the provider of tokens, could not be asked.
    """
    if tokens is not None:
        _log_in_by_token(client, server.username, tokens)
        return
    try:
        password = server.password()
    except OSError as error:
        raise MailboxError(Loss.REFUSED_LOGIN) from error
    try:
        _log_in_by_password(client, server.username, password)
    except LoginError as error:
        raise MailboxError(_why_refused(error)) from error
    except UnicodeEncodeError as error:
        raise MailboxError(Loss.REFUSED_LOGIN) from error


def _log_in_by_password(client: Any, name: str, password: str) -> None:
    # AUTHENTICATE carries UTF-8; LOGIN is ASCII, and imaplib sends the name unquoted.
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    if not client.has_capability("AUTH=PLAIN"):
        client.login(f'"{quoted}"', password)
        return
    try:
        client.plain_login(name, password)
    except LoginError as error:
        # Some servers offer PLAIN and take only LOGIN. If not, the first refusal stands, even if the line drops now.
        if _why_refused(error) is Loss.REFUSED_LOGIN and not client.has_capability("LOGINDISABLED"):
            with suppress(LoginError, UnicodeEncodeError):
                client.login(f'"{quoted}"', password)
                return
        raise


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
    passing = dropped or is_passing(error) or "[SERVERBUG]" in str(error).upper()
    return Loss.UNREACHABLE if passing else Loss.REFUSED_LOGIN
