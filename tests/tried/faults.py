"""The faults: how each is played, on a daemon that is ready. What it costs is `trial`'s to count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.conversation import MAILBOX
from tests.daemon_process import PLAIN, POISONED
from tests.scripted_imap import ALL
from tests.test_disk import free, mount, unmount
from tests.tried.trial import DANA, PAT, PATIENCE, Trial

NO_KEYWORDS = r"\Deleted \Seen"

Play = Callable[[Trial], Awaitable[None]]


@dataclass
class Fault:
    """How a fault is played, once the daemon is ready."""

    name: str
    play: Play
    program: tuple[str, ...] = PLAIN
    scripted: dict[str, str] | None = None
    """The traits of the scripted IMAP server; None: the embedded one."""
    old_mails: int = 0
    behind: str = ""
    """`imap` or `smtp`: reached through a proxy."""
    login: bool = False
    """The SMTP server wants one."""
    disk: str = ""
    """The state lies in a folder of its own: `small`, on a small file system, or `plain`."""


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
    place = trial.folder / "disk"
    mount("--bind", str(place), str(place))
    mount("-o", "remount,bind,ro", str(place))
    await trial.report(2)
    await trial.lasts()
    unmount(place)
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


async def both_away(trial: Trial) -> None:
    await trial.report()
    await trial.server.down_smtp()
    await trial.server.down_imap()
    await trial.report()
    await trial.lasts(5, 20)
    await trial.server.up_imap()
    await trial.server.up_smtp()
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
    trial.imap.accept()
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
    trial.imap.accept()
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
    await trial.lasts(32, 34)  # until it is given up, and the letter goes again


async def acceptance_lost(trial: Trial) -> None:
    trial.server.lose_answers()
    trial.over()
    await trial.report(2)


async def recipient_refused(trial: Trial) -> None:
    trial.server.refuse(PAT, "550 5.1.1 No such user")
    trial.over()
    await trial.report(2)


async def password_changed(trial: Trial) -> None:
    trial.server.change_password(MAILBOX, "changed")
    await trial.server.down_smtp()
    await trial.server.up_smtp()
    await trial.report(2)
    await trial.lasts()
    (trial.folder / "smtp-password").write_text("changed")
    trial.over()


# --- mail that kills, and stops ---------------------------------------------------------------------------


async def deadly_mail(trial: Trial) -> None:
    await trial.report()
    await trial.arrives("deadly")
    await trial.report()
    await trial.daemon.process.wait()
    await trial.starts(POISONED)
    await trial.daemon.process.wait()
    trial.over()
    await trial.starts(POISONED)


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


FAULTS: Sequence[Fault] = (
    Fault("disk full (a tmpfs of 256 KB)", disk_full, disk="small"),
    Fault("disk failing in mid-commit (EIO)", disk_fails, program=("-m", "tests.failing_disk_daemon", "ill")),
    Fault("state folder turned read-only", disk_read_only, disk="plain"),
    Fault("IMAP server restarted", imap_restarts),
    Fault("IMAP server away, 5 to 20 s", imap_away),
    Fault("both servers away, 5 to 20 s", both_away),
    Fault("IMAP: BYE", bye, scripted={}),
    Fault("IMAP: line dead without FIN (from its death)", line_forgotten, behind="imap"),
    Fault("IMAP: hangs half open, 35 to 60 s", half_open, behind="imap"),
    Fault("IMAP: login refused (tried less and less often)", imap_login_refused, scripted={}),
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
    Fault("SMTP: password changed (tried less and less often)", password_changed, login=True),
    Fault("a mail that ends the process twice (from the third start)", deadly_mail, program=POISONED),
    Fault("a mail that raises", mail_that_raises, program=POISONED),
    Fault("SIGTERM in a burst (from the next start)", stopped_in_a_burst),
    Fault("SIGTERM while SMTP hangs (from the next start)", stopped_while_smtp_hangs),
    Fault("SIGTERM while IMAP hangs (from the next start)", stopped_while_imap_hangs, behind="imap"),
    Fault("kill -9 and an immediate start", killed_and_started_at_once),
)
