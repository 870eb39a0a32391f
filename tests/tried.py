"""``make tried``: each fault of a list, again and again on the daemon as a process; what it cost, as a table.

The servers are the embedded one and the scripted IMAP server, which misbehave on order; the same on Debian's Dovecot
and Postfix is in test_outages_on_real_servers, and sudden death at any instant is `make crash`. Seeded: each trial has
its own moments. Faults of the disk need root.

Counted for every report made under the fault: **lost**, no draft to Dana or no alert to Alex; **doubled**, a second
case, or a second letter of the same sense; **repeated**, the same letter again under its one Message-ID. The delay runs
from the end of the fault, or from its beginning where it has no end, to the last acceptance of a letter.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from tests.bench.mailboxes import names
from tests.conversation import CONFIG, MAILBOX, PEOPLE
from tests.in_time import header, raw
from tests.scripted_imap import ALL, ScriptedImap
from tests.silent_proxy import SilentProxy
from tests.test_disk import free, mount, unmount
from tests.test_stop import Running
from workflow.clock import SystemClock
from workflow.verbs.embedded import EmbeddedServer, Passed

DANA, ALEX, PAT = PEOPLE["dana"], PEOPLE["alex"], PEOPLE["pat"]

PATIENCE = 150.0
"""Seconds after which what has not come counts as lost: a refused letter is tried again after 1 minute."""

AT_ONCE = 5
"""Trials side by side; they mostly wait."""


class Trial:
    """A daemon, its servers and its people, while one fault is played."""

    def __init__(
        self, folder: Path, chance: random.Random, server: EmbeddedServer, imap: ScriptedImap | None, line: SilentProxy
    ) -> None:
        self.folder = folder
        self.chance = chance
        self.server = server
        self.imap = imap or ScriptedImap()
        self.line = line
        """To the server that is behind a proxy."""
        self.config = folder / "config.toml"
        self.clients: list[str] = []
        self.accepted: list[tuple[float, Passed]] = []
        self.over_at = 0.0
        self.stop_took = 0.0
        self.cpu = 0.0
        """The share of one CPU that the daemon took while the fault was on, at most."""
        self._scripted = imap is not None
        self._names = names()
        server._passing = lambda passed: self.accepted.append((time.monotonic(), passed))

    async def starts(self, *program: str) -> None:
        self.daemon = Running(self.config, *program)
        await self.daemon.start()

    async def report(self, count: int = 1, *flags: str) -> None:
        """Dana misses sessions and says so."""
        for client in islice(self._names, count):
            self.clients.append(client)
            await self.arrives(f"NOSHOW {client}", *flags)

    async def arrives(self, subject: str, *flags: str) -> None:
        if self._scripted:
            self.imap.put(raw(DANA, subject), SystemClock().now(), *flags)
            with suppress(ConnectionError):  # a line that is being lost
                await self.imap.say(f"* {len(self.imap.mails)} EXISTS\r\n")
        else:
            await self.server.deliver(MAILBOX, raw(DANA, subject))

    async def lasts(self, least: float = 1.0, most: float = 5.0) -> None:
        """The fault goes on for some seconds."""
        before, seconds = self._cpu_seconds(), self.chance.uniform(least, most)
        await asyncio.sleep(seconds)
        self.cpu = max(self.cpu, (self._cpu_seconds() - before) / seconds)

    def over(self) -> None:
        """The fault ends now."""
        self.over_at = time.monotonic()

    async def stops(self) -> None:
        self.stop_took = max(self.stop_took, await self.daemon.stop())

    def dies(self) -> None:
        """Whatever happened."""
        if self.daemon.process.returncode is None:
            self.daemon.process.kill()

    async def all_told(self) -> None:
        """Until every report has its letters; for a while longer, in case one comes twice."""
        try:
            async with asyncio.timeout(PATIENCE):
                while self.count().lost:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return
        await asyncio.sleep(1.0)

    def count(self) -> Count:
        """What became of the reports so far."""
        letters = [
            (at, mail.raw, mail.recipients) for at, mail in self.accepted if mail.recipients in ((DANA,), (ALEX,))
        ]
        drafts = [each for _, each, _ in letters if header(each, "X-Promptly-Letter") == "draft"]
        cases = {
            client: {_case(draft) for draft in drafts if f"Hi {client.split()[0]} " in draft.decode()} for client in self.clients
        }
        ids: dict[tuple[str, str], Counter[str]] = {}
        last = self.over_at
        for at, each, _ in letters:
            if (kind := header(each, "X-Promptly-Letter")) in ("draft", "alert"):
                ids.setdefault((_case(each), kind), Counter())[header(each, "Message-ID")] += 1
                last = max(last, at) if list(ids[_case(each), kind].values()) == [1] else last
        told = {case for case, kind in ids if kind == "alert"}
        return Count(
            lost=sum(not found or not found <= told for found in cases.values()),
            doubled=sum(len(found) > 1 for found in cases.values()) + sum(len(each) - 1 for each in ids.values()),
            repeated=sum(sum(each.values()) - len(each) for each in ids.values()),
            delay=last - self.over_at,
            stop=self.stop_took,
            cpu=self.cpu,
        )

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _case(letter: bytes) -> str:
    return header(letter, "X-Promptly-Case")


@dataclass
class Count:
    """What one trial came to, or all of one fault."""

    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    delay: float = 0.0
    """Seconds."""
    stop: float = 0.0
    """Seconds from SIGTERM to the end."""
    cpu: float = 0.0

    def add(self, other: Count) -> None:
        self.lost += other.lost
        self.doubled += other.doubled
        self.repeated += other.repeated
        self.delay, self.stop, self.cpu = (
            max(self.delay, other.delay),
            max(self.stop, other.stop),
            max(self.cpu, other.cpu),
        )


Play = Callable[[Trial], Awaitable[None]]


@dataclass
class Fault:
    """How a fault is played, once the daemon is ready."""

    name: str
    play: Play
    program: tuple[str, ...] = ()
    scripted: dict[str, str] | None = None
    """The traits of the scripted IMAP server; None: the embedded one."""
    old_mails: int = 0
    behind: str = ""
    """`imap` or `smtp`: reached through a proxy."""
    login: bool = False
    """The SMTP server wants one."""
    disk: str = ""
    """A file system of its own for the state: `small`, or `bind`, which can be made read-only."""


# --- the disk ---------------------------------------------------------------------------------------------


async def disk_full(trial: Trial) -> None:
    ballast = trial.folder / "disk" / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while free(ballast.parent):
            file.write(bytes(4096))
    await trial.report(2)
    await trial.lasts()
    ballast.unlink()
    trial.over()


async def disk_read_only(trial: Trial) -> None:
    mount("-o", "remount,bind,ro", str(trial.folder / "disk"))
    await trial.report(2)
    await trial.lasts()
    mount("-o", "remount,bind,rw", str(trial.folder / "disk"))
    trial.over()


async def disk_fails(trial: Trial) -> None:
    ill = trial.folder / "ill"
    ill.touch()
    await trial.report(2)
    await trial.lasts()
    ill.unlink()
    trial.over()


# --- IMAP -------------------------------------------------------------------------------------------------


async def imap_restarts(trial: Trial) -> None:
    await trial.server.down_imap()
    await trial.report()
    await trial.server.up_imap()
    trial.over()
    await trial.report()


async def imap_away(trial: Trial) -> None:
    await trial.server.down_imap()
    await trial.report(2)
    await trial.lasts(5, 20)
    await trial.server.up_imap()
    trial.over()


async def bye(trial: Trial) -> None:
    trial.over()
    await trial.imap.say("* BYE maintenance\r\n")
    await trial.report(2)


async def line_forgotten(trial: Trial) -> None:
    trial.line.forget()
    trial.over()
    await trial.report(2)


async def half_open(trial: Trial) -> None:
    trial.line.fall_silent()
    await trial.report(2)
    await trial.lasts(35, 60)
    trial.line.speak()
    trial.over()


async def imap_login_refused(trial: Trial) -> None:
    trial.imap.password = "changed"
    trial.imap.hang_up()
    await trial.report(2)
    await trial.lasts()
    trial.imap.password = "secret"
    trial.over()


async def too_many_connections(trial: Trial) -> None:
    trial.imap.refuse("AUTHENTICATE", *["NO [LIMIT] Too many connections"] * 1000)
    trial.imap.hang_up()
    await trial.report(2)
    await trial.lasts()
    trial.imap._refusals.clear()
    trial.over()


async def renumbered(trial: Trial) -> None:
    await trial.report()
    await trial.lasts(0.0, 0.1)
    trial.imap.uidvalidity += 1
    trial.imap.hang_up()
    trial.over()
    await trial.report()


async def folder_made_again(trial: Trial) -> None:
    trial.imap.refuse("SELECT", *["NO [NONEXISTENT] no such folder"] * 1000)
    trial.imap.hang_up()
    await trial.lasts()
    trial.imap.uidvalidity, trial.imap.next_uid, trial.imap.mails, trial.imap.folders = 9, 1, {}, {}
    trial.imap._refusals.clear()
    trial.over()
    await trial.report(2)


async def read_by_somebody(trial: Trial) -> None:
    trial.over()
    await trial.report(2, r"\Seen", r"\Flagged")


async def moved_out_and_back(trial: Trial) -> None:
    trial.imap.vanishing = {trial.imap.next_uid}
    await trial.report()
    await trial.lasts(0.5, 2)
    trial.over()
    await trial.arrives(f"NOSHOW {trial.clients[0]}")
    await trial.report()


async def just_reports(trial: Trial) -> None:
    trial.over()
    await trial.report(2)


# --- SMTP -------------------------------------------------------------------------------------------------


async def smtp_away(trial: Trial) -> None:
    await trial.server.down_smtp()
    await trial.report(2)
    await trial.lasts(5, 20)
    await trial.server.up_smtp()
    trial.over()


async def greylisted(trial: Trial) -> None:
    trial.server.refuse(DANA, "451 4.7.1 Greylisted", 1)
    trial.over()
    await trial.report(2)


async def closing_in_a_burst(trial: Trial) -> None:
    trial.server.hang_smtp()
    await trial.report(6)
    await trial.lasts(0.5, 1)
    trial.server.refuse(MAILBOX, "421 4.3.2 Closing", 3, stage="MAIL")
    trial.server.resume_smtp()
    trial.over()


async def hangs_after_data(trial: Trial) -> None:
    taken, hung = trial.server.handle_DATA, False

    async def hangs_once(*arguments: object) -> str:
        nonlocal hung
        said = await taken(*arguments)  # type: ignore[arg-type]  # passed on as they came
        if not hung:
            hung = True
            await asyncio.sleep(PATIENCE)  # until the client hangs up
        return said

    trial.server.handle_DATA = hangs_once  # type: ignore[assignment]  # looked up for each connection
    trial.over()
    await trial.report(2)


async def acceptance_lost(trial: Trial) -> None:
    trial.server.lose_answers()
    trial.over()
    await trial.report(2)


async def recipient_refused(trial: Trial) -> None:
    trial.server.refuse(PAT, "550 5.1.1 No such user")
    trial.over()
    await trial.report(2)


async def password_changed(trial: Trial) -> None:
    trial.server._accounts[MAILBOX] = "changed"
    await trial.server.down_smtp()
    await trial.server.up_smtp()
    await trial.report(2)
    await trial.lasts()
    (trial.folder / "smtp-password").write_text("changed")
    trial.over()


# --- mail that kills, and stops ---------------------------------------------------------------------------


async def deadly_mail(trial: Trial) -> None:
    program = ("-m", "tests.poisoned_daemon")
    await trial.report()
    await trial.arrives("deadly")
    await trial.report()
    await trial.daemon.process.wait()
    await trial.starts(*program)
    await trial.daemon.process.wait()
    trial.over()
    await trial.starts(*program)


async def mail_that_raises(trial: Trial) -> None:
    trial.over()
    await trial.report()
    await trial.arrives("NOSHOW poison")
    await trial.report()


async def stopped_in_a_burst(trial: Trial) -> None:
    await trial.report(20)
    await trial.lasts(0.0, 0.5)
    await trial.stops()
    trial.over()
    await trial.starts()


async def stopped_while_smtp_hangs(trial: Trial) -> None:
    trial.server.hang_smtp()
    await trial.report(2)
    await trial.lasts(0.0, 1.0)
    await trial.stops()
    trial.server.resume_smtp()
    trial.over()
    await trial.starts()


async def stopped_while_imap_hangs(trial: Trial) -> None:
    trial.line.fall_silent()
    await trial.report(2)
    await trial.lasts(0.0, 1.0)
    await trial.stops()
    trial.line.speak()
    trial.over()
    await trial.starts()


async def killed_and_started_at_once(trial: Trial) -> None:
    await trial.report(4)
    await trial.lasts(0.0, 0.5)
    trial.daemon.process.kill()
    trial.over()
    await trial.starts()


POISONED = ("-m", "tests.poisoned_daemon")
NO_KEYWORDS = r"\Deleted \Seen"
FAULTS: Sequence[Fault] = (
    Fault("disk full (a tmpfs of 256 KB)", disk_full, disk="small"),
    Fault("disk failing in mid-commit (EIO)", disk_fails, program=("-m", "tests.failing_disk_daemon", "ill")),
    Fault("state folder turned read-only", disk_read_only, disk="bind"),
    Fault("IMAP server restarted", imap_restarts),
    Fault("IMAP server away, 5 to 20 s", imap_away),
    Fault("IMAP: BYE", bye, scripted={}),
    Fault("IMAP: line dead without FIN (from its death)", line_forgotten, behind="imap"),
    Fault("IMAP: hangs half open, 35 to 60 s", half_open, behind="imap"),
    Fault("IMAP: login refused", imap_login_refused, scripted={}),
    Fault("IMAP: too many connections", too_many_connections, scripted={}),
    Fault("IMAP: new UIDVALIDITY", renumbered, scripted={}),
    Fault("IMAP: folder deleted and made again", folder_made_again, scripted={}),
    Fault("report read and flagged by somebody before us", read_by_somebody, scripted={}),
    Fault("report moved away before us, and back", moved_out_and_back, scripted={}),
    Fault("50,000 old mails at the first start", just_reports, scripted={}, old_mails=50_000),
    Fault("IMAP without IDLE (looked at each 5 s)", just_reports, scripted={"capabilities": ALL.replace(" IDLE", "")}),
    Fault("IMAP without MOVE", just_reports, scripted={"capabilities": ALL.replace(" MOVE", "")}),
    Fault("IMAP without MOVE, UIDPLUS", just_reports, scripted={"capabilities": "IMAP4rev1 AUTH=PLAIN IDLE"}),
    Fault(
        "IMAP without MOVE, UIDPLUS, keywords",
        just_reports,
        scripted={"capabilities": "IMAP4rev1 AUTH=PLAIN IDLE", "permanent": NO_KEYWORDS},
    ),
    Fault("SMTP server refuses connections, 5 to 20 s", smtp_away),
    Fault("SMTP: hangs half open, 35 to 60 s", half_open, behind="smtp"),
    Fault("SMTP: greylisted once (from the report)", greylisted),
    Fault("SMTP: 421 three times in a burst", closing_in_a_burst),
    Fault("SMTP: hangs after DATA (from the report)", hangs_after_data),
    Fault("SMTP: acceptance lost", acceptance_lost),
    Fault("SMTP: one recipient refused", recipient_refused),
    Fault("SMTP: password changed", password_changed, login=True),
    Fault("a mail that ends the process twice (from the third start)", deadly_mail, program=POISONED),
    Fault("a mail that raises", mail_that_raises, program=POISONED),
    Fault("SIGTERM in a burst (from the next start)", stopped_in_a_burst),
    Fault("SIGTERM while SMTP hangs (from the next start)", stopped_while_smtp_hangs),
    Fault("SIGTERM while IMAP hangs (from the next start)", stopped_while_imap_hangs, behind="imap"),
    Fault("kill -9 and an immediate start", killed_and_started_at_once),
)


# --- playing ----------------------------------------------------------------------------------------------


async def play(fault: Fault, seed: int) -> Count:
    """One trial, on servers and a folder of its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(EmbeddedServer(dict.fromkeys([MAILBOX, *PEOPLE.values()], "secret")))
        imap = None
        if fault.scripted is not None:
            imap = await stack.enter_async_context(ScriptedImap(**fault.scripted))  # type: ignore[arg-type]  # its traits
            for number in range(fault.old_mails):
                imap.put(raw(DANA, "NOSHOW Long Ago"), SystemClock().now() - timedelta(days=3, seconds=number))
        ports = {"imap": imap.port if imap else server.imap_port, "smtp": server.smtp_port}
        line = await stack.enter_async_context(SilentProxy(ports.get(fault.behind, 0)))
        ports.update({fault.behind: line.port} if fault.behind else {})
        trial = Trial(folder, random.Random(seed), server, imap, line)
        configure(trial, fault, ports)
        stack.callback(lay_out_disk(folder, fault.disk))
        await trial.starts(*(word if word != "ill" else str(folder / "ill") for word in fault.program))
        try:
            await trial.daemon.logs("ready")
            await fault.play(trial)
            await trial.all_told()
            await trial.stops()
        finally:
            trial.dies()
        return trial.count()


def configure(trial: Trial, fault: Fault, ports: dict[str, int]) -> None:
    more = f'[store]\nurl = "tinydb:{trial.folder / "disk"}"\n' if fault.disk else ""
    admins = f'"Alex <{ALEX}>", "Pat <{PAT}>"'
    config = CONFIG.format(admins=admins, lead="", shared="true", digest="", more=more, **ports)
    if fault.login:
        config = config.replace("[smtp]\n", f'[smtp]\nusername = "{MAILBOX}"\npassword_file = "smtp-password"\n')
    trial.config.write_text(config)
    for name in ("password", "smtp-password"):
        (trial.folder / name).write_text("secret")
        (trial.folder / name).chmod(0o600)


def lay_out_disk(folder: Path, disk: str) -> Callable[[], None]:
    """Mount what the state is to lie on; gives what takes it away again."""
    place = folder / "disk"
    place.mkdir(mode=0o700)
    if disk == "small":
        mount("-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(place))
    elif disk == "bind":
        mount("--bind", str(place), str(place))
    return lambda: unmount(place) if disk else None


async def try_all(faults: Sequence[Fault], times: int) -> dict[str, Count]:
    """Each fault so many times; a few trials side by side."""
    counts = {fault.name: Count() for fault in faults}
    room = asyncio.Semaphore(AT_ONCE)

    async def one(fault: Fault, seed: int) -> None:
        async with room:
            found = await play(fault, seed)
        counts[fault.name].add(found)
        if found.lost or found.doubled or True:
            print(time.strftime("%T"), f"{fault.name}, seed {seed}: {found}", file=sys.stderr)

    async with asyncio.TaskGroup() as trials:
        for seed in range(times):
            for fault in faults:
                trials.create_task(one(fault, seed))
    return counts


def table(counts: dict[str, Count], times: int) -> str:
    """As README has it."""
    rows = [
        "| fault | tried | lost | doubled | repeated | longest delay |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {times} | {count.lost} | {count.doubled} | {count.repeated} | {count.delay:.1f} s |"
            for name, count in counts.items()
        ),
    ]
    stop, cpu = (max(getattr(count, name) for count in counts.values()) for name in ("stop", "cpu"))
    return "\n".join([*rows, "", f"CPU while a fault lasts: {cpu:.1%} at most. SIGTERM to exit: {stop:.1f} s at most."])


async def main() -> int:
    """Print the table; exit code 1 when anything was lost or doubled."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=10)
    asked.add_argument("--only", default="", help="faults whose name holds this")
    options = asked.parse_args()
    faults = [fault for fault in FAULTS if options.only in fault.name and (not fault.disk or os.geteuid() == 0)]
    counts = await try_all(faults, options.times)
    print(table(counts, options.times))
    return int(any(count.lost or count.doubled for count in counts.values()))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
