"""``/healthz`` and ``/metrics`` on loopback (contract section 6, ``[health]``): for monitoring on this machine.

It answers two GET requests from what the daemon knows, without disk or network, and changes nothing. Numbers and kinds
alone: never a name, an address or a case. Not here: what makes a daemon unwell, which the service and its auditor say.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Protocol

import orjson
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from workflow.alive import Alive
from workflow.clinic import Clinic
from workflow.core.model import Fate, Kind
from workflow.counters import URGENT_WITHIN, Counters

log = structlog.get_logger()

PATIENCE = 5.0
"""Seconds for a whole request: whoever asks is on this machine."""

REQUEST_MOST = 8192
"""Bytes of a request, headers included."""

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"


class Daemon(Protocol):
    """What a running daemon can say of itself: the service."""

    def alive(self) -> Alive:
        """How it is at this moment."""
        ...

    def faults(self) -> list[str]:
        """Why the clinic is not served as it should be; empty when it is."""
        ...

    @property
    def overdue(self) -> float:
        """Seconds for which the longest due time waits for its decision."""
        ...


async def serve_health(listen: tuple[str, int], clinic: Clinic, daemon: Daemon) -> asyncio.Server:
    """Answer on this loopback host and port until the server is closed. OSError: the port is taken."""
    answer = partial(_answer, clinic=clinic, daemon=daemon)
    return await asyncio.start_server(answer, *listen, limit=REQUEST_MOST)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, clinic: Clinic, daemon: Daemon
) -> None:
    """One request a connection, so that none is held open. What is no request gets no answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            request = await reader.readuntil(b"\r\n\r\n")
            method, path = request.split(b" ", 2)[:2]
            status, kind, body = await _page(method, path.partition(b"?")[0], clinic, daemon)
            head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            writer.write(f"{head}Cache-Control: no-store\r\n\r\n".encode() + (b"" if method == b"HEAD" else body))
            await writer.drain()
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError):  # TimeoutError is an OSError
        pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _page(method: bytes, path: bytes, clinic: Clinic, daemon: Daemon) -> tuple[str, str, bytes]:
    if method not in {b"GET", b"HEAD"}:
        return "405 Method Not Allowed\r\nAllow: GET, HEAD", _TEXT, b"only GET\n"
    match path:
        case b"/healthz":
            faults = daemon.faults()
            body = orjson.dumps({"status": "failing" if faults else "ok", "reasons": faults})
            return ("503 Service Unavailable" if faults else "200 OK"), _JSON, body + b"\n"
        case b"/metrics":
            registry = CollectorRegistry(auto_describe=False)  # no globals: a second clinic has its own
            registry.register(await _gather(clinic, daemon))
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest(registry)
    return "404 Not Found", _TEXT, b"there is /healthz and /metrics\n"


async def _gather(clinic: Clinic, daemon: Daemon) -> _Figures:
    store = clinic.store
    return _Figures(
        clinic.counters,
        daemon.alive(),
        live=not daemon.faults(),
        overdue=daemon.overdue,
        cases={kind.value: 0 for kind in Kind} | Counter(case.kind.value for case in (await store.open_cases()).open),
        owed=Counter(letter.kind.value for letter in await store.owed()),
        set_aside=len(store.faults),
    )


class _Figures(Collector):
    """Everything `/metrics` shows, as of one moment."""

    def __init__(
        self,
        counters: Counters,
        alive: Alive,
        *,
        live: bool,
        overdue: float,
        cases: Mapping[str, int],
        owed: Mapping[str, int],
        set_aside: int,
    ) -> None:
        self._tally = counters
        self._alive = alive
        self._live = live
        self._overdue = overdue
        self._cases = cases
        self._owed = owed
        self._set_aside = set_aside

    def collect(self) -> Iterable[Metric]:
        """The metrics, in the order of the page."""
        alive = self._alive
        yield GaugeMetricFamily("promptly_live", "1 while mailbox, outbox and timers are live, as /healthz", self._live)
        yield GaugeMetricFamily("promptly_mailbox_connected", "1 while the mailbox is watched", alive.connected)
        if alive.last_seen_at is not None:
            at = alive.last_seen_at.timestamp()
            yield GaugeMetricFamily("promptly_mailbox_last_contact_timestamp_seconds", "Last look into it", at)
        reached = alive.unsent_since is None
        yield GaugeMetricFamily("promptly_smtp_reachable", "0 while the SMTP server is not reached", reached)
        yield GaugeMetricFamily("promptly_timer_overdue_seconds", "Wait of the longest due time", self._overdue)
        yield _by_kind("promptly_open_cases", "Cases that are open", self._cases)
        yield _by_kind("promptly_owed_letters", "Letters that are owed", self._owed)
        yield GaugeMetricFamily("promptly_set_aside_files", "Case files that cannot be read", self._set_aside)
        yield from self._counted()

    def _counted(self) -> Iterable[Metric]:
        counters = self._tally
        reports = CounterMetricFamily("promptly_reports", "Reports that opened a case", labels=["kind"])
        for kind in Kind:
            reports.add_metric([kind.value], counters.reports[kind.value])
        mails = CounterMetricFamily("promptly_mails", "Mails decided, by what became of them", labels=["fate"])
        for fate in Fate:
            mails.add_metric([fate.value], counters.mails[fate.value])
        letters = CounterMetricFamily("promptly_letters", "Letters, by what became of them", labels=["kind", "fate"])
        for (of_kind, became), count in counters.letters.items():
            letters.add_metric([of_kind, became], count)
        seconds = HistogramMetricFamily("promptly_urgent_letter_seconds", "Alert and draft: decision to acceptance")
        within = [(str(limit), counters.within[limit]) for limit in URGENT_WITHIN]
        seconds.add_metric([], [*within, ("+Inf", counters.urgent)], counters.urgent_seconds)
        return reports, mails, letters, seconds


def _by_kind(name: str, about: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=["kind"])
    for kind, count in counts.items():
        family.add_metric([kind], count)
    return family
