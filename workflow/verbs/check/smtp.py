"""SMTP: login, and whether the server would take letters from the clinic to each recipient. No letter is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiosmtplib

from workflow.clock import Clock
from workflow.config import Config
from workflow.config.keys import SmtpServer
from workflow.mail.smtp.session import LOGIN_WANTED, Result, UnreadyError, opened, quit_politely, tls_context
from workflow.mail.tokens import tokens_of
from workflow.verbs.check.finding import Finding, Tell, fail, noted, ok, quoted, skipped, warn
from workflow.verbs.check.wire import PATIENCE, Server, knock

SHOWN = 5
"""Recipients that are named on a line."""


class SmtpParts:
    """Tries the server that takes our letters; afterwards knows whether it does."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self.works = False

    def check(self, tell: Tell) -> None:
        """Each part, up to the first without which the rest can't be tried. Blocks."""
        smtp = self._config.smtp
        if not knock(Server("smtp", smtp.host, smtp.port, smtp.security, smtp.ca_file), self._clock.now(), tell):
            tell(skipped("SMTP login, sender, recipients", "not tried, for there is no connection"))
            return
        asyncio.run(self._converse(smtp, tell))

    async def _converse(self, server: SmtpServer, tell: Tell) -> None:
        try:
            tls = None if server.security == "none" else tls_context(server)
            client = await opened(server, tls, tokens_of(server.oauth2), PATIENCE)
        except UnreadyError as failed:
            tell(_unready(failed, server))
            tell(skipped("SMTP sender, recipients", "not tried, for nobody is logged in"))
            return
        tell(ok("SMTP login", f"accepted, as {server.username}" if server.username else "none asked for"))
        try:
            self.works = await self._sender(client, tell)
            if self.works:
                tell(await self._recipients(client))
            else:
                tell(skipped("SMTP recipients", "not tried, for the sender is refused"))
        except (aiosmtplib.SMTPException, OSError) as error:
            self.works = False
            advice = "Try again in a few minutes; if it stays so, ask whoever runs that server."
            tell(fail("SMTP recipients", f"the server broke off{noted(error)}", advice))
        finally:
            await quit_politely(client)

    async def _sender(self, client: aiosmtplib.SMTP, tell: Tell) -> bool:
        address = self._config.mailbox.address
        try:
            await client.mail(address)
        except aiosmtplib.SMTPSenderRefused as refused:
            text = f"{address} may not send here: {refused.code}{quoted(refused.message)}"
            advice = "Log in as the owner of that address (smtp.username), or let this account send as mailbox.address."
            if refused.code in LOGIN_WANTED:
                advice = (
                    "This server wants encryption or a login first: check smtp.security, smtp.port and smtp.username."
                )
            if 400 <= refused.code < 500:
                tell(warn("SMTP sender", text, "That is a refusal for now: run this again in a few minutes."))
                return False
            tell(fail("SMTP sender", text, advice))
            return False
        await client.rset()
        tell(ok("SMTP sender", f"{address} may send"))
        return True

    async def _recipients(self, client: aiosmtplib.SMTP) -> Finding:
        """One MAIL, RCPT and RSET each, as letters go: servers limit recipients of one mail, and judge them singly."""
        refused: list[str] = []
        later: list[str] = []
        addresses = list(dict.fromkeys(_recipients(self._config)))
        for address in addresses:
            await client.mail(self._config.mailbox.address)
            try:
                await client.rcpt(address)
            except aiosmtplib.SMTPRecipientRefused as answer:
                found = f"{address}, {answer.code}{quoted(answer.message)}"
                (later if 400 <= answer.code < 500 else refused).append(found)
            await client.rset()
        if refused:
            text = f"{len(refused)} of {len(addresses)} refused: {_listed(refused)}"
            return fail("SMTP recipients", text, "Correct the address in the configuration, or have that mailbox made.")
        if later:
            text = f"{len(later)} of {len(addresses)} refused for now: {_listed(later)}"
            return warn("SMTP recipients", text, "Run this again in a few minutes; Promptly tries such letters again.")
        return ok("SMTP recipients", f"all {len(addresses)} would be accepted")


def _recipients(config: Config) -> Iterator[str]:
    """Everybody who gets letters, at the address they are written to."""
    for person in (*config.roster.admins, config.roster.lead, *config.roster.associates):
        if person is not None:
            yield person.email


def _listed(found: list[str]) -> str:
    return "; ".join(found[:SHOWN]) + (f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else "")


def _unready(failed: UnreadyError, server: SmtpServer) -> Finding:
    cause = failed.__cause__
    reason = failed.attempt.reason
    if server.oauth2 is not None and reason.startswith("login"):
        advice = "See docs/oauth2.md for what must be allowed, and where."
        return fail("SMTP login", f"{reason.removeprefix('login').lstrip(' :')}{_words(cause)}", advice)
    if failed.attempt.result is not Result.REFUSED_LOGIN:
        text = f"the server broke off ({reason}){_words(cause)}"
        return fail("SMTP login", text, "Try again in a few minutes; if it stays so, ask whoever runs that server.")
    if isinstance(cause, OSError):
        text = f"the password cannot be read ({cause.strerror or cause})"
        return fail("SMTP login", text, "Look at smtp.password_file or smtp.password_env.")
    if failed.attempt.code is None:
        text = "the server offers no way to log in that Promptly knows"
        advice = 'If it wants no login, write smtp.username = "" and no password; else use its port for submission.'
        return fail("SMTP login", text, f"{advice} (465 with tls, 587 with starttls)")
    text = f"user name or password refused, for {server.username}{_words(cause)}"
    advice = (
        "Check smtp.username, and put the password alone into the file of smtp.password_file. Where people sign in "
        "with a second step, an app password is needed; some providers must first be told to allow SMTP."
    )
    return fail("SMTP login", text, advice)


def _words(cause: BaseException | None) -> str:
    return quoted(cause.message) if isinstance(cause, aiosmtplib.SMTPResponseException) else ""
