"""One clinic: its configuration, store and clock in one object, and the adapters made from them. There are no globals.

A second clinic in the same process is a second `Clinic`. Decides nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from workflow.clock import Clock
from workflow.config.file import Config, OAuth2
from workflow.core.model import Rules
from workflow.counters import Counters
from workflow.logs import Repeated
from workflow.mail.imap.mailbox import MailboxSettings
from workflow.mail.reading.trust import TrustSettings
from workflow.mail.smtp.outbox import SmtpSettings
from workflow.mail.tokens import Tokens
from workflow.mail.writing.render import Letters
from workflow.store import Store

log = structlog.get_logger()


@dataclass
class Clinic:
    """Everything that one clinic's daemon shares."""

    config: Config
    store: Store
    clock: Clock
    counters: Counters = field(default_factory=Counters)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held around gather, decide and commit, with no other await inside: one change of the state at a time."""
    refusal: Repeated = field(default_factory=Repeated)
    """Of the disk, for the log."""

    def __post_init__(self) -> None:
        self.take(self.config)

    def take(self, config: Config) -> None:
        """Go by this configuration from now on. The store must be open: it knows the instance."""
        self.config = config
        self.rules: Rules = config.rules()
        self.trust = TrustSettings(config.trust.authserv_id, config.trust.require, config.trust.internal)
        own = config.letters
        self.letters = Letters(
            self.rules, instance=self.store.desk.instance, templates=own.templates, sms_link=own.sms_link
        )

    def note_refusal(self) -> None:
        """The disk refused a write, which is to be tried again: for the log, and for the auditor."""
        self.counters.refusals += 1
        if self.refusal.is_news("disk"):
            log.error("the disk refuses writes")


def mailbox_settings(config: Config) -> MailboxSettings:
    """How to reach the IMAP server."""
    mailbox = config.mailbox
    return MailboxSettings(
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        username=mailbox.username,
        password=mailbox.password,
        ca_file=mailbox.ca_file,
        folder=mailbox.folder,
        handled_folder=mailbox.handled_folder,
        max_size=mailbox.max_size,
        tokens=_tokens(mailbox.oauth2),
    )


def smtp_settings(config: Config) -> SmtpSettings:
    """How to reach the SMTP server."""
    smtp = config.smtp
    return SmtpSettings(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        username=smtp.username or "",
        password=smtp.password or (lambda: ""),
        ca_file=smtp.ca_file,
        tokens=_tokens(smtp.oauth2),
    )


def _tokens(oauth2: OAuth2 | None) -> Tokens | None:
    return None if oauth2 is None else Tokens(oauth2)
