"""Would the clinic's own people be believed? The last mails from roster addresses, judged as the daemon judges them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

from workflow.clock import Clock
from workflow.config import Config
from workflow.config.keys import Trust
from workflow.core.people import Roster, Standing
from workflow.mail.reading import message, trust
from workflow.verbs.check import explain
from workflow.verbs.check.apart import read_apart
from workflow.verbs.check.finding import Finding, Tell, fail, noted, ok, some, warn
from workflow.verbs.check.mailbox import TROUBLE, read_headers

JUDGED = 50
"""So many mails from roster addresses are judged (contract section 7)."""

LOOKED_AT = 200
"""So many of the last mails of each folder are looked at to find them: a shared mailbox gets much other mail."""

NO_HEADER = ""
"""What stands for a mail without Authentication-Results."""

_RESULT = re.compile(r"\b(dmarc|dkim|spf)\s*=\s*([a-z]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judged:
    incoming: message.Incoming
    passes: bool

    @property
    def sender(self) -> str:
        return self.incoming.mail.sender or ""

    @property
    def server(self) -> str:
        """Who wrote its topmost Authentication-Results: the word that `authserv_id` is compared with."""
        return server_of(self.incoming.headers.auth_results)

    @property
    def results(self) -> str:
        """What its topmost Authentication-Results says: "spf=pass dkim=none dmarc=fail"."""
        fields = self.incoming.headers.auth_results
        found = _RESULT.findall(fields[0][: trust.RESULTS_MAX]) if fields else []
        return " ".join(dict.fromkeys(f"{method.lower()}={result.lower()}" for method, result in found))


def server_of(fields: Sequence[str]) -> str:
    return trust.written_by(fields[0]) if fields else NO_HEADER


def check(config: Config, clock: Clock, tell: Tell) -> None:
    """How many mails would pass, why the others would not, and what to write instead. Blocks; changes nothing."""
    if not config.trust.require:
        advice = "Set trust.require = true as soon as the trust line below says that all would pass."
        tell(warn("trust.require", "false: mail that carries no proof of its sender is believed", advice))
    try:
        raws = _raws(config)
    except TROUBLE as error:
        advice = "See what the IMAP lines say, or try again."
        tell(fail("trust", f"not known, for the mailbox could not be read{noted(error)}", advice))
        return
    read = partial(message.read, arrived_at=clock.now(), owns=config.rules().owns, instance="check")
    found = list(read_apart(raws, read))
    if passed_over := found.count(None):
        text = f"{passed_over} of the last {len(found)} could not be read, and were passed over"
        tell(warn("mails", text, "The daemon sets such a mail aside and tells admin; please report this."))
    own = config.trust
    standings = [(mail, _judge(mail, own, config)) for mail in found if mail is not None]
    judged = [Judged(mail, at is Standing.KNOWN) for mail, at in standings if at is not Standing.STRANGER][-JUDGED:]
    if not judged:
        advice = "Send one from a roster address to the mailbox, then run this again."
        tell(warn("trust", "not known yet: no mail from a roster address lies in the mailbox", advice))
        return
    tell(_verdict(judged, config))
    if unproven := sum(_lost_its_proof(mail, at, config.roster) for mail, at in standings):
        text = f"{unproven} came through a mailing list or a group (such as Google Groups) that broke the proof"
        advice = (
            "Admin gets a notice of such a report, and nothing else follows: let the group leave From and the text as "
            "they are, or let associates write to the mailbox itself."
        )
        tell(warn("mailing lists", text, advice))


def _lost_its_proof(mail: message.Incoming, standing: Standing, roster: Roster) -> bool:
    """Whether a list or group handed on a mail of the roster in such a way that it is nobody's."""
    if mail.mail.robot is None or mail.mail.robot.kind != "list" or standing is Standing.KNOWN:
        return False
    named = (*mail.mail.other_senders, mail.mail.sender or "")
    return any(roster.associate(one) or roster.admin(one) for one in named)


def _raws(config: Config) -> list[bytes]:
    """The header blocks of the last mails that were handled, then of those that lie in the folder."""
    mailbox = config.mailbox
    raws: list[bytes] = []
    if mailbox.handled_folder:
        with suppress(*TROUBLE):  # on some servers it bears a prefix; then the folder itself must do
            handled = mailbox.model_copy(update={"folder": mailbox.handled_folder})
            raws += read_headers(handled, LOOKED_AT, explain.PATIENCE)
    return raws + read_headers(mailbox, LOOKED_AT, explain.PATIENCE)


def _judge(mail: message.Incoming, keys: Trust, config: Config) -> Standing:
    return trust.judge(mail, config.roster, keys, config.mailbox.address.rpartition("@")[2])


def _verdict(judged: Sequence[Judged], config: Config) -> Finding:
    passed = sum(mail.passes for mail in judged)
    text = f"{passed} of the last {len(judged)} mails from roster addresses would pass"
    refused = [mail for mail in judged if not mail.passes]
    if not refused:
        forms = Counter(mail.server or "nobody, and believed all the same" for mail in judged).most_common()
        return ok("trust", f"{text} (Authentication-Results by {some([form for form, _ in forms])})")
    text = f"{text}; refused: {_by_sender(refused)}"
    return (warn if passed else fail)("trust", text, _better(judged, refused, passed, config))


def _others(own: Trust, servers: Sequence[str]) -> Iterator[Trust]:
    """What could be trusted instead, the simplest first: one of these servers, the hosts of one domain, one more than
    now."""
    for server in servers:
        internal = "exchange" if server == trust.NO_NAME else own.internal
        yield own.model_copy(update={"authserv_id": (server,), "internal": internal})
    domains = Counter(name.partition(".")[2] for name in {*servers, *own.authserv_id})
    numbered = [f"*.{domain}" for domain, hosts in domains.items() if hosts > 1 and "." in domain]
    for name in numbered:
        yield own.model_copy(update={"authserv_id": (name,)})
    for name in (*numbered, *servers):
        yield own.model_copy(update={"authserv_id": (*own.authserv_id, name)})


def _by_sender(refused: Sequence[Judged]) -> str:
    """Whose mails, how many, and what their topmost header says."""
    counted = Counter((mail.sender, mail.server, mail.results) for mail in refused)
    lines = []
    for (sender, server, results), count in counted.most_common():
        what = f"{server} says {results or 'nothing of use'}" if server else "no Authentication-Results"
        lines.append(f"{count} from {sender} ({what})")
    return some(lines)


def _better(judged: Sequence[Judged], refused: Sequence[Judged], passed: int, config: Config) -> str:
    """What to write into the configuration, if there is something under which more would pass; else whom to ask."""
    would = [
        (sum(_judge(mail.incoming, other, config) is Standing.KNOWN for mail in judged), other)
        for other in _others(config.trust, sorted({mail.server for mail in refused if mail.server}))
    ]
    then, better = max(would, key=itemgetter(0), default=(0, config.trust))
    if then > passed:
        names = better.authserv_id
        exchange = ' and trust.internal = "exchange"' if names == (trust.NO_NAME,) else ""
        keys = f"trust.authserv_id = {json.dumps(names[0] if len(names) == 1 else names)}{exchange}"
        return f"If that is how your own mail server signs, write {keys}: then {then} of {len(judged)} would pass."
    if would:
        return (
            "That server could not prove who wrote them. Some may be forged; if not, they must be sent by the server "
            "of their own domain, and its SPF, DKIM or DMARC be put in order by whoever keeps that domain."
        )
    inside = ""
    if config.mailbox.address.rpartition("@")[2] in {mail.sender.rpartition("@")[2] for mail in refused}:
        inside = ' On Microsoft 365 that is so between colleagues: write trust.internal = "exchange".'
    return (
        f"Your mail server wrote no result of its checks into them: ask your provider to switch that on.{inside} "
        "Last resort: trust.require = false believes whatever stands in From."
    )
