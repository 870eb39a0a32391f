"""``make bench``: how fast a report becomes letters, and what the daemon costs. Figures, not tests; nothing here fails.

Run as root on a machine with Debian's dovecot and postfix: they are started privately. Each figure is the median of
five runs. Machines are noisy: compare within one run. Results also go to build/bench.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.conversation import CONFIG, PEOPLE
from tests.daemon_process import Daemon, configure
from tests.real_servers import RealServers, missing
from workflow import logs
from workflow.clinic import Clinic
from workflow.clock import SystemClock
from workflow.config import load
from workflow.mail.inbox import Fetched
from workflow.mail.outbox import Attempt, Result
from workflow.service import Service
from workflow.store.tiny import TinyStore
from workflow.verbs.embedded import EmbeddedServer

RUNS = 5
NAMES = ("Ann", "Bea", "Cal", "Dee", "Eve", "Fay")
IDLE_SECONDS = 20
CLINIC, DANA = "clinic@clinic.test", "dana@clinic.test"


async def start_up(folder: Path) -> float:
    """Seconds from the start of the process (imports included) to `ready`, on the embedded server."""
    accounts = dict.fromkeys([CLINIC, *PEOPLE.values()], "secret")
    async with EmbeddedServer(accounts) as server:
        admins = '"admin@clinic.test"'
        text = CONFIG.format(
            admins=admins, lead="", imap=server.imap_port, smtp=server.smtp_port, shared="true", more=""
        )
        folder.mkdir()
        (folder / "config.toml").write_text(text)
        (folder / "password").write_text("secret")
        (folder / "password").chmod(0o600)
        began = time.perf_counter()
        async with Daemon(folder / "config.toml"):
            return time.perf_counter() - began


async def idle_cost(config: Path) -> tuple[float, float]:
    """Resident memory in MB after a first report, and CPU in percent over an idle stretch."""
    async with Daemon(config) as daemon:
        pid = daemon.process.pid
        await asyncio.sleep(2)
        before = _cpu_seconds(pid)
        await asyncio.sleep(IDLE_SECONDS)
        used = _cpu_seconds(pid) - before
        return _resident_mb(pid), 100 * used / IDLE_SECONDS


async def report(servers: RealServers, folder: Path) -> list[float]:
    """Milliseconds from a mail fetched to both letters accepted by Postfix: the first after silence, then warm ones."""
    config = load(configure(folder, servers))
    store = TinyStore(config.store)
    await store.open()
    service = Service(Clinic(config, store, SystemClock()))
    fetched_at: list[float] = []
    accepted: asyncio.Queue[float] = asyncio.Queue()
    deliver, send = service._inbox._deliver, service.sender.outbox.send

    def noted_deliver(fetched: Fetched) -> None:
        fetched_at.append(time.perf_counter())
        deliver(fetched)

    async def noted_send(raw: bytes, **more: Any) -> Attempt:
        attempt = await send(raw, **more)
        if attempt.result is Result.ACCEPTED:
            accepted.put_nowait(time.perf_counter())
        return attempt

    service._inbox._deliver = noted_deliver
    service.sender.outbox.send = noted_send  # type: ignore[method-assign]  # measured from outside
    running = asyncio.create_task(service.run())
    await service.ready.wait()
    figures = []
    for number in range(RUNS + 1):
        await servers.send(DANA, CLINIC, f"NOSHOW {NAMES[number]}", "")
        async with asyncio.timeout(10):
            last = max([await accepted.get() for _ in range(2)])
        figures.append(1000 * (last - fetched_at[-1]))
        await asyncio.sleep(0.3)
    service.stop()
    await running
    await store.close()
    return figures


async def main() -> None:
    """Print the table and store it."""
    logs.set_up(quiet=True)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        figures["import to ready, embedded server (s)"] = await _median(lambda run: start_up(folder / f"start-{run}"))
        if reason := missing():
            print(f"LEFT OUT: the figures on real servers. {reason}", file=sys.stderr)
        else:
            with RealServers() as servers:
                memory, cpu = await idle_cost(configure(folder / "idle", servers))
                figures["resident memory, idle (MB)"] = memory
                figures[f"CPU, idle, over {IDLE_SECONDS} s (%)"] = cpu
                runs = await report(servers, folder / "report")
                figures["report: fetched to both letters accepted, first (ms)"] = runs[0]
                figures["report: fetched to both letters accepted, warm (ms)"] = statistics.median(runs[1:])
    for name, value in figures.items():
        print(f"{name:<60} {value:8.2f}")
    build = Path("build")
    build.mkdir(exist_ok=True)
    (build / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")


async def _median(measure: Callable[[int], Awaitable[float]]) -> float:
    return statistics.median([await measure(run) for run in range(RUNS)])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    asyncio.run(main())
