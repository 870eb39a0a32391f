"""What the tests of `check` share: how to look, how to break a configuration, and mail that lies in the mailbox."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import certify
from tests.conversation import MAILBOX
from tests.in_time import raw
from tests.premises import Premises, premises
from workflow.config import Config, load
from workflow.verbs import check
from workflow.verbs.check.finding import Finding, Level

__all__ = ["ADMIN", "DANA", "Found", "config", "look", "premises", "receive", "served", "with_mailbox", "with_smtp"]

ADMIN, DANA = "admin@clinic.test", "dana@clinic.test"


class Found:
    """What one `check` found, by part."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = findings
        self.parts = [finding.part for finding in findings]

    def __getitem__(self, part: str) -> Finding:
        found = [finding for finding in self.findings if finding.part == part]
        assert found, f"no {part} among {self.parts}"
        return found[-1]

    def of(self, level: Level) -> list[str]:
        return [finding.part for finding in self.findings if finding.level is level]

    @property
    def failed(self) -> list[str]:
        return self.of(Level.FAIL)


async def look(config: Config, *, send: bool = False) -> Found:
    """Every part tried, beside the servers that live in this loop."""
    async with asyncio.timeout(60):
        return Found(await asyncio.to_thread(lambda: list(check.findings(config, send=send))))


def with_mailbox(config: Config, **keys: Any) -> Config:
    return config.model_copy(update={"mailbox": config.mailbox.model_copy(update=keys)})


def with_smtp(config: Config, **keys: Any) -> Config:
    return config.model_copy(update={"smtp": config.smtp.model_copy(update=keys)})


@pytest.fixture
def config(premises: Premises) -> Config:
    return load(premises.config)


async def receive(premises: Premises, sender: str = DANA, *, results: str | None = None, more: str = "") -> None:
    """A mail lies in the mailbox; `results` are its Authentication-Results, "" for none."""
    lines = [line for line in raw(sender, "Invoice").decode().split("\r\n") if line]
    if results is not None:
        lines = [line for line in lines if not line.startswith("Authentication-Results")]
        lines = [f"Authentication-Results: {results}", *lines] if results else lines
    text = "\r\n".join([*lines, *([more] if more else []), "", ""])
    await premises.server.deliver(MAILBOX, text.encode())


def served(folder: Path, **how: Any) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate of its own; ``ca.pem`` is its authority's."""
    certify(folder, **how)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context
