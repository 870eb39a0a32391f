"""Plays every fault so many times, a few side by side, and prints the table."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from tests import configuration, tried
from tests.configuration import write_password
from tests.conversation import MAILBOX
from tests.in_time import raw
from tests.scripted_imap import Lying, ScriptedImap
from tests.silent_proxy import SilentProxy
from tests.test_disk import mount, unmount
from tests.tried.faults import FAULTS, Fault
from tests.tried.trial import ALEX, DANA, PAT, Count, Trial
from tests.troubled_server import Passed, TroubledServer
from workflow.clock import SystemClock


async def play(fault: Fault, seed: int) -> Count:
    """One trial, on servers and a folder of its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        accepted: list[tuple[float, Passed]] = []
        server = await stack.enter_async_context(
            TroubledServer(passing=lambda passed: accepted.append((time.monotonic(), passed)))
        )
        imap = None
        if fault.scripted is not None:
            imap = await stack.enter_async_context(ScriptedImap(**fault.scripted))  # type: ignore[arg-type]  # its traits
            long_ago = Lying(raw(DANA, "NOSHOW Long Ago"), SystemClock().now() - timedelta(days=3))
            imap.mails = dict.fromkeys(range(1, fault.old_mails + 1), long_ago)
            imap.next_uid = fault.old_mails + 1
        ports = {"imap": imap.port if imap else server.imap_port, "smtp": server.smtp_port}
        line = await stack.enter_async_context(SilentProxy(ports.get(fault.behind, 0)))
        ports.update({fault.behind: line.port} if fault.behind else {})
        trial = Trial(folder, random.Random(seed), server, imap, line, accepted)
        configure(trial, fault, ports)
        stack.callback(lay_out_disk(folder, fault.disk))
        await trial.starts([word if word != "ill" else str(folder / "ill") for word in fault.program])
        try:
            await trial.daemon.logs("ready")
            await fault.play(trial)
            await trial.all_told()
            await trial.stops()
        finally:
            trial.dies()
        return trial.count()


def configure(trial: Trial, fault: Fault, ports: dict[str, int]) -> None:
    """Write the configuration and its passwords."""
    login = {"username": MAILBOX, "password_file": "smtp-password"} if fault.login else {}
    write_password(trial.folder / "smtp-password")
    configuration.configure(
        trial.folder,
        clinic={"admins": [f"Alex <{ALEX}>", f"Pat <{PAT}>"]},
        mailbox={"port": ports["imap"]},
        smtp={"port": ports["smtp"], **login},
        digest={"at": ""},
        store={"url": f"tinydb:{trial.folder / 'disk'}" if fault.disk else None},
    )


def lay_out_disk(folder: Path, disk: str) -> Callable[[], None]:
    """Mount what the state is to lie on; gives what takes it away again."""
    place = folder / "disk"
    place.mkdir(mode=0o700)
    if disk == "small":
        mount("-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(place))
    return lambda: unmount(place) if disk else None


async def try_all(faults: Sequence[Fault], times: int, at_once: int) -> dict[str, Count]:
    """Each fault so many times, so many trials side by side: they mostly wait, but for the starts of daemons."""
    counts = {fault.name: Count() for fault in faults}
    room = asyncio.Semaphore(at_once)

    async def one(fault: Fault, seed: int) -> None:
        async with room:
            try:
                found = await play(fault, seed)
            except Exception as error:
                found = Count(lost=1)
                sys.stderr.write("".join(traceback.format_exception(error)))
        counts[fault.name].add(found)
        if found.lost or found.doubled:
            sys.stderr.write(f"{fault.name}, seed {seed}: {found}\n")

    async with asyncio.TaskGroup() as trials:
        for seed in range(times):
            for fault in faults:
                trials.create_task(one(fault, seed))
    return counts


def table(counts: dict[str, Count], times: int) -> str:
    """As README has it."""
    rows = [
        "| fault | tried | lost | doubled | repeated | longest delay |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {times} | {count.lost} | {count.doubled} | {count.repeated} | {count.delay:.1f} s |"
            for name, count in counts.items()
        ),
    ]
    stop, cpu = (max(getattr(count, name) for count in counts.values()) for name in ("stop", "cpu"))
    return "\n".join(
        [*rows, "", f"CPU while a server is away: at most {cpu:.1%}. SIGTERM to exit: at most {stop:.1f} s."]
    )


async def main() -> int:
    """Print the table; exit code 1 when anything was lost or doubled."""
    asked = argparse.ArgumentParser(description=tried.__doc__)
    asked.add_argument("--times", type=int, default=10)
    asked.add_argument("--at-once", type=int, default=8)
    asked.add_argument("--only", default="", help="faults whose name holds this")
    options = asked.parse_args()
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each word said to a line that is gone
    faults = [fault for fault in FAULTS if options.only in fault.name and (not fault.disk or os.geteuid() == 0)]
    counts = await try_all(faults, options.times, options.at_once)
    sys.stdout.write(table(counts, options.times) + "\n")
    return int(any(count.lost or count.doubled for count in counts.values()))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
