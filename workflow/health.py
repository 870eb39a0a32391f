"""``/healthz``, ``/metrics`` and ``/board`` on loopback (contract section 6, ``[health]``): for this machine alone.

It answers GET requests from what the daemon knows, and changes nothing. For monitoring there are numbers and kinds
alone: never a person's name, an address or a case. Of a node of many clinics the pages are the node's, and
``/healthz/NAME`` is a clinic's. Not here: what makes a daemon unwell, which the practice and its auditor say, and what
the board shows (`core.board`).
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

import orjson
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from workflow.config.keys import is_loopback
from workflow.core.model import Fate
from workflow.core.rules import Kind
from workflow.counters import URGENT_WITHIN, summed
from workflow.practice import Practice
from workflow.store import StoreError

log = structlog.get_logger()

_TEXT = "text/plain; charset=utf-8"

NAMED_MOST: Final = 1000
"""Clinics on a node, beyond which none has metrics of its own."""

_OF_EACH: Final[Sequence[tuple[str, str, Callable[[Practice], float]]]] = (
    ("ok", "1 while it is well, as /healthz/NAME", lambda practice: not practice.faults()),
    ("connected", "1 while its mailbox is watched", lambda practice: practice.watch.connected),
    ("overdue_seconds", "Wait of its longest due time", lambda practice: practice.overdue),
    ("late", "Its alerts and drafts not accepted in time", lambda practice: practice.auditor.late),
)

_FIGURES: Final = {
    "promptly_orphans": "Clinics that no node serves, and one should",
    "promptly_overdue": "Cases of all clinics with a due time a minute past",
}


class Daemon(Protocol):
    """What a node can say of itself, and of its clinics."""

    figures: Mapping[str, float]
    """Of all clinics there are, wherever they are served, by the metric's name."""

    @property
    def practices(self) -> Mapping[str, Practice]:
        """The clinics at work, by name; "" alone: the one of `run`."""

    def faults(self, name: str = "") -> list[str] | None:
        """What is wrong with the node, or with a clinic; None: it is not the node's."""


async def serve_health(listen: tuple[str, int], daemon: Daemon) -> asyncio.Server:
    """Answer on this loopback host and port until the server is closed. OSError: the port is taken."""
    return await asyncio.start_server(partial(_answer, daemon=daemon), *listen, limit=8192)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, daemon: Daemon) -> None:
    """One request a connection, so that none is held open. What is no request gets no answer."""
    try:
        async with asyncio.timeout(5):  # whoever asks is on this machine
            request = await reader.readuntil(b"\r\n\r\n")
            method, path = request.split(b" ", 2)[:2]
            status, kind, body = await _page(
                method, path.partition(b"?")[0].decode(), daemon, local=_asks_locally(request)
            )
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


async def _page(method: bytes, path: str, daemon: Daemon, *, local: bool) -> tuple[str, str, bytes]:
    if method not in {b"GET", b"HEAD"}:
        return "405 Method Not Allowed\r\nAllow: GET, HEAD", _TEXT, b"only GET\n"
    page, _, name = path.removeprefix("/").partition("/")
    if page == "healthz" and (faults := daemon.faults(name)) is not None:
        body = orjson.dumps({"status": "failing" if faults else "ok", "reasons": faults})
        return ("503 Service Unavailable" if faults else "200 OK"), "application/json", body + b"\n"
    only = daemon.practices.get("")
    try:
        if path == "/metrics":
            metrics = [metric async for metric in _metrics(daemon)]
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest(_Page(metrics))
        if path == "/board" and only is not None:
            if not local:
                return "421 Misdirected Request", _TEXT, b"only for this machine: ask 127.0.0.1\n"
            return "200 OK", "text/html; charset=utf-8", (await only.page()).encode()
    except StoreError:
        return "503 Service Unavailable", _TEXT, b"the store does not answer\n"
    board = ", /metrics and /board" if only is not None else " and /metrics"
    return "404 Not Found", _TEXT, f"there is /healthz{board}\n".encode()


class _Page(Collector):
    """Metrics of one moment."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


async def _metrics(daemon: Daemon) -> AsyncIterator[Metric]:
    """The sums of all clinics here, without a name; then a few of each, by the name of its file."""
    practices = daemon.practices
    cases, owed = Counter[str](), dict[str, Counter[str]]()
    for name, practice in practices.items():
        store = practice.clinic.store
        cases.update(case.kind.value for case in (await store.open_cases()).values())
        owed[name] = Counter(letter.kind.value for letter in await store.owed())
    for metric in _sums(list(practices.values()), cases, sum(owed.values(), Counter())):
        yield metric
    for name, figure in daemon.figures.items():
        yield GaugeMetricFamily(name, _FIGURES[name], figure)
    if "" not in practices and len(practices) <= NAMED_MOST:
        for metric in _each(practices, owed):
            yield metric


def _sums(practices: Sequence[Practice], cases: Counter[str], owed: Counter[str]) -> Iterator[Metric]:
    alive = [practice.alive() for practice in practices]
    counters = summed(practice.clinic.counters for practice in practices)
    live = not any(practice.faults() for practice in practices)
    yield GaugeMetricFamily("promptly_live", "1 while mailbox, outbox and timers are live, as /healthz", live)
    connected = all(one.connected for one in alive)
    yield GaugeMetricFamily("promptly_mailbox_connected", "1 while the mailbox is watched", connected)
    if seen := [one.last_seen_at.timestamp() for one in alive if one.last_seen_at is not None]:
        at = min(seen)
        yield GaugeMetricFamily("promptly_mailbox_last_contact_timestamp_seconds", "Last look into it", at)
    reached = all(one.unsent_since is None for one in alive)
    yield GaugeMetricFamily("promptly_smtp_reachable", "0 while the SMTP server is not reached", reached)
    overdue = max((practice.overdue for practice in practices), default=0.0)
    yield GaugeMetricFamily("promptly_timer_overdue_seconds", "Wait of the longest due time", overdue)
    opened = GaugeMetricFamily("promptly_open_cases", "Cases that are open", labels=["kind"])
    yield _filled(opened, {(kind.value,): cases[kind.value] for kind in Kind})
    letters = GaugeMetricFamily("promptly_owed_letters", "Letters that are owed", labels=["kind"])
    yield _filled(letters, {(kind,): count for kind, count in owed.items()})
    faults = sum(len(practice.clinic.store.faults) for practice in practices)
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


def _each(practices: Mapping[str, Practice], owed: Mapping[str, Counter[str]]) -> Iterator[Metric]:
    for name, about, figure in _OF_EACH:
        family = GaugeMetricFamily(f"promptly_clinic_{name}", about, labels=["clinic"])
        yield _filled(family, {(clinic,): figure(practice) for clinic, practice in practices.items()})
    letters = GaugeMetricFamily("promptly_clinic_owed", "Letters that are owed", labels=["clinic"])
    yield _filled(letters, {(clinic,): count.total() for clinic, count in owed.items()})


def _filled(family: GaugeMetricFamily | CounterMetricFamily, counts: Mapping[Any, float]) -> Metric:
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family
