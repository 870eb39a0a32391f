"""What is wrong with a server's certificate, and what to do about it. Words alone: it was fetched before."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow.verbs.check.finding import noted

NAMES_SHOWN = 4

_EXPIRED, _NOT_YET, _ALONE, _OTHER_NAME = 10, 9, 18, frozenset({62, 64})
_UNKNOWN_ISSUER = frozenset({2, 19, 20, 21})
"""What OpenSSL calls what is wrong with a certificate (x509_vfy.h)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A certificate that was refused, as `ssl` shows it ({} if it could not be had), and the keys that lead to it."""

    certificate: Mapping[str, Any]
    host: str
    section: str
    """``mailbox`` or ``smtp``."""
    ca_file: Path | None


def explain(seen: Seen, error: ssl.SSLCertVerificationError, now: datetime) -> tuple[str, str]:
    """What is wrong with which certificate, and what to do. `now` is by this machine's clock, which may be at fault."""
    section, whose, code = seen.section, _names(seen.certificate), error.verify_code
    issuer = _named(seen.certificate, "issuer") or "an authority without a name"
    here = f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC"
    named = f"into a file and write {section}.ca_file with its path"
    if code == _EXPIRED:
        ended_at = date(seen.certificate, "notAfter")
        day = f" on {ended_at:%Y-%m-%d}" if ended_at else ""
        advice = f"Whoever runs that server must renew it. (If that day is still to come: {here}.)"
        return f"the certificate of {whose} has expired{day}", advice
    if code == _NOT_YET:
        begins_at = date(seen.certificate, "notBefore")
        day = f"before {begins_at:%Y-%m-%d}" if begins_at else "yet"
        return f"the certificate of {whose} is not good {day}", f"Set the clock: {here}."
    if code in _OTHER_NAME:
        advice = f"Write one of those names as {section}.host, or have the certificate made for {seen.host}."
        return f"the certificate is for {whose}, not for {seen.host}", advice
    alone = bool(seen.certificate) and seen.certificate.get("subject") == seen.certificate.get("issuer")
    if code == _ALONE or (code in _UNKNOWN_ISSUER and alone):
        text = f"the certificate of {whose} is signed by nobody but itself"
        return text, f"If that is your own server: put that certificate (PEM) {named}."
    if code in _UNKNOWN_ISSUER and seen.ca_file is not None:
        text = f"the certificate of {whose} is signed by {issuer}, whose certificate is not in {seen.ca_file}"
        advice = f"Put it there, or leave {section}.ca_file out if that authority is a public one."
        return text, advice
    if code in _UNKNOWN_ISSUER:
        text = f"the certificate of {whose} is signed by {issuer}, which this machine does not know"
        advice = (
            f"If that is your own authority: put its certificate (PEM) {named}. "
            "If it is a public one, the server does not send its whole chain: tell whoever runs it."
        )
        return text, advice
    text = f"the certificate of {whose}, signed by {issuer}, is not good{noted(error.verify_message)}"
    return text, "Ask whoever runs that server."


def date(certificate: Mapping[str, Any], name: str) -> datetime | None:
    """``notBefore`` or ``notAfter``, in UTC; None when it is not there."""
    text = certificate.get(name)
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) if isinstance(text, str) else None


def _names(certificate: Mapping[str, Any]) -> str:
    """Whom it is for."""
    alternative = [str(name) for _, name in certificate.get("subjectAltName", ())]
    names = alternative or [name for name in (_named(certificate, "subject"),) if name]
    if not names:
        return "the server"
    return ", ".join(names[:NAMES_SHOWN]) + (" and others" if len(names) > NAMES_SHOWN else "")


def _named(certificate: Mapping[str, Any], who: str) -> str:
    parts = {key: value for group in certificate.get(who, ()) for key, value in group}
    return str(parts.get("commonName") or parts.get("organizationName") or "")
