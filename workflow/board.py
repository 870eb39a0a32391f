"""The board's page: made of what the store holds now, and kept as a file, written whole (contract section 4, "Board").

The daemon's work waits for none of it: a disk or a share that refuses, or hangs, costs the board, and is told. Not
here: what the page shows (`core.board`), and how it says so (templates/board.html).
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from workflow.clinic import Clinic
from workflow.clock import SystemClock
from workflow.core.board import glance, midnight
from workflow.core.language.printed import clock_time
from workflow.core.rules import Rules
from workflow.engine import Engine
from workflow.logs import Repeated, place
from workflow.mail.writing.render import Letters
from workflow.store import Reader, StoreError

log = structlog.get_logger()

EVERY: Final = timedelta(minutes=1)

TOLD_AFTER: Final = timedelta(minutes=2)
"""As of any outage (contract section 5); by then the screen says OLD."""

FAILED: Final = "outage board"
"""The desk's mark that says that a board which can't be written was told."""

MODE: Final = 0o640
"""The group is whoever looks after the screen (contract section 4)."""

HANGS: Final = "its disk does not answer"

NO_FILE: Final = "it is no regular file"

Troubles = Mapping[str, datetime | None]
"""See `Glance`; None where nobody knows since when."""


async def page(
    store: Reader, letters: Letters, rules: Rules, now: datetime, troubles: Troubles, *, named: bool
) -> tuple[str, str | None]:
    """The page of what the store holds, and where the clinic's own template failed, if it did. A screen's clock is a
    real one, also where the clinic's is rehearsed. `StoreError`."""
    still, marks, unread = (await store.open_cases()).open, store.desk.marks, len(store.faults)
    over = [case async for case in store.closed_cases(midnight(now, ZoneInfo(rules.cadence.zone)))]
    shown = glance(still, over, marks, rules, now, named=named, troubles=troubles, unread=unread)
    return letters.board(shown, now, SystemClock().now())


def write_whole(path: Path, text: str, by: str) -> None:
    """Put a page in place of what is there, in one step. `by`: who writes, so that two at a time do not disturb each
    other. Raises OSError; then what was there is still there, as is what is no file: a device would be gone for all."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, NO_FILE, str(path))
    temporary = path.with_name(f".{path.name}.{by}")
    try:
        temporary.unlink(missing_ok=True)  # somebody else's, whom a crash kept from ending
        with temporary.open("xb") as file:
            os.fchmod(file.fileno(), MODE)  # whatever the umask
            file.write(text.encode())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


class BoardFile:
    """One daemon's board. Without ``[board] file`` none is written."""

    def __init__(self, clinic: Clinic, engine: Engine) -> None:
        self._clinic = clinic
        self._engine = engine
        self._shown: object = None
        """After which change the page was made."""
        self._at = clinic.clock.now()
        """When, by the clinic's clock."""
        self._writing: threading.Thread | None = None
        self._refusal: str | None = None
        """Why the last attempt failed; "" when it did not, None before the first has ended."""
        self.failing_since: datetime | None = None
        """Since when it could not be written, by the clinic's clock."""
        self._repeated = Repeated()
        self._lost: Mapping[str, datetime | None] = {}
        """Since when each server is away."""

    @property
    def is_due(self) -> bool:
        """Whether `look` has something to do. Costs next to nothing: it is asked each second."""
        return self._clinic.config.board.file is not None and (self._writing is not None or self._is_old)

    @property
    def _is_old(self) -> bool:
        return self._change != self._shown or not timedelta() <= self._clinic.clock.now() - self._at < EVERY

    @property
    def _change(self) -> object:
        """Another one where the page would be."""
        return self._clinic.counters.changes, self._clinic.letters, self._troubles  # new letters with each reload

    @property
    def _troubles(self) -> dict[str, datetime | None]:
        """Those that last: a server that is away for less is being restarted."""
        now = self._clinic.clock.now()
        return {name: at for name, at in self._lost.items() if at is not None and now - at >= TOLD_AFTER}

    async def page(self) -> str:
        """As it is now; a template of the clinic's that fails is told. `StoreError`."""
        clinic, now, named = self._clinic, self._clinic.clock.now(), self._clinic.config.board.initials
        text, fell_back = await page(clinic.store, clinic.letters, clinic.rules, now, self._troubles, named=named)
        if fell_back is not None:
            detail = f"A template of the clinic failed ({fell_back}); Promptly's own was used instead."
            with suppress(StoreError):  # told with the next page, then
                await self._engine.announce("template", detail, mark=f"template {fell_back}")
        return text

    async def look(self, lost: Mapping[str, datetime | None]) -> None:
        """Write it if something has changed, or a minute has passed; tell of a place that takes it no longer. To be
        called within a second when it `is_due`, with since when "mailbox" and "sending" are away, or None.
        `StoreError`."""
        clinic, now = self._clinic, self._clinic.clock.now()
        self._lost = lost
        path = clinic.config.board.file
        if path is None:
            return
        hangs = self._writing is not None and self._writing.is_alive()
        if not hangs:
            self._writing = None
        if not hangs and self._is_old:
            self._shown, self._at = self._change, now
            try:
                text = await self.page()
            except StoreError:
                self._shown = None
                raise
            except Exception as error:  # what is shown must not stop what matters
                log.error("board failed", error=type(error).__name__, where=place(error))
                return
            # A share that hangs must hold up neither the loop nor the end of the process.
            self._writing = threading.Thread(target=self._write, args=(path, text), name="board", daemon=True)
            self._writing.start()
        await self._tell(HANGS if hangs else self._refusal, path, now)

    def _write(self, path: Path, text: str) -> None:
        try:
            write_whole(path, text, "new")
        except OSError as error:
            self._refusal = error.strerror or type(error).__name__
        else:
            self._refusal = ""

    async def _tell(self, refusal: str | None, path: Path, now: datetime) -> None:
        if not refusal:
            self.failing_since = None
            if refusal is not None and self._clinic.store.desk.marks.get(FAILED):
                await self._engine.mark(FAILED, "")
            return
        since = self.failing_since = min(self.failing_since or now, now)
        if now - since < TOLD_AFTER:
            return
        if self._repeated.is_news(refusal):
            log.error("the board is not written", reason=refusal)
        at = clock_time(since.astimezone(ZoneInfo(self._clinic.rules.cadence.zone)))
        detail = f"The board ({path}) could not be written since {at}: {refusal}. Promptly goes on, and tries again."
        await self._engine.announce("board", detail, mark=FAILED)
