"""``clinics``: which are known, who serves them, and how they are: counts alone, nobody's name. Looks only."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rich.table import Table

from workflow.clock import SystemClock
from workflow.config.node import load_node
from workflow.store import StoreError, daemon_link, peek
from workflow.store.premises import Known, NodeNews, Premises, Standing, premises_at
from workflow.verbs import Terminal, iso

UTC_ZONE = ZoneInfo("UTC")
"""Clinics have a zone each."""

OVERDUE = timedelta(minutes=1)


def main(asked: Namespace) -> int:
    """Print them (contract-many, 2); exit codes 0, 2 and 4. What is open where the state can't be read is null."""
    node = load_node(asked.config, secrets=False)
    found = asyncio.run(_look(premises_at(node.store.url)))
    if asked.json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(found)
    return 4 if any(one["open"] is None for one in found["clinics"]) else 0


async def _look(premises: Premises) -> dict[str, Any]:
    nodes = await premises.nodes()
    known = {name: one for name, one in (await premises.clinics()).items() if one.standing is not Standing.REMOVED}
    clinics = [await _clinic(name, one, premises.url_of(name), nodes) for name, one in known.items()]
    orphans = [one["name"] for one in clinics if one["holder"] is None and one["standing"] == Standing.WATCHED.value]
    return {
        "clinics": clinics,
        "nodes": [
            {
                "name": node.name,
                "since": iso(node.since, UTC_ZONE),
                "clinics": node.clinics,
                "beat_at": iso(node.beat_at, UTC_ZONE),
                "version": node.version,
            }
            for node in nodes
        ],
        "orphans": orphans,
    }


async def _clinic(name: str, known: Known, url: str, nodes: list[NodeNews]) -> dict[str, Any]:
    alive = await daemon_link(url).alive()
    now = alive.now if alive is not None else SystemClock().now()
    still: int | None = None
    overdue: int | None = None
    try:
        reader = await peek(url)
        still, overdue = len((await reader.open_cases()).open), len(await reader.due(now - OVERDUE))
    except StoreError as broken:
        print(f"{name}: {broken}", file=sys.stderr)
    serving = alive is not None and alive.node in {node.name for node in nodes}
    return {
        "name": name,
        "holder": alive.node if alive is not None and serving else None,
        "since": iso(alive.since, UTC_ZONE) if alive is not None and serving else None,
        "open": still,
        "overdue": overdue,
        "connected": alive is not None and alive.connected,
        "version": known.version,
        "unfit": [{"node": node.name, "why": node.unfit[name]} for node in nodes if name in node.unfit],
        "standing": known.standing.value,
    }


def _print(found: dict[str, Any]) -> None:
    console = Terminal()
    table = Table(*("clinic", "node", "open", "overdue", "mailbox", "version"), box=None, pad_edge=False)
    for one in found["clinics"]:
        why = ", ".join(f"{unfit['node']} lacks {unfit['why']}" for unfit in one["unfit"])
        holder = one["holder"] or ("held" if one["standing"] == Standing.HELD.value else why or "nobody")
        mailbox = "connected" if one["connected"] else "not connected"
        counts = ("?" if one[key] is None else str(one[key]) for key in ("open", "overdue"))
        table.add_row(one["name"], holder, *counts, mailbox, str(one["version"]))
    console.print(table if found["clinics"] else "No clinic is known: `apply` makes them known.")
    for node in found["nodes"]:
        console.print(f"node {node['name']}: {node['clinics']} clinics at work, since {node['since']}")
    if not found["nodes"]:
        console.print("no node lives: nothing is received, sent or decided")
