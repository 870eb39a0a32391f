"""``--send``: a test letter goes the whole way to the clinic's own mailbox and is put away, then one goes to admin.

A daemon that runs on that mailbox sees it and leaves it alone: it bears ``X-Promptly-Loop``, so no person wrote it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial

from workflow.clock import Clock
from workflow.config import Config
from workflow.core.model import LetterKind
from workflow.core.owed import Scene, is_of_letter, write_letter
from workflow.core.people import Person, Role
from workflow.ids import token
from workflow.mail.reading.bounces import LOOP
from workflow.mail.reading.headers import Headers, read_id, split_block
from workflow.mail.reading.trust import believes
from workflow.mail.smtp.allowance import Allowance
from workflow.mail.smtp.outbox import Attempt, Outbox, Result
from workflow.mail.writing.render import Letters, Unsafe
from workflow.store import StoreError, peek
from workflow.verbs.check import explain
from workflow.verbs.check.finding import Finding, Tell, fail, noted, ok, warn
from workflow.verbs.check.known import known
from workflow.verbs.check.machine import ahead, compared
from workflow.verbs.check.mailbox import TROUBLE, Mailbox, Trial
from workflow.verbs.check.trust import NO_HEADER, server_of

ARRIVAL_MOST = 120.0
"""Seconds for the test letter to arrive: within one provider it takes a second or five, through a spam filter sixty."""

PART, ADMIN_PART = "test letter", "test letter to admin"


def check(config: Config, clock: Clock, tell: Tell) -> None:
    """Send, wait, put away, send. Blocks for as long as `ARRIVAL_MOST` and a few time-outs."""
    address, admin = config.mailbox.address, config.roster.admins[0]
    allowance = Allowance(config.smtp.per_minute)
    instance = asyncio.run(_instance(config))
    try:
        with closing(Mailbox(config.mailbox, timeout=explain.PATIENCE)) as mailbox:
            mailbox.log_in()
            mailbox.open_folder()
            began = clock.now()
            message_id, attempt = asyncio.run(_send(config, clock, instance, Person("Promptly", (address,))))
            tell(_handed(PART, attempt, f"{address}; waiting for it, {ARRIVAL_MOST:.0f} seconds at most"))
            allowance.count(clock.now())
            if attempt.result is Result.ACCEPTED:
                is_it = _knows(message_id, instance, address.rpartition("@")[2])
                for finding in _arrival(mailbox, is_it, began, config, clock):
                    tell(finding)
    except TROUBLE as error:
        tell(fail(PART, f"the mailbox broke off{noted(error)}", "See what the IMAP lines say, or try again."))
    if (free_at := allowance.free_at(clock.now())) is not None:
        seconds = clock.real_seconds(free_at - clock.now())
        tell(ok(ADMIN_PART, f"waits for {seconds:.0f} seconds, for smtp.per_minute is {config.smtp.per_minute}"))
        time.sleep(max(0.0, seconds))
    _, attempt = asyncio.run(_send(config, clock, instance, admin))
    tell(_handed(ADMIN_PART, attempt, f'{admin.email}: ask there whether "Promptly: test" has come'))


def _knows(message_id: str, instance: str, domain: str) -> Callable[[Headers], bool]:
    """What knows the test letter: by its id or, where a relay gave it another, by our mark."""

    def is_it(headers: Headers) -> bool:
        found, kind = read_id(headers) or "", headers.first("x-promptly-letter")
        marked = kind == LetterKind.TEST and headers.every(LOOP) == (instance,)
        return found == message_id or (marked and not is_of_letter(found, domain))

    return is_it


async def _send(config: Config, clock: Clock, instance: str, to: Person) -> tuple[str, Attempt]:
    """A test letter, as the daemon sends its own: its Message-ID, and what became of it."""
    own = config.letters
    letters = Letters(config.rules(), instance=instance, templates=own.templates, sms_link=own.sms_link)
    scene = Scene(config.rules(), clock.now(), partial(token, instance))
    letter = write_letter(scene, LetterKind.TEST, "", to, Role.ADMIN)
    outbox = Outbox(config.smtp, timeout=explain.PATIENCE)
    try:
        rendered = letters.render(letter, clock.now())
        sent = await outbox.send(rendered.raw, sender=config.mailbox.address, recipient=rendered.recipient)
        return letter.message_id, sent
    except Unsafe as unsafe:
        return letter.message_id, Attempt(Result.PERMANENT, None, str(unsafe))
    finally:
        await outbox.close()


def _arrival(
    mailbox: Mailbox, is_it: Callable[[Headers], bool], began: datetime, config: Config, clock: Clock
) -> Iterator[Finding]:
    above, deadline = mailbox.uidnext - 1, time.monotonic() + ARRIVAL_MOST
    while (trial := mailbox.find(above, is_it)) is None:
        if time.monotonic() > deadline:
            text = f"did not arrive in {config.mailbox.folder} within {ARRIVAL_MOST:.0f} seconds"
            advice = (
                "Look for it in the spam folder, and for a rule that moves mail; is mailbox.address the address of "
                "this very mailbox? Delete the letter when it comes."
            )
            yield fail(PART, text, advice)
            return
        time.sleep(0.5)
    now, took = clock.now(), time.monotonic() - deadline + ARRIVAL_MOST
    yield _put_away(mailbox, trial, f"arrived after {took:.1f} seconds", config.mailbox.handled_folder)
    # Whose Authentication-Results it bears, if any: mail that a server hands to itself often has none.
    wanted = config.trust.authserv_id
    written = server_of(split_block(trial.header)[0].auth_results)
    if wanted and written != NO_HEADER and not believes(config.trust, written):
        text = f'its Authentication-Results are by "{written}", not by "{", ".join(wanted)}"'
        yield warn("trust", text, f'If mail of associates shows the same, write trust.authserv_id = "{written}".')
    if trial.arrived_at is not None:
        yield compared(ahead(began, trial.arrived_at, now))


def _put_away(mailbox: Mailbox, trial: Trial, text: str, folder: str) -> Finding:
    try:
        moved = mailbox.put_away(trial.uid)
    except TROUBLE as error:
        text = f"{text}, but could not be moved to {folder}{noted(error)}"
        return fail(PART, text, f"Give this account the right to move mail to {folder}. Delete the letter by hand.")
    return ok(PART, f"{text}; {f'moved to {folder}' if moved else 'it stays in the folder: delete it'}")


async def _instance(config: Config) -> str:
    """The daemon's own mark, so that it knows the letter, and a bounce of it, for its own."""
    try:
        return (await peek(config.store.url)).desk.instance or "check"
    except StoreError:
        return "check"


def _handed(part: str, attempt: Attempt, to: str) -> Finding:
    if attempt.result is Result.ACCEPTED:
        return ok(part, f"handed to SMTP for {to}")
    return fail(part, f"not accepted: {attempt.reason}", known(attempt.reason, "See what the SMTP lines say."))
