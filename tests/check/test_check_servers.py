"""`check` on the way to the servers: names, ports, protocols, certificates, logins, senders and recipients."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.certificates import certify
from tests.check.looking import ADMIN, DANA, Found, config, look, premises, served, with_mailbox, with_smtp
from tests.conversation import MAILBOX
from tests.daemon_process import configure
from tests.premises import Premises
from tests.real_servers import RealServers
from tests.rows import each
from tests.scripted_imap import ScriptedImap
from workflow.config import Config, load
from workflow.config.keys import OAuth2
from workflow.verbs.check import explain
from workflow.verbs.check.finding import Level
from workflow.verbs.check.known import known

pytestmark = pytest.mark.slow

__all__ = ["config", "premises"]


async def test_where_nothing_listens(premises: Premises, config: Config) -> None:
    await premises.server.down_imap()
    await premises.server.down_smtp()
    found = await look(config)
    assert found.failed == ["IMAP connection", "SMTP connection"]
    assert found["IMAP connection"].text == f"nothing listens on 127.0.0.1, port {config.mailbox.port}"
    assert found["IMAP connection"].advice.startswith("Check mailbox.port (993 goes with security = tls")
    assert found["SMTP connection"].advice.startswith("Check smtp.port (465 goes with security = tls")
    assert "trust" in found.of(Level.SKIPPED)


async def test_a_host_that_there_is_not(config: Config) -> None:
    found = await look(with_mailbox(config, host="imap.clinic.invalid"))
    assert found["IMAP connection"].text.startswith("there is no server called imap.clinic.invalid")


async def test_another_protocol_is_named(premises: Premises, config: Config) -> None:
    crossed = with_smtp(with_mailbox(config, port=config.smtp.port), port=config.mailbox.port)
    found = await look(crossed)
    assert "is no IMAP server: it speaks SMTP" in found["IMAP connection"].text
    assert "is no SMTP server: it speaks IMAP" in found["SMTP connection"].text


async def test_plaintext_where_tls_is_asked(premises: Premises, config: Config) -> None:
    found = await look(with_smtp(with_mailbox(config, security="tls"), security="tls"))
    assert found.failed == ["IMAP TLS", "SMTP TLS"]
    assert "speaks plain IMAP, without TLS" in found["IMAP TLS"].text
    assert 'Write mailbox.security = "starttls"' in found["IMAP TLS"].advice
    assert "speaks plain SMTP, without TLS" in found["SMTP TLS"].text


async def test_starttls_that_is_not_offered(premises: Premises, config: Config) -> None:
    found = await look(with_smtp(with_mailbox(config, security="starttls"), security="starttls"))
    assert found.failed == ["IMAP connection", "SMTP connection"]
    for name in found.failed:
        assert "offers no encryption (STARTTLS)" in found[name].text
        assert "Promptly sends no password over an open line" in found[name].advice


@pytest.mark.slow
async def test_tls_where_it_is_not_asked(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "PATIENCE", 3.0)
    async with ScriptedImap(tls=served(tmp_path)) as server:
        found = await look(with_mailbox(config, port=server.port, security="starttls"))
        assert "wants TLS from the start" in found["IMAP connection"].text
        assert 'Write mailbox.security = "tls"' in found["IMAP connection"].advice


@pytest.mark.parametrize(
    ("greeting", "imap", "smtp"),
    [
        ("+OK POP3 ready", "it speaks POP3", "it speaks POP3"),
        ("HTTP/1.1 400 Bad Request", "it speaks HTTP", "it speaks HTTP"),
        ("SSH-2.0-OpenSSH_9.2", "it speaks something else", "it speaks something else"),
        ("", "takes the connection, but hangs up", "takes the connection, but hangs up"),
        ("* BYE too busy", "turns us away (the server says: * BYE too busy)", "it speaks IMAP"),
        ("421 too busy", "it speaks SMTP", "turns us away (the server says: too busy)"),
    ],
)
async def test_who_greets_instead(config: Config, greeting: str, imap: str, smtp: str) -> None:
    def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{greeting}\r\n".encode() if greeting else b"")
        writer.close()

    other = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    found = await look(with_smtp(with_mailbox(config, port=port), port=port))
    other.close()
    assert found.failed == ["IMAP connection", "SMTP connection"]
    assert imap in found["IMAP connection"].text
    assert smtp in found["SMTP connection"].text


async def test_an_smtp_server_that_will_not_talk_to_us(config: Config) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        while await reader.readline():
            writer.write(b"550 not you\r\n")

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    found = await look(with_smtp(config, port=server.sockets[0].getsockname()[1]))
    server.close()
    assert found.failed == ["SMTP connection"]
    assert found["SMTP connection"].text.endswith("turns us away by our name (the server says: not you)")
    assert found["SMTP connection"].advice.startswith("Write smtp.helo with a name that it takes")


async def test_starttls_that_is_offered_and_refused(config: Config, tmp_path: Path) -> None:
    async with ScriptedImap(tls=served(tmp_path), starttls=True) as server:
        server.refuse("STARTTLS", "NO not today")
        found = await look(with_mailbox(config, port=server.port, security="starttls"))
    assert found.failed == ["IMAP connection"]
    assert "offers no encryption (STARTTLS)" in found["IMAP connection"].text


@pytest.mark.slow
async def test_a_server_that_says_nothing(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "PATIENCE", 0.5)
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    found = await look(with_mailbox(config, port=silent.sockets[0].getsockname()[1]))
    assert "takes the connection, but says nothing" in found["IMAP connection"].text
    silent.close()


# --- certificates -----------------------------------------------------------------------------------------


async def met(config: Config, folder: Path, *, starttls: bool = False, known: bool = True, **how: Any) -> Found:
    """What is found of an IMAP server with such a certificate."""
    async with ScriptedImap(tls=served(folder, **how), starttls=starttls) as server:
        security = "starttls" if starttls else "tls"
        ca_file = folder / "ca.pem" if known else None
        found = await look(with_mailbox(config, port=server.port, security=security, ca_file=ca_file))
        if "IMAP TLS" in found.failed:
            assert not server.count("AUTHENTICATE"), "no password is sent"
        return found


@pytest.mark.parametrize("starttls", [False, True])
class TestCertificates:
    async def test_a_good_one(self, config: Config, tmp_path: Path, starttls: bool) -> None:
        found = await met(config, tmp_path, starttls=starttls)
        assert found.failed == []
        assert found["IMAP TLS"].text.startswith("TLSv1.3, certificate good until 20")

    async def test_that_ends_soon_is_a_warning(self, config: Config, tmp_path: Path, starttls: bool) -> None:
        found = await met(config, tmp_path, starttls=starttls, ends=9)
        assert found.failed == []
        assert found["IMAP TLS"].level is Level.WARN
        assert "the certificate ends on 20" in found["IMAP TLS"].text

    async def test_that_has_expired(self, config: Config, tmp_path: Path, starttls: bool) -> None:
        found = await met(config, tmp_path, starttls=starttls, begins=-20, ends=-2)
        assert found.failed == ["IMAP TLS"]
        assert "the certificate of localhost, 127.0.0.1 has expired on 20" in found["IMAP TLS"].text
        assert "this machine's clock says" in found["IMAP TLS"].advice

    async def test_that_is_not_good_yet(self, config: Config, tmp_path: Path, starttls: bool) -> None:
        found = await met(config, tmp_path, starttls=starttls, begins=2)
        assert "is not good before 20" in found["IMAP TLS"].text
        assert found["IMAP TLS"].advice.startswith("Set the clock")

    async def test_of_an_unknown_authority(self, config: Config, tmp_path: Path, starttls: bool) -> None:
        found = await met(config, tmp_path, starttls=starttls, known=False)
        assert found.failed == ["IMAP TLS"]
        assert "localhost, 127.0.0.1 is signed by Promptly's tests, which this machine" in found["IMAP TLS"].text
        assert "mailbox.ca_file" in found["IMAP TLS"].advice

    async def test_of_another_authority_than_ca_file(self, config: Config, tmp_path: Path, starttls: bool) -> None:
        other = tmp_path / "other"
        other.mkdir()
        certify(other)
        async with ScriptedImap(tls=served(tmp_path), starttls=starttls) as server:
            security = "starttls" if starttls else "tls"
            asked = with_mailbox(config, port=server.port, security=security, ca_file=other / "ca.pem")
            found = await look(asked)
        assert found.failed == ["IMAP TLS"]
        assert f"whose certificate is not in {other}/ca.pem" in found["IMAP TLS"].text

    async def test_signed_by_itself(self, config: Config, tmp_path: Path, starttls: bool) -> None:
        found = await met(config, tmp_path, starttls=starttls, known=False, alone=True)
        assert "is signed by nobody but itself" in found["IMAP TLS"].text
        assert "mailbox.ca_file" in found["IMAP TLS"].advice

    async def test_for_another_host(self, config: Config, tmp_path: Path, starttls: bool) -> None:
        found = await met(config, tmp_path, starttls=starttls, elsewhere=True)
        assert found["IMAP TLS"].text == "the certificate is for mail.elsewhere.test, not for 127.0.0.1"
        assert "mailbox.host" in found["IMAP TLS"].advice


# --- letters ----------------------------------------------------------------------------------------------


async def test_smtp_says_who_may_not_send_and_who_is_not_there(premises: Premises, config: Config) -> None:
    premises.server.refuse(DANA, "550 5.1.1 No such user", stage="RCPT")
    premises.server.refuse(ADMIN, "451 4.7.1 Greylisted", stage="RCPT")
    found = await look(config)
    assert found.failed == ["SMTP recipients"]
    refusal = "1 of 3 refused: dana@clinic.test, 550 (the server says: 5.1.1 No such user)"
    assert found["SMTP recipients"].text == refusal
    premises.server.accept(DANA)
    assert (await look(config))["SMTP recipients"].level is Level.WARN
    premises.server.refuse(MAILBOX, "553 5.7.1 Sender not owned", stage="MAIL")
    found = await look(config)
    assert found["SMTP sender"].text.startswith("clinic@clinic.test may not send here: 553 (the server says: 5.7.1")
    assert not premises.server.passed


async def test_a_wrong_smtp_password(premises: Premises, config: Config, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    found = await look(with_smtp(config, username=MAILBOX, password_file=tmp_path / "wrong"))
    assert found.failed == ["SMTP login"]
    assert found["SMTP login"].text.startswith("user name or password refused, for clinic@clinic.test")
    assert "app password" in found["SMTP login"].advice
    right = await look(with_smtp(config, username=MAILBOX, password_file=config.mailbox.password_file))
    assert right["SMTP login"].text == "accepted, as clinic@clinic.test"


async def test_a_server_that_takes_no_access_tokens(config: Config) -> None:
    tokens = OAuth2(provider="microsoft", client_id="id", tenant="tenant", authority="https://login.test")
    async with ScriptedImap() as server:
        found = await look(
            with_smtp(with_mailbox(config, port=server.port, oauth2=tokens), username=MAILBOX, oauth2=tokens)
        )
    assert found.failed == ["IMAP login", "SMTP login"]
    assert found["IMAP login"].text == "this server takes no access tokens (XOAUTH2)"
    assert found["SMTP login"].text == "no way to log in is offered"
    assert "docs/oauth2.md" in found["SMTP login"].advice


async def test_a_login_that_is_let_into_no_mailbox(config: Config) -> None:
    """Microsoft's answer to the first command where a permission is missing, or the user name is another's."""
    async with ScriptedImap() as server:
        refusal = "BAD User is authenticated but not connected."
        server.refuse("NAMESPACE", *[refusal] * 3)
        server.refuse("LIST", *[refusal] * 9)
        server.refuse("SELECT", *[refusal] * 3)
        found = await look(with_mailbox(config, port=server.port))
    assert found.failed == ["IMAP folder"]
    assert "FullAccess" in found["IMAP folder"].advice
    assert "user name" in found["IMAP folder"].advice


@pytest.mark.parametrize(
    ("stage", "answer", "part", "advice"),
    [
        ("MAIL", "430 4.2.0 STOREDRV; mailbox logon failure", "SMTP sender", "SendAs"),
        ("RCPT", "430 4.2.0 STOREDRV.Submission.Exception; mailbox logon failure", "SMTP recipients", "SendAs"),
        ("MAIL", "550 5.7.60 SMTP; Client does not have permissions to send as this sender", "SMTP sender", "SendAs"),
        ("MAIL", "451 4.7.1 Greylisted", "SMTP sender", "in a few minutes"),
        ("RCPT", "451 4.3.0 Try later", "SMTP recipients", "in a few minutes"),
    ],
)
async def test_what_microsoft_says_of_a_sender(
    premises: Premises, config: Config, stage: Literal["MAIL", "RCPT"], answer: str, part: str, advice: str
) -> None:
    premises.server.refuse(MAILBOX if stage == "MAIL" else DANA, answer, stage=stage)
    assert advice in (await look(config))[part].advice


@each(
    ("words", "advice"),
    [
        (b"5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.", "turns it on"),
        (b"5.7.139 Authentication unsuccessful, basic authentication is disabled.", "takes no passwords"),
        ("5.7.139 the request did not meet the criteria to be authenticated successfully", "conditional access"),
        ("5.7.139 Authentication unsuccessful", "step 4"),
        (b"[ALERT] Application-specific password required: https://support.google.com", "app password"),
        ("5.7.8 Username and Password not accepted. For more information", "app password"),
        ("5.7.8 Error: authentication failed", "usual"),
        ("5.7.606 Access denied, banned sending IP [192.0.2.1]", "usual"),
        ("554 5.2.252 SendAsDenied; clinic@clinic.test not allowed to send as", "give it SendAs"),
        ("Logon failure: unknown user name or bad password", "usual"),
        ("mailbox size 1430 KB", "usual"),
        (None, "usual"),
    ],
)
def test_what_large_providers_say(words: object, advice: str) -> None:
    assert advice in known(words, "usual")


async def test_a_login_that_is_answered_late(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Dovecot does after wrong passwords."""
    monkeypatch.setattr(explain, "PATIENCE", 1.0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            if line.upper().startswith(b"EHLO"):
                writer.write(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n")
            elif not line.upper().startswith(b"AUTH"):
                writer.write(b"221 bye\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await look(with_smtp(config, port=port, username=MAILBOX, password_file=config.mailbox.password_file))
    assert found.failed == ["SMTP login"]
    assert found["SMTP login"].text == "no answer to the login within 1 seconds"
    assert "wrong passwords" in found["SMTP login"].advice


@pytest.mark.slow
@pytest.mark.real_servers
async def test_what_is_wrong_is_found_on_real_servers(real_servers: RealServers, tmp_path: Path) -> None:
    config = load(configure(tmp_path, real_servers))
    (tmp_path / "wrong").write_text("wrong")
    wrong = with_smtp(with_mailbox(config, password_file=tmp_path / "wrong"), password_file=tmp_path / "wrong")
    assert (await look(wrong)).failed == ["IMAP login", "SMTP login"]
    unknown = await look(with_smtp(with_mailbox(config, ca_file=None), ca_file=None))
    assert unknown.failed == ["IMAP TLS", "SMTP TLS"]
    crossed = await look(with_smtp(with_mailbox(config, port=real_servers.imap_starttls_port), security="tls"))
    assert crossed.failed == ["IMAP TLS", "SMTP TLS"]
    assert 'mailbox.security = "starttls"' in crossed["IMAP TLS"].advice
    other = with_smtp(
        with_mailbox(config, port=real_servers.imap_starttls_port, security="starttls"),
        port=real_servers.smtp_tls_port,
        security="tls",
    )
    assert (await look(other)).failed == []
    unmade = await look(with_mailbox(config, handled_folder="Archive/Promptly"))
    assert unmade.failed == ["IMAP handled folder"]
    assert unmade["IMAP handled folder"].advice.startswith("On this server it would be written Archive.Promptly.")
