"""The keys of the configuration file: each declared once, with its type, default and grammar (contract section 6).

One model a table, each strict: an unknown key or a wrong type is an error, nothing is coerced. Validated, they are the
configuration itself: `Config` is what the rest of the program uses. Relative paths become absolute by the ``base`` of
the context; no secret is kept, it is read when it is used. What needs two keys, a file or the environment to judge is
not here but in `faults`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticKnownError
from rapidfuzz import fuzz, process
from rapidfuzz.utils import default_process

from workflow.core.people import Person, Roster
from workflow.core.rules import Cadence, Kind, KindCadence, Rules

_IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}  # RFC 8314, 3.2; RFC 3501, 2.1
_SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}  # RFC 8314, 3.3; RFC 6409, 3.1; RFC 5321, 4.5.4.2
_SCOPES = {"microsoft": "https://outlook.office365.com/.default", "google": ""}
"""What a token is for. Empty: all that the refresh token was granted for."""
_DURATION = re.compile(r"([0-9]+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SIZE = re.compile(r"([0-9]+) ?(KB|MB|GB)", re.IGNORECASE)
_BYTES = {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
"""The dot-atom addresses of RFC 5321: no quoted local parts, and ASCII alone, because we do not speak SMTPUTF8."""
_AUTHSERV = re.compile(r"\*(?:\.[^\s*.;()=\"]+){2,}|[^\s*;()=\"]+")
"""A name, or every host below one of two labels: nobody owns all of ``*.com``."""
_OFFSET = re.compile(r"[+-]\d|\b(UTC|GMT)\b")
"""In what is meant for a time zone: no place, and wrong for half of the year."""
_NAMED = re.compile(r'"?([^<>"]*?)"?\s*<([^<>]*)>')


def read_duration(value: object) -> timedelta:
    """``90s`` ``5m`` ``2h`` ``1d`` -> a duration of at least a second. ValueError says what to write."""
    duration = read_pause(value)
    if not duration:
        raise ValueError(f"{_quoted(value)} is no time at all: write at least 1s")
    return duration


def read_pause(value: object) -> timedelta:
    """The same, where none at all (``0m``) makes sense, too."""
    if not isinstance(value, str) or not (found := _DURATION.fullmatch(value.strip())):
        raise ValueError(f'{_quoted(value)} is not a duration: write a number and s, m, h or d, such as "5m"')
    seconds = int(found[1]) * _SECONDS[found[2]]
    if seconds > 3650 * _SECONDS["d"]:  # beyond any use, and far below where adding it to a date overflows
        raise ValueError(f"{_quoted(value)} is longer than ten years")
    return timedelta(seconds=seconds)


def _read_durations(value: object) -> tuple[timedelta, ...]:
    if not isinstance(value, list):
        raise ValueError('must be a list of durations in square brackets, such as ["5m", "10m"]')
    return tuple(sorted({read_duration(item) for item in value}))


def read_size(value: object) -> int:
    """``5MB`` -> bytes, in powers of ten. ValueError says what to write."""
    if not isinstance(value, str) or not (found := _SIZE.fullmatch(value.strip())) or not int(found[1]):
        raise ValueError(f'{_quoted(value)} is not a size: write a number and KB, MB or GB, such as "5MB"')
    return int(found[1]) * _BYTES[found[2].upper()]


def read_time(value: object) -> time:
    """``21:00`` -> a local time. ValueError says what to write."""
    if not isinstance(value, str) or not (found := _TIME.fullmatch(value.strip())):
        raise ValueError(f'{_quoted(value)} is not a time of day: write it in quotes from "00:00" to "23:59"')
    return time(int(found[1]), int(found[2]))


def read_address(value: object) -> str:
    """``dana@clinic.test`` -> the same, casefolded. ValueError says what to write."""
    text = value.strip() if isinstance(value, str) else ""
    if not _ADDRESS.fullmatch(text) or ".." in text or len(text) > 254:  # RFC 5321, 4.5.3.1.3, less the brackets
        raise ValueError(f"{_quoted(value)} is not a mail address: {_mail_advice(text)}")
    return text.casefold()


def _mail_advice(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if local and not local.isascii():
        return "write the part before the @ without accents, as the mail server knows it"
    if not domain.isascii() and _ADDRESS.fullmatch(ours := f"{local}@{_punycode(domain)}"):
        return f'write its domain as mail servers do, "{ours}"'
    return 'write one such as "dana@clinic.test"'


def _punycode(host: str) -> str:
    """A name beyond ASCII as name servers know it, ``xn--``; "" for what can be none."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


def read_person(value: object) -> Person:
    """``Front Desk <admin@clinic.test>`` or the address alone, whose part before the @ is then the name."""
    found = _NAMED.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        address = read_address(value)
        return Person(address.partition("@")[0], (address,))
    address = read_address(found[2])
    return Person(_read_name(found[1] or address.partition("@")[0]), (address,))


def _spelled_out(value: object) -> object:
    """A person in one text as the table that it stands for; a table as it is."""
    if isinstance(value, dict):
        return value
    person = read_person(value)
    return {"name": person.name, "emails": list(person.emails)}


def _read_name(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    if not any(char.isalnum() for char in value):
        raise ValueError("must not be empty")
    return " ".join(_one_line(value).split())


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of plain text")
    return value


def read_zone(value: object) -> str:
    """``America/Toronto`` -> the same, if the IANA list has it. ValueError says what to write."""
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # The name becomes a path: ValueError stands for "../x" or "", OSError for a folder such as "America".
        near = None if _OFFSET.search(value) else like(value, available_timezones())
        raise ValueError(
            f"{_quoted(value)} is not a time zone of the IANA list: "
            + (f'did you mean "{near}"?' if near else 'write a place, such as "America/Toronto"')
        ) from None


def like(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if any is near. It only words a fault, and decides nothing.

    `hots` for `host` and `Toronto` are near enough, another word of the same length is not.
    """
    found = process.extractOne(word, sorted(known), scorer=fuzz.WRatio, processor=default_process, score_cutoff=75)
    return None if found is None else str(found[0])


def _matching(pattern: str, advice: str) -> Callable[[object], str]:
    """Reads text that is wholly of this pattern; else ValueError says what it is not, and what to write."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            ours = "" if not isinstance(value, str) or value.isascii() else _punycode(value)
            written = f'; it is "{ours}" to name servers: write that' if ours and re.fullmatch(pattern, ours) else ""
            raise ValueError(f"{_quoted(value)} is not {advice}{written}")
        return value

    return read


def _read_listen(value: object) -> tuple[str, int]:
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    host = host.removeprefix("[").removesuffix("]")
    if not is_loopback(host) or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
        raise ValueError(f'{_quoted(value)} is not a place on this machine: write "127.0.0.1:9464", or "" for none')
    return host, int(port)


def _read_store(value: object, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"tinydb:.+", value):
        raise ValueError(f'{_quoted(value)} is not a store: write "tinydb:" and a folder, such as "tinydb:state"')
    return f"tinydb:{_beside(value.removeprefix('tinydb:'), info)}"


def _read_path(value: object, info: ValidationInfo) -> Path | None:
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return _beside(_one_line(value), info) if value else None


def _beside(name: str, info: ValidationInfo) -> Path:
    return Path(info.context["base"], name) if info.context else Path(name)


def handed_over(path: Path) -> Path:
    """Where a secret lies: under systemd, the credential of that file's name stands for it (``LoadCredential=``).

    So one configuration serves the daemon, whose user may not read the operator's files, and `check` run by root.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder, path.name) if folder else path
    try:
        return credential if credential.exists() else path
    except OSError:  # it may not be looked at: reading it says so
        return credential


def _credential(info: ValidationInfo) -> Callable[[Path], Path]:
    return info.context.get("credential", handed_over) if info.context else handed_over


def _read_secret(file: Path | None, env: str) -> str:
    """The secret as it is now, so that a changed one needs no restart. OSError: it can't be read."""
    if file is not None:
        # Windows editors begin a file with a byte order mark.
        return file.read_text(encoding="utf-8-sig").strip("\r\n")
    word = os.environ.get(env)
    if not word:
        raise OSError("the environment variable with the password is not set")
    return word


def is_loopback(host: str) -> bool:
    """Whether mail to this host stays on this machine: localhost, 127.0.0.0/8 or ::1. Asks no name server."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _quoted(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


Security = Literal["tls", "starttls", "none"]
Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Pause = Annotated[timedelta, BeforeValidator(read_pause)]
Durations = Annotated[tuple[timedelta, ...], BeforeValidator(_read_durations)]
Size = Annotated[int, BeforeValidator(read_size)]
"""Bytes."""
LocalTime = Annotated[time, BeforeValidator(read_time)]
Address = Annotated[str, BeforeValidator(read_address)]
Name = Annotated[str, BeforeValidator(_read_name)]
Zone = Annotated[str, BeforeValidator(read_zone)]
_SERVER = 'the name of a server: write one such as "imap.example.org"'
_OUR_NAME = 'the name of a machine: write one such as "desk.example.org"'
Host = Annotated[str, BeforeValidator(_matching(r"[A-Za-z0-9._:-]+", _SERVER))]
Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=1)]
Line = Annotated[str, AfterValidator(_one_line)]
_SECURE = 'an address that begins with "https://"'
Https = Annotated[str, BeforeValidator(_matching(r"https://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~/-]*)?", _SECURE))]
_TENANT = "a tenant: write its domain or its directory id, as Entra shows it"
_OF_NOBODY = r"(?!(?ai:common|organizations|consumers)$)"
"""Microsoft's words for "whichever tenant the user is of"; a program that logs in as itself is of one."""
Tenant = Annotated[str, AfterValidator(_matching(_OF_NOBODY + r"([A-Za-z0-9][A-Za-z0-9.-]*)?", _TENANT))]
StoreUrl = Annotated[str, BeforeValidator(_read_store)]
FilePath = Annotated[Path | None, BeforeValidator(_read_path)]
"""None: the key is left out, or empty."""
SecretPath = Annotated[FilePath, AfterValidator(lambda path, info: path and _credential(info)(path))]


def _else(usual: Callable[[Mapping[str, Any]], object]) -> BeforeValidator:
    """What a key is when it is `_LEFT_OUT`, by the keys before it; those with a fault are missing there."""
    return BeforeValidator(lambda value, info: usual(info.data) if value is None else value)


def _read_authservs(value: object) -> tuple[str, ...]:
    if value == "":
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError('must be text in quotes, or a list of such: ["mx1.example.org", "mx2.example.org"]')
    hosts = [name.strip().casefold().partition("/")[0] for name in names]
    for host in hosts:
        if not _AUTHSERV.fullmatch(host):
            raise ValueError(f'{_quoted(host)} is not the name of a server: write "mx.example.org" or "*.example.org"')
    return tuple(hosts)


def _unless_empty(read: Callable[[object], object]) -> BeforeValidator:
    return BeforeValidator(lambda value: None if value == "" else read(value))


_LEFT_OUT: Any = Field(default=None, validate_default=True)
_EMPTY: Any = Field(default={}, validate_default=True)
"""A table that is missing is read as an empty one, so that each of its needed keys is named."""


class Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Somebody(Table):
    name: Name
    emails: list[Address] = Field(min_length=1)
    """We write to the first."""

    @property
    def person(self) -> Person:
        return Person(self.name, tuple(self.emails))


Named = Annotated[Somebody, BeforeValidator(_spelled_out)]


class ClinicKeys(Table):
    name: Name
    timezone: Zone
    session: Duration = timedelta(minutes=50)
    admins: list[Named] = Field(min_length=1)
    lead: Annotated[Named | None, _unless_empty(_spelled_out)] = None
    phone: Line = ""
    """Of the desk, as letters print it."""


class OAuth2(Table):
    """`[mailbox.oauth2]`, `[smtp.oauth2]`: where access tokens come from, instead of a password (docs/oauth2.md)."""

    provider: Literal["microsoft", "google"]
    client_id: Line = ""
    """Google's service account needs none."""
    tenant: Tenant = ""
    client_secret_file: SecretPath = None
    client_secret_env: Line = ""
    certificate_file: SecretPath = None
    """A certificate and its key, in PEM form; then there is no client secret."""
    refresh_token_file: SecretPath = None
    refresh_token_env: Line = ""
    service_account_file: SecretPath = None
    """Google's JSON key of an account that may act as the mailbox; then there is neither client nor refresh token."""
    scope: Annotated[Line, AfterValidator(lambda value, info: value or _SCOPES.get(info.data.get("provider"), ""))] = (
        Field(default="", validate_default=True)
    )
    """Separated by spaces."""
    authority: Https = "https://login.microsoftonline.com"
    token_url: Https = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    ca_file: FilePath = None

    def client_secret(self) -> str:
        return _read_secret(self.client_secret_file, self.client_secret_env)

    def refresh_token(self) -> str:
        return _read_secret(self.refresh_token_file, self.refresh_token_env)


class ServerKeys(Table):
    """The keys that `[mailbox]` and `[smtp]` share."""

    host: Host
    security: Security = "tls"
    """``none``: loopback hosts only; never "if offered"."""
    password_file: SecretPath = None
    password_env: Line = ""
    oauth2: OAuth2 | None = None
    ca_file: FilePath = None
    """The only authority to trust; None: the system's."""

    def password(self) -> str:
        """As it is now. OSError: it can't be read, or there is `oauth2` instead."""
        return _read_secret(self.password_file, self.password_env)


class ImapServer(ServerKeys):
    port: Annotated[Port, _else(lambda keys: _IMAP_PORTS[keys.get("security", "tls")])] = _LEFT_OUT
    address: Address
    username: Annotated[Line, _else(lambda keys: keys.get("address", ""))] = _LEFT_OUT
    folder: Annotated[str, Field(min_length=1), AfterValidator(_one_line)] = "INBOX"
    handled_folder: Line = "Promptly"
    """Empty: mails are marked in place."""
    aliases: list[Address] = []
    """Its other addresses."""
    shared: bool = True
    own_voice: Literal["notice", "admin"] = "notice"
    """What mail written as the mailbox itself is: told to admin, or heard as the first admin's."""
    max_size: Size = 5_000_000
    """Of a larger mail only the header block is fetched."""
    stale_after: Duration = timedelta(hours=12)


class SmtpServer(ServerKeys):
    port: Annotated[Port, _else(lambda keys: _SMTP_PORTS[keys.get("security", "tls")])] = _LEFT_OUT
    username: Line = ""
    """Empty: no login."""
    helo: Annotated[str, BeforeValidator(_matching(r"|[A-Za-z0-9.-]+|\[[A-Za-z0-9.:]+\]", _OUR_NAME))] = ""
    """By which name we greet. Empty: this machine's full name, else its address in brackets."""
    per_minute: Annotated[int, Field(ge=0)] = 0
    """Letters at most in any 60 seconds; 0: no limit."""


class Trust(Table):
    """`[trust]`: what makes us believe a From."""

    authserv_id: Annotated[tuple[str, ...], BeforeValidator(_read_authservs)] = ()
    """Whose Authentication-Results to believe, in lower case; ``*.clinic.test`` for every host below."""
    require: bool = True
    """False: absent results are accepted, failed ones never."""
    internal: Literal["", "exchange"] = ""
    """"exchange": mail of our own domain that Exchange stamped as its own is accepted; "" none."""


_USUAL: Mapping[str, Any] = {part.name: part.default for part in fields(Cadence)}
_NOSHOW, _LATE, _WAITING = _USUAL[Kind.NOSHOW], _USUAL[Kind.LATE], _USUAL[Kind.WAITING]


class Noshow(Table):
    contact: Durations = _NOSHOW.contact
    repeat: Duration = _NOSHOW.repeat
    escalate: Duration = _NOSHOW.escalate
    lead: Duration = _NOSHOW.lead
    after_sent: Durations = _NOSHOW.after_sent
    max_per_day: Count = _NOSHOW.max_per_day


class Late(Table):
    contact: Durations = _LATE.contact
    escalate: Duration = _LATE.escalate
    after_session: Pause = _LATE.after_session
    max_per_day: Count = _LATE.max_per_day


class Waiting(Table):
    stepaway: Duration = _WAITING.stepaway
    stepaway_unknown: Duration = _WAITING.stepaway_unknown
    after_session: Pause = _WAITING.after_session


class CadenceKeys(Table):
    noshow: Noshow = Noshow()
    late: Late = Late()
    waiting: Waiting = Waiting()


class Quiet(Table):
    from_: LocalTime = Field(default=time(21, 0), alias="from")
    to: LocalTime = time(8, 0)
    grace: Pause = timedelta(minutes=60)


class DigestKeys(Table):
    at: Annotated[time | None, _unless_empty(read_time)] = time(8, 30)
    """Local time; None: no digest."""
    month: bool = True


class LettersKeys(Table):
    templates: FilePath = None
    sms_link: bool = False


class Privacy(Table):
    client_name: Literal["first_initial", "initials", "as_written"] = "first_initial"
    keep_names: Duration = timedelta(days=30)
    """After closing, and so `keep_cases`."""
    keep_cases: Duration = timedelta(days=400)


class BoardKeys(Table):
    file: FilePath = None
    """The page of what is open now; None: none is written."""
    initials: bool = True
    """False: the page names no client and no associate, not even by initials."""


class StoreKeys(Table):
    url: StoreUrl = Field(default="tinydb:state", validate_default=True)
    """Where the state is kept, for `workflow.store`, which makes what is not there."""


class HealthKeys(Table):
    listen: Annotated[tuple[str, int] | None, _unless_empty(_read_listen)] = None
    """Loopback host and port of /healthz, /metrics and /board."""


class Config(Table):
    """One clinic's configuration, in the contract's order, checked. Two that were read from the same file are equal."""

    clinic: ClinicKeys = _EMPTY
    mailbox: ImapServer = _EMPTY
    smtp: SmtpServer = _EMPTY
    trust: Trust = _EMPTY
    associates: list[Somebody] = Field(default=[], min_length=1, validate_default=True)
    cadence: CadenceKeys = _EMPTY
    quiet: Quiet = _EMPTY
    digest: DigestKeys = _EMPTY
    letters: LettersKeys = _EMPTY
    privacy: Privacy = _EMPTY
    board: BoardKeys = _EMPTY
    store: StoreKeys = _EMPTY
    health: HealthKeys = _EMPTY

    _path: Path
    _rehearsal: bool
    _mark: str

    def model_post_init(self, context: Any) -> None:
        self._path, self._rehearsal = context["path"], context["rehearsal"]
        written = json.dumps(context["raw"], sort_keys=True, default=str)
        self._mark = hashlib.sha256(written.encode()).hexdigest()[:16]

    @property
    def path(self) -> Path:
        return self._path

    @property
    def mark(self) -> str:
        """Of all that the file says: equal for files that say the same."""
        return self._mark

    @property
    def roster(self) -> Roster:
        return Roster(
            associates=tuple(one.person for one in self.associates),
            admins=tuple(one.person for one in self.clinic.admins),
            lead=self.clinic.lead.person if self.clinic.lead is not None else None,
        )

    def rules(self) -> Rules:
        return Rules(
            clinic=self.clinic.name,
            address=self.mailbox.address,
            aliases=tuple(self.mailbox.aliases),
            own_voice=self.mailbox.own_voice,
            roster=self.roster,
            cadence=Cadence(
                **{kind: KindCadence(**dict(keys)) for kind, keys in self.cadence},
                session=self.clinic.session,
                zone=self.clinic.timezone,
                quiet_from=self.quiet.from_,
                quiet_to=self.quiet.to,
                grace=self.quiet.grace,
            ),
            stale_after=self.mailbox.stale_after,
            # Older, a LATE or WAITING has no session left to save.
            stale_late=min(self.mailbox.stale_after, timedelta(hours=2)),
            client_name=self.privacy.client_name,
            shared=self.mailbox.shared,
            digest_at=self.digest.at,
            month=self.digest.month,
            phone=self.clinic.phone,
            rehearsal=self._rehearsal,
        )


AT_START: Mapping[str, frozenset[str]] = {
    "mailbox": frozenset(ImapServer.model_fields) - {"aliases", "own_voice", "shared", "stale_after"},
    "smtp": frozenset(SmtpServer.model_fields),
    "store": frozenset(StoreKeys.model_fields),
    "health": frozenset(HealthKeys.model_fields),
}
"""The keys that a running daemon cannot go by anew: what they name was opened at its start."""


def changed_at_start(before: Config, after: Config) -> list[str]:
    """The keys of `AT_START` in which two configurations differ, by their full names."""
    return [
        f"{table}.{key}"
        for table, keys in AT_START.items()
        for key in type(getattr(before, table)).model_fields
        if key in keys and getattr(getattr(before, table), key) != getattr(getattr(after, table), key)
    ]


def tables(model: type[Table] = Config, name: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every table of the file, ``cadence.noshow``, with its keys; the file itself is ``""``."""
    yield name, tuple(field.alias or key for key, field in model.model_fields.items())
    for key, field in model.model_fields.items():
        inner = next((table for table in (Somebody, OAuth2) if table in get_args(field.annotation)), field.annotation)
        if isinstance(inner, type) and issubclass(inner, Table):
            yield from tables(inner, f"{name}.{key}".removeprefix("."))
