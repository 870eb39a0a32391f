"""IMAP: login, folders, and what the server can do. What is missing there is said with what the daemon does instead."""

from __future__ import annotations

from datetime import datetime, timedelta

from workflow.clock import Clock
from workflow.config import Config
from workflow.mail.imap.mailbox import Filing, Loss
from workflow.verbs.check.finding import Finding, Tell, fail, noted, ok, quoted, skipped, warn
from workflow.verbs.check.mailbox import TROUBLE, IMAPClientError, MailboxError, Probe, why_lost
from workflow.verbs.check.wire import PATIENCE, Server, knock

FOLDERS_SHOWN = 12

REST = "IMAP folder, handled folder, IDLE, MOVE, keywords"


class MailboxParts:
    """Tries the mailbox; afterwards knows whether it can be used, and how far the server's clock is from ours."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self.works = False
        self.ahead: timedelta | None = None
        """How far the server's clock is before ours; None: not known."""
        self.unknown_clock = "the mailbox could not be asked"
        """Why it is not known."""
        self._can_date = False
        """There is a folder of our own, where the server can date a mail that nobody will look at."""

    def check(self, tell: Tell) -> None:
        """Each part, up to the first without which the rest can't be tried. Blocks."""
        mailbox = self._config.mailbox
        server = Server("mailbox", mailbox.host, mailbox.port, mailbox.security, mailbox.ca_file)
        if not knock(server, self._clock.now(), tell):
            tell(skipped(f"IMAP login, {REST.removeprefix('IMAP ')}", "not tried, for there is no connection"))
            return
        probe: Probe | None = None
        part = "IMAP login"
        try:
            probe = Probe(mailbox, timeout=PATIENCE)
            probe.log_in()
            tell(ok(part, f"accepted, as {mailbox.username}"))
            part = "IMAP folder"
            if not self._folder(probe, tell):
                return
            self.works = True
            part = "IMAP handled folder"
            self._abilities(probe, tell)
            part = "clock"
            self._ask_time(probe, tell)
        except TROUBLE as error:
            tell(_lost(part, error, self._config))
            if part == "IMAP login":
                tell(skipped(REST, "not tried, for nobody is logged in"))
        finally:
            if probe is not None:
                probe.close()

    def _folder(self, probe: Probe, tell: Tell) -> bool:
        folder = self._config.mailbox.folder
        try:
            probe.open_folder()
        except MailboxError:
            there = probe.folders()
            if folder in there:
                text = f"{folder} may only be read"
                tell(fail("IMAP folder", text, "Give this account the right to change mail there, as its owner has."))
            else:
                names = ", ".join(there[:FOLDERS_SHOWN]) + (" ..." if len(there) > FOLDERS_SHOWN else "")
                text = f"there is no folder {folder}"
                tell(fail("IMAP folder", text, f"Write mailbox.folder as one of these: {names}."))
            tell(skipped("IMAP handled folder, IDLE, MOVE, keywords", "not tried, for the folder is not open"))
            return False
        mails = "1 mail" if probe.exists == 1 else f"{probe.exists} mails"
        tell(ok("IMAP folder", f"{folder}, {mails}"))
        return True

    def _abilities(self, probe: Probe, tell: Tell) -> None:
        wanted = self._config.mailbox.handled_folder
        if wanted:
            try:
                name, made = probe.make_handled_folder()
                tell(ok("IMAP handled folder", f"{name}{', which was missing and is made now' if made else ''}"))
                self._can_date = True
            except IMAPClientError as error:
                text = f"{wanted} is not there and cannot be made{noted(error)}"
                advice = 'Make it in a mail program, or write another mailbox.handled_folder ("": mails stay, marked).'
                between = probe.delimiter()
                if "/" in wanted and between != "/":
                    advice = f"On this server it would be written {wanted.replace('/', between)}. {advice}"
                tell(fail("IMAP handled folder", text, advice))
        else:
            tell(ok("IMAP handled folder", f"none: handled mail stays in {self._config.mailbox.folder}, marked"))
        if probe.can_idle:
            tell(ok("IMAP IDLE", "supported: new mail is told at once"))
        else:
            tell(warn("IMAP IDLE", "missing", "Nothing to do: Promptly looks every 5 seconds instead."))
        if wanted:
            tell(_moving(probe.filing, wanted))
        tell(_keywords(probe, wanted))

    def _ask_time(self, probe: Probe, tell: Tell) -> None:
        """Compare clocks. What goes wrong here is no fault of the mailbox, only nothing learnt."""
        self.unknown_clock = "it cannot be asked without leaving a mail behind; check --send compares them"
        if not self._can_date:
            return
        before = self._clock.now()
        try:
            told = probe.server_time()
        except TROUBLE as error:
            self.unknown_clock = f"the server would not tell its time{noted(error)}"
            if "quota" in str(error).casefold():  # [OVERQUOTA], RFC 5530, 3; some have but words
                text = f"no mail fits in any more{noted(error)}"
                advice = "Make room in the mailbox, or have it made larger: until then no report arrives."
                tell(fail("IMAP quota", text, advice))
            return
        if told is not None:
            self.ahead = apart(before, told, self._clock.now())


def apart(before: datetime, told: datetime, after: datetime) -> timedelta:
    """How far a clock that showed `told`, in whole seconds, between two of our times is ahead of ours.

    The least that explains it: within the time that the question took, and the second that was cut off, it is right.
    """
    latest = told + timedelta(seconds=1)
    if latest < before:
        return latest - before
    return max(told - after, timedelta())


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


def _keywords(probe: Probe, handled_folder: str) -> Finding:
    if probe.keywords:
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
        return fail(part, f"{error.detail}{words}", "See docs/oauth2.md for what must be allowed, and where.")
    if why is Loss.REFUSED_LOGIN and isinstance(cause, OSError):
        text = f"the password cannot be read ({cause.strerror or cause})"
        return fail(part, text, "Look at mailbox.password_file or mailbox.password_env.")
    if why is Loss.REFUSED_LOGIN:
        text = f"user name or password refused, for {config.mailbox.username}{quoted(cause or '')}"
        advice = (
            "Check mailbox.username, and put the password alone into the file of mailbox.password_file. Where people "
            "sign in with a second step, an app password is needed; some providers must first be told to allow IMAP."
        )
        return fail(part, text, advice)
    if why is Loss.TIMEOUT:
        return fail(part, f"no answer within {PATIENCE:.0f} seconds", "Try again; if it stays so, ask your provider.")
    text = f"the server broke off{noted(cause or error)}"
    return fail(part, text, "Try again in a few minutes: it may be busy, or have too many connections of yours.")
