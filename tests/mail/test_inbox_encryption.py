"""The inbox and encryption: TLS from the start or by STARTTLS, only with a certificate that proves the host."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.certificates import certify
from tests.scripted_imap import ScriptedImap
from tests.watched import NOON, PATIENCE, a_mail, settings, watching
from workflow.mail.imap.inbox import News


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1, signed by itself: a private CA of one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imap.clinic.test")])
    begins = datetime(2020, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_over_either_encryption_mail_is_fetched_and_pushed(
    security: str, tls: ssl.SSLContext, certificate: Path
) -> None:
    async with asyncio.timeout(PATIENCE), ScriptedImap(tls=tls, starttls=security == "starttls") as server:
        server.put(a_mail("waiting"), NOON)
        # Decrypted together with the "+", where a poll of the socket cannot see it.
        server.upon_idle = [lambda: server.put(a_mail("arriving"), NOON)]
        server.with_plus = "* 2 EXISTS\r\n"
        async with watching(settings(server.port, security=security, ca_file=certificate)) as watched:
            assert await watched.subject() == "waiting"
            assert await watched.subject() == "arriving"
            await server.heard("IDLE", times=2)
            server.put(a_mail("pushed"), NOON)
            await server.say("* 3 EXISTS\r\n")
            assert await watched.subject() == "pushed"


async def test_a_certificate_of_nobody_we_trust_is_refused_before_any_password_is_sent(tls: ssl.SSLContext) -> None:
    async with asyncio.timeout(PATIENCE), ScriptedImap(tls=tls) as server:
        async with watching(settings(server.port, security="tls")) as watched:
            assert await watched.told(News.LOST) == "tls"
        assert server.commands == []


async def test_a_certificate_of_another_host_is_refused(tls: ssl.SSLContext, certificate: Path) -> None:
    async with asyncio.timeout(PATIENCE), ScriptedImap(tls=tls) as server:
        mailbox = settings(server.port, security="tls", ca_file=certificate, host="localhost")
        async with watching(mailbox) as watched:
            assert await watched.told(News.LOST) == "tls"
        assert server.commands == []


async def test_an_authority_that_was_replaced_on_disk_is_read_again(
    tls: ssl.SSLContext, certificate: Path, tmp_path: Path
) -> None:
    certify(tmp_path)
    async with asyncio.timeout(PATIENCE), ScriptedImap(tls=tls) as server:
        server.put(a_mail("waiting"), NOON)
        mailbox = settings(server.port, security="tls", ca_file=tmp_path / "ca.pem")
        async with watching(mailbox) as watched:
            assert await watched.told(News.LOST) == "tls"
            (tmp_path / "ca.pem").write_bytes(certificate.read_bytes())
            assert await watched.subject() == "waiting"


async def test_a_server_that_does_not_offer_starttls_gets_no_password() -> None:
    async with asyncio.timeout(PATIENCE), ScriptedImap() as server:
        async with watching(settings(server.port, security="starttls")) as watched:
            assert await watched.told(News.LOST) == "tls"
        assert [command for command in server.commands if not command.startswith("CAPABILITY")] == []
