"""XOAUTH2 as a mail server speaks it, for the embedded one: a login by access token, for IMAP and for SMTP.

A refused token is answered as Google and Microsoft do: first a challenge that says why, and after the client's empty
line the refusal itself.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Sequence

from aiosmtpd.smtp import MISSING, SMTP, AuthResult
from pysasl.creds.plain import PlainCredentials
from pysasl.mechanism import ChallengeResponse, ServerChallenge, ServerMechanism

LONGEST = 12_288
"""Bytes of an AUTH command (RFC 4954, 4): tokens have thousands."""

_SAID = re.compile(rb"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01")
_WHY = b'{"status":"401","schemes":"bearer","scope":"mail"}'

Opens = Callable[[str, str], bool]
"""Whether an access token opens the mailbox of this address: (address, token)."""


def is_right(said: bytes, opens: Opens) -> str | None:
    """The address whose mailbox is opened by what the client said; None: refused."""
    if not (found := _SAID.fullmatch(said)):
        return None
    address, token = (part.decode(errors="replace") for part in found.groups())
    return address.casefold() if opens(address.casefold(), token) else None


class ForImap(ServerMechanism):
    """For pymap, which knows passwords alone: a good token gets the account's own from `password_of`."""

    def __init__(self, opens: Opens, password_of: Callable[[str], str]) -> None:
        super().__init__(b"XOAUTH2")
        self._opens = opens
        self._password_of = password_of

    def server_attempt(self, responses: Sequence[ChallengeResponse]) -> tuple[PlainCredentials, None]:
        if not responses:
            raise ServerChallenge(b"")
        address = is_right(responses[0].response, self._opens)
        if address is None and len(responses) == 1:
            raise ServerChallenge(_WHY)
        return PlainCredentials(address or "", self._password_of(address) if address else ""), None


async def answer_smtp(server: SMTP, args: list[str], opens: Opens) -> AuthResult:
    """For aiosmtpd: AUTH XOAUTH2, with the token in the command or after it."""
    try:
        said = b64decode(args[1], validate=True) if len(args) > 1 else await server.challenge_auth("")
    except Error:
        said = b""
    if said is MISSING:
        return AuthResult(success=False)
    address = is_right(said, opens) if isinstance(said, bytes) else None
    if address is None:
        await server.challenge_auth(_WHY)
        return AuthResult(success=False, handled=False)
    return AuthResult(success=True, handled=False, auth_data=address)
