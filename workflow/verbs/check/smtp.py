"""SMTP: login, and whether the server would take letters from the clinic to each recipient. No letter is sent."""

from __future__ import annotations

import asyncio
import ssl

import aiosmtplib

from workflow.clock import Clock
from workflow.config import Config
from workflow.config.keys import Security, SmtpServer
from workflow.mail.smtp.session import LOGIN_WANTED, Result, UnreadyError, opened, quit_politely, tls_context
from workflow.mail.tokens import tokens_of
from workflow.verbs.check import explain
from workflow.verbs.check.explain import LATER, Peer, Server, knock, peer_of, refused_login
from workflow.verbs.check.finding import Finding, Level, Tell, fail, noted, ok, quoted, skipped, some, warn
from workflow.verbs.check.known import known

SENDER = "SMTP sender"
"""The part without which no letter can be sent."""


def check(config: Config, clock: Clock, tell: Tell) -> None:
    """Each part, up to the first without which the rest can't be tried. Blocks."""
    keys = config.smtp

    async def meet(security: Security, tls: ssl.SSLContext | None) -> Peer | None:
        own = keys.model_copy(update={"security": security, "username": ""})
        client = await opened(own, tls, None, explain.PATIENCE)
        try:
            return peer_of(client.get_transport_info("ssl_object"))
        finally:
            await quit_politely(client)

    ports = "465 goes with security = tls, 587 with starttls"  # RFC 8314, 3.3; RFC 6409, 3.1
    server = Server("SMTP", "smtp", ports, keys, lambda security, tls: asyncio.run(meet(security, tls)))
    if knock(server, clock.now(), tell):
        asyncio.run(_converse(config, tell))
    else:
        tell(skipped("SMTP login, sender, recipients", "not tried, for there is no connection"))


async def _converse(config: Config, tell: Tell) -> None:
    keys = config.smtp
    try:
        tls = None if keys.security == "none" else tls_context(keys)
        client = await opened(keys, tls, tokens_of(keys), explain.PATIENCE)
    except UnreadyError as failed:
        tell(_unready(failed, keys))
        tell(skipped("SMTP sender, recipients", "not tried, for nobody is logged in"))
        return
    tell(ok("SMTP login", f"accepted, as {keys.username}" if keys.username else "none asked for"))
    part = SENDER
    try:
        sender = await _sender(client, config.mailbox.address)
        tell(sender)
        part = "SMTP recipients"
        if sender.level is Level.OK:
            tell(await _recipients(client, config))
        else:
            tell(skipped(part, "not tried, for the sender is refused"))
    except (aiosmtplib.SMTPException, OSError) as error:
        tell(fail(part, f"the server broke off{noted(error)}", LATER))
    finally:
        await quit_politely(client)


async def _sender(client: aiosmtplib.SMTP, address: str) -> Finding:
    try:
        await client.mail(address)
    except aiosmtplib.SMTPSenderRefused as refused:
        text = f"{address} may not send here: {refused.code}{quoted(refused.message)}"
        said = f"{refused.code} {refused.message}"
        if 400 <= refused.code < 500:
            return warn(SENDER, text, known(said, "That is a refusal for now: run this again in a few minutes."))
        advice = "Log in as the owner of that address (smtp.username), or let this account send as mailbox.address."
        if refused.code in LOGIN_WANTED:
            advice = "This server wants encryption or a login first: check smtp.security, smtp.port and smtp.username."
        return fail(SENDER, text, known(said, advice))
    await client.rset()
    return ok(SENDER, f"{address} may send")


async def _recipients(client: aiosmtplib.SMTP, config: Config) -> Finding:
    """One MAIL, RCPT and RSET each, as letters go: servers limit recipients of one mail, and judge them singly."""
    part, refused, later = "SMTP recipients", list[str](), list[str]()
    addresses = list(dict.fromkeys(person.email for person in config.roster.people))
    for address in addresses:
        await client.mail(config.mailbox.address)
        try:
            await client.rcpt(address)
        except aiosmtplib.SMTPRecipientRefused as answer:
            found = f"{address}, {answer.code}{quoted(answer.message)}"
            (later if 400 <= answer.code < 500 else refused).append(found)
        await client.rset()
    if refused:
        text = f"{len(refused)} of {len(addresses)} refused: {some(refused, '; ')}"
        return fail(part, text, "Correct the address in the configuration, or have that mailbox made.")
    if later:
        text = f"{len(later)} of {len(addresses)} refused for now: {some(later, '; ')}"
        return warn(part, text, known(text, "Run this again in a few minutes; Promptly tries such letters again."))
    return ok(part, f"all {len(addresses)} would be accepted")


def _unready(failed: UnreadyError, keys: SmtpServer) -> Finding:
    part, reason, cause = "SMTP login", failed.attempt.reason, failed.__cause__
    words = quoted(cause.message) if isinstance(cause, aiosmtplib.SMTPResponseException) else ""
    if keys.oauth2 is not None and reason.startswith("login"):
        advice = known(words, "See docs/oauth2.md for what must be allowed, and where.")
        return fail(part, f"{reason.removeprefix('login').lstrip(' :')}{words}", advice)
    if reason.startswith("login") and isinstance(cause, TimeoutError):
        text = f"no answer to the login within {explain.PATIENCE:.0f} seconds"
        advice = "Some servers answer late after wrong passwords: check smtp.password_file, wait a minute, try again."
        return fail(part, text, advice)
    if failed.attempt.result is not Result.REFUSED_LOGIN:
        return fail(part, f"the server broke off ({reason}){words}", known(words, LATER))
    if failed.attempt.code is None and not isinstance(cause, OSError):
        advice = 'If it wants no login, write smtp.username = "" and no password; else use its port for submission.'
        text = "the server offers no way to log in that Promptly knows"
        return fail(part, text, f"{advice} (465 with tls, 587 with starttls)")
    return fail(part, *refused_login("smtp", "SMTP", keys.username, cause))
