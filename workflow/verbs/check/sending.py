"""``--send``: a test letter goes the whole way to the clinic's own mailbox and is put away, then one goes to admin.

A daemon that runs on that mailbox sees it and leaves it alone: it bears ``X-Promptly-Loop``, so no person wrote it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from workflow.clock import Clock
from workflow.config import Config
from workflow.core.model import Letter, LetterKind, Person, Role
from workflow.core.owed import Scene, alone
from workflow.gather import RandomMint
from workflow.mail.reading.headers import split_block
from workflow.mail.smtp.outbox import Attempt, Outbox, Result
from workflow.mail.writing.render import Letters, Unsafe
from workflow.store import StoreError
from workflow.store.tiny.reader import TinyReader
from workflow.verbs.check.finding import Finding, Tell, fail, noted, ok, warn
from workflow.verbs.check.imap import apart
from workflow.verbs.check.machine import clock_off
from workflow.verbs.check.mailbox import TROUBLE, Probe, Trial
from workflow.verbs.check.trust import NO_HEADER, server_of
from workflow.verbs.check.wire import PATIENCE

ARRIVAL_MOST = 120.0
"""Seconds for the test letter to arrive: within one provider it takes a second or five, through a spam filter sixty."""

BETWEEN_LOOKS = 0.5

PART, ADMIN_PART = "test letter", "test letter to admin"


class Sending:
    """Sends the two letters, and looks for the first."""

    def __init__(self, config: Config, clock: Clock, *, clock_is_known: bool) -> None:
        self._config = config
        self._clock = clock
        self._clock_is_known = clock_is_known
        own = config.letters
        self._letters = Letters(
            config.rules(), instance=_instance(config), templates=own.templates, sms_link=own.sms_link
        )

    def check(self, tell: Tell) -> None:
        """Send, wait, put away, send. Blocks for as long as `ARRIVAL_MOST` and a few time-outs."""
        address = self._config.mailbox.address
        to_ourselves = self._letter(Person("Promptly", (address,)))
        probe: Probe | None = None
        try:
            probe = Probe(self._config.mailbox, timeout=PATIENCE)
            probe.log_in()
            probe.open_folder()
            before, began = self._clock.now(), time.monotonic()
            attempt = self._send(to_ourselves)
            if attempt.result is Result.ACCEPTED:
                tell(ok(PART, f"handed to SMTP for {address}; waiting for it, {ARRIVAL_MOST:.0f} seconds at most"))
                self._await(probe, to_ourselves, before, began, tell)
            else:
                tell(_refused(PART, attempt))
        except TROUBLE as error:
            tell(fail(PART, f"the mailbox broke off{noted(error)}", "See what the IMAP lines say, or try again."))
        finally:
            if probe is not None:
                probe.close()
        self._to_admin(tell)

    def _to_admin(self, tell: Tell) -> None:
        admin = self._config.roster.admins[0]
        attempt = self._send(self._letter(admin))
        if attempt.result is Result.ACCEPTED:
            tell(ok(ADMIN_PART, f'handed to SMTP for {admin.email}: ask there whether "Promptly: test" has come'))
        else:
            tell(_refused(ADMIN_PART, attempt))

    def _letter(self, to: Person) -> Letter:
        scene = Scene(self._config.rules(), self._clock.now(), RandomMint())
        return alone(scene, LetterKind.TEST, "", to, Role.ADMIN)

    def _send(self, letter: Letter) -> Attempt:
        return asyncio.run(self._offer(letter))

    async def _offer(self, letter: Letter) -> Attempt:
        try:
            rendered = self._letters.render(letter, self._clock.now())
        except Unsafe as unsafe:
            return Attempt(Result.PERMANENT, None, str(unsafe))
        outbox = Outbox(self._config.smtp, timeout=PATIENCE)
        try:
            return await outbox.send(rendered.raw, sender=self._config.mailbox.address, recipient=rendered.recipient)
        finally:
            await outbox.close()

    def _await(self, probe: Probe, letter: Letter, before: datetime, began: float, tell: Tell) -> None:
        above = probe.uidnext - 1
        while (trial := probe.find(above, letter.message_id)) is None:
            if time.monotonic() - began > ARRIVAL_MOST:
                text = f"did not arrive in {self._config.mailbox.folder} within {ARRIVAL_MOST:.0f} seconds"
                advice = (
                    "Look for it in the spam folder, and for a rule that moves mail; is mailbox.address the address of "
                    "this very mailbox? Delete the letter when it comes."
                )
                tell(fail(PART, text, advice))
                return
            time.sleep(BETWEEN_LOOKS)
        after, took = self._clock.now(), time.monotonic() - began
        tell(self._put_away(probe, trial, took))
        if (finding := self._results(trial)) is not None:
            tell(finding)
        if not self._clock_is_known and trial.arrived_at is not None:
            off = clock_off(apart(before, trial.arrived_at, after))
            tell(off or ok("clock", "as by the mail server's, which dated the test letter"))

    def _put_away(self, probe: Probe, trial: Trial, took: float) -> Finding:
        text = f"arrived after {took:.1f} seconds"
        folder = self._config.mailbox.handled_folder
        try:
            moved = probe.put_away(trial.uid)
        except TROUBLE as error:
            text = f"{text}, but could not be moved to {folder}{noted(error)}"
            return fail(PART, text, f"Give this account the right to move mail to {folder}. Delete the letter by hand.")
        return ok(PART, f"{text}; {f'moved to {folder}' if moved else 'it stays in the folder: delete it'}")

    def _results(self, trial: Trial) -> Finding | None:
        """Whose Authentication-Results it bears, if any: mail that a server hands to itself often has none."""
        wanted = self._config.trust.authserv_id.strip().lower()
        written = server_of(split_block(trial.header)[0].auth_results)
        if written in (NO_HEADER, wanted) or not wanted:
            return None
        text = f'its Authentication-Results are by "{written}", not by "{wanted}"'
        return warn("trust", text, f'If mail of associates shows the same, write trust.authserv_id = "{written}".')


def _instance(config: Config) -> str:
    """The daemon's own mark, so that it knows the letter, and a bounce of it, for its own."""
    try:
        return TinyReader.peek(config.store.url).desk.instance or "check"
    except StoreError:
        return "check"


def _refused(part: str, attempt: Attempt) -> Finding:
    return fail(part, f"not accepted: {attempt.reason}", "See what the SMTP lines say.")
