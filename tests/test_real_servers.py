"""The harness itself: Debian's Dovecot and Postfix do what the tests that lean on them expect."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Iterator

import aiosmtplib
import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from tests.real_servers import BOUNCING, HOST, RealServers, missing

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ALEX = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"


@pytest.fixture
def servers(real_servers: RealServers) -> Iterator[RealServers]:
    """The servers with empty mailboxes."""
    real_servers.empty()
    yield real_servers


def imap(servers: RealServers, user: str, password: str | None = None) -> IMAPClient:
    client = IMAPClient(HOST, servers.imap_port, ssl_context=servers.tls, timeout=10)
    client.login(user, password or servers.passwords[user])
    return client


async def test_a_mail_that_was_submitted_arrives_in_the_others_inbox(servers: RealServers) -> None:
    message_id = await servers.send(DANA, CLINIC, "LATE 15 Sam", "In traffic.", {"X-Test": "one"})

    mail = await servers.arrived(CLINIC, "LATE 15 Sam")

    assert (mail["From"], mail["Message-ID"], mail["X-Test"]) == (DANA, message_id, "one")
    assert mail.get_content().strip() == "In traffic."
    assert len(servers.messages(CLINIC)) == 1
    assert servers.messages(ALEX) == []


async def test_a_stranger_comes_in_from_outside_without_a_login(servers: RealServers) -> None:
    await servers.send("somebody@elsewhere.test", CLINIC, "Your invoice", "Hello.")
    assert (await servers.arrived(CLINIC, "invoice"))["From"] == "somebody@elsewhere.test"


async def test_an_unknown_recipient_is_refused_for_good(servers: RealServers) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as caught:
        await servers.send(CLINIC, "nobody@clinic.test", "Alert", "")
    assert caught.value.recipients[0].code == 550


async def test_mails_are_in_the_order_of_delivery_whatever_the_length_of_their_microseconds(
    servers: RealServers,
) -> None:
    place = servers.folder / "mail" / DANA / "new"
    place.mkdir(parents=True)
    for name in ("1700000001.M5P9.mx", "1700000000.M999999P1.mx", "1700000000.M87P1000.mx,S=9", "999.M1P1.mx"):
        (place / name).write_bytes(f"Subject: {name}\r\n\r\n".encode())
    order = [str(mail["Subject"]).partition("P")[0] for mail in servers.messages(DANA)]
    assert order == ["999.M1", "1700000000.M87", "1700000000.M999999", "1700000001.M5"]


async def test_no_mail_leaves_the_machine(servers: RealServers) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused, match=r"these tests know clinic\.test alone"):
        await servers.send(CLINIC, "somebody@elsewhere.test", "Alert", "")


async def test_a_bounce_comes_back_to_the_sender(servers: RealServers) -> None:
    await servers.send(CLINIC, BOUNCING, "Alert", "")
    bounce = await servers.arrived(CLINIC, "Undelivered")
    assert bounce.get_content_type() == "multipart/report"
    assert f"Final-Recipient: rfc822; {BOUNCING}" in bounce.as_string()


def test_imap_speaks_tls_and_starttls_and_can_idle_and_move(servers: RealServers) -> None:
    with IMAPClient(HOST, servers.imap_starttls_port, ssl=False, timeout=10) as client:
        client.starttls(servers.tls)
        client.login(DANA, servers.passwords[DANA])
    with imap(servers, CLINIC) as client:
        assert {b"IDLE", b"MOVE", b"UIDPLUS"} <= set(client.capabilities())


def test_submission_speaks_tls_and_starttls(servers: RealServers) -> None:
    with smtplib.SMTP(HOST, servers.smtp_submission_port, timeout=10) as starttls:
        starttls.starttls(context=servers.tls)
        starttls.login(CLINIC, servers.passwords[CLINIC])
    with smtplib.SMTP_SSL(HOST, servers.smtp_tls_port, timeout=10, context=servers.tls) as tls:
        tls.login(CLINIC, servers.passwords[CLINIC])


def test_a_wrong_password_is_refused(servers: RealServers) -> None:
    with pytest.raises(LoginError):
        imap(servers, CLINIC, "wrong")
    with (
        smtplib.SMTP_SSL(HOST, servers.smtp_tls_port, timeout=10, context=servers.tls) as smtp,
        pytest.raises(smtplib.SMTPAuthenticationError),
    ):
        smtp.login(CLINIC, "wrong")


def test_submission_without_a_login_is_refused(servers: RealServers) -> None:
    with (
        smtplib.SMTP_SSL(HOST, servers.smtp_tls_port, timeout=10, context=servers.tls) as smtp,
        pytest.raises(smtplib.SMTPRecipientsRefused),
    ):
        smtp.sendmail(CLINIC, [DANA], b"Subject: x\r\n\r\nx\r\n")


async def test_folders_are_read_by_their_imap_name(servers: RealServers) -> None:
    await servers.send(DANA, CLINIC, "LATE 15 Sam", "")
    await servers.arrived(CLINIC, "LATE")

    with imap(servers, CLINIC) as client:
        client.create_folder("Promptly.Set aside")
        client.select_folder("INBOX")
        client.move(client.search(), "Promptly.Set aside")

    assert servers.messages(CLINIC) == []
    assert [mail["Subject"] for mail in servers.messages(CLINIC, "Promptly.Set aside")] == ["LATE 15 Sam"]


async def test_emptied_mailboxes_are_as_on_the_first_day(servers: RealServers) -> None:
    await servers.send(DANA, CLINIC, "LATE 15 Sam", "")
    await servers.arrived(CLINIC, "LATE")
    with imap(servers, CLINIC) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 1

    servers.empty()

    with imap(servers, CLINIC) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 0


async def test_imap_can_go_and_come_back_and_what_arrived_meanwhile_is_delivered(servers: RealServers) -> None:
    client = imap(servers, CLINIC)
    await asyncio.to_thread(servers.stop_imap)
    try:
        with pytest.raises((OSError, IMAPClient.AbortError)):
            client.noop()
        with pytest.raises(OSError):
            imap(servers, CLINIC)
        # Without Dovecot nobody can log in to Postfix either: this one comes from outside.
        await servers.send("dana@elsewhere.test", CLINIC, "While it was down", "")
    finally:
        servers.start_imap()

    await servers.arrived(CLINIC, "While it was down")
    with imap(servers, CLINIC) as again:
        assert again.select_folder("INBOX")[b"EXISTS"] == 1


async def test_smtp_can_go_and_come_back(servers: RealServers) -> None:
    servers.stop_smtp()
    try:
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await servers.send(CLINIC, DANA, "Alert", "")
    finally:
        servers.start_smtp()

    await servers.send(CLINIC, DANA, "Alert", "")
    await servers.arrived(DANA, "Alert")


def test_nothing_is_left_behind(servers: RealServers) -> None:
    assert missing() is None
    with RealServers() as others:
        folder, ports = others.folder, (others.imap_port, others.smtp_port)
        assert folder.is_dir()
        assert folder != servers.folder
    assert not folder.exists()
    for port in ports:
        with pytest.raises(OSError), IMAPClient(HOST, port, ssl=False, timeout=2):
            pass
