"""``make soak``: tens of thousands of mails through one daemon, and what its memory does meanwhile.

The daemon is a process of its own; the servers are the lightest there are, in this process: a scripted IMAP server, and
an SMTP server that keeps nothing. Reports come in handfuls, each draft is answered with an outcome, every sixth mail is
none of ours and stays in the mailbox. Each line of the table is one thousand mails.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

from tests.bench.light import Sink, configure, sink
from tests.bench.mailboxes import associate, names
from tests.bench.programs import Measured, daemon
from tests.in_time import raw
from tests.scripted_imap import ScriptedImap

HANDFUL = 20
"""Reports that come together."""

LINE = 1000
"""Mails between two looks at the memory."""

WARM = 10_000
"""Mails after which memory is under `MOST_MB`, and grows by no more than what closed cases are remembered by."""

MOST_MB = 80.0
PER_CASE = 1024
"""Bytes of memory that a closed case may cost: the keys of its mails and the Message-IDs of its letters, by which late
answers find it for as long as it is kept."""


class Soak:
    """One daemon, and its mails so far."""

    def __init__(self, imap: ScriptedImap, taking: Sink) -> None:
        self.mails = 0
        self.cases = 0
        self._imap = imap
        self._sink = taking
        self._clients = names()
        self._numbers = count()

    async def handful(self) -> None:
        """Reports, the answers to their drafts, and mail that is none of ours; all of it dealt with."""
        for number, client in zip(islice(self._numbers, HANDFUL), self._clients, strict=False):
            self._put(raw(associate(number), f"NOSHOW {client}"))
            if number % 3 == 0:
                self._put(raw("someone@elsewhere.test", f"Invoice {number}"))
        await self._push()
        self.cases += HANDFUL
        await self._sink.until("draft", self.cases)
        drafted, self._sink.drafted = self._sink.drafted, []
        for case, who in drafted:
            self._put(raw(who, f"[{case}] RESCHEDULED Tue 3pm"))
        await self._push()
        await self._sink.until("update", self.cases)  # admin's: receipts are capped

    def _put(self, mail: bytes) -> None:
        self._imap.put(mail, datetime.fromtimestamp(time.time(), UTC))
        self.mails += 1

    async def _push(self) -> None:
        await self._imap.say(f"* {len(self._imap.mails)} EXISTS\r\n")


def failures(memory: dict[int, float], cases: dict[int, int]) -> Iterator[str]:
    """What is wrong with the memory, in MB at so many mails, when so many cases had been opened."""
    late = {mails: mb for mails, mb in memory.items() if mails >= WARM}
    if not late:
        return
    first, last = min(late), max(late)
    if memory[first] > MOST_MB:
        yield f"{memory[first]:.1f} MB after {first} mails, more than {MOST_MB:.0f}"
    allowed = (cases[last] - cases[first]) * PER_CASE / 1024**2 + 1
    if late[last] - late[first] > allowed:
        yield f"grew by {late[last] - late[first]:.1f} MB from {first} to {last} mails, more than {allowed:.1f}"


async def main() -> int:
    """Soak one daemon; exit code 1 when its memory grew too much. TimeoutError: a letter never came."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--mails", type=int, default=30_000)
    options = asked.parse_args()
    memory: dict[int, float] = {}
    cases: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        async with ScriptedImap() as imap, sink() as taking:
            config = configure(folder, imap.port, taking.port)
            soak = Soak(imap, taking)
            async with Measured(daemon(config), folder) as program:
                await program.logs("ready")
                print(f"{'mails':>7}{'cases':>8}{'MB':>8}{'mails/s':>9}{'CPU ms a mail':>15}")
                began, spent, before = time.monotonic(), program.cpu_seconds, 0
                while soak.mails < options.mails:
                    await soak.handful()
                    if soak.mails - before >= LINE:
                        took, used, done = time.monotonic() - began, program.cpu_seconds - spent, soak.mails - before
                        memory[soak.mails], cases[soak.mails] = program.resident_mb, soak.cases
                        line = f"{soak.mails:>7}{soak.cases:>8}{memory[soak.mails]:>8.1f}"
                        print(f"{line}{done / took:>9.0f}{used / done * 1000:>15.1f}", flush=True)
                        began, spent, before = time.monotonic(), program.cpu_seconds, soak.mails
                        imap.commands.clear()
                        imap.folders["Promptly"].clear()
                print(dict(sorted(taking.kinds.items())))
            async with Measured(daemon(config), folder) as program:
                await program.logs("ready")
                print(f"started anew on what it remembers: {program.resident_mb:.1f} MB")
    wrong = list(failures(memory, cases))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
