"""The set-up as the installed service sees it: `check` is run by root, who may read everything and is handed nothing.

The unit's files are read, with its drop-ins, as systemd reads them (systemd.unit(5)); systemd itself is not asked, so
this works before the first start, and in an image (DESTDIR). Where no unit goes by this configuration there is nothing
to say.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from workflow.config import Config
from workflow.config.faults import SECRET_FILES, handing
from workflow.store import folder_of
from workflow.verbs.check.finding import Finding, fail, ok

PART = "service"

UNIT = "promptly.service"

FOLDERS = ("etc", "run", "usr/local/lib", "usr/lib", "lib")
"""Where ``systemd/system`` lies, what comes first before what comes later."""

HIDDEN: Mapping[str, tuple[str, ...]] = {
    "ProtectHome": ("/home", "/root", "/run/user"),
    "PrivateTmp": ("/tmp", "/var/tmp"),  # noqa: S108 - nothing is written there
}
"""What a setting takes out of the service's sight (systemd.exec(5))."""


@dataclass(frozen=True, slots=True)
class Unit:
    root: Path
    """What the service takes for ``/``."""
    settings: Mapping[str, list[str]]
    """Of ``[Service]``, each as often as it counts."""

    def words(self, key: str) -> list[str]:
        return [word.strip("\"'") for value in self.settings.get(key, ()) for word in value.split()]

    def is_set(self, key: str) -> bool:
        value = self.settings.get(key, ["no"])[-1].casefold()
        return value not in {"", "no", "false", "off", "0"}

    @property
    def user(self) -> str:
        """ "" for root."""
        named = self.settings.get("User", [""])[-1]
        return named or (UNIT.removesuffix(".service") if self.is_set("DynamicUser") else "")

    @property
    def config(self) -> Path | None:
        words = self.words("ExecStart")
        named = [after for word, after in pairwise(words) if word == "--config"]
        named += [word.partition("=")[2] for word in words if word.startswith("--config=")]
        return self.here(named[-1]) if named else None

    def here(self, seen: str | Path) -> Path:
        """Where a path of the service's lies for us."""
        return self.root / str(seen).lstrip("/")

    def seen(self, path: Path) -> Path:
        """Where a path of ours lies for the service."""
        return Path("/") / path.relative_to(self.root) if path.is_relative_to(self.root) else path


def installed(config: Config) -> Iterator[Finding]:
    """What the service could not do, each with the way out; that all is well; nothing where it is not installed."""
    if (unit := unit_of(config.path)) is None:
        return
    found = [*_unread(config, unit), *_not_handed(config, unit), *_not_written(config, unit)]
    yield from found or [ok(PART, f"may read and write what it needs, as user {unit.user or 'root'}")]


def unit_of(path: Path) -> Unit | None:
    """The unit of the daemon that goes by this configuration."""
    path = path.resolve()
    for root in (path.parents[2], Path("/")) if len(path.parents) > 2 else (Path("/"),):
        unit = _read_unit(root)
        if unit is not None and unit.config is not None and unit.config.resolve() == path:
            return unit
    return None


def _read_unit(root: Path) -> Unit | None:
    folders = [root / folder / "systemd/system" for folder in FOLDERS]
    main = next((folder / UNIT for folder in folders if (folder / UNIT).is_file()), None)
    if main is None:
        return None
    # Of two drop-ins of one name the first folder's counts; they apply by name.
    found = {path.name: path for folder in reversed(folders) for path in (folder / f"{UNIT}.d").glob("*.conf")}
    settings: dict[str, list[str]] = {}
    try:
        for path in (main, *(found[name] for name in sorted(found))):
            section = ""
            for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
                key, is_setting, value = (part.strip() for part in line.partition("="))
                if line.startswith("["):
                    section = line.strip()
                elif section == "[Service]" and is_setting and not line.startswith(("#", ";")):
                    settings[key] = (
                        [*settings.get(key, ()), value] if value else []
                    )  # an empty one takes back the others
    except (OSError, UnicodeDecodeError):
        return None
    return Unit(root, settings)


# --- read -----------------------------------------------------------------------------------------------


def _unread(config: Config, unit: Unit) -> Iterator[Finding]:
    named = [(key, value) for key, value in _login_keys(config) if key.endswith("ca_file")]
    templates = config.letters.templates
    named += [("letters.templates", path) for path in ([templates, *sorted(templates.iterdir())] if templates else ())]
    for key, path in [("the configuration", config.path.resolve()), *named]:
        if path is None:
            continue
        seen = unit.seen(Path(os.path.normpath(path)))
        here = unit.here(seen)
        hiding = [name for name, places in HIDDEN.items() if unit.is_set(name) if any(map(seen.is_relative_to, places))]
        if hiding:
            advice = f"Put it beside the configuration, in {unit.seen(config.path.parent)}."
            yield fail(PART, f"{key}: {seen} is hidden from the service ({hiding[0]})", advice)
        elif (closed := _closed(here, unit)) is not None:
            bit = "x" if closed != here else "rx" if closed.is_dir() else "r"
            text = f"{key}: the service's user may not read {unit.seen(closed)}"
            yield fail(PART, text, f"Run: chmod o+{bit} {closed}")


def _closed(path: Path, unit: Unit) -> Path | None:
    """What keeps the service's user from reading a file or folder: that itself, or a folder above."""
    if not unit.user:
        return None
    try:
        known = pwd.getpwnam(unit.user)
        user, groups = known.pw_uid, set(os.getgrouplist(unit.user, known.pw_gid))
    except KeyError:  # systemd makes one up, that owns nothing and is in no group
        user, groups = -1, set()
    above = [folder for folder in reversed(path.parents) if folder.is_relative_to(unit.root)]
    for place in (*above, path):
        try:
            status = place.stat()
        except OSError:  # we may not look ourselves, or it is gone
            return None
        shift = 6 if status.st_uid == user else 3 if status.st_gid in groups else 0
        wanted = (0o5 if place.is_dir() else 0o4) if place == path else 0o1
        if status.st_mode >> shift & wanted != wanted:
            return place
    return None


# --- secrets --------------------------------------------------------------------------------------------


def _not_handed(config: Config, unit: Unit) -> Iterator[Finding]:
    handed = {}
    for kind in ("LoadCredential", "LoadCredentialEncrypted", "SetCredential", "SetCredentialEncrypted"):
        for value in unit.settings.get(kind, ()):
            name, _, what = value.partition(":")
            handed[name] = what if kind.startswith("Load") else ""
    for name, source in handed.items():
        if source.startswith("/") and not unit.here(source).exists():
            advice = f"Make an empty file: install -m 600 /dev/null {source}. (systemctl edit promptly takes it back.)"
            text = f"{source}, which LoadCredential={name} names, is not there: systemd starts nothing (status 243)"
            yield fail(PART, text, advice)
    if not unit.user:
        return
    own = [(key, value) for key, value in _login_keys(config) if value]
    secrets = {Path(os.path.normpath(path)): key for key, path in reversed(own) if key.endswith(SECRET_FILES)}
    for path, key in secrets.items():
        seen = unit.seen(path)
        if path.name not in handed:
            text = f"{key}: {seen} is not handed to the service, whose user may not read it"
            yield fail(PART, text, f"Run: {handing(seen)}; then systemctl restart promptly.")
        elif handed[path.name] not in {"", str(seen), path.name}:
            text = f"{key}: the service is handed {handed[path.name]} under the name of {seen}"
            yield fail(PART, text, "Rename one of the two.")
    given = {word.partition("=")[0] for word in (*unit.words("Environment"), *unit.words("PassEnvironment"))}
    for key, name in own:
        if key.endswith("_env") and name not in given and not unit.words("EnvironmentFile"):
            text = f"{key}: the service has no environment variable {name}"
            yield fail(PART, text, f"Use {key.removesuffix('env')}file, which systemd hands over: see docs/install.md.")


def _login_keys(config: Config) -> Iterator[tuple[str, Any]]:
    """What stands at each key of `[mailbox]`, `[smtp]` and their `oauth2`, by its full name."""
    for table, keys in (("mailbox", config.mailbox), ("smtp", config.smtp)):
        for name, one in ((table, keys), (f"{table}.oauth2", keys.oauth2)):
            yield from ((f"{name}.{key}", value) for key, value in one or ())


# --- state ----------------------------------------------------------------------------------------------


def _not_written(config: Config, unit: Unit) -> Iterator[Finding]:
    folder = unit.seen(folder_of(config.store.url))
    states = [Path("/var/lib", word.partition(":")[0]) for word in unit.words("StateDirectory")]
    strict = unit.is_set("DynamicUser") or unit.settings.get("ProtectSystem", [""])[-1] == "strict"
    writable = [*states, *(Path(word.lstrip("-+")) for word in unit.words("ReadWritePaths"))]
    if strict and not any(map(folder.is_relative_to, writable)):
        wanted = states[0] if states else "a folder of its own (StateDirectory)"
        text = f"store.url: {folder} lies where the service may not write"
        yield fail(PART, text, f'Write url = "tinydb:{wanted}"; what lies in {folder} is no state of the service.')
    if strict and config.board.file is not None:
        board = unit.seen(config.board.file.parent)
        if not any(map(board.is_relative_to, writable)):
            text = f"board.file: {board} lies where the service may not write"
            yield fail(PART, text, f"Run systemctl edit promptly, and below [Service] a line ReadWritePaths={board}")
    for state in states if unit.is_set("DynamicUser") else ():
        place, private = unit.here(state), unit.here("/var/lib/private") / state.name
        if place.is_dir() and not place.is_symlink() and private.is_dir():
            text = f"{state} is a folder, and {unit.seen(private)} another: systemd starts nothing (status 238)"
            advice = f"The second is the state, which promptly restore puts in order. Or run: mv {state} {state}-aside"
            yield fail(PART, text, advice)
