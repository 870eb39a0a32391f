"""What large providers answer to a set-up that is not whole, and what it means: their words seldom say it."""

from __future__ import annotations

import re
from typing import Final

_PAGE: Final = "docs/oauth2.md"

_SAYINGS: Final[tuple[tuple[str, str], ...]] = (
    # Microsoft 365. The first is the answer to the first command after a login that was accepted.
    (
        r"authenticated but not connected",
        f"The login is good, but opens no such mailbox: it has no FullAccess there ({_PAGE}, step 4), or the user name "
        "is not the mailbox's own address. After a change Microsoft takes up to an hour.",
    ),
    (
        r"STOREDRV|^(MAIL |RCPT |DATA )?430\b",
        "Microsoft lets the login in, but into no mailbox to send from: is it licensed, the user name its own address, "
        f"and SendAs given ({_PAGE}, step 4)? Letters are kept, and tried again.",
    ),
    (
        r"SmtpClientAuthentication is disabled",
        f"SMTP is off for the mailbox, or for the whole organization: the last line of step 4 in {_PAGE} turns it on.",
    ),
    (
        r"basic authentication is disabled|5\.7\.139.*basic auth",
        f"Microsoft takes no passwords here any more: log in by token, as {_PAGE} goes through.",
    ),
    (
        r"did not meet the criteria|security defaults|conditional access",
        "A rule of the organization forbids this login: security defaults, an authentication policy or conditional "
        "access. Its administrator finds it in Entra, among the sign-in logs.",
    ),
    (r"5\.7\.139\b", f"Microsoft's rules for this mailbox or organization forbid SMTP: see step 4 in {_PAGE}."),
    (
        r"SendAsDenied|5\.2\.252\b|5\.7\.60\b",
        f"This login may not send as mailbox.address: give it SendAs ({_PAGE}, step 4), or log in as that mailbox.",
    ),
    # Google.
    (
        r"application-specific password",
        f"Google wants an app password here, not that of the account: see Google in {_PAGE}.",
    ),
    (
        r"5\.7\.8.*BadCredentials|web login required|log in via your web browser|Username and Password not accepted",
        "Google refuses this password. It must be an app password, and one ends when the account's password changes or "
        f"two-step sign-in is turned off: see Google in {_PAGE}.",
    ),
)


def known(words: object, usual: str) -> str:
    """What to do about a server's words where they are known, else `usual`."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    return next((said for looks, said in _SAYINGS if re.search(looks, text, re.IGNORECASE | re.DOTALL)), usual)
