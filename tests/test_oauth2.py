"""Logins by access token, to servers on loopback: what the daemon does with tokens, and without.

How a token is had is in tests/mail/test_tokens.py; tests/test_oauth2_on_real_servers.py has Dovecot and Postfix.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.configuration import configure
from tests.conversation import MAILBOX, PEOPLE, Clinic
from tests.daemon_process import Daemon
from tests.in_time import answers, happens, is_owed, raw
from tests.token_endpoint import HANG, SECRET, MakeTokens, TokenEndpoint, endpoint, tokens
from tests.troubled_server import LOOPBACK, TroubledServer
from tests.watched import BRISK, a_mail, settings, watching
from workflow.config.keys import SmtpServer
from workflow.core.model import Fate
from workflow.mail.imap.inbox import Inbox, News, Pace
from workflow.mail.imap.mailbox import Loss, MailboxError
from workflow.mail.imap.session import Session
from workflow.mail.smtp.outbox import Attempt, Outbox, Result
from workflow.mail.tokens import Tokens

pytestmark = pytest.mark.slow

__all__ = ["endpoint", "tokens"]

DANA = PEOPLE["dana"]


@pytest.fixture
async def server(endpoint: TokenEndpoint) -> AsyncIterator[TroubledServer]:
    accounts = dict.fromkeys([MAILBOX, *PEOPLE.values()], "secret")
    async with TroubledServer(accounts, opens=endpoint.opens) as server:
        yield server


def smtp(port: int) -> SmtpServer:
    return SmtpServer(host=LOOPBACK, port=port, security="none", username=MAILBOX)


# --- IMAP ---------------------------------------------------------------------------------------------


async def test_the_mailbox_opens_by_token_and_a_token_taken_back_is_replaced_once(
    endpoint: TokenEndpoint, tokens: MakeTokens, server: TroubledServer
) -> None:
    def no_password() -> str:
        raise AssertionError("a password was asked for")

    mailbox = settings(server.imap_port, password=no_password)
    async with watching(mailbox, tokens=tokens(), first_since=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) as inbox:
        await inbox.told(News.SEEN)
        for taken_back in (False, True):
            if taken_back:
                endpoint.take_back()
            await server.down_imap()
            await server.deliver(MAILBOX, a_mail())
            await server.up_imap()
            assert await inbox.subject(Fate.HANDLED) == "LATE 15 Sam"
            assert len(endpoint.given) == 1 + taken_back


async def test_a_mailbox_that_no_token_opens_is_a_refused_login_with_one_fresh_token_an_attempt(
    endpoint: TokenEndpoint, tokens: MakeTokens, server: TroubledServer
) -> None:
    endpoint.mailbox = "another@clinic.test"
    async with watching(settings(server.imap_port), tokens=tokens()) as inbox:
        for attempt in (1, 2, 3):
            assert await inbox.told(News.LOST) == "refused-login"
            assert len(endpoint.given) >= attempt + 1
        endpoint.mailbox = MAILBOX
        await inbox.told(News.CONNECTED)


@asynccontextmanager
async def says(greeting: str, *script: tuple[str, str]) -> AsyncIterator[int]:
    """A server that hears such lines (patterns) in turn and answers so, then hangs up. Gives its port.

    What a pattern's group ``tag`` matched stands for TAG from then on.
    """
    wrong: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting.encode() + b"\r\n")
        tag = ""
        for pattern, answer in script:
            heard = (await reader.readline()).decode().rstrip("\r\n")
            if (found := re.fullmatch(pattern, heard)) is None:
                wrong.append(f"{heard} instead of {pattern}")
                break
            tag = found.groupdict().get("tag", tag)
            writer.write(answer.replace("TAG", tag).encode() + b"\r\n")
        writer.close()

    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]
    assert not wrong


async def test_a_server_that_hangs_up_after_its_refusal_is_a_refused_login_too(
    endpoint: TokenEndpoint, tokens: MakeTokens
) -> None:
    async with says(
        "* OK ready",
        (r"(?P<tag>\w+) CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nTAG OK done"),
        (r"(?P<tag>\w+) AUTHENTICATE XOAUTH2", "+ "),
        ("dXNlcj.*", "+ eyJzdGF0dXMiOiI0MDAifQ=="),  # user=…; {"status":"400"}
        ("", "TAG NO [AUTHENTICATIONFAILED] no"),
    ) as port:
        with pytest.raises(MailboxError) as caught:
            await asyncio.to_thread(lambda: Session(settings(port), tokens=tokens()).log_in())
    assert caught.value.why is Loss.REFUSED_LOGIN
    async with says(
        "220 ready",
        ("EHLO .*", "250-here\r\n250 AUTH XOAUTH2"),
        ("AUTH XOAUTH2", "334 "),
        ("dXNlcj.*", "334 eyJzdGF0dXMiOiI0MDAifQ=="),
        ("", "535 5.7.3 no"),
    ) as port:
        outbox = Outbox(smtp(port), tokens=tokens())
        attempt = await outbox.send(a_mail(), sender=MAILBOX, recipient=DANA)
        await outbox.close()
    assert attempt == Attempt(Result.REFUSED_LOGIN, 535, "login 535")
    assert len(endpoint.given) == 4, "a fresh one each, for the next time"


async def test_a_server_without_xoauth2_is_a_refused_login(tokens: MakeTokens) -> None:
    async with (
        TroubledServer({MAILBOX: "secret"}) as server,
        watching(settings(server.imap_port), tokens=tokens()) as inbox,
    ):
        assert await inbox.told(News.LOST) == "refused-login"


async def test_a_program_that_the_provider_refuses_is_a_refused_login(
    endpoint: TokenEndpoint, tokens: MakeTokens, server: TroubledServer
) -> None:
    endpoint.refuse("invalid_client", 7000222)
    async with watching(settings(server.imap_port), tokens=tokens()) as inbox:
        assert await inbox.told(News.LOST) == "refused-login"
        endpoint.accept()
        await inbox.told(News.CONNECTED)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["down", "hang"])
async def test_a_provider_that_is_away_is_an_unreachable_server_and_tried_again_soon(
    endpoint: TokenEndpoint, tokens: MakeTokens, server: TroubledServer, trouble: str
) -> None:
    getattr(endpoint, trouble)()
    pace = replace(BRISK, retry_most=Pace().retry_most, refused_first=300.0, refused_most=300.0)
    async with watching(settings(server.imap_port), tokens=tokens(timeout=HANG), pace=pace) as inbox:
        for _ in range(3):
            assert await inbox.told(News.LOST) == "unreachable"
        endpoint.resume() if trouble == "hang" else endpoint.up()
        await inbox.told(News.CONNECTED)


# --- SMTP ---------------------------------------------------------------------------------------------


async def sends(server: TroubledServer, tokens: Tokens) -> Attempt:
    """One letter over a connection of its own."""
    outbox = Outbox(smtp(server.smtp_port), tokens=tokens)
    try:
        return await outbox.send(a_mail(), sender=MAILBOX, recipient=DANA)
    finally:
        await outbox.close()


async def test_a_letter_goes_by_token_and_a_token_taken_back_is_replaced_once(
    endpoint: TokenEndpoint, tokens: MakeTokens, server: TroubledServer
) -> None:
    ours = tokens()
    assert (await sends(server, ours)).result is Result.ACCEPTED
    assert (await sends(server, ours)).result is Result.ACCEPTED
    assert len(endpoint.given) == 1
    endpoint.take_back()
    assert (await sends(server, ours)).result is Result.ACCEPTED
    assert len(endpoint.given) == 2


async def test_what_a_letter_meets_without_a_good_token(
    endpoint: TokenEndpoint, tokens: MakeTokens, server: TroubledServer
) -> None:
    endpoint.mailbox = "another@clinic.test"
    assert await sends(server, tokens()) == Attempt(Result.REFUSED_LOGIN, 535, "login 535")
    assert len(endpoint.given) == 2
    endpoint.refuse("invalid_client", 7000222)
    said = "login: token refused: invalid_client, AADSTS7000222"
    assert await sends(server, tokens()) == Attempt(Result.REFUSED_LOGIN, None, said)
    endpoint.hang()
    said = "login: no token: no answer in time"
    assert await sends(server, tokens(timeout=HANG)) == Attempt(Result.UNREACHABLE, None, said)


async def test_an_smtp_server_without_xoauth2_is_a_refused_login(tokens: MakeTokens) -> None:
    async with TroubledServer({MAILBOX: "secret", DANA: "word"}) as server:
        assert (await sends(server, tokens())).result is Result.REFUSED_LOGIN


# --- the whole service --------------------------------------------------------------------------------


class ClinicByToken(Clinic):
    """A clinic without any password, or with one for the mailbox alone."""

    def __init__(self, folder: Path, endpoint: TokenEndpoint, *sections: str) -> None:
        sections = sections or ("mailbox", "smtp")
        super().__init__(
            folder,
            more="".join(endpoint.section(section, folder) for section in sections),
            mailbox={"password_file": None} if "mailbox" in sections else {},
            smtp={"username": MAILBOX},
            opens=endpoint.opens,
            make_inbox=partial(Inbox, pace=replace(BRISK, refused_first=0.05, refused_most=0.1)),
        )


@pytest.mark.slow
@pytest.mark.parametrize("sections", [("mailbox", "smtp"), ("smtp",)], ids=["both", "smtp-alone"])
async def test_a_clinic_without_passwords(tmp_path: Path, endpoint: TokenEndpoint, sections: tuple[str, ...]) -> None:
    async with ClinicByToken(tmp_path, endpoint, *sections) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        assert len(endpoint.given) == len(sections)


@pytest.mark.slow
async def test_a_mailbox_refused_for_an_hour_costs_one_notice_and_no_report(
    tmp_path: Path, endpoint: TokenEndpoint
) -> None:
    async with ClinicByToken(tmp_path, endpoint, "mailbox", "smtp") as clinic:
        await clinic.dana.writes("NOSHOW Kim")  # so that SMTP has its token, and its connection
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        endpoint.mailbox = "another@clinic.test"
        await clinic.server.down_imap()
        await clinic.server.up_imap()
        await happens(lambda: not clinic.service.watch.connected)
        await answers(clinic, "dana", "NOSHOW Sam")
        for _ in range(6):
            clinic.clock.move(dt.timedelta(minutes=2))
            before = len(endpoint.given)
            await happens(lambda before=before: len(endpoint.given) > before)  # type: ignore[misc]  # a lambda's default
        await happens(lambda: len(clinic.server.passed) >= 3)
        endpoint.mailbox = MAILBOX
        await clinic.settled()
        assert "IMAP" in (await clinic.alex.gets("notice")).text
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        await clinic.collect()
        assert {letter.kind for letter in clinic.dana.inbox} <= {"reminder"}  # of the first case
        clinic.dana.inbox.clear()
        assert {letter.kind for letter in clinic.alex.inbox} <= {"escalation"}
        clinic.alex.inbox.clear()


@pytest.mark.slow
async def test_a_provider_that_hangs_under_smtp_holds_up_letters_and_nothing_else(
    tmp_path: Path, endpoint: TokenEndpoint
) -> None:
    async with ClinicByToken(tmp_path, endpoint) as clinic:
        endpoint.hang()
        await answers(clinic, "dana", "NOSHOW Sam")
        await is_owed(clinic, "draft")
        await happens(lambda: endpoint.hanging > 0)
        await answers(clinic, "dana", "NOSHOW Kim")
        async with asyncio.timeout(20):
            while len(await clinic.store.open_cases()) < 2:
                await asyncio.sleep(0.01)
        assert not clinic.server.passed
        endpoint.resume()
        await clinic.settled()
        for _ in range(2):
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")


@pytest.mark.slow
@pytest.mark.parametrize("section", ["mailbox", "smtp"])
async def test_sigterm_ends_a_daemon_that_waits_for_a_token(
    tmp_path: Path, endpoint: TokenEndpoint, server: TroubledServer, section: str
) -> None:
    config = configure(
        tmp_path,
        endpoint.section(section, tmp_path),
        mailbox={"port": server.imap_port, "password_file": None if section == "mailbox" else "password"},
        smtp={"port": server.smtp_port, "username": MAILBOX if section == "smtp" else ""},
    )
    endpoint.hang()
    await server.deliver(MAILBOX, raw(DANA, "NOSHOW Sam"))
    daemon = Daemon(config)
    await daemon.start()
    async with asyncio.timeout(20):
        while not endpoint.hanging:
            await asyncio.sleep(0.01)
    assert await daemon.stop() < 5
    assert SECRET not in str(daemon.log)
