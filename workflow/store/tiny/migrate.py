"""Brings a state that an older Promptly wrote up to this version's layout, after a copy. `codec` refuses a newer one.

What changes from one layout to the next is in `codec.STEPS`; single files of an older layout, put back by hand, are
read through it, too, and written anew with their next change.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from workflow.store import codec
from workflow.store.codec import Broken
from workflow.store.tiny import atomic
from workflow.store.tiny.backup import back_up
from workflow.store.tiny.reader import CASE, DESK_TABLE, ONLY, backups, case_files, read_as_written


def bring_up(folder: Path, latest_at: datetime | None) -> None:
    """Rewrite every file that is older, the desk last: while it is older there is work left, whatever a crash did.

    Before that the state is copied to ``backups/2026-11-23-before-format-2``, once; the day is that of `latest_at`, the
    last thing decided. Files that cannot be read stay as they are: `TinyStore.open` sets them aside. Raises OSError;
    without room for the copy nothing was changed.
    """
    desk = folder / "desk.json"
    if not desk.exists() or not _is_older(read_as_written(desk, DESK_TABLE)):
        return
    which = f"before-format-{codec.FORMAT}"
    if not any(copy.name.endswith(which) for copy in backups(folder)):
        day = "1970-01-01" if latest_at is None else f"{latest_at:%Y-%m-%d}"
        back_up(folder, f"{day}-{which}")
    for path in case_files(folder):
        with suppress(Broken):
            _rewrite(path, CASE)
    _rewrite(desk, DESK_TABLE)


def _rewrite(path: Path, table: str) -> None:
    found = read_as_written(path, table)
    if _is_older(found):
        atomic.replace_file(path, codec.encode({table: {str(ONLY): codec.current(table, found)}}))


def _is_older(found: Mapping[str, Any]) -> bool:
    codec.check_format(found)
    return bool(found["format"] < codec.FORMAT)
