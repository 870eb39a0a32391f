"""Knocks at a mail server: is somebody there, do they speak this protocol, and is their certificate good?

It comes before the real connection, because the libraries say only that it failed; here is why. No password is sent.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from workflow.mail.tls import verified
from workflow.verbs.check.certificate import Seen, date, explain
from workflow.verbs.check.finding import Tell, fail, noted, ok, quoted, warn

_Asked = TypeVar("_Asked")

PATIENCE = 10.0
"""Seconds for one answer. A busy server greets within two or three."""

SOON = timedelta(days=14)
"""A certificate that ends sooner has missed its renewal: authorities that renew by themselves do so 30 days before."""

_WITHOUT_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, for which `ssl` has no name: to read a certificate that has expired."""

_LINE_MOST = 4096

_SPOKEN = ((b"* ", "IMAP"), (b"220", "SMTP"), (b"4", "SMTP"), (b"5", "SMTP"), (b"+OK", "POP3"), (b"HTTP", "HTTP"))
_STARTTLS: Mapping[str, tuple[bytes, bytes, bytes]] = {
    "IMAP": (b"p1 STARTTLS\r\n", b"p1 ", b"p1 OK"),  # RFC 3501, 6.2.1
    "SMTP": (b"STARTTLS\r\n", b"", b"220"),  # RFC 3207, 4
}


@dataclass(frozen=True, slots=True)
class Server:
    """Where to knock, in the configuration's words."""

    section: Literal["mailbox", "smtp"]
    host: str
    port: int
    security: str
    ca_file: Path | None

    @property
    def protocol(self) -> Literal["IMAP", "SMTP"]:
        """What should be spoken there."""
        return "IMAP" if self.section == "mailbox" else "SMTP"

    @property
    def place(self) -> str:
        """For a sentence."""
        return f"{self.host}, port {self.port}"

    @property
    def ports(self) -> str:
        """Which port goes with which security (RFC 8314, 3.2 and 3.3; RFC 6409, 3.1)."""
        usual = "993 goes with security = tls, 143 with starttls"
        return usual if self.section == "mailbox" else "465 goes with security = tls, 587 with starttls"


class _WrongError(Exception):
    """What is wrong, and what to do."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.text = text
        self.advice = advice


def knock(server: Server, now: datetime, tell: Tell) -> bool:
    """Tell of the connection, and of TLS where it is asked for; whether it is worth logging in. Blocks, never raises.

    `now` is aware. Two or three short connections at most, each with a time-out of `PATIENCE`.
    """
    part = f"{server.protocol} connection"
    try:
        with _dial(server) as wire:
            if server.security != "tls":
                _greet(server, wire)
            if server.security == "starttls":
                _start_tls(server, wire)
            if server.security == "none":
                tell(ok(part, f"{server.place}; not encrypted, and on this machine only"))
                return True
            tell(ok(part, server.place))
            part = f"{server.protocol} TLS"
            with _secure(server, wire, now) as secured:
                certificate, version = secured.getpeercert() or {}, secured.version()
                if server.security == "tls":
                    _greet(server, secured)
    except _WrongError as wrong:
        tell(fail(part, wrong.text, wrong.advice))
        return False
    except (OSError, ValueError) as error:
        advice = f"Try again; if it stays so, check {server.section}.host and {server.section}.port ({server.ports})."
        tell(fail(part, f"{server.place} hung up or made no sense{noted(_reason(error))}", advice))
        return False
    ends_at = date(certificate, "notAfter")
    if ends_at is not None and ends_at - now < SOON:
        advice = "Whoever runs that server must renew it before; from then on nothing works."
        tell(warn(part, f"{version}; the certificate ends on {ends_at:%Y-%m-%d}", advice))
    else:
        until = f", certificate good until {ends_at:%Y-%m-%d}" if ends_at else ", certificate verified"
        tell(ok(part, f"{version}{until}"))
    return True


# --- the connection -------------------------------------------------------------------------------------


def _dial(server: Server) -> socket.socket:
    section = server.section
    try:
        return socket.create_connection((server.host, server.port), timeout=PATIENCE)
    except socket.gaierror as error:
        text = f"there is no server called {server.host}{_known(error)}"
        raise _WrongError(text, f"Check {section}.host for a typing mistake, and this machine's network.") from error
    except ConnectionRefusedError as error:
        text = f"nothing listens on {server.place}"
        raise _WrongError(text, f"Check {section}.port ({server.ports}) and {section}.host.") from error
    except TimeoutError as error:
        text = f"{server.place} does not answer within {PATIENCE:.0f} seconds"
        advice = f"Check {section}.host and {section}.port ({server.ports}); perhaps a firewall is in the way."
        raise _WrongError(text, advice) from error
    except OSError as error:
        text = f"{server.place} cannot be reached{_known(error)}"
        raise _WrongError(text, f"Check this machine's network, and {section}.host.") from error


def _greet(server: Server, wire: socket.socket) -> None:
    """Read the greeting. Raises `_WrongError` when another protocol greets, or TLS is waited for."""
    section = server.section
    try:
        greeting = _line(wire)
    except TimeoutError as error:
        if server.security != "tls" and _speaks_tls(server):
            advice = f'Write {section}.security = "tls", or another {section}.port ({server.ports}).'
            raise _WrongError(f"{server.place} wants TLS from the start", advice) from error
        advice = f"Check {section}.port ({server.ports}); it may also be overloaded: then try again later."
        raise _WrongError(f"{server.place} takes the connection, but says nothing", advice) from error
    spoken = next((name for start, name in _SPOKEN if greeting.startswith(start)), "")
    if spoken != server.protocol:
        if not greeting and server.security != "tls" and _speaks_tls(server):
            advice = f'Write {section}.security = "tls", or another {section}.port ({server.ports}).'
            raise _WrongError(f"{server.place} wants TLS from the start", advice)
        what = f"speaks {spoken}" if spoken else "hangs up at once" if not greeting else "speaks something else"
        advice = f"Check {section}.port ({server.ports}) and {section}.host."
        raise _WrongError(f"{server.place} is no {server.protocol} server: it {what}", advice)
    if greeting.startswith((b"* BYE", b"4", b"5")):
        text = f"{server.place} turns us away{quoted(greeting)}"
        raise _WrongError(text, "Try again in a few minutes; if it stays so, ask whoever runs that server.")


def _start_tls(server: Server, wire: socket.socket) -> None:
    if server.protocol == "SMTP":
        wire.sendall(b"EHLO [127.0.0.1]\r\n")  # RFC 5321, 4.1.3: a literal, since a name would have to be looked up
        while _line(wire)[3:4] == b"-":
            pass
    command, start, agreed = _STARTTLS[server.protocol]
    wire.sendall(command)
    while not (answer := _line(wire)).startswith(start) and answer:
        pass
    if not answer.startswith(agreed):
        section = server.section
        text = f"{server.place} offers no encryption (STARTTLS){quoted(answer.removeprefix(start))}"
        advice = (
            f'Use its TLS port and {section}.security = "tls" ({server.ports}). '
            "Promptly sends no password over an open line."
        )
        raise _WrongError(text, advice)


def _line(wire: socket.socket) -> bytes:
    """One line without its end; what there is when the server hangs up. Raises TimeoutError."""
    heard = bytearray()
    while not heard.endswith(b"\n") and len(heard) < _LINE_MOST:
        byte = wire.recv(1)  # not one byte more: after STARTTLS the rest is not ours to read
        if not byte:
            break
        heard += byte
    return bytes(heard).rstrip(b"\r\n")


def _known(error: OSError) -> str:
    return f" ({error.strerror})" if error.strerror else ""


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, ssl.SSLError) and error.reason else str(error)


# --- TLS ------------------------------------------------------------------------------------------------


def _secure(server: Server, wire: socket.socket, now: datetime) -> ssl.SSLSocket:
    """The wire, encrypted and proven, as the daemon would have it. Raises `_WrongError`."""
    try:
        context = verified(server.ca_file)
    except OSError as error:  # ssl.SSLError is one
        text = f"{server.ca_file} holds no certificate that can be read"
        raise _WrongError(
            text, f"Put an authority's certificate, in PEM form, there: {server.section}.ca_file."
        ) from error
    try:
        return context.wrap_socket(wire, server_hostname=server.host)
    except ssl.SSLCertVerificationError as error:
        seen = Seen(_certificate(server), server.host, server.section, server.ca_file)
        raise _WrongError(*explain(seen, error, now)) from error
    except (ssl.SSLError, ConnectionError, TimeoutError) as error:
        if server.security == "tls" and (spoken := _speaks_plainly(server)):
            section = server.section
            usual = (
                f'Write {section}.security = "starttls", or the port for TLS ({server.ports}).'
                if spoken == server.protocol
                else f"Check {section}.port ({server.ports})."
            )
            raise _WrongError(f"{server.place} speaks plain {spoken}, without TLS", usual) from error
        text = f"{server.place} does not come to terms on TLS 1.2 or newer{noted(_reason(error))}"
        advice = f"Check {server.section}.port ({server.ports}). An old server that has no TLS 1.2 is to be renewed."
        raise _WrongError(text, advice) from error


def _certificate(server: Server) -> Mapping[str, Any]:
    """What stands in the server's certificate, however bad it is; {} if it cannot be had."""
    try:
        raw = _peer(server, _careless(), lambda secured: secured.getpeercert(binary_form=True))
        # Only a certificate that was verified is shown with its parts: so it is verified against itself.
        itself = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        itself.check_hostname = False
        itself.verify_flags = ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _WITHOUT_TIME)
        itself.load_verify_locations(cadata=raw or b"")
        return _peer(server, itself, lambda secured: secured.getpeercert()) or {}
    except (OSError, ValueError, _WrongError):
        return {}


def _careless() -> ssl.SSLContext:
    """To look at a server, never to talk to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _peer(server: Server, context: ssl.SSLContext, ask: Callable[[ssl.SSLSocket], _Asked]) -> _Asked:
    """The answer to a question about the peer of a connection made for it."""
    with _dial(server) as wire:
        if server.security == "starttls":
            _line(wire)
            _start_tls(server, wire)
        with context.wrap_socket(wire, server_hostname=server.host) as secured:
            return ask(secured)


def _speaks_tls(server: Server) -> bool:
    with suppress(OSError, ValueError, _WrongError), _dial(server) as wire:
        wire.settimeout(PATIENCE / 3)
        with _careless().wrap_socket(wire, server_hostname=server.host):
            return True
    return False


def _speaks_plainly(server: Server) -> str:
    """Which protocol greets without TLS; "" for none."""
    with suppress(OSError, _WrongError), _dial(server) as wire:
        wire.settimeout(PATIENCE / 3)
        greeting = _line(wire)
        return next((name for start, name in _SPOKEN if greeting.startswith(start)), "")
    return ""
