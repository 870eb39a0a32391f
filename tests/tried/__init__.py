"""``make tried``: each fault of a list, again and again on the daemon as a process; what it cost, as a table.

The servers are the embedded one and the scripted IMAP server, which misbehave on order; the same on Debian's Dovecot
and Postfix is in test_outages_on_real_servers, and sudden death at any instant is `make crash`. Seeded: each trial has
its own moments. Faults of the disk need root.

Counted for every report made under the fault: **lost**, no draft to Dana or no alert to Alex; **doubled**, a second
case, or a second letter of the same sense; **repeated**, the same letter again under its one Message-ID. The delay runs
from the end of the fault, or from its beginning where it has no end, to the last acceptance of a letter.
"""
