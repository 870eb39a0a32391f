"""IMAP: login, folders, and what the server can do. What is missing there is said with what the daemon does instead."""

from __future__ import annotations

import ssl
from contextlib import closing

from workflow.clock import Clock
from workflow.config import Config
from workflow.config.keys import Security
from workflow.mail.imap.mailbox import Filing, Loss, MailboxError
from workflow.mail.imap.session import why_lost
from workflow.verbs.check import explain
from workflow.verbs.check.explain import Peer, Server, knock, peer_of, refused_login
from workflow.verbs.check.finding import Finding, Tell, fail, noted, ok, quoted, skipped, warn
from workflow.verbs.check.known import known
from workflow.verbs.check.mailbox import ROOM_LEAST, TROUBLE, IMAPClientError, Mailbox

FOLDERS_SHOWN = 12

FOLDER = "IMAP folder"
"""The part without which no mail can be read."""

MAILS = "IMAP mails"

REST = f"{FOLDER}, handled folder, IDLE, MOVE, keywords"


def check(config: Config, clock: Clock, tell: Tell) -> None:
    """Each part, up to the first without which the rest can't be tried. Blocks."""
    keys = config.mailbox

    def meet(security: Security, tls: ssl.SSLContext | None) -> Peer | None:
        own = keys.model_copy(update={"security": security})
        with closing(Mailbox(own, timeout=explain.PATIENCE, tls=tls)) as mailbox:
            return peer_of(mailbox.wire())

    ports = "993 goes with security = tls, 143 with starttls"  # RFC 8314, 3.2
    if not knock(Server("IMAP", "mailbox", ports, keys, meet), clock.now(), tell):
        tell(skipped(f"IMAP login, {REST.removeprefix('IMAP ')}", "not tried, for there is no connection"))
        return
    part = "IMAP login"
    try:
        with closing(Mailbox(keys, timeout=explain.PATIENCE)) as mailbox:
            mailbox.log_in()
            tell(ok(part, f"accepted, as {keys.username}"))
            part = FOLDER
            if _opens(mailbox, keys.folder, tell):
                part = "IMAP handled folder"
                _tell_abilities(mailbox, config, tell)
                _tell_quota(mailbox, tell)
                part = MAILS
                _tell_mails(mailbox, tell)
    except TROUBLE as error:
        tell(_lost(part, error, config))
        if part == "IMAP login":
            tell(skipped(REST, "not tried, for nobody is logged in"))


def _opens(mailbox: Mailbox, folder: str, tell: Tell) -> bool:
    try:
        mailbox.open_folder()
    except MailboxError as error:
        if error.why is not Loss.REFUSED_FOLDER:
            raise
        there = mailbox.folders()
        if folder in there:
            text = f"{folder} may only be read"
            tell(fail(FOLDER, text, "Give this account the right to change mail there, as its owner has."))
        else:
            names = ", ".join(there[:FOLDERS_SHOWN]) + (" ..." if len(there) > FOLDERS_SHOWN else "")
            text = f"there is no folder {folder}"
            tell(fail(FOLDER, text, f"Write mailbox.folder as one of these: {names}."))
        tell(skipped("IMAP handled folder, IDLE, MOVE, keywords", "not tried, for the folder is not open"))
        return False
    mails = "1 mail" if mailbox.exists == 1 else f"{mailbox.exists} mails"
    tell(ok(FOLDER, f"{folder}, {mails}"))
    return True


def _tell_abilities(mailbox: Mailbox, config: Config, tell: Tell) -> None:
    wanted = config.mailbox.handled_folder
    if wanted:
        try:
            name, made = mailbox.make_handled_folder()
            tell(ok("IMAP handled folder", f"{name}{', which was missing and is made now' if made else ''}"))
        except IMAPClientError as error:
            text = f"{wanted} is not there and cannot be made{noted(error)}"
            advice = 'Make it in a mail program, or write another mailbox.handled_folder ("": mails stay, marked).'
            between = mailbox.delimiter()
            if "/" in wanted and between != "/":
                advice = f"On this server it would be written {wanted.replace('/', between)}. {advice}"
            tell(fail("IMAP handled folder", text, advice))
    else:
        tell(ok("IMAP handled folder", f"none: handled mail stays in {config.mailbox.folder}, marked"))
    if mailbox.can_idle:
        tell(ok("IMAP IDLE", "supported: new mail is told at once"))
    else:
        tell(warn("IMAP IDLE", "missing", "Nothing to do: Promptly looks every 5 seconds instead."))
    if wanted:
        tell(_moving(mailbox.filing, wanted))
    tell(_keywords(mailbox, wanted))


def _tell_quota(mailbox: Mailbox, tell: Tell) -> None:
    """Nothing, while there is room: many servers do not count."""
    if (quota := mailbox.quota()) is not None and quota[1] - quota[0] < ROOM_LEAST:
        advice = "Make room in the mailbox, or have it made larger: until then no report arrives."
        tell(fail("IMAP quota", f"hardly a mail fits in any more ({quota[0]} of {quota[1]} KB are taken)", advice))


def _tell_mails(mailbox: Mailbox, tell: Tell) -> None:
    """Whether the newest mails can be had, as the daemon must have them after a night without it."""
    tried = list(mailbox.try_last(10))
    had = sum(why is None for _, why in tried)
    for number, (uid, why) in enumerate(tried):
        if why is not None:
            text = f"the newest mail{f' but {number}' if number else ''} (UID {uid}) cannot be had: the server {why}"
            advice = "Look at it in a mail program, then move it out of the folder; your provider can say what ails it."
            tell(fail(MAILS, text, advice))
    if had or not tried:
        tell(ok(MAILS, f"of the newest, {had} can be had" if had else "there is none yet"))


def _moving(filing: Filing, folder: str) -> Finding:
    match filing:
        case Filing.MOVE:
            return ok("IMAP MOVE", f"supported: handled mail goes to {folder}")
        case Filing.COPY:
            return warn("IMAP MOVE", "missing", "Nothing to do: handled mail is copied, and the original expunged.")
        case Filing.MARK:
            text = "missing, and so is UIDPLUS"
            return warn("IMAP MOVE", text, "Handled mail stays in the folder, with the keyword $Promptly.")
        case Filing.NONE:
            text = "missing, and so are UIDPLUS and keywords: nothing can show which mail was handled"
            return fail("IMAP MOVE", text, "Ask your provider, or use a mailbox elsewhere.")


def _keywords(mailbox: Mailbox, handled_folder: str) -> Finding:
    if mailbox.keywords:
        return ok("IMAP keywords", "supported")
    if handled_folder:
        advice = f"Nothing to do while handled mail can be moved to {handled_folder}."
        return warn("IMAP keywords", "missing: the server keeps no flags of ours", advice)
    text = 'missing, but mailbox.handled_folder = "" needs them to mark handled mail'
    return fail("IMAP keywords", text, 'Name a folder there, such as "Promptly".')


def _lost(part: str, error: Exception, config: Config) -> Finding:
    why, cause = why_lost(error), error.__cause__
    if isinstance(error, MailboxError) and error.detail:  # of access tokens
        words = "" if cause is None or error.detail in str(cause) else quoted(cause)
        advice = known(cause, "See docs/oauth2.md for what must be allowed, and where.")
        return fail(part, f"{error.detail}{words}", advice)
    if why is Loss.REFUSED_LOGIN:
        return fail(part, *refused_login("mailbox", "IMAP", config.mailbox.username, cause))
    if why is Loss.TIMEOUT:
        return fail(
            part, f"no answer within {explain.PATIENCE:.0f} seconds", "Try again; if it stays so, ask your provider."
        )
    text = f"the server broke off{noted(cause or error)}"
    advice = "Try again in a few minutes: it may be busy, or have too many connections of yours."
    return fail(part, text, known(cause or error, advice))
