"""The configuration: one TOML file -> one frozen `Config`, or every fault at once (contract section 6).

`workflow.settings` has the keys, `workflow.faults` what can be wrong with them; here the file is read and made into
what the rest of the program uses. Nothing connects to anything, and no password is kept: it is read when it is used.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path

from pydantic import ValidationError

from workflow.config.faults import Fault, Faults, cross_faults, handed_over, place, worded
from workflow.config.keys import OAuth2 as OAuth2Table
from workflow.config.keys import Security, Server, Settings
from workflow.core.model import Cadence, KindCadence, Person, Roster, Rules

__all__ = ["Config", "Fault", "Faults", "Letters", "Mailbox", "OAuth2", "Privacy", "Secret", "Smtp", "Trust", "load"]

LATE_IS_STALE_AFTER = timedelta(hours=2)
"""A LATE or WAITING that is older has no session left to save (contract section 6, `stale_after`)."""

_SCOPES = {"microsoft": "https://outlook.office365.com/.default", "google": ""}
"""What a token is for. Empty: all that the refresh token was granted for."""

_PORTS = {
    "mailbox": {"tls": 993, "starttls": 143, "none": 143},  # RFC 8314, 3.2; RFC 3501, 2.1
    "smtp": {"tls": 465, "starttls": 587, "none": 25},  # RFC 8314, 3.3; RFC 6409, 3.1; RFC 5321, 4.5.4.2
}


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a password, or another secret, lies: in a file or in an environment variable. Calling it reads it."""

    file: Path | None = None
    env: str | None = None

    def __call__(self) -> str:
        """The password as it is now, so that a changed file needs no restart. OSError: it can't be read."""
        if self.file is not None:
            return self.file.read_text(encoding="utf-8").strip("\r\n")
        word = os.environ.get(self.env or "")
        if not word:
            raise OSError("the environment variable with the password is not set")
        return word


@dataclass(frozen=True, slots=True)
class OAuth2:
    """`[mailbox.oauth2]` or `[smtp.oauth2]`: where access tokens come from, instead of a password."""

    provider: str
    """``microsoft`` or ``google``."""
    client_id: str
    secret: Secret
    """Unused where there is a certificate."""
    tenant: str
    certificate: Path | None
    """A certificate and its key, in PEM form."""
    refresh_token: Secret
    scope: str
    """Separated by spaces."""
    authority: str
    token_url: str
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """`[mailbox]`: the IMAP side."""

    address: str
    host: str
    port: int
    security: Security
    username: str
    password: Callable[[], str]
    """OSError where there is `oauth2` instead."""
    ca_file: Path | None
    folder: str
    handled_folder: str
    """Empty: mails are marked in place."""
    shared: bool
    max_size: int
    """Bytes."""
    stale_after: timedelta
    oauth2: OAuth2 | None = None


@dataclass(frozen=True, slots=True)
class Smtp:
    """`[smtp]`: where letters are handed over."""

    host: str
    port: int
    security: Security
    username: str | None
    """None: the server asks for no login; then there is no password either."""
    password: Callable[[], str] | None
    ca_file: Path | None
    oauth2: OAuth2 | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """`[trust]`: what makes us believe a From."""

    authserv_id: str
    require: bool
    internal: str
    """``exchange`` or empty."""


@dataclass(frozen=True, slots=True)
class Letters:
    """`[letters]`."""

    templates: Path | None
    sms_link: bool


@dataclass(frozen=True, slots=True)
class Privacy:
    """`[privacy]`: how much of a client is told, and for how long it is kept after closing."""

    client_name: str
    keep_names: timedelta
    keep_cases: timedelta


@dataclass(frozen=True, slots=True)
class Config:
    """One clinic's configuration, checked. Two that were read from the same file are equal."""

    path: Path
    clinic: str
    timezone: str
    """IANA name."""
    roster: Roster
    cadence: Cadence
    mailbox: Mailbox
    smtp: Smtp
    trust: Trust
    letters: Letters
    privacy: Privacy
    digest_at: time | None
    """Local time; None: no digest."""
    store: Path
    """The folder of the state; made by the store."""
    health: tuple[str, int] | None
    """Loopback host and port of /healthz and /metrics."""
    rehearsal: bool

    def rules(self) -> Rules:
        """What `core` needs to know of all this."""
        return Rules(
            clinic=self.clinic,
            address=self.mailbox.address,
            roster=self.roster,
            cadence=self.cadence,
            stale_after=self.mailbox.stale_after,
            stale_late=min(self.mailbox.stale_after, LATE_IS_STALE_AFTER),
            client_name=self.privacy.client_name,
            shared=self.mailbox.shared,
            digest_at=self.digest_at,
            rehearsal=self.rehearsal,
        )


def load(path: Path, *, rehearsal: bool = False) -> Config:
    """Read and check a configuration file (contract section 6).

    ``rehearsal`` stands for --speed or --clock, which are for loopback hosts only (section 7). Relative paths in the
    file are relative to the file. Raises `Faults` with all that is wrong, in the order of the file's sections.
    """
    raw = _read(path)
    base = path.resolve().parent
    faults = list(cross_faults(raw, base, rehearsal=rehearsal))
    try:
        # A section that is missing is read as an empty one, so that each of its needed keys is named.
        found = Settings.model_validate({"clinic": {}, "mailbox": {}, "smtp": {}, "trust": {}, "associates": [], **raw})
    except ValidationError as error:
        faults += [worded(detail) for detail in error.errors(include_url=False)]
    else:
        if not faults:
            return _config(found, path, base, rehearsal=rehearsal)
    raise Faults(path, dict.fromkeys(sorted(faults, key=place)))


# --- the file --------------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, object]:
    try:
        # Windows editors begin a file with a byte order mark, which TOML does not know.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        advice = "there is no such file: copy config.example.toml there and fill it in, or name yours with --config"
        raise Faults(path, [Fault(str(path), advice)]) from None
    except OSError as error:
        raise Faults(path, [Fault(str(path), f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise Faults(path, [Fault(f"line {number}", "is not UTF-8 text: save the file as UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).partition(" (at ")
        line = where.partition(",")[0] if where.startswith("line") else "last line"
        raise Faults(path, [Fault(line, f"is not TOML: {what}")]) from None


# --- the result ------------------------------------------------------------------------------------


def _config(found: Settings, path: Path, base: Path, *, rehearsal: bool) -> Config:
    clinic, mailbox, smtp, privacy = found.clinic, found.mailbox, found.smtp, found.privacy
    return Config(
        path=path,
        clinic=clinic.name,
        timezone=clinic.timezone,
        roster=Roster(
            associates=tuple(Person(one.name, tuple(one.emails)) for one in found.associates),
            admins=tuple(clinic.admins),
            lead=clinic.lead,
        ),
        cadence=_cadence(found),
        mailbox=Mailbox(
            address=mailbox.address,
            host=mailbox.host,
            port=mailbox.port or _PORTS["mailbox"][mailbox.security],
            security=mailbox.security,
            username=mailbox.username or mailbox.address,
            password=_password(mailbox, base),
            ca_file=base / mailbox.ca_file if mailbox.ca_file else None,
            folder=mailbox.folder,
            handled_folder=mailbox.handled_folder,
            shared=mailbox.shared,
            max_size=mailbox.max_size,
            stale_after=mailbox.stale_after,
            oauth2=_oauth2(mailbox.oauth2, base),
        ),
        smtp=Smtp(
            host=smtp.host,
            port=smtp.port or _PORTS["smtp"][smtp.security],
            security=smtp.security,
            username=smtp.username or None,
            password=_password(smtp, base) if smtp.username else None,
            ca_file=base / smtp.ca_file if smtp.ca_file else None,
            oauth2=_oauth2(smtp.oauth2, base),
        ),
        trust=Trust(found.trust.authserv_id, found.trust.require, found.trust.internal),
        letters=Letters(base / found.letters.templates if found.letters.templates else None, found.letters.sms_link),
        privacy=Privacy(privacy.client_name, privacy.keep_names, privacy.keep_cases),
        digest_at=found.digest.at,
        store=base / found.store.url,
        health=found.health.listen,
        rehearsal=rehearsal,
    )


def _password(server: Server, base: Path) -> Secret:
    return _secret(base, server.password_file, server.password_env)


def _secret(base: Path, file: str, env: str) -> Secret:
    return Secret(file=handed_over(base / file)) if file else Secret(env=env)


def _oauth2(found: OAuth2Table | None, base: Path) -> OAuth2 | None:
    if found is None:
        return None
    return OAuth2(
        provider=found.provider,
        client_id=found.client_id,
        secret=_secret(base, found.client_secret_file, found.client_secret_env),
        tenant=found.tenant,
        certificate=handed_over(base / found.certificate_file) if found.certificate_file else None,
        refresh_token=_secret(base, found.refresh_token_file, found.refresh_token_env),
        scope=found.scope or _SCOPES[found.provider],
        authority=found.authority,
        token_url=found.token_url,
        ca_file=base / found.ca_file if found.ca_file else None,
    )


def _cadence(found: Settings) -> Cadence:
    late, noshow, waiting = found.cadence.late, found.cadence.noshow, found.cadence.waiting
    return Cadence(
        late=KindCadence(**dict(late)),
        noshow=KindCadence(**dict(noshow)),
        waiting=KindCadence(**dict(waiting)),
        session=found.clinic.session,
        zone=found.clinic.timezone,
        quiet_from=found.quiet.start,
        quiet_to=found.quiet.end,
        grace=found.quiet.grace,
    )
