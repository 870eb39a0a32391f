"""One clinic: its configuration, store and clock in one object, and the adapters made from them. There are no globals.

A second clinic in the same process is a second `Clinic`. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from workflow.clock import Clock
from workflow.config import Config
from workflow.core.model import Rules
from workflow.mail.letters import Letters
from workflow.mail.mailbox import MailboxSettings
from workflow.mail.outbox import SmtpSettings
from workflow.mail.trust import TrustSettings
from workflow.store import Store


@dataclass
class Clinic:
    """Everything that one clinic's daemon shares."""

    config: Config
    store: Store
    clock: Clock

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
    )
