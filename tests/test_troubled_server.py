"""The embedded mail server: what the demo and the other tests build upon."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiosmtplib
import pytest
from imapclient import IMAPClient

from tests.rows import each
from tests.troubled_server import LOOPBACK, Passed, TroubledServer

CLINIC, DANA = "clinic@clinic.test", "dana@clinic.test"
MAIL = b"From: dana@clinic.test\r\nTo: clinic@clinic.test\r\nSubject: LATE 15 Sam\r\n\r\nThank you\r\n.dot\r\n"


@pytest.fixture
async def server() -> AsyncIterator[TroubledServer]:
    async with asyncio.timeout(10), TroubledServer({CLINIC: "secret", DANA: "word"}) as server:
        yield server


async def send(
    server: TroubledServer,
    *recipients: str,
    sender: str = DANA,
    raw: bytes = MAIL,
    login: tuple[str, str] | None = None,
) -> None:
    """Send one mail over a connection of its own."""
    async with aiosmtplib.SMTP(hostname=LOOPBACK, port=server.smtp_port, use_tls=False, start_tls=False) as smtp:
        if login is not None:
            await smtp.login(*login)
        await smtp.sendmail(sender, list(recipients), raw)


async def test_it_starts_well_under_half_a_second() -> None:
    began = time.perf_counter()
    async with TroubledServer({CLINIC: "secret"}):
        assert time.perf_counter() - began < 0.25


async def test_what_smtp_accepts_lies_in_each_recipients_inbox_byte_for_byte(server: TroubledServer) -> None:
    await send(server, CLINIC, DANA.upper())
    assert await server.messages(CLINIC) == [MAIL]
    assert await server.messages(DANA) == [MAIL]
    assert list(server.passed) == [Passed(DANA, (CLINIC, DANA), MAIL)]


async def test_an_unknown_recipient_is_refused(server: TroubledServer) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await send(server, "nobody@clinic.test")
    assert refused.value.recipients[0].code == 550


async def test_a_bounce_has_no_sender(server: TroubledServer) -> None:
    await send(server, CLINIC, sender="")
    assert server.passed[0].sender == ""


async def test_a_login_is_checked_but_not_needed(server: TroubledServer) -> None:
    await send(server, CLINIC, login=(DANA, "word"))
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(server, CLINIC, login=(DANA, "wrong"))
    await send(server, CLINIC)
    assert len(await server.messages(CLINIC)) == 2


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
async def test_refusals_last_as_long_as_told(server: TroubledServer, stage: str) -> None:
    server.refuse(DANA if stage == "MAIL" else CLINIC, "451 4.3.0 Later", times=2, stage=stage)  # type: ignore[arg-type] # parametrized
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPException, match="Later"):
            await send(server, CLINIC)
    await send(server, CLINIC)
    server.refuse(CLINIC, "550 5.7.1 No")
    with pytest.raises(aiosmtplib.SMTPException, match="No"):
        await send(server, CLINIC)
    server.accept(CLINIC)
    await send(server, CLINIC)
    assert len(await server.messages(CLINIC)) == 2


async def test_a_lost_answer_leaves_the_mail_delivered_and_the_sender_in_doubt(server: TroubledServer) -> None:
    server.lose_answers()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(server, CLINIC)
    assert await server.messages(CLINIC) == [MAIL]
    await send(server, CLINIC)


async def test_a_server_that_hangs_can_be_resumed(server: TroubledServer) -> None:
    server.hang_smtp()
    sending = asyncio.create_task(send(server, CLINIC))
    await send_greeting_only(server)
    assert not sending.done()
    server.resume_smtp()
    await sending


async def send_greeting_only(server: TroubledServer) -> None:
    """The port still answers."""
    async with aiosmtplib.SMTP(hostname=LOOPBACK, port=server.smtp_port, use_tls=False, start_tls=False) as smtp:
        await smtp.noop()


async def test_both_services_go_down_and_come_up_on_the_same_port(server: TroubledServer) -> None:
    smtp = aiosmtplib.SMTP(hostname=LOOPBACK, port=server.smtp_port, use_tls=False, start_tls=False)
    await smtp.connect()
    await server.down_smtp()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await smtp.noop()
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await send(server, CLINIC)
    await server.up_smtp()
    await send(server, CLINIC)
    port = server.imap_port
    await server.down_imap()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(IMAPClient, LOOPBACK, port, ssl=False)
    await server.up_imap()
    assert await asyncio.to_thread(_subjects, port) == [b"LATE 15 Sam"]


def _subjects(port: int) -> list[bytes]:
    with IMAPClient(LOOPBACK, port, ssl=False) as person:
        person.login(CLINIC, "secret")
        person.select_folder("INBOX")
        return [answer[b"ENVELOPE"].subject for answer in person.fetch(person.search("ALL"), ["ENVELOPE"]).values()]


async def test_mail_bears_its_arrival_and_its_flags(server: TroubledServer) -> None:
    arrived_at = datetime(2026, 11, 23, 14, 5, 7, tzinfo=UTC)
    uid = await server.deliver(CLINIC, MAIL, arrived_at=arrived_at)

    def flag() -> datetime:
        with IMAPClient(LOOPBACK, server.imap_port, ssl=False) as person:
            person.normalise_times = False
            person.login(CLINIC, "secret")
            person.select_folder("INBOX")
            person.add_flags([uid], [b"\\Seen", b"$Label"])
            (answer,) = person.fetch([uid], ["INTERNALDATE"]).values()
            found: datetime = answer[b"INTERNALDATE"]
            return found

    waiting = asyncio.create_task(server.wait_for(CLINIC, 1, flag="$Label"))
    assert await asyncio.to_thread(flag) == arrived_at
    (stored,) = await waiting
    assert (stored.uid, set(stored.flags), stored.raw) == (uid, {"\\Seen", "$Label"}, MAIL)
    assert await server.stored(CLINIC, "Nowhere") == []


async def test_mail_that_came_between_two_commands_is_pushed_in_idle(server: TroubledServer) -> None:
    loop = asyncio.get_running_loop()

    def listen() -> None:
        with IMAPClient(LOOPBACK, server.imap_port, ssl=False, timeout=5) as person:
            person.login(CLINIC, "secret")
            person.select_folder("INBOX")
            asyncio.run_coroutine_threadsafe(server.deliver(CLINIC, MAIL), loop).result()
            person.idle()
            # Not idle_check, which chokes on a line that comes in two segments.
            while b"EXISTS" not in person._imap._get_line():
                pass
            person.idle_done()

    await asyncio.to_thread(listen)


@each(
    ("sender", "said"),
    [(DANA, b"dmarc=pass header.from=clinic.test"), ("eve@evil.test", b"dmarc=fail header.from=clinic.test")],
)
async def test_with_an_authserv_id_mail_says_whether_its_sender_is_proven(sender: str, said: bytes) -> None:
    async with asyncio.timeout(10), TroubledServer({CLINIC: "secret"}, authserv_id="mx.clinic.test") as server:
        await send(server, CLINIC, sender=sender)
        (raw,) = await server.messages(CLINIC)
    stamp, _, rest = raw.partition(b"From:")
    assert stamp.startswith(b"Authentication-Results: mx.clinic.test;")
    assert said in stamp
    assert b"From:" + rest == MAIL


async def test_whoever_watches_sees_each_mail_pass() -> None:
    seen: list[Passed] = []
    async with asyncio.timeout(10), TroubledServer({CLINIC: "secret"}, passing=seen.append) as server:
        await send(server, CLINIC)
        assert [passed.recipients for passed in seen] == [(CLINIC,)]


async def test_no_address_gets_into_the_log(server: TroubledServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await send(server, CLINIC, login=(DANA, "word"))
    await asyncio.to_thread(_subjects, server.imap_port)
    server.lose_answers()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(server, CLINIC)
    assert "clinic.test" not in caplog.text
