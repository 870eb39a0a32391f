"""What the configuration may say, and hardly means: warnings, each with its key. Nothing is tried here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

from workflow.config import Config
from workflow.config.keys import ServerKeys
from workflow.verbs.check.finding import Finding, warn

PART = "configuration"

NOON = time(12)

NOT_TO_KEEP = {"trash", "junk", "spam", "deleted", "deleted items", "deleted messages", "bin", "junk email", "drafts"}
"""Folders that servers and mail programs empty by themselves, in lower case."""


def oddities(config: Config) -> Iterator[Finding]:
    quiet, noshow = config.quiet, config.cadence.noshow
    if quiet.from_ != quiet.to and _holds(quiet.from_, quiet.to, NOON):
        text = f"quiet.from and quiet.to: from {quiet.from_:%H:%M} to {quiet.to:%H:%M} reminders and escalations wait"
        yield warn(PART, text, "These hours hold noon, but the night is meant: are the two the wrong way round?")
    if noshow.lead <= noshow.escalate:
        text = "cadence.noshow.lead: the lead is told before admin is asked, or with it"
        yield warn(PART, text, "Write more than cadence.noshow.escalate, which comes first.")
    if config.privacy.keep_names > config.privacy.keep_cases:
        text = "privacy.keep_names: names are kept longer than their cases"
        yield warn(PART, text, "Names go with the case, after privacy.keep_cases: write less, or keep cases longer.")
    folder = config.mailbox.handled_folder
    if folder.rpartition("/")[2].rpartition(".")[2].strip().casefold() in NOT_TO_KEEP:
        text = f"mailbox.handled_folder: {folder} is emptied by many servers and mail programs"
        yield warn(PART, text, 'What was acted on should stay for a while: write a folder of its own, "Promptly".')
    elif folder and not folder.strip():
        advice = 'Write "Promptly", or "" for none.'
        yield warn(PART, "mailbox.handled_folder: the folder's name is blank", advice)
    for name, keys in (("mailbox", config.mailbox), ("smtp", config.smtp)):
        yield from _of_secret(name, keys)


def _holds(begin: time, end: time, at: time) -> bool:
    return begin <= at < end if begin < end else at >= begin or at < end


def _of_secret(section: str, keys: ServerKeys) -> Iterator[Finding]:
    """What an editor or a copied line left around a password, which no server forgives."""
    ways = [("password", keys.password, keys.password_file, keys.password_env)]
    if (oauth2 := keys.oauth2) is not None:
        ways += [
            ("oauth2.client_secret", oauth2.client_secret, oauth2.client_secret_file, oauth2.client_secret_env),
            ("oauth2.refresh_token", oauth2.refresh_token, oauth2.refresh_token_file, oauth2.refresh_token_env),
        ]
    for key, read, file, env in ways:
        try:
            word = read()
        except (OSError, UnicodeDecodeError):
            continue
        where = f"{section}.{key}_file: what {file} holds" if file else f"{section}.{key}_env: what {env} holds"
        if word != word.strip():
            side = "ends in" if word == word.lstrip() else "begins with"
            yield warn(PART, f"{where} {side} a blank", "Remove it, unless the password really has it.")
        elif len(word) > 1 and word[0] in "\"'“”„‘’" and word[-1] in "\"'“”‘’":
            yield warn(PART, f"{where} stands in quotation marks", "Remove them: the file holds the password alone.")
