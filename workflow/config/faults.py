"""What can be wrong with a configuration file, worded for whoever has to mend it (contract section 6).

Here are the faults that need two keys, a file or the environment to judge, and the words for those that `keys` finds
in a single key. Nothing is decided about what to do: `load` raises them.
"""

from __future__ import annotations

import importlib.util
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic_core import ErrorDetails

from workflow.config.keys import (
    Config,
    ImapServer,
    StoreKeys,
    Table,
    Trust,
    handed_over,
    is_loopback,
    like,
    read_person,
    tables,
)

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_OAUTH2_LIBRARIES = {"microsoft": "msal", "google": "google.auth"}
_OAUTH2_WAYS = {
    "microsoft": (("client_secret_file", "client_secret_env", "certificate_file"),),
    "google": (("client_secret_file", "client_secret_env"), ("refresh_token_file", "refresh_token_env")),
}
"""Of each of these one is needed."""
_OAUTH2_OTHERS = {
    "microsoft": ("refresh_token_file", "refresh_token_env", "service_account_file"),
    "google": ("tenant", "certificate_file"),
}
"""Keys that are the other provider's, and mean something that would not happen."""

_STATE_FILES = re.compile(r"README\.md|alive\.\w+|archive(\.new)?|desk\.json.*|in-hand|lock")
_STATE_FOLDERS = {"open", "closed", "set-aside", "backups", "requests", "lost+found"}
"""What may lie in a state's folder without ``desk.json``: the state's own, ours of a checkout, a file system's own."""
_IN_THESE = re.compile(r"[2-9B-Z]{4}\.|\d{4}-\d\d|[0-9a-f]{16}\.")
"""Cases, months and days, requests. What an editor or a person left beside them does no harm."""

Raw = Mapping[str, object]


SECRET_FILES = tuple(
    f"{what}_file" for what in ("password", "client_secret", "certificate", "refresh_token", "service_account")
)


def handing(path: Path) -> str:
    """How an operator has systemd hand a secret to the service."""
    return f"systemctl edit promptly, and below [Service] a line LoadCredential={path.name}:{path}"


class KeyFault(NamedTuple):
    """One thing that is wrong: the full name of the key, and what to do about it."""

    key: str
    """``cadence.noshow.contact``, ``associates[2].emails[1]`` (counted from 1), or ``line 3`` when it is no TOML."""
    advice: str

    def __str__(self) -> str:
        return f"{self.key}: {self.advice}"


class Faults(Exception):
    """Everything that is wrong with a configuration file. ``str()`` is for a terminal; a log may hold `keys` alone."""

    def __init__(self, path: Path, faults: Iterable[KeyFault]) -> None:
        super().__init__(path, tuple(faults))
        self.path = path
        self.faults: tuple[KeyFault, ...] = tuple(self.args[1])

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys at fault, without their values: those may be names and addresses."""
        return tuple(fault.key for fault in self.faults)

    def __str__(self) -> str:
        found = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        return "\n".join([f"{self.path}: {found}", *(f"  {fault}" for fault in self.faults)])


# --- wording what pydantic found ---------------------------------------------------------------------

_WORDED = {
    "missing": "is needed",
    "string_type": "must be text, in quotes",
    "int_type": "must be a whole number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list, in square brackets",
    "model_type": "must be a table of its own",
    "too_short": "needs at least one",
    "string_too_short": "must not be empty",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "value_error": "{error}",
}


def worded(detail: ErrorDetails, model: type[Table] = Config) -> KeyFault:
    """What pydantic found, with the key's full name and what to do."""
    where = detail["loc"]
    key = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
    kind = detail["type"]
    advice = _WORDED[kind].format(**detail.get("ctx", {})) if kind in _WORDED else detail["msg"]
    if kind == "extra_forbidden":
        advice = _unknown(where, model)
    elif kind in {"model_type", "list_type"} and where[0] == "associates" and len(where) <= 2:
        advice = "write [[associates]], in two brackets, above each"
    elif kind == "model_type" and isinstance(detail["input"], list):
        advice = f"must be a table of its own: write [{key}], in one bracket"
    return KeyFault(key, advice)


def place(fault: KeyFault, model: type[Table] = Config) -> int:
    """Where the fault's section stands in the file of the contract, to sort by."""
    sections = list(model.model_fields)
    section = fault.key.partition(".")[0].partition("[")[0]
    return sections.index(section) if section in sections else len(sections)


def _unknown(where: tuple[int | str, ...], model: type[Table]) -> str:
    *parents, last = where
    if last in {"password", "client_secret", "refresh_token"}:
        return f"a secret does not belong in this file: use {last}_file or {last}_env"
    known = dict(tables(model))
    here = ".".join(part for part in parents if isinstance(part, str))
    named = [_header(table) for table in known if table and table.rpartition(".")[2] == last and table != here]
    if named:  # [clinic.quiet]
        return f"stands in the wrong place: write {' or '.join(named)}, at the beginning of a line"
    homes = [_header(table) for table, keys in known.items() if table and last in keys]
    if homes:  # below [[associates]], a key of [clinic]
        return f"unknown key here: it belongs into {' or '.join(homes)}"
    meant = like(str(last), known.get(here, ()))
    return f"unknown key: did you mean {meant}?" if meant else "unknown key: remove it"


def _header(table: str) -> str:
    return f"[[{table}]]" if table == "associates" else f"[{table}]"


# --- what needs more than one key ----------------------------------------------------------------------


def cross_faults(raw: Raw, base: Path, *, rehearsal: bool) -> Iterator[KeyFault]:
    """What needs more than one key. ``base`` is the folder of the file, for relative paths.

    Looks at the raw file, so that a fault elsewhere hides none of these; what has the wrong type counts as absent.
    """
    for section in ("mailbox", "smtp"):
        yield from server_faults(section, _table(raw, section), base, rehearsal=rehearsal)
    mailbox = _table(raw, "mailbox")
    folder, handled_folder = (_given(ImapServer, mailbox, key) for key in ("folder", "handled_folder"))
    if handled_folder and _folder(handled_folder) in {_folder(folder), "INBOX"}:
        yield KeyFault("mailbox.handled_folder", "must be another folder than mailbox.folder, and than the inbox")
    trust = _table(raw, "trust")
    if _given(Trust, trust, "require") is True and not trust.get("authserv_id") and not trust.get("internal"):
        yield KeyFault(
            "trust.authserv_id",
            "is needed while trust.require is true: the name your mail server writes first in Authentication-Results "
            '(or internal = "exchange"; or require = false, which believes mail that carries no results)',
        )
    yield from _people_faults(raw)
    first: dict[str, tuple[str, Path]] = {}
    for key, path in secret_files(raw, base):
        there, place = first.setdefault(path.name, (key, path))
        if place != path:
            advice = f"another file of this name stands at {there}, and systemd hands secrets over by name alone"
            yield KeyFault(key, f"{advice}: rename one of them")
    if templates := _text(_table(raw, "letters"), "templates"):
        try:
            os.listdir(base / templates)  # noqa: PTH208 - only whether it can be read
        except OSError as error:
            yield _unread("letters.templates", base / templates, error, "folder")
    url = _given(StoreKeys, _table(raw, "store"), "url")
    store = url.partition(":")[2] if isinstance(url, str) and url.isprintable() else ""
    if store and (other := _other_things(base / store)):
        yield KeyFault(
            "store.url", f"{base / store} holds other things, such as {other}: name a folder for the state alone"
        )
    board = _text(_table(raw, "board"), "file")
    if store and board and (base / board).resolve().is_relative_to((base / store).resolve()):
        yield KeyFault("board.file", f"lies in {base / store}, which is for the state alone: name another folder")


def server_faults(section: str, table: Raw, base: Path, *, rehearsal: bool = False) -> Iterator[KeyFault]:
    """Of one server's table."""
    host = _text(table, "host")
    away = bool(host) and not is_loopback(host)
    if away and table.get("security") == "none":
        yield KeyFault(f"{section}.security", 'is "none", which is for loopback hosts only: use "tls" or "starttls"')
    if away and rehearsal:
        yield KeyFault(f"{section}.host", "--speed and --clock are for loopback hosts only")
    yield from _login_faults(section, table, base, away=away)
    yield from _file_faults(section, table, base)


def _other_things(folder: Path) -> str | None:
    """What lies in a folder that is no state; None where there is no folder yet, or none that can be looked into."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names are what is wanted
    except OSError:
        return None
    return (
        None if "desk.json" in names else next(filter(None, (_not_of_a_state(folder / name) for name in names)), None)
    )


def _not_of_a_state(path: Path) -> str | None:
    if path.name not in _STATE_FOLDERS:
        return None if _STATE_FILES.fullmatch(path.name) and not path.is_dir() else path.name
    try:
        held = sorted(os.listdir(path))  # noqa: PTH208
    except OSError as error:
        return None if isinstance(error, PermissionError) else path.name
    return f"{path.name}/{held[0]}" if held and not any(map(_IN_THESE.match, held)) else None


def _login_faults(section: str, table: Raw, base: Path, *, away: bool) -> Iterator[KeyFault]:
    known = ("password_file", "password_env", "oauth2")
    ways = [way for way in known if table.get(way) or (way == "oauth2" and way in table)]
    yield from _too_many(section, ways)
    if section.endswith("smtp") and not table.get("username"):
        if ways:
            yield KeyFault(f"{section}.username", f"is needed with {ways[0]}")
        elif "username" not in table and away:
            yield KeyFault(f"{section}.username", 'is needed; write "" if this server asks for no login')
    elif not ways:
        advice = f"is needed (or password_env, or [{section}.oauth2]): a file that holds the password alone"
        yield KeyFault(f"{section}.password_file", advice)
    if table.get("username") == "" and section == "mailbox":
        yield KeyFault("mailbox.username", "must not be empty: leave it out if it is the address")
    if isinstance(oauth2 := table.get("oauth2"), dict):
        yield from _oauth2_faults(f"{section}.oauth2", oauth2, base)


def _oauth2_faults(section: str, table: Raw, base: Path) -> Iterator[KeyFault]:
    provider = _text(table, "provider")
    if provider not in _OAUTH2_LIBRARIES:  # said elsewhere
        return
    if not _is_installed(_OAUTH2_LIBRARIES[provider]):
        make = "make install (as a service) or make venv (in a checkout)"
        advice = f"needs a library that is not installed: run {make} in the folder where Promptly was unpacked"
        yield KeyFault(f"{section}.provider", advice)
    for key in _OAUTH2_OTHERS[provider]:
        if table.get(key):
            yield KeyFault(f"{section}.{key}", f'is not for provider = "{provider}": remove it')
    if provider == "microsoft" and not table.get("tenant"):
        yield KeyFault(f"{section}.tenant", "is needed: the clinic's domain at Microsoft, or its directory id")
    if not table.get("client_id") and not _is_account(table):
        yield KeyFault(f"{section}.client_id", "is needed: what the provider calls this program")
    for key in (way for ways in _OAUTH2_WAYS["google"] for way in ways) if _is_account(table) else ():
        if table.get(key):
            yield KeyFault(f"{section}.{key}", "is not for a service account: remove it, or service_account_file")
    for ways in _ways_of(table):
        given = [way for way in ways if table.get(way)]
        if not given:
            yield KeyFault(f"{section}.{ways[0]}", f"is needed (or {' or '.join(ways[1:])})")
        yield from _too_many(section, given)
    yield from _file_faults(section, table, base)


def _too_many(section: str, ways: Sequence[str]) -> Iterator[KeyFault]:
    if len(ways) > 1:
        yield KeyFault(f"{section}.{ways[0]}", f"give one of {' and '.join(ways)}, not both")


def _is_account(table: Raw) -> bool:
    return _text(table, "provider") == "google" and bool(table.get("service_account_file"))


def _ways_of(table: Raw) -> tuple[tuple[str, ...], ...]:
    return (("service_account_file",),) if _is_account(table) else _OAUTH2_WAYS.get(_text(table, "provider"), ())


def _is_installed(library: str) -> bool:
    try:
        return importlib.util.find_spec(library) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False


def _file_faults(section: str, table: Raw, base: Path) -> Iterator[KeyFault]:
    if not (name := _text(table, "ca_file")):
        return
    try:
        if _CERTIFICATE not in (base / name).read_bytes():
            yield KeyFault(f"{section}.ca_file", f"{base / name} holds no certificate in PEM form")
    except OSError as error:
        yield _unread(f"{section}.ca_file", base / name, error)


def _unread(key: str, path: Path, error: OSError, what: str = "file") -> KeyFault:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return KeyFault(key, f"there is no {what} {path}")
    return KeyFault(key, f"{path} can't be read: {error.strerror}")


def _folder(name: object) -> object:
    """A folder's name however it is spelled: INBOX in any case (RFC 3501, 5.1), with or without a delimiter behind."""
    if not isinstance(name, str):
        return name
    bare = name.strip(" ./\\\"'")
    return "INBOX" if bare.upper() == "INBOX" else bare


def _people_faults(raw: Raw) -> Iterator[KeyFault]:
    names: dict[str, str] = {}
    for n, person in enumerate(_items(raw, "associates"), 1):
        name = person.get("name") if isinstance(person, dict) else None
        if isinstance(name, str) and (bare := " ".join(name.split()).casefold()):
            key = f"associates[{n}].name"
            if bare in names:
                advice = f"{name} stands already at {names[bare]}: tell the two apart, in letters and after FOR"
                yield KeyFault(key, f'{advice}, such as "{name} (Tue)"; or give both addresses to one')
            names.setdefault(bare, key)
    clinic, mailbox = _table(raw, "clinic"), _table(raw, "mailbox")
    own = [("mailbox.address", mailbox.get("address"))]
    own += [(f"mailbox.aliases[{n}]", item) for n, item in enumerate(_items(mailbox, "aliases"), 1)]
    itself = {address: key for key, item in reversed(own) if (address := _address(item)) is not None}
    groups = (
        own,
        [(f"clinic.admins[{n}]", item) for n, item in enumerate(_items(clinic, "admins"), 1)],
        [("clinic.lead", clinic.get("lead"))],
        [(f"associates[{n}]", item) for n, item in enumerate(_items(raw, "associates"), 1)],
    )
    for group in groups:
        first: dict[str, str] = {}
        for key, item in (address for one in group for address in _addresses(*one)):
            if (address := _address(item)) is None:
                continue
            if address in itself and group is not own:
                what = "own address" if itself[address] == "mailbox.address" else f"own, by {itself[address]}"
                yield KeyFault(key, f"is the mailbox's {what}: Promptly would write to itself")
            if address in first:
                yield KeyFault(key, f"{address} stands already at {first[address]}")
            first.setdefault(address, key)


# --- what needs a secret -----------------------------------------------------------------------------


def secret_faults(raw: Raw, base: Path, credential: Callable[[Path], Path] = handed_over) -> Iterator[KeyFault]:
    """Which secrets can't be had. Nothing else here reads one."""
    for section in ("mailbox", "smtp"):
        table = _table(raw, section)
        yield from secrets_of(section, table, ("password_file", "password_env"), base, credential)
        oauth2 = _table(table, "oauth2")
        for ways in _ways_of(oauth2):
            yield from secrets_of(f"{section}.oauth2", oauth2, ways, base, credential)


def secret_files(raw: Raw, base: Path) -> Iterator[tuple[str, Path]]:
    """The key and the place of each secret that lies in a file; none is read."""
    for section in ("mailbox", "smtp"):
        table = _table(raw, section)
        for name, keys in ((section, table), (f"{section}.oauth2", _table(table, "oauth2"))):
            for key in keys:
                if key in SECRET_FILES and (path := _text(keys, key)):
                    yield f"{name}.{key}", Path(os.path.normpath(base / path))


def secrets_of(
    section: str, table: Raw, ways: Iterable[str], base: Path, credential: Callable[[Path], Path] = handed_over
) -> Iterator[KeyFault]:
    for way in ways:
        key, name = f"{section}.{way}", _text(table, way)
        if name and way.endswith("_file"):
            yield from _secret_file_faults(key, base / name, credential)
        elif name and not os.environ.get(name):
            yield KeyFault(key, f"the environment variable {name} is not set, or empty")


def _secret_file_faults(key: str, own: Path, credential: Callable[[Path], Path]) -> Iterator[KeyFault]:
    path = credential(own)
    try:
        word = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        by_systemd = isinstance(error, PermissionError) and "CREDENTIALS_DIRECTORY" in os.environ
        fault = _unread(key, path, error)
        yield fault._replace(advice=f"{fault.advice}. systemd hands it over: {handing(own)}") if by_systemd else fault
        return
    # systemd hands a credential over in a folder of the service's own, on newer kernels with an access list: the
    # group bits then show that list's mask, not a group.
    folders = ("/run/credentials", os.environ.get("CREDENTIALS_DIRECTORY"))
    is_credential = any(path.is_relative_to(folder) for folder in folders if folder)
    forbidden = stat.S_IRWXO if is_credential else stat.S_IRWXG | stat.S_IRWXO
    if mode & forbidden:
        yield KeyFault(key, f"{path} can be read by others: run chmod 600 {path}")
    if key.endswith(".certificate_file"):
        if _CERTIFICATE not in word or not _PRIVATE_KEY.search(word):
            yield KeyFault(key, f"{path} must hold a certificate and its private key, both in PEM form")
        return
    if key.endswith(".service_account_file"):
        if not all(part in word for part in (b'"client_email"', b'"private_key"')):
            yield KeyFault(key, f"{path} must hold the service account's key as Google made it, in JSON")
        return
    try:
        lines = word.decode("utf-8-sig").strip("\r\n").splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(lines) != 1 or not lines[0].strip():
        secret = key.rpartition(".")[2].removesuffix("_file").replace("_", " ")
        empty = "" if word.strip() else "is empty: it "
        yield KeyFault(key, f"{path} {empty}must hold the {secret} alone, on one line of UTF-8 text")


# --- looking into the raw file -----------------------------------------------------------------------


def _table(raw: Raw, name: str) -> Raw:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _given(model: type[Table], table: Raw, key: str) -> object:
    return table.get(key, model.model_fields[key].default)


def _text(table: Raw, name: str) -> str:
    found = table.get(name)
    return found if isinstance(found, str) and found.isprintable() else ""


def _items(table: object, name: str) -> list[object]:
    found = table.get(name) if isinstance(table, dict) else None
    return found if isinstance(found, list) else []


def _addresses(key: str, person: object) -> Iterator[tuple[str, object]]:
    """What stands as an address, with its key: of a table each of its ``emails``, else the text itself."""
    if not isinstance(person, dict):
        yield key, person
    for number, item in enumerate(_items(person, "emails"), 1):
        yield f"{key}.emails[{number}]", item


def _address(value: object) -> str | None:
    try:
        return read_person(value).email
    except ValueError:
        return None
