"""Why a mail server cannot be reached, out of the error that the daemon's own connection ended with; and what to do.

No protocol is spoken here: where an error alone does not tell, the same connection is made once more in another way.
No password is sent.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from aiosmtplib import SMTPConnectResponseError, SMTPException, SMTPHeloError, SMTPResponseException

from workflow.config.keys import ImapServer, Security, SmtpServer
from workflow.mail.imap.mailbox import Loss, MailboxError
from workflow.mail.smtp.session import UnreadyError
from workflow.mail.tls import verified
from workflow.verbs.check.finding import Tell, fail, noted, ok, quoted, warn
from workflow.verbs.check.known import known
from workflow.verbs.check.mailbox import TROUBLE, IMAPClientAbortError

PATIENCE = 10.0
"""Seconds for one answer. A busy server greets within two or three."""

LATER = "Try again in a few minutes; if it stays so, ask whoever runs that server."

_FAILED = (*TROUBLE, UnreadyError)

_GREETING = re.compile(r"(?:response(?: line)?: (?:b['\"])?|^b['\"])(.*)", re.DOTALL)
"""How the libraries quote a greeting that they do not understand, or that turns us away."""

_SPOKEN = {"* ": "IMAP", "220": "SMTP", "4": "SMTP", "5": "SMTP", "+OK": "POP3", "HTTP": "HTTP"}

_EXPIRED, _NOT_YET, _ALONE, _OTHER_NAME = 10, 9, 18, {62, 64}
_UNKNOWN_ISSUER = {2, 19, 20, 21}
"""What OpenSSL calls what is wrong with a certificate (x509_vfy.h)."""

_WITHOUT_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, for which `ssl` has no name: to read a certificate that has expired."""


class Peer(NamedTuple):
    version: str
    certificate: Mapping[str, Any]
    """As `ssl` shows one that it has verified; {} if it has not."""
    raw: bytes


def peer_of(wire: object) -> Peer | None:
    """The other end; None where nothing is encrypted."""
    if not isinstance(wire, ssl.SSLSocket | ssl.SSLObject):
        return None
    return Peer(wire.version() or "", wire.getpeercert() or {}, wire.getpeercert(binary_form=True) or b"")


@dataclass(frozen=True, slots=True)
class Server:
    protocol: Literal["IMAP", "SMTP"]
    section: Literal["mailbox", "smtp"]
    ports: str
    """Which port goes with which security."""
    keys: ImapServer | SmtpServer
    meet: Callable[[Security, ssl.SSLContext | None], Peer | None]
    """Connect as the daemon does, but with this security, and hang up. Raises what is in `_FAILED`."""

    @property
    def place(self) -> str:
        return f"{self.keys.host}, port {self.keys.port}"


class _Wrong(NamedTuple):
    text: str
    advice: str
    part: str = "connection"


def knock(server: Server, now: datetime, tell: Tell) -> bool:
    """Tell of the connection, and of TLS where it is asked for; whether it is worth logging in. Blocks."""
    connection, encryption = f"{server.protocol} connection", f"{server.protocol} TLS"
    try:
        context = verified(server.keys.ca_file) if server.keys.security != "none" else None
    except OSError:  # ssl.SSLError is one
        text = f"{server.keys.ca_file} holds no certificate that can be read"
        tell(fail(encryption, text, f"Put an authority's certificate, in PEM form, there: {server.section}.ca_file."))
        return False
    try:
        peer = server.meet(server.keys.security, context)
    except _FAILED as error:
        wrong = _why(server, error, now)
        if wrong.part == "TLS":
            tell(ok(connection, server.place))
        tell(fail(f"{server.protocol} {wrong.part}", wrong.text, wrong.advice))
        return False
    if peer is None:
        tell(ok(connection, f"{server.place}; not encrypted, and on this machine only"))
        return True
    tell(ok(connection, server.place))
    day, left = _day(peer.certificate, "notAfter"), ssl.cert_time_to_seconds(peer.certificate["notAfter"])
    if left - now.timestamp() < 14 * 86_400:  # authorities that renew by themselves do so 30 days before
        advice = "Whoever runs that server must renew it before; from then on nothing works."
        tell(warn(encryption, f"{peer.version}; the certificate ends on {day}", advice))
    else:
        tell(ok(encryption, f"{peer.version}, certificate good until {day}"))
    return True


def _why(server: Server, error: Exception, now: datetime) -> _Wrong:
    root = _root(error)
    words = next(filter(None, (getattr(root, name, None) for name in ("message", "reason", "strerror"))), root)
    section, place, usual = server.section, server.place, f"{server.section}.port ({server.ports})"
    look = f"Check {usual} and {section}.host."
    silent, tls = isinstance(root, TimeoutError), isinstance(root, ssl.SSLError)
    hung_up = isinstance(root, ConnectionError | IMAPClientAbortError) and not isinstance(root, SMTPResponseException)
    greeting = _spoken(root)
    if isinstance(root, ssl.SSLCertVerificationError):
        return _wrong_certificate(server, root, now)
    if isinstance(root, socket.gaierror):
        text = f"there is no server called {server.keys.host} ({root.strerror})"
        return _Wrong(text, f"Check {section}.host for a typing mistake, and this machine's network.")
    if f"[Errno {errno.ECONNREFUSED}]" in str(root):  # asyncio makes one text of what several addresses said
        return _Wrong(f"nothing listens on {place}", look)
    if silent and not _listens(server):
        text = f"{place} does not answer within {PATIENCE:.0f} seconds"
        return _Wrong(text, f"{look} Perhaps a firewall is in the way.")
    if greeting is not None and greeting != server.protocol:
        return _Wrong(f"{place} is no {server.protocol} server: it speaks {greeting or 'something else'}", look)
    if isinstance(root, SMTPHeloError):
        advice = f"Write smtp.helo with a name that it takes, such as this machine's full one. {LATER}"
        return _Wrong(f"{place} turns us away by our name{quoted(words)}", advice)
    if greeting is not None:
        return _Wrong(f"{place} turns us away{quoted(words)}", LATER)
    if silent or hung_up or tls:
        other: Security = "none" if server.keys.security == "tls" else "tls"
        spoken = _spoken_there(server, other)
        if spoken and other == "tls":
            advice = f'Write {section}.security = "tls", or another {usual}.'
            return _Wrong(f"{place} wants TLS from the start", advice)
        if spoken:
            advice = f'Write {section}.security = "starttls", or the port for TLS ({server.ports}).'
            text = f"{place} speaks plain {spoken}, without TLS"
            return _Wrong(text, advice if spoken == server.protocol else look, "TLS")
    if tls:
        advice = f"Check {usual}. An old server that has no TLS 1.2 is to be renewed."
        return _Wrong(f"{place} does not come to terms on TLS 1.2 or newer{noted(words)}", advice, "TLS")
    if silent or hung_up:
        advice = f"Check {usual}; it may also be overloaded: then try again later."
        return _Wrong(f"{place} takes the connection, but {'says nothing' if silent else 'hangs up'}", advice)
    if isinstance(root, SMTPException) or (isinstance(error, MailboxError) and error.why is Loss.TLS):
        advice = f'Use its TLS port and {section}.security = "tls" ({server.ports}). '
        text = f"{place} offers no encryption (STARTTLS){quoted(words) if hasattr(root, 'code') else ''}"
        return _Wrong(text, f"{advice}Promptly sends no password over an open line.")
    if isinstance(root, OSError):
        return _Wrong(f"{place} cannot be reached{noted(words)}", f"Check this machine's network, and {section}.host.")
    return _Wrong(f"{place} makes no sense{noted(words)}", f"Try again. {look}")


def refused_login(section: str, protocol: str, username: str, cause: object) -> tuple[str, str]:
    """What is wrong with a login that came to nothing, and what to do. `cause` is what the refusal began with."""
    if isinstance(cause, OSError):
        text = f"the password cannot be read ({cause.strerror or cause})"
        return text, f"Look at {section}.password_file or {section}.password_env."
    words = cause.message if isinstance(cause, SMTPResponseException) else cause or ""
    advice = (
        f"Check {section}.username, and put the password alone into the file of {section}.password_file. Where people "
        f"sign in with a second step, an app password is needed; some providers must first be told to allow {protocol}."
    )
    return f"user name or password refused, for {username}{quoted(words)}", known(words, advice)


def _root(error: BaseException) -> BaseException:
    """The error that all began with. Beyond a time-out of asyncio's there is but a cancellation."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def _spoken(root: BaseException) -> str | None:
    """The protocol of a greeting that the client refused: "" for an unknown one, None where there was none."""
    if isinstance(root, SMTPConnectResponseError):
        return "SMTP"
    if str(root) == "None":  # imaplib takes POP's "+OK" for a "+"
        return "POP3"
    heard = _GREETING.search(str(root))
    return heard and next((protocol for start, protocol in _SPOKEN.items() if heard[1].startswith(start)), "")


def _listens(server: Server) -> bool:
    with suppress(OSError), socket.create_connection((server.keys.host, server.keys.port), timeout=PATIENCE):
        return True
    return False


def _spoken_there(server: Server, security: Security) -> str:
    """Which protocol greets us when we try it with that security; "" for none."""
    try:
        server.meet(security, _careless() if security == "tls" else None)
    except _FAILED as error:
        return _spoken(_root(error)) or ""
    return server.protocol


def _careless() -> ssl.SSLContext:
    """To look at a server, never to talk to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# --- certificates -------------------------------------------------------------------------------------------


def _wrong_certificate(server: Server, error: ssl.SSLCertVerificationError, now: datetime) -> _Wrong:
    certificate, section, code = _certificate(server), server.section, error.verify_code
    issuer = _named(certificate, "issuer") or "an authority without a name"
    names = [str(name) for _, name in certificate.get("subjectAltName", ())] or [_named(certificate, "subject")]
    whose = f"{', '.join(names[:4])}{' and others' if len(names) > 4 else ''}" or "the server"
    text = f"the certificate of {whose}"
    here = f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC"
    named = f"into a file and write {section}.ca_file with its path"
    alone = bool(certificate) and certificate["subject"] == certificate["issuer"]
    if code == _EXPIRED:
        text += f" has expired on {_day(certificate, 'notAfter')}"
        advice = f"Whoever runs that server must renew it. (If that day is still to come: {here}.)"
    elif code == _NOT_YET:
        text += f" is not good before {_day(certificate, 'notBefore')}"
        advice = f"Set the clock: {here}."
    elif code in _OTHER_NAME:
        text = f"the certificate is for {whose}, not for {server.keys.host}"
        advice = f"Write one of those names as {section}.host, or have the certificate made for {server.keys.host}."
    elif code == _ALONE or (code in _UNKNOWN_ISSUER and alone):
        text += " is signed by nobody but itself"
        advice = f"If that is your own server: put that certificate (PEM) {named}."
    elif code in _UNKNOWN_ISSUER and server.keys.ca_file is not None:
        text += f" is signed by {issuer}, whose certificate is not in {server.keys.ca_file}"
        advice = f"Put it there, or leave {section}.ca_file out if that authority is a public one."
    elif code in _UNKNOWN_ISSUER:
        text += f" is signed by {issuer}, which this machine does not know"
        advice = (
            f"If that is your own authority: put its certificate (PEM) {named}. "
            "If it is a public one, the server does not send its whole chain: tell whoever runs it."
        )
    else:
        text += f", signed by {issuer}, is not good{noted(error.verify_message)}"
        advice = "Ask whoever runs that server."
    return _Wrong(text, advice, "TLS")


def _certificate(server: Server) -> Mapping[str, Any]:
    """What stands in the server's certificate, however bad it is; {} if it cannot be had."""
    with suppress(*_FAILED):
        if (peer := server.meet(server.keys.security, _careless())) is not None:
            # Only a certificate that was verified is shown with its parts: so it is verified against itself.
            itself = _careless()
            itself.verify_mode = ssl.CERT_REQUIRED
            itself.verify_flags = ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _WITHOUT_TIME)
            itself.load_verify_locations(cadata=peer.raw)
            shown = server.meet(server.keys.security, itself)
            return shown.certificate if shown is not None else {}
    return {}


def _day(certificate: Mapping[str, Any], name: str) -> str:
    if name not in certificate:
        return "a day that it does not tell"
    return f"{datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate[name]), UTC):%Y-%m-%d}"


def _named(certificate: Mapping[str, Any], who: str) -> str:
    parts = {key: value for group in certificate.get(who, ()) for key, value in group}
    return str(parts.get("commonName") or parts.get("organizationName") or "")
