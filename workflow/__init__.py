"""Promptly: a short mail about a late or missed session becomes an alert, a draft, reminders and an outcome.

The path of a mail: `mail.imap.inbox` hands over bytes; `mail.reading.message` makes a `Mail` of them,
`mail.reading.trust` says whose it is, `core.language.read` what it asks; `core.routing` decides; the `store` commits
that decision whole; then `sender` sends what is owed and the inbox moves the mail. `engine` calls these in turn,
`practice` calls `engine`.

Imports point one way: verbs, node, practice, engine and sender, clinic, then mail, store and clock, then config, then
core. Adapters do not import each other, and core imports nothing that acts.
"""

VERSION = "0.1.0"
