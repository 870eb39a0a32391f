"""What lies on this machine: the clock, the people in the configuration, the state folder, the clinic's templates."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from workflow import VERSION
from workflow.clock import Clock
from workflow.config import Config
from workflow.mail.writing.render import Letters
from workflow.store import StoreError, daemon_link, folder_of, peek
from workflow.verbs.check.finding import Finding, Tell, fail, ok, said, some, warn

CLOCK_OFF = timedelta(seconds=30)
"""A clock that keeps itself is right to a second; from a minute on somebody would be asked, or told, too early or late.
Half a minute finds a whole one however the seconds are cut."""

SET_CLOCK = "Let this machine set its clock by the network: timedatectl set-ntp true."

ROOM_LEAST, ROOM_LITTLE = 20_000_000, 200_000_000
"""Bytes of free disk: a case takes 20 KB; below the first a busy week may fill it, below the second look into it."""


def clock(config: Config, time: Clock) -> Finding:
    """The time zone for a look at the wall, and whether this machine says that it sets its clock by the network."""
    now = time.now().astimezone(ZoneInfo(config.clinic.timezone))
    text = f"it is {now:%H:%M} on {now:%A}, {now:%Y-%m-%d} in {config.clinic.timezone}"
    if (kept := _is_kept()) is False:
        return warn("clock", f"{text}; this machine does not set its clock by the network", SET_CLOCK)
    if "/" not in config.clinic.timezone or config.clinic.timezone.startswith("Etc/"):
        advice = 'Write the clinic\'s city instead, such as "America/Toronto", or "local" times may be an hour off.'
        return warn("clock", f"{text}, a zone that may know no summer time (clinic.timezone)", advice)
    compared = "check --send compares it with the mail server's"
    return ok("clock", f"{text}; {'set by the network' if kept else compared}")


def _is_kept() -> bool | None:
    """Whether the kernel is told the time by the network; None where nothing can say."""
    asked = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False).stdout.strip()  # noqa: S603 - these very words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(answer)


def ahead(before: datetime, told: datetime, after: datetime) -> timedelta:
    """How far a clock that showed `told`, in whole seconds, between two of our times is ahead of ours.

    The least that explains it: within the time that the question took, and the second that was cut off, it is right.
    """
    latest = told + timedelta(seconds=1)
    if latest < before:
        return latest - before
    return max(told - after, timedelta())


def compared(ahead: timedelta) -> Finding:
    """This machine's clock, which the mail server's is so far ahead of."""
    if abs(ahead) < CLOCK_OFF:
        return ok("clock", "as by the mail server's, which dated the test letter")
    text = f"this machine is {_span(ahead)} {'behind' if ahead > timedelta() else 'ahead of'} the mail server"
    return fail("clock", text, SET_CLOCK)


def _span(span: timedelta) -> str:
    seconds = abs(span).total_seconds()
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def addresses(config: Config) -> Finding:
    """Who writes from elsewhere: their mail needs proof of its own, and letters to them may be taken for spam."""
    own = config.mailbox.address.rpartition("@")[2]
    written = dict.fromkeys(email for person in config.roster.people for email in person.emails)
    outside = [email for email in written if not _is_within(email.rpartition("@")[2], own)]
    if not outside:
        return ok("addresses", f"all {len(written)} are of {own}")
    advice = (
        "Mail from there counts only if that domain proves it (DMARC, DKIM or SPF), and our letters may land in "
        "their spam: let each of them send a mail and look into their spam, or give them an address of the clinic's."
    )
    return warn("addresses", f"{len(outside)} of {len(written)} are not of {own}: {some(outside)}", advice)


def _is_within(domain: str, own: str) -> bool:
    return domain == own or domain.endswith(f".{own}") or own.endswith(f".{domain}")


def daemon(config: Config) -> Iterator[Finding]:
    """Whether the daemon that lives goes by this file, and is of this version; nothing where all is as it should be."""
    alive = asyncio.run(daemon_link(config.store.url).alive())
    if alive is not None and alive.config and alive.config != config.mark:
        text = "the daemon that runs read it before its last change"
        advice = "Run: systemctl reload promptly. The log says whether a key needs a restart instead."
        yield warn("configuration", text, advice)
    if alive is not None and alive.version and alive.version != VERSION:
        text = f"the daemon that runs is of version {alive.version}, and {VERSION} is installed"
        yield warn("version", text, "Run: systemctl restart promptly.")


# --- the state ------------------------------------------------------------------------------------------


def store(url: str, tell: Tell) -> None:
    """The state folder: can be read, written, has room, and is closed to others. Nothing is left in it."""
    folder = folder_of(url)
    try:
        reader = asyncio.run(peek(url))
    except StoreError as broken:
        if isinstance(broken.__context__, PermissionError):
            advice = "Run check as the user that runs the daemon, or as root."
            tell(fail("store", f"{folder} cannot be read by {_me()}", advice))
            return
        tell(fail("store", said(broken), "See state/README.md, Repair; a backup may hold a good version."))
        return
    if not folder.exists():
        tell(_absent(folder))
    elif (finding := _closed_to_us(folder) or _open_to_others(folder)) is not None:
        tell(finding)
    elif reader.faults:
        one = len(reader.faults) == 1
        text = f"{len(reader.faults)} case {'file' if one else 'files'} cannot be read"
        tell(fail("store", text, f"See state/README.md, Repair: {', '.join(fault.name for fault in reader.faults)}."))
    else:
        running = "; a daemon runs on it" if asyncio.run(daemon_link(url).alive()) is not None else ""
        tell(ok("store", f"{folder}{running}"))
    if (room := _room(folder)) is not None:
        tell(room)


def _absent(folder: Path) -> Finding:
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return ok("store", f"{folder}, which the daemon makes when it starts")
    advice = f"Make it, for the user that runs the daemon: install -d -m 700 -o THAT_USER {folder}"
    return fail("store", f"{folder} is not there, and {_me()} may not make it in {above}", advice)


def _closed_to_us(folder: Path) -> Finding | None:
    """What keeps us from writing there; tried, since modes say nothing of a disk that is full or read-only."""
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:  # has no name: nobody can come upon it
            trial.write(b"x" * 4096)
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as error:
        text = f"{folder} cannot be written by {_me()}: {error.strerror}"
        advice = f"Give it to the user that runs the daemon: chown -R THAT_USER {folder}. Run check as that user, too."
        return fail("store", text, advice)
    owner = folder.stat().st_uid
    strange = [path for path in _files(folder) if path.lstat().st_uid != owner]
    if strange:
        first = min(strange, key=lambda path: len(path.parts))  # a copy shares its owner, and lies deeper
        text = f"{first} belongs to {_user(first.lstat().st_uid)}, but {folder} to {_user(owner)}"
        return fail("store", text, f"Run: chown -R {_user(owner)} {folder}")
    return None


def _open_to_others(folder: Path) -> Finding | None:
    """Names of clients lie there: nobody else on this machine should read them."""
    files = _files(folder)
    # The folder itself may be a link: systemd's DynamicUser makes it one.
    modes = [(folder, folder.stat().st_mode), *((path, path.lstat().st_mode) for path in files)]
    readable = [path for path, mode in modes if mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if not readable:
        return None
    advice = f"Run: chmod -R go= {folder}/"
    if not files:
        return warn("store", f"{folder} is empty, and open to other users of this machine", advice)
    return fail("store", f"{readable[0]} can be read by other users of this machine", advice)


def _files(folder: Path) -> list[Path]:
    """What is in the folder and below; what a daemon takes away meanwhile is left out."""
    found = [Path(above, name) for above, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [path for path in sorted(found) if path.exists() and not path.is_symlink()]


def _room(folder: Path) -> Finding | None:
    there = folder if folder.exists() else next(parent for parent in folder.absolute().parents if parent.exists())
    free, nodes = shutil.disk_usage(there).free, os.statvfs(there)
    advice = "Make room on that disk: without it no report can be recorded, and Promptly waits until there is some."
    text = f"{free / 1_000_000:.0f} MB free where {folder} lies"
    if free < ROOM_LEAST:
        return fail("disk", text, advice)
    if nodes.f_files and nodes.f_favail < 1000:  # a file system that does not count them says 0
        return fail("disk", f"only {nodes.f_favail} files can still be made where {folder} lies", advice)
    return warn("disk", text, advice) if free < ROOM_LITTLE else ok("disk", text)


def _me() -> str:
    return _user(os.geteuid())


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


# --- the board ------------------------------------------------------------------------------------------


def screen(config: Config) -> Iterator[Finding]:
    """Whether the board's file can be put where it is wanted; nothing where none is. What systemd keeps from the
    service is `installed`'s."""
    if (file := config.board.file) is None:
        return
    if not file.parent.is_dir():
        yield fail("board", f"there is no folder {file.parent}", "Make it, or name another in board.file.")
    elif file.is_dir():
        yield fail("board", f"{file} is a folder", "Name a file in it, such as board.html, in board.file.")
    elif file.exists() and not file.is_file():
        yield fail("board", f"{file} is no regular file", "Name another in board.file.")
    elif not os.access(file.parent, os.W_OK | os.X_OK):
        advice = f"Let the user that runs the daemon write into {file.parent}: each new board replaces the last."
        yield fail("board", f"{_me()} may not write into {file.parent}", advice)
    else:
        yield ok("board", str(file))


# --- the letters ----------------------------------------------------------------------------------------


def templates(config: Config, tell: Tell) -> None:
    """Every kind of letter is written with the clinic's own files; each fault has its file and line."""
    own = config.letters
    if own.templates is None:
        tell(ok("templates", "Promptly's own"))
        return
    letters = Letters(config.rules(), instance="check", templates=own.templates, sms_link=own.sms_link)
    faults = letters.template_faults()
    if not faults:
        tell(ok("templates", str(own.templates)))
    for fault in faults:
        tell(fail("templates", said(fault), "Mend that file; until then Promptly's own is used in its place."))
