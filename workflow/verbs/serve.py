"""``serve``: a node, in the foreground: it serves the clinics that `apply` made known."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import structlog

from workflow import VERSION, logs
from workflow.clock import SystemClock
from workflow.config.node import NodeConfig, load_node
from workflow.node import Node
from workflow.share import Share
from workflow.store import Locked, StoreError
from workflow.store.premises import premises_at

log = structlog.get_logger()

ASIDE: Final = 64
"""Threads for what blocks, such as looking up a server's name: one that hangs for half a minute is a clinic's own."""


def main(asked: Namespace) -> int:
    """Serve until SIGTERM. Exit code 0, or 2 to 4 when it could not start (contract section 7)."""
    config = load_node(asked.config)
    logs.set_up()
    log.info("starting", version=VERSION, node=config.node.name)
    os.environ["TZ"] = "UTC"  # as `run` does
    try:
        asyncio.run(_serve(config))
    except Locked as held:
        print(f"{held}: stop it first.", file=sys.stderr)
        return 3
    return 0


async def _serve(config: NodeConfig) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):  # before anything is begun: a stop is in good order from here on
        loop.add_signal_handler(name, stop.set)
    loop.set_default_executor(ThreadPoolExecutor(ASIDE))
    premises = premises_at(config.store.url)
    await premises.join()
    try:
        await premises.clinics()  # what cannot be read at the start needs a human
        gc.freeze()  # as `run` does
        node = Node(stop, listen=config.health.listen)
        share = Share(node, premises, config, SystemClock())
        loop.add_signal_handler(signal.SIGHUP, share.reread)
        await node.run(share.run())
    finally:
        with suppress(StoreError):
            await premises.leave()
    log.info("stopped")
