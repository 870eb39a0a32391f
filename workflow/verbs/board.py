"""``board``: the board's page once, on standard output or into ``[board] file``; works while the daemon runs."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from datetime import datetime

from workflow import board
from workflow.clock import SystemClock
from workflow.config import Config, load
from workflow.mail.writing.render import Letters
from workflow.store import board as daemon_at
from workflow.store import peek


def main(asked: Namespace) -> int:
    """Write it (contract section 7); exit codes 0, 1 where the file can't be written, 2 and 4."""
    config = load(asked.config, secrets=False)
    text, fell_back = asyncio.run(_page(config))
    if fell_back is not None:
        print(f"letters.templates: {fell_back}; Promptly's own was used", file=sys.stderr)
    file = config.board.file
    if file is None:
        print(text)
        return 0
    try:
        board.write_whole(file, text, str(os.getpid()))
    except OSError as error:
        print(f"board.file: {file}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


async def _page(config: Config) -> tuple[str, str | None]:
    alive = await daemon_at(config.store.url).alive()
    now = alive.now if alive is not None else SystemClock().now()
    rules, own = config.rules(), config.letters
    letters = Letters(rules, instance="board", templates=own.templates, sms_link=own.sms_link)
    troubles: dict[str, datetime | None] = {}
    if alive is None:
        troubles["daemon"] = None
    elif not alive.connected:
        troubles["mailbox"] = alive.last_seen_at
    if alive is not None and alive.unsent_since is not None:
        troubles["sending"] = alive.unsent_since
    store, named = await peek(config.store.url), config.board.initials
    return await board.page(store, letters, rules, now, troubles, named=named)
