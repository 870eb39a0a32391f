"""``python -m tests.bench``: all figures, printed as a table and stored in build/bench.json."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.bench.growth import growth
from tests.bench.mailboxes import BenchServers
from tests.bench.measures import Bench, Reports, start_up
from tests.bench.past import FILE_KB, Past
from tests.real_servers import missing

EIGHT = 8
"""SMTP transactions in flight in the fast floor."""

NOTHING = Past(0, 0)
PASTS = {Past(1000, 0): "1.1 x", Past(5000, 0): "1.1 x", Past(0, 100_000): "1.05 x"}
"""What a report may cost beside so many open and so many closed cases, as a multiple of its cost beside none."""

STORED = Path("build/bench.json")


@dataclass
class Row:
    """One figure: every round's, the floor's beside it, and what it should reach."""

    what: str
    unit: str
    aim: str
    rounds: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def ratio(self) -> float | None:
        """The daemon's median to the floor's; None without a floor."""
        return self.median / statistics.median(self.floor) if self.floor else None

    def line(self) -> str:
        """As one line of the table, which is Markdown."""
        floor = f"{statistics.median(self.floor):.2f} {self.unit}" if self.floor else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        return f"| {self.what} | {self.median:.2f} {self.unit} | {floor} | {ratio} | {self.aim} |"


class Table:
    """The rows in order, made as they are first named."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def add(self, what: str, unit: str, aim: str, value: float, floor: float | None = None) -> None:
        """One round's figure."""
        row = self.rows.setdefault(what, Row(what, unit, aim))
        row.rounds.append(value)
        if floor is not None:
            row.floor.append(floor)

    def text(self) -> str:
        head = ["| figure | daemon | floor | ratio | to reach |", "|---|---|---|---|---|"]
        return "\n".join([*head, *(row.line() for row in self.rows.values())]) + "\n"


async def main(asked: argparse.Namespace) -> None:
    """Measure, print, store."""
    table = Table()
    sizes: dict[str, int] = {}
    STORED.parent.mkdir(exist_ok=True)
    # Not beside the servers' folders: ext4 looks for a place for a new file near its folder, past all those that a busy
    # queue deleted in the last 5 s, and that would be counted as our CPU.
    with tempfile.TemporaryDirectory(dir=STORED.parent, prefix="bench-") as folder_name:
        folder = Path(folder_name).resolve()
        if "start" in asked.only:
            for run in range(asked.runs):
                _say(f"start {run + 1}")
                table.add("import to ready, embedded server", "s", "1.5 s", await start_up(folder / f"start-{run}"))
        if "growth" in asked.only:
            await _grow(folder, table, asked.grown)
        if asked.only == ["growth"]:
            pass
        elif reason := missing():
            sys.stderr.write(f"LEFT OUT: the figures on real servers. {reason}\n")
        else:
            with BenchServers() as servers:
                bench = Bench(servers, folder)
                sizes = await bench.weigh()
                for run in range(asked.runs):
                    _say(f"round {run + 1} of {asked.runs}")
                    await _round(bench, table, asked)
    if sizes:
        spoken = " and ".join(f"{size} bytes to {user}" for user, size in sizes.items())
        sys.stdout.write(f"Letters for a report, the pipe's, too: {spoken}.\n")
    sys.stdout.write(table.text())
    stored = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.release()},
        "letter_bytes": sizes,
        "waiting": asked.mails,
        "rows": [
            {**asdict(row), "median": row.median, "floor_median": _median(row.floor), "ratio": row.ratio}
            for row in table.rows.values()
        ],
    }
    STORED.write_text(json.dumps(stored, indent=2) + "\n")


async def _round(bench: Bench, table: Table, asked: argparse.Namespace) -> None:
    if "reports" in asked.only:
        bare = await bench.reports_to_pipe(asked.reports, record=False)
        recorded = await bench.reports_to_pipe(asked.reports, record=True)
        ours = await bench.reports_to_daemon(asked.reports)
        _add_reports(table, ours, bare, recorded)
    if "silence" in asked.only:
        # each of its mails finds its connection closed, as the daemon's does after a minute
        cold = await bench.reports_to_pipe(asked.reports, record=True, keeps=False)
        silence = await bench.silence()
        what = (
            "(b) fetched to both letters accepted, after a silent minute; floor: connection closed, one record synced"
        )
        table.add(what, "ms", "25 ms", silence.next_handling, statistics.median(cold.handlings[1:]))
        table.add("(d) resident memory, one case open", "MB", "80 MB", silence.resident_mb)
        table.add("(d) CPU over a silent minute", "%", "0.2 %", silence.cpu_percent)
    if "drain" in asked.only:
        one = await bench.drain_by_pipe(asked.mails, 1)
        drained = await bench.drain_by_daemon(asked.mails)
        eight = await bench.drain_by_pipe(asked.mails, EIGHT)
        what = f"(c) {asked.mails} waiting reports, both letters delivered"
        table.add(f"{what}; floor: one in flight", "s", "", drained.seconds, one.seconds)
        table.add(f"{what}; floor: {EIGHT} in flight", "s", "2 x", drained.seconds, eight.seconds)
        table.add("(c) CPU a report, without the start; floor: the pipe's", "ms", "5 ms", drained.cpu_ms, eight.cpu_ms)
        table.add(f"(c) resident memory, {asked.mails} cases open", "MB", "80 MB", drained.resident_mb)


async def _grow(folder: Path, table: Table, reports: int) -> None:
    needed = sum(past.open_cases + past.closed_cases for past in PASTS) * FILE_KB << 10
    if (free := shutil.disk_usage(folder).free) < 2 * needed:
        sys.stderr.write(f"LEFT OUT: growth, which needs {2 * needed >> 30} GB of disk; there are {free >> 30}.\n")
        return
    _say("growth")
    place = folder / "growth"
    place.mkdir()
    grown = await growth(place, [NOTHING, *PASTS], reports)
    shutil.rmtree(place)
    for past, aim in PASTS.items():
        what = f"(e) fetched to both letters accepted, beside {past}; floor: beside none"
        for took, floor in zip(grown[past].handlings, grown[NOTHING].handlings, strict=True):
            table.add(what, "ms", aim, took, floor)
        what = f"(e) user CPU of such a report, beside {past}; floor: beside none"
        table.add(what, "ms", aim, grown[past].user_ms, grown[NOTHING].user_ms)
    for past, found in grown.items():
        aim = "3 s" if past.open_cases else ""
        table.add(f"(e) process to ready, {past}", "s", aim, found.started_anew)
        table.add(f"(e) the same, all files read, {past}", "s", aim, found.started)
        table.add(f"(e) resident memory, {past}", "MB", "", found.resident_mb)
        table.add(f"(e) CPU over a silent minute, {past}", "%", "0.2 %", found.cpu_percent)


def _add_reports(table: Table, ours: Reports, bare: Reports, recorded: Reports) -> None:
    what = "(a) report accepted to both letters in their inboxes"
    table.add(what, "ms", "1.1 x", statistics.median(ours.reactions[1:]), statistics.median(bare.reactions[1:]))
    what = "(b) fetched to both letters accepted, warm; floor: one record synced"
    table.add(what, "ms", "3 x", statistics.median(ours.handlings[1:]), statistics.median(recorded.handlings[1:]))
    table.add("(b) the same, first after the start", "ms", "", ours.handlings[0], recorded.handlings[0])


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")


def _asked() -> argparse.Namespace:
    parts = ["start", "growth", "reports", "silence", "drain"]
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description="How fast, and at what cost.")
    asked.add_argument("--runs", type=int, default=5, help="rounds; a figure is their median")
    asked.add_argument("--reports", type=int, default=6, help="reports one after the other, in each round")
    asked.add_argument("--mails", type=int, default=1000, help="reports that lie waiting, in each round")
    asked.add_argument("--grown", type=int, default=200, help="reports beside each past, in turns")
    asked.add_argument("--only", nargs="+", choices=parts, default=parts, metavar="PART", help=", ".join(parts))
    return asked.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_asked()))
