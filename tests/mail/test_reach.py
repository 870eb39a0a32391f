"""A host with a dead address before a good one: mail is fetched and letters go all the same, and `check` says so."""

from __future__ import annotations

import asyncio

import pytest

from tests.check.looking import config, look, premises, with_mailbox, with_smtp
from tests.scripted_imap import ScriptedImap
from tests.two_addresses import DEAD, HOST, Dead, dead_first
from tests.watched import NOON, PATIENCE, a_mail, settings, watching
from workflow.config import Config
from workflow.config.keys import SmtpServer
from workflow.mail.imap.inbox import News
from workflow.mail.smtp.outbox import Outbox, Result
from workflow.verbs.check import explain

pytestmark = pytest.mark.slow

__all__ = ["config", "premises"]

LETTER = b"From: clinic@clinic.test\r\nSubject: [K7Q2] LATE\r\n\r\nNow\r\n"

HANG = 1.0
"""Seconds that a step may take."""


@pytest.mark.parametrize("how", DEAD)
async def test_letters_go(config: Config, how: Dead, monkeypatch: pytest.MonkeyPatch) -> None:
    server = SmtpServer(host=HOST, port=config.smtp.port, security="none")
    async with dead_first(server.port, how, monkeypatch), asyncio.timeout(PATIENCE):
        outbox = Outbox(server, timeout=HANG)
        for _ in range(2):
            sent = await outbox.send(LETTER, sender="clinic@clinic.test", recipient="dana@clinic.test")
            assert sent.result is Result.ACCEPTED, sent
        await outbox.close()


@pytest.mark.parametrize("how", DEAD)
async def test_mail_is_fetched(how: Dead, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedImap() as server, dead_first(server.port, how, monkeypatch):
        server.put(a_mail("waiting"), NOON)
        async with watching(settings(server.port, host=HOST), timeout=HANG) as watched:
            assert await watched.subject() == "waiting"
        assert watched.news.get_nowait().news is News.CONNECTED, "at the first attempt"


@pytest.mark.parametrize("how", DEAD)
async def test_check_tells_the_same(config: Config, how: Dead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "PATIENCE", HANG)
    both = with_smtp(with_mailbox(config, host=HOST), host=HOST)
    async with dead_first(config.mailbox.port, how, monkeypatch), dead_first(config.smtp.port, how, monkeypatch):
        assert (await look(both)).failed == []


async def test_where_both_are_dead_the_one_that_answered_is_spoken_of(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedImap() as gone:
        pass
    both = with_smtp(with_mailbox(config, host=HOST, port=gone.port), host=HOST, port=gone.port)
    async with dead_first(gone.port, "another protocol", monkeypatch):
        found = await look(both)
    assert "it speaks HTTP" in found["IMAP connection"].text
    assert "it speaks HTTP" in found["SMTP connection"].text
