"""``make crash``: the real daemon on real servers, killed with SIGKILL again and again; then what was lost is counted.

Seeded and resumable: each round is one seed; totals and the next seed are kept in build/crash.json. Half of the kills
come at an I/O boundary of the store, half at a random instant. A round sends reports and answers and lets reminders
fall due while the daemon dies under them; then one daemon lives until all is quiet, and every mailbox is looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, fields
from email.message import EmailMessage
from pathlib import Path

from tests.daemon_process import Daemon, configure, status
from tests.real_servers import RealServers, missing

REPORTS = 6
ANSWERED = 4
KILLS = 8
"""A round's reports, how many of them get an outcome, and how often the daemon dies meanwhile."""

PATIENCE = 40.0
"""Seconds until what has not come counts as lost."""

CADENCE = '[cadence.noshow]\ncontact = ["2s", "5s"]\nescalate = "4s"\nlead = "1h"\nrepeat = "1h"\n'
"""Reminders fall due while the daemon is being killed."""

NAMES = ("Ann", "Bea", "Cal", "Dee", "Eve", "Fay", "Gus", "Hal", "Ivy", "Jon")
CLINIC, DANA, ADMIN = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"


@dataclass
class Tally:
    """What was counted; all but the first three should stay 0."""

    rounds: int = 0
    kills: int = 0
    letters_sent_twice: int = 0
    reports_lost: int = 0
    cases_doubled: int = 0
    answers_lost: int = 0
    reminders_lost: int = 0
    letters_never_sent: int = 0
    other_message_ids: int = 0

    def add(self, other: Tally) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def faultless(self) -> bool:
        return not any(getattr(self, field.name) for field in fields(self)[3:])


async def play_round(servers: RealServers, folder: Path, seed: int) -> Tally:
    """One round; what was lost or doubled in it."""
    chance = random.Random(seed)
    servers.empty()
    config = configure(folder, servers, CADENCE)
    names = chance.sample(NAMES, REPORTS)
    people = asyncio.create_task(_people(servers, names, chance))
    for _ in range(KILLS):
        await _live_and_die(config, chance)
    async with Daemon(config) as daemon:
        try:
            async with asyncio.timeout(PATIENCE):
                await people
                await _quiet(servers, config)
        except TimeoutError:  # something never came: what it is, is counted below
            people.cancel()
        await daemon.stop()
    return _count(servers, names)


async def _people(servers: RealServers, names: list[str], chance: random.Random) -> None:
    """Dana misses one session after the other, and answers the drafts of some."""
    for name in names:
        await servers.send(DANA, CLINIC, f"NOSHOW {name}", "")
        await asyncio.sleep(chance.uniform(0, 0.8))
    for name in names[:ANSWERED]:
        draft = await _letter_about(servers, name)
        await servers.send(DANA, CLINIC, f"[{draft['X-Promptly-Case']}] RESCHEDULED Tue 3pm", "")
        await asyncio.sleep(chance.uniform(0, 0.4))


async def _letter_about(servers: RealServers, name: str) -> EmailMessage:
    while True:
        for mail in servers.messages(DANA):
            if mail["X-Promptly-Letter"] == "draft" and f"Hi {name} " in _text(mail):
                return mail
        await asyncio.sleep(0.1)


async def _live_and_die(config: Path, chance: random.Random) -> None:
    daemon = Daemon(config)
    if chance.random() < 0.5:
        daemon = Daemon(config, program=("-m", "tests.killed_daemon", str(chance.randint(1, 90))))
    await daemon.start()
    try:
        async with asyncio.timeout(chance.uniform(0.4, 1.6)):
            await daemon.ends()
    except TimeoutError:
        await daemon.kill()


async def _quiet(servers: RealServers, config: Path) -> None:
    """Until the inbox is empty, nothing is owed, and both reminders of every unanswered case have fallen due."""
    while True:
        await asyncio.sleep(0.5)
        if servers.messages(CLINIC):
            continue
        said = await status(config)
        if not said["owed"]["waiting"] and all(case["reminders_sent"] for case in said["open"]):
            return


def _count(servers: RealServers, names: list[str]) -> Tally:
    letters = [*servers.messages(DANA), *servers.messages(ADMIN)]
    once: dict[tuple[str, str], Counter[str]] = {}
    for mail in letters:
        about = (str(mail["X-Promptly-Case"]), str(mail["X-Promptly-Letter"]))
        once.setdefault(about, Counter())[str(mail["Message-ID"])] += 1
    drafts = [mail for mail in servers.messages(DANA) if mail["X-Promptly-Letter"] == "draft"]
    cases = {name: {str(mail["X-Promptly-Case"]) for mail in drafts if f"Hi {name} " in _text(mail)} for name in names}

    def ids(name: str, kind: str) -> int:
        return sum(len(once.get((case, kind), ())) for case in cases[name])

    answered, silent = names[:ANSWERED], names[ANSWERED:]
    return Tally(
        rounds=1,
        kills=KILLS,
        letters_sent_twice=sum(count - 1 for ids_ in once.values() for count in ids_.values()),
        reports_lost=sum(not cases[name] for name in names),
        cases_doubled=sum(len(cases[name]) > 1 for name in names),
        answers_lost=sum(ids(name, "receipt") == 0 or ids(name, "update") == 0 for name in answered),
        reminders_lost=sum(ids(name, "reminder") == 0 for name in silent),
        letters_never_sent=sum(ids(name, "alert") == 0 for name in names),
        other_message_ids=sum(
            ids(name, kind) > 1 for name in names for kind in ("draft", "alert", "receipt", "update", "escalation")
        ),
    )


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    return "" if part is None else str(part.get_content())


async def main() -> int:
    """Play rounds until so many kills are reached in all; exit code 1 when anything was lost or doubled."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=2000)
    asked.add_argument("--anew", action="store_true", help="forget earlier rounds")
    options = asked.parse_args()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    kept = Path("build/crash.json")
    tally = Tally(**json.loads(kept.read_text())) if kept.exists() and not options.anew else Tally()
    kept.parent.mkdir(exist_ok=True)
    with RealServers() as servers, tempfile.TemporaryDirectory() as folder:
        while tally.kills < options.kills:
            seed = tally.rounds
            found = await play_round(servers, Path(folder, str(seed)), seed)
            if not found.faultless:
                told = [mail["Subject"] for mail in servers.messages(ADMIN) if mail["X-Promptly-Letter"] == "notice"]
                print(f"seed {seed}: {asdict(found)}, admin was told: {told}", flush=True)
            tally.add(found)
            kept.write_text(json.dumps(asdict(tally), indent=2) + "\n")
    for name, count in asdict(tally).items():
        print(f"{name.replace('_', ' '):<24}{count:>8}")
    return 0 if tally.faultless else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
