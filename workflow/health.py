"""``/healthz``, ``/metrics`` and ``/board`` on loopback (contract section 6, ``[health]``): for this machine alone.

It answers GET requests from what the daemon knows, and changes nothing. For monitoring there are numbers and kinds
alone: never a name, an address or a case. Not here: what makes a daemon unwell, which the practice and its auditor say,
and what the board shows (`core.board`).
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import orjson
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from workflow.clinic import Clinic
from workflow.config.keys import is_loopback
from workflow.core.model import Fate
from workflow.core.rules import Kind
from workflow.counters import URGENT_WITHIN
from workflow.store import Alive, StoreError

log = structlog.get_logger()

_TEXT = "text/plain; charset=utf-8"


class Daemon(Protocol):
    """What a practice can say of itself."""

    def alive(self) -> Alive: ...
    def faults(self) -> list[str]: ...
    async def page(self) -> str: ...
    @property
    def overdue(self) -> float: ...


async def serve_health(listen: tuple[str, int], clinic: Clinic, daemon: Daemon) -> asyncio.Server:
    """Answer on this loopback host and port until the server is closed. OSError: the port is taken."""
    answer = partial(_answer, clinic=clinic, daemon=daemon)
    return await asyncio.start_server(answer, *listen, limit=8192)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, clinic: Clinic, daemon: Daemon
) -> None:
    """One request a connection, so that none is held open. What is no request gets no answer."""
    try:
        async with asyncio.timeout(5):  # whoever asks is on this machine
            request = await reader.readuntil(b"\r\n\r\n")
            method, path = request.split(b" ", 2)[:2]
            local = _asks_locally(request)
            status, kind, body = await _page(method, path.partition(b"?")[0], clinic, daemon, local=local)
            head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            writer.write(f"{head}Cache-Control: no-store\r\n\r\n".encode() + (b"" if method == b"HEAD" else body))
            await writer.drain()
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError):  # TimeoutError is an OSError
        pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _asks_locally(request: bytes) -> bool:
    """Whether it is this machine by name, too, that is asked: any site that a browser here has open may give itself a
    name which leads to loopback, and read what is answered to that."""
    named = re.search(rb"\r\nhost:[ \t]*([^\r]*)", request, re.IGNORECASE)
    return named is None or is_loopback(re.sub(r":\d*$", "", named[1].decode("latin-1").strip()).strip("[]"))


async def _page(method: bytes, path: bytes, clinic: Clinic, daemon: Daemon, *, local: bool) -> tuple[str, str, bytes]:
    if method not in {b"GET", b"HEAD"}:
        return "405 Method Not Allowed\r\nAllow: GET, HEAD", _TEXT, b"only GET\n"
    match path:
        case b"/healthz":
            faults = daemon.faults()
            body = orjson.dumps({"status": "failing" if faults else "ok", "reasons": faults})
            return ("503 Service Unavailable" if faults else "200 OK"), "application/json", body + b"\n"
        case b"/metrics":
            try:
                cases = Counter(case.kind.value for case in (await clinic.store.open_cases()).values())
                owed = Counter(letter.kind.value for letter in await clinic.store.owed())
            except StoreError:
                return "503 Service Unavailable", _TEXT, b"the store does not answer\n"
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest(_Page(_metrics(clinic, daemon, cases, owed)))
        case b"/board" if not local:
            return "421 Misdirected Request", _TEXT, b"only for this machine: ask 127.0.0.1\n"
        case b"/board":
            try:
                return "200 OK", "text/html; charset=utf-8", (await daemon.page()).encode()
            except StoreError:
                return "503 Service Unavailable", _TEXT, b"the store does not answer\n"
    return "404 Not Found", _TEXT, b"there is /healthz, /metrics and /board\n"


class _Page(Collector):
    """Metrics of one moment."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _metrics(clinic: Clinic, daemon: Daemon, cases: Counter[str], owed: Counter[str]) -> Iterator[Metric]:
    alive, counters = daemon.alive(), clinic.counters
    live = not daemon.faults()
    yield GaugeMetricFamily("promptly_live", "1 while mailbox, outbox and timers are live, as /healthz", live)
    yield GaugeMetricFamily("promptly_mailbox_connected", "1 while the mailbox is watched", alive.connected)
    if alive.last_seen_at is not None:
        at = alive.last_seen_at.timestamp()
        yield GaugeMetricFamily("promptly_mailbox_last_contact_timestamp_seconds", "Last look into it", at)
    reached = alive.unsent_since is None
    yield GaugeMetricFamily("promptly_smtp_reachable", "0 while the SMTP server is not reached", reached)
    yield GaugeMetricFamily("promptly_timer_overdue_seconds", "Wait of the longest due time", daemon.overdue)
    opened = GaugeMetricFamily("promptly_open_cases", "Cases that are open", labels=["kind"])
    yield _filled(opened, {(kind.value,): cases[kind.value] for kind in Kind})
    letters = GaugeMetricFamily("promptly_owed_letters", "Letters that are owed", labels=["kind"])
    yield _filled(letters, {(kind,): count for kind, count in owed.items()})
    faults = len(clinic.store.faults)
    yield GaugeMetricFamily("promptly_set_aside_files", "Case files that cannot be read", faults)
    reports = CounterMetricFamily("promptly_reports", "Reports that opened a case", labels=["kind"])
    yield _filled(reports, {(kind.value,): counters.reports[kind.value] for kind in Kind})
    mails = CounterMetricFamily("promptly_mails", "Mails decided, by what became of them", labels=["fate"])
    yield _filled(mails, {(fate.value,): counters.mails[fate.value] for fate in Fate})
    sent = CounterMetricFamily("promptly_letters", "Letters, by what became of them", labels=["kind", "fate"])
    yield _filled(sent, counters.letters)
    seconds = HistogramMetricFamily("promptly_urgent_letter_seconds", "Alert and draft: decision to acceptance")
    within = [(str(limit), counters.within[limit]) for limit in URGENT_WITHIN]
    seconds.add_metric([], [*within, ("+Inf", counters.urgent)], counters.urgent_seconds)
    yield seconds


def _filled(family: GaugeMetricFamily | CounterMetricFamily, counts: Mapping[Any, int]) -> Metric:
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family
