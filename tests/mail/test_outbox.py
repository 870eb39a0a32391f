"""The outbox against real SMTP servers on loopback: what it makes of every way in which a letter can fail."""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.rows import each
from tests.told_password import ToldSmtp
from workflow.config.keys import Security, SmtpServer
from workflow.mail.smtp import outbox as outbox_module
from workflow.mail.smtp import session
from workflow.mail.smtp.outbox import Attempt, Outbox, Result

pytestmark = pytest.mark.slow

CLINIC = "clinic@clinic.test"
DANA = "dana@clinic.test"
LETTER = b"From: clinic@clinic.test\r\nSubject: [K7Q2] LATE\r\n\r\n.A line that begins with a full stop\r\n"


@pytest.fixture(autouse=True, params=[False, True], ids=["stepwise", "pipelined"])
def pipelines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test twice: what becomes of a letter is the same whether or not the server pipelines (RFC 2920)."""
    monkeypatch.setattr(PostOffice, "pipelines", request.param)


class PostOffice:
    """An SMTP server that can be told to be difficult. Hooks are aiosmtpd's."""

    pipelines = False

    def __init__(self) -> None:
        self.port = 0
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.verbs: list[str] = []
        self.connections = 0
        self.hung_up = asyncio.Event()
        """Set when a client goes."""
        self.answers: dict[str, list[str]] = {}
        """Verb -> what to say instead, one after the other."""
        self.drops_after_data = False
        self.hangs_in_data = False
        self.in_data = asyncio.Event()
        self.passwords = {"clinic": "right"}
        self.logins: list[str] = []
        self.names: list[str] = []
        """By which clients greeted."""
        self.wants_a_name = ""
        """How an address for a name is turned away."""
        self.sessions: list[SMTP] = []

    def says(self, verb: str, *answers: str) -> None:
        self.answers[verb] = list(answers)

    def hangs_up_on_everybody(self) -> None:
        for one in self.sessions:
            if one.transport is not None:
                one.transport.close()

    def _said(self, verb: str) -> str | None:
        self.verbs.append(verb)
        waiting = self.answers.get(verb)
        return waiting.pop(0) if waiting else None

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.names.append(hostname)
        if self.wants_a_name and hostname.startswith("["):
            return [self.wants_a_name]
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]] if self.pipelines else responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if said := self._said("MAIL"):
            return said
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if said := self._said("RCPT"):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_NOOP(self, server: SMTP, session: Session, envelope: Envelope, arg: str) -> str:
        return self._said("NOOP") or "250 OK"

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self._said("RSET") or "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self._said("QUIT") or "221 Bye"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.in_data.set()
        if self.hangs_in_data:
            await asyncio.Event().wait()
        if said := self._said("DATA"):
            return said
        content = envelope.original_content or b""
        self.taken.append((envelope.mail_from or "", envelope.rcpt_tos, content))
        if self.drops_after_data and server.transport is not None:
            server.transport.close()
        return "250 taken"

    def login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: LoginPassword
    ) -> AuthResult:
        name, word = auth_data.login.decode(), auth_data.password.decode()
        self.logins.append(word)
        return AuthResult(success=self.passwords.get(name) == word, handled=False)


class _Door(SMTP):
    """aiosmtpd's protocol, which also tells when somebody comes and goes."""

    office: PostOffice

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.office.connections += 1
        self.office.sessions.append(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.office.hung_up.set()
        super().connection_lost(error)


@asynccontextmanager
async def open_office(**options: object) -> AsyncIterator[PostOffice]:
    """A post office; `options` are aiosmtpd's, `host`, its loopback address, and `ssl`, TLS from the first byte."""
    office = PostOffice()
    context, host = options.pop("ssl", None), options.pop("host", "127.0.0.1")
    assert isinstance(host, str)
    assert context is None or isinstance(context, ssl.SSLContext)

    def door() -> _Door:
        made = _Door(office, authenticator=office.login, hostname="mx.clinic.test", **options)  # type: ignore[arg-type]
        made.office = office
        return made

    server = await asyncio.get_running_loop().create_server(door, host, 0, ssl=context)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        office.hangs_up_on_everybody()


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Accepts a connection and never says a word. Yields its port."""

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


def settings_for(
    port: int,
    *,
    security: Security = "none",
    username: str = "",
    password: Callable[[], str] = lambda: "",
    ca_file: Path | None = None,
) -> SmtpServer:
    told = ToldSmtp(host="127.0.0.1", port=port, security=security, username=username, word=password)
    return told.model_copy(update={"ca_file": ca_file})


@asynccontextmanager
async def outbox_for(server: SmtpServer, patience: float = 5.0) -> AsyncIterator[Outbox]:
    outbox = Outbox(server, timeout=patience)
    yield outbox
    await outbox.close(grace=0.1)


async def post(outbox: Outbox, recipient: str = DANA) -> Attempt:
    return await outbox.send(LETTER, sender=CLINIC, recipient=recipient)


async def test_a_letter_arrives_as_it_is() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        assert (await post(outbox)).result is Result.ACCEPTED
        assert office.taken == [(CLINIC, [DANA], LETTER)]


async def test_letters_share_one_warm_connection() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        for _ in range(3):
            assert (await post(outbox)).result is Result.ACCEPTED
        assert office.connections == 1
        assert len(office.taken) == 3


@each("stage", ["MAIL", "RCPT", "DATA"])
@each(("code", "result"), [(451, Result.TEMPORARY), (452, Result.TEMPORARY), (550, Result.REFUSED)])
async def test_a_refusal_is_classified_and_spoils_nothing(stage: str, code: int, result: Result) -> None:
    if (stage, code) == ("RCPT", 550):
        result = Result.UNCLEAR
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        office.says(stage, f"{code} no mail for {DANA} today")
        attempt = await post(outbox)
        assert attempt == Attempt(result, code, f"{stage} {code}"), "the reason holds no address"
        assert (await post(outbox)).result is Result.ACCEPTED
        assert office.connections == 1
        assert len(office.taken) == 1


@each(
    ("said", "result"),
    [
        ("550 5.1.1 No such user", Result.PERMANENT),
        ("550 5.1.10 RecipientNotFound", Result.PERMANENT),
        ("550 5.2.1 Mailbox disabled", Result.PERMANENT),
        ("550-5.1.1 No such user,\r\n550 5.1.1 ask elsewhere", Result.PERMANENT),
        ("553 No such user", Result.UNCLEAR),
        ("550 192.0.2.1 is on a list", Result.UNCLEAR),
        ("554 5.7.1 Relay access denied", Result.REFUSED),
        ("552 5.2.2 Mailbox full", Result.REFUSED),
        ("550 5.1.8 Bad sender", Result.REFUSED),
    ],
)
async def test_only_a_code_about_the_recipient_is_for_good(said: str, result: Result) -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        office.says("RCPT", said)
        assert (await post(outbox)).result is result
        for stage in ("MAIL", "DATA"):
            office.says(stage, "550 5.1.1 No such user")
            assert (await post(outbox)).result is Result.REFUSED


async def test_a_greylisted_letter_goes_the_second_time() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        office.says("RCPT", "450 4.2.0 greylisted")
        assert [(await post(outbox)).result for _ in range(2)] == [Result.TEMPORARY, Result.ACCEPTED]


async def test_a_server_that_wants_a_login_at_mail_condemns_no_letter() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        office.says("MAIL", "530 5.7.0 Authentication required")
        assert (await post(outbox)).result is Result.REFUSED_LOGIN


async def test_a_drop_after_data_is_unreachable_and_the_next_letter_opens_anew() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        office.drops_after_data = True
        assert await post(outbox) == Attempt(Result.UNREACHABLE, None, "DATA: connection lost")
        assert office.connections == 1, "whether it was taken is not known: it must not go again by itself"
        office.drops_after_data = False
        assert (await post(outbox)).result is Result.ACCEPTED
        assert office.connections == 2


async def test_a_connection_that_died_while_idle_is_replaced_without_a_word() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        await post(outbox)
        office.hangs_up_on_everybody()
        await office.hung_up.wait()
        assert (await post(outbox)).result is Result.ACCEPTED
        assert office.connections == 2


async def test_a_warm_connection_that_closes_at_mail_is_replaced_once() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        await post(outbox)
        office.says("MAIL", "421 4.4.2 idle for too long")
        assert (await post(outbox)).result is Result.ACCEPTED
        assert office.connections == 2


async def test_421_on_a_fresh_connection_is_a_temporary_refusal() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        office.says("MAIL", "421 4.3.2 not now")
        assert (await post(outbox)).result is Result.TEMPORARY
        assert office.connections == 1


async def test_a_connection_is_asked_before_it_is_used_again_after_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "TRUSTED_IDLE", -1.0)
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        await post(outbox)
        office.says("NOOP", "500 what?")
        assert (await post(outbox)).result is Result.ACCEPTED
        assert "NOOP" in office.verbs
        assert office.connections == 2, "an unhappy server gets a fresh connection"


async def test_a_connection_is_left_politely_after_its_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "WARM", 0.01)
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        await post(outbox)
        async with asyncio.timeout(5):
            await office.hung_up.wait()
        assert office.verbs[-1] == "QUIT"


async def test_a_withdrawn_letter_is_not_mentioned_to_the_server() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        attempt = await outbox.send(LETTER, sender=CLINIC, recipient=DANA, still_wanted=lambda: False)
        assert attempt == Attempt(Result.WITHDRAWN)
        assert office.verbs == []


async def test_a_letter_withdrawn_while_a_dead_connection_is_replaced_is_not_sent() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        await post(outbox)
        office.says("MAIL", "421 4.4.2 idle for too long")
        answers = iter([True, False])
        attempt = await outbox.send(LETTER, sender=CLINIC, recipient=DANA, still_wanted=lambda: next(answers))
        assert attempt == Attempt(Result.WITHDRAWN)
        assert len(office.taken) == 1


@each(("refused", "result"), [("MAIL", Result.REFUSED), ("RCPT", Result.UNCLEAR)])
async def test_a_server_that_waits_for_a_letter_to_nobody_gets_none(refused: str, result: Result) -> None:
    """It pipelines, refuses, and says 354 all the same: the letter must not be taken for one to somebody."""
    said: list[bytes] = []

    async def muddles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        while line := await reader.readline():
            said.append(line)
            verb = line.split()[0].decode()
            yes = {"EHLO": b"250-mx\r\n250 PIPELINING", "DATA": b"354 go ahead"}.get(verb, b"250 yes")
            writer.write((b"550 no" if verb == refused else yes) + b"\r\n")
        writer.close()

    server = await asyncio.start_server(muddles, "127.0.0.1", 0)
    async with outbox_for(settings_for(server.sockets[0].getsockname()[1])) as outbox:
        assert await post(outbox) == Attempt(result, 550, f"{refused} 550")
    server.close()
    assert said[-1] == b"DATA\r\n"


async def test_a_connection_is_opened_ahead_of_a_letter() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        outbox.warm_up()
        outbox.warm_up()
        assert (await post(outbox)).result is Result.ACCEPTED
        outbox.warm_up()
        assert office.connections == 1


async def test_a_refused_login_ahead_of_letters_is_not_repeated_with_every_mail() -> None:
    async with open_office(auth_require_tls=False) as office:
        settings = settings_for(office.port, username="clinic", password=lambda: "wrong")
        async with outbox_for(settings) as outbox:
            for _ in range(3):
                outbox.warm_up()
                async with asyncio.timeout(5):
                    await office.hung_up.wait()
                await asyncio.sleep(0.01)
            assert office.connections == 1


async def test_nobody_at_home_is_unreachable() -> None:
    async with open_office() as office:
        port = office.port
    async with outbox_for(settings_for(port)) as outbox:
        assert await post(outbox) == Attempt(Result.UNREACHABLE, None, "connect: no connection")


async def test_a_server_that_never_greets_costs_one_time_out() -> None:
    async with silent_server() as port, outbox_for(settings_for(port), patience=0.1) as outbox:
        assert await post(outbox) == Attempt(Result.UNREACHABLE, None, "connect: timed out")


async def test_a_greeting_is_not_waited_for_as_long_as_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "GREETED_WITHIN", 0.1)
    async with silent_server() as port, outbox_for(settings_for(port), patience=60.0) as outbox, asyncio.timeout(20):
        assert await post(outbox) == Attempt(Result.UNREACHABLE, None, "connect: timed out")


async def test_a_letter_that_hangs_is_given_up_when_the_outbox_closes() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        office.hangs_in_data = True
        stuck, behind = asyncio.create_task(post(outbox)), asyncio.create_task(post(outbox))
        await office.in_data.wait()
        await outbox.close(grace=0.0)
        assert await stuck == await behind == Attempt(Result.UNREACHABLE, None, "closed")
        assert office.connections == 1


async def test_a_hang_in_data_ends_with_the_time_out() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port), patience=0.1) as outbox:
        office.hangs_in_data = True
        assert await post(outbox) == Attempt(Result.UNREACHABLE, None, "DATA: timed out")


async def test_a_burst_goes_letter_by_letter() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        attempts = await asyncio.gather(*(post(outbox) for _ in range(20)))
        assert {attempt.result for attempt in attempts} == {Result.ACCEPTED}
        assert len(office.taken) == 20
        assert office.connections == 1


async def test_after_close_nothing_is_sent() -> None:
    async with open_office() as office:
        outbox = Outbox(settings_for(office.port))
        await outbox.close()
        assert await post(outbox) == Attempt(Result.UNREACHABLE, None, "closed")
        assert office.connections == 0


async def test_a_cancelled_letter_leaves_a_usable_outbox() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        office.hangs_in_data = True
        stuck = asyncio.create_task(post(outbox))
        await office.in_data.wait()
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        office.hangs_in_data = False
        assert (await post(outbox)).result is Result.ACCEPTED


@each("address", ["dana@clinic.test\r\nRCPT TO:<evil@x.test>", "zoë@clinic.test"])
async def test_an_address_that_no_command_can_hold_is_refused_here(address: str) -> None:
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        assert (await post(outbox, address)).result is Result.PERMANENT
        assert "RCPT" not in office.verbs


# --- our name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [421, 550])
@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
async def test_a_relay_that_takes_no_address_for_a_name_takes_the_one_that_is_configured(
    code: int, security: Security, authority: Authority
) -> None:
    options = {"tls": {"ssl": authority.server_side}, "starttls": {"tls_context": authority.server_side}}
    async with open_office(**options.get(security, {})) as office:
        office.wants_a_name = f"{code} 4.7.0 say who you are"
        server = settings_for(office.port, security=security, ca_file=authority.ca_file)
        async with outbox_for(server) as outbox:
            assert await post(outbox) == Attempt(Result.UNREACHABLE, code, f"EHLO {code}")
        async with outbox_for(server.model_copy(update={"helo": "desk.clinic.test"})) as outbox:
            assert (await post(outbox)).result is Result.ACCEPTED
        assert list(dict.fromkeys(office.names)) == ["[127.0.0.1]", "desk.clinic.test"]


@pytest.mark.parametrize(
    ("own", "hosts", "name"),
    [
        ("desk.clinic.test", "", "desk.clinic.test"),
        ("desk", "127.0.0.1 localhost\n127.0.1.1 desk.clinic.test desk # ours\n", "desk.clinic.test"),
        ("desk", "127.0.1.1\tdesk\tdesk.clinic.test\n", "desk.clinic.test"),
        ("desk", "10.0.0.7 nas.clinic.test nas\n# 127.0.1.1 desk.clinic.test desk\n", "[127.0.0.1]"),
        ("desk", "127.0.0.1 localhost.localdomain localhost desk\n", "[127.0.0.1]"),
        ("localhost.localdomain", "", "[127.0.0.1]"),
        ("my desk.test", "", "[127.0.0.1]"),
        ("desk", None, "[127.0.0.1]"),
    ],
)
async def test_the_full_name_of_this_machine_is_said_else_its_address(
    own: str, hosts: str | None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: own)
    monkeypatch.setattr(session, "HOSTS", tmp_path / "hosts")
    if hosts is not None:
        session.HOSTS.write_text(hosts)
    async with open_office() as office, outbox_for(settings_for(office.port)) as outbox:
        assert (await post(outbox)).result is Result.ACCEPTED
        assert office.names == [name]


async def test_an_address_of_ipv6_is_said_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "desk")
    monkeypatch.setattr(session, "HOSTS", tmp_path / "hosts")
    async with open_office(host="::1") as office:
        async with outbox_for(settings_for(office.port).model_copy(update={"host": "::1"})) as outbox:
            assert (await post(outbox)).result is Result.ACCEPTED
        assert office.names == ["[IPv6:::1]"]


# --- TLS and login ----------------------------------------------------------------------------------


class Authority:
    """A private CA of one certificate, for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "ca.pem"
        key_file = folder / "key.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Riverside test CA")])
        start = datetime(2020, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=36500))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server_side.load_cert_chain(self.ca_file, key_file)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"))


async def test_starttls_with_a_login(authority: Authority) -> None:
    async with open_office(tls_context=authority.server_side, require_starttls=True) as office:
        settings = settings_for(
            office.port, security="starttls", username="clinic", password=lambda: "right", ca_file=authority.ca_file
        )
        async with outbox_for(settings) as outbox:
            assert (await post(outbox)).result is Result.ACCEPTED
        assert office.logins == ["right"]


async def test_what_follows_ehlo_is_acknowledged_at_once(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Postfix sends session tickets first, and its reply would wait behind them: `make bench` shows for how long."""
    done: list[object] = []
    ehlo = aiosmtplib.SMTP.ehlo

    async def noted(client: aiosmtplib.SMTP) -> aiosmtplib.SMTPResponse:
        done.append("EHLO")
        return await ehlo(client)

    monkeypatch.setattr(aiosmtplib.SMTP, "ehlo", noted)
    monkeypatch.setattr(TransportSocket, "setsockopt", lambda _, *option: done.append(option))
    async with open_office(tls_context=authority.server_side, require_starttls=True) as office:
        async with outbox_for(settings_for(office.port, security="starttls", ca_file=authority.ca_file)) as outbox:
            assert (await post(outbox)).result is Result.ACCEPTED
        assert done[-2:] == ["EHLO", (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)], "what is sent after it undoes it"


async def test_tls_from_the_first_byte(authority: Authority) -> None:
    async with open_office(ssl=authority.server_side, auth_require_tls=False) as office:
        settings = settings_for(
            office.port, security="tls", username="clinic", password=lambda: "right", ca_file=authority.ca_file
        )
        async with outbox_for(settings) as outbox:
            assert (await post(outbox)).result is Result.ACCEPTED


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_an_unknown_certificate_gets_no_password(
    security: Security, authority: Authority, stranger: Authority
) -> None:
    options: dict[str, object] = (
        {"ssl": stranger.server_side} if security == "tls" else {"tls_context": stranger.server_side}
    )
    async with open_office(**options) as office:
        settings = settings_for(
            office.port, security=security, username="clinic", password=lambda: "right", ca_file=authority.ca_file
        )
        async with outbox_for(settings) as outbox:
            attempt = await post(outbox)
        assert attempt.result is Result.UNREACHABLE
        assert "certificate" in attempt.reason
        assert office.logins == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_an_authority_that_was_replaced_on_disk_is_read_again(
    security: Security, tmp_path: Path, authority: Authority, stranger: Authority
) -> None:
    options: dict[str, object] = (
        {"ssl": stranger.server_side} if security == "tls" else {"tls_context": stranger.server_side}
    )
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.ca_file.read_bytes())
    async with (
        open_office(**options) as office,
        outbox_for(settings_for(office.port, security=security, ca_file=ca_file)) as outbox,
    ):
        assert (await post(outbox)).result is Result.UNREACHABLE
        ca_file.write_bytes(stranger.ca_file.read_bytes())
        assert (await post(outbox)).result is Result.ACCEPTED


async def test_starttls_is_never_given_up_when_it_is_not_offered() -> None:
    async with open_office() as office, outbox_for(settings_for(office.port, security="starttls")) as outbox:
        assert await post(outbox) == Attempt(Result.UNREACHABLE, None, "STARTTLS is not offered")
        assert office.taken == []


async def test_a_refused_login_is_told_apart_and_the_password_is_read_again() -> None:
    words = iter(["wrong", "right"])
    async with open_office(auth_require_tls=False) as office:
        settings = settings_for(office.port, username="clinic", password=lambda: next(words))
        async with outbox_for(settings) as outbox:
            assert await post(outbox) == Attempt(Result.REFUSED_LOGIN, 535, "login 535")
            assert (await post(outbox)).result is Result.ACCEPTED


async def test_a_relay_on_this_machine_that_offers_no_login_needs_none() -> None:
    async with open_office() as office:  # aiosmtpd offers AUTH under TLS alone
        settings = settings_for(office.port, username="clinic", password=lambda: "right")
        async with outbox_for(settings) as outbox:
            assert (await post(outbox)).result is Result.ACCEPTED
        assert office.logins == []


async def test_an_unreadable_password_is_a_refused_login() -> None:
    def gone() -> str:
        raise FileNotFoundError("/run/credentials/smtp")

    async with open_office(auth_require_tls=False) as office:
        settings = settings_for(office.port, username="clinic", password=gone)
        async with outbox_for(settings) as outbox:
            assert await post(outbox) == Attempt(Result.REFUSED_LOGIN, None, "login: the password cannot be read")
