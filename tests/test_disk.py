"""A disk that refuses: memory never ahead of it, mail stays where it lay, and work goes on by itself when it can.

`RefusingDisk` raises at the store's own I/O boundaries. The small and the read-only disk at the end are real ones.
"""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.configuration import configure
from tests.conversation import MAILBOX, Clinic
from tests.daemon_process import promptly
from tests.in_time import answers, happens, header, is_owed, missed
from workflow import practice, sender
from workflow.core.model import State
from workflow.store import NotCommitted, peek
from workflow.store.tiny import atomic

pytestmark = pytest.mark.slow


@dataclass
class RefusingDisk:
    """Stands at every I/O boundary of the store, and raises at one of them while it is ill."""

    fault: int = errno.ENOSPC
    step: str = "before-write"
    left: int = 0
    """How many more writes it refuses."""
    refused: int = 0

    def falls_ill(self, times: int = 10**9) -> None:
        self.left = times

    def heals(self) -> None:
        self.left = 0

    def __call__(self, step: str) -> None:
        if self.left and step == self.step:
            self.left -= 1
            self.refused += 1
            raise OSError(self.fault, os.strerror(self.fault))


@pytest.fixture(autouse=True)
def _tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (practice, sender):
        monkeypatch.setattr(module, "DISK_WAIT", 0.01)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> RefusingDisk:
    disk = RefusingDisk()
    monkeypatch.setattr(atomic, "boundary", disk)
    return disk


async def memory_is_what_the_disk_is(clinic: Clinic) -> None:
    on_disk = await peek(clinic.service.clinic.config.store.url)
    assert await clinic.store.open_cases() == await on_disk.open_cases()
    assert await clinic.store.owed() == await on_disk.owed()


async def lies_where_it_lay(clinic: Clinic) -> None:
    """The one mail in the mailbox is as it was."""
    assert [mail.flags - {r"\Recent"} for mail in await clinic.server.stored(MAILBOX)] == [frozenset()]


# --- in the middle of a commit ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "step"),
    [(errno.ENOSPC, "after-write"), (errno.EIO, "after-fsync"), (errno.EROFS, "before-write")],
    ids=["full", "failing", "read-only"],
)
async def test_a_report_waits_in_the_mailbox_and_is_acted_on_once(
    tmp_path: Path, disk: RefusingDisk, fault: int, step: str
) -> None:
    async with Clinic(tmp_path) as clinic:
        disk.fault, disk.step = fault, step
        disk.falls_ill()
        await answers(clinic, "dana", "NOSHOW Sam")
        await happens(lambda: disk.refused >= 5)
        await memory_is_what_the_disk_is(clinic)
        await lies_where_it_lay(clinic)
        await clinic.nothing_else()
        disk.heals()
        await clinic.settled()
        draft = await clinic.dana.gets("draft")
        assert (await clinic.alex.gets("alert")).case == draft.case == (await clinic.only_case()).id
        await memory_is_what_the_disk_is(clinic)
        assert len(await clinic.server.wait_for(MAILBOX, 1, "Promptly")) == 1


async def test_stopped_while_the_disk_is_full_it_acts_at_the_next_start(tmp_path: Path, disk: RefusingDisk) -> None:
    async with Clinic(tmp_path) as clinic:
        disk.falls_ill()
        await answers(clinic, "dana", "NOSHOW Sam")
        await happens(lambda: disk.refused >= 3)
        clinic.node.stop()
        await clinic.running
        disk.heals()  # what `close` writes are hints
        await clinic.store.close()
        await lies_where_it_lay(clinic)
        await clinic.starts()
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")


async def test_an_answer_waits_and_closes_the_case_when_there_is_room(tmp_path: Path, disk: RefusingDisk) -> None:
    async with Clinic(tmp_path) as clinic:
        case = await missed(clinic)
        disk.falls_ill()
        await answers(clinic, "dana", f"[{case}] RESCHEDULED Tue 3pm")
        await happens(lambda: disk.refused >= 5)
        assert (await clinic.only_case()).outcome is None
        await memory_is_what_the_disk_is(clinic)
        await lies_where_it_lay(clinic)
        disk.heals()
        await clinic.settled()
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")
        closed = await clinic.store.case(case)
        assert closed is not None
        assert closed.state is State.CLOSED


async def test_a_reminder_due_meanwhile_is_decided_once_when_there_is_room(tmp_path: Path, disk: RefusingDisk) -> None:
    async with Clinic(tmp_path) as clinic:
        await missed(clinic)
        disk.falls_ill()
        clinic.clock.move_to((await clinic.only_case()).opened_at.replace(minute=5))
        clinic.service.wake()
        await happens(lambda: disk.refused >= 5)
        assert not (await clinic.only_case()).reminders
        await memory_is_what_the_disk_is(clinic)
        await clinic.nothing_else()
        disk.heals()
        await clinic.settled()
        await clinic.dana.gets("reminder")


async def test_an_acceptance_that_cannot_be_recorded_sends_no_letter_twice(tmp_path: Path, disk: RefusingDisk) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.hang_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await happens(lambda: clinic.server.hanging == 2)
        disk.falls_ill()
        clinic.server.resume_smtp()
        await happens(lambda: disk.refused >= 5)
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        assert len(await clinic.store.owed()) == 2
        disk.heals()
        await clinic.settled()
        assert not await clinic.store.owed()
        await memory_is_what_the_disk_is(clinic)


@pytest.mark.parametrize(("code", "wanted"), [("451 4.7.1 Greylisted", "draft"), ("550 5.1.1 No such user", "notice")])
async def test_a_refusal_that_cannot_be_recorded_is_not_forgotten(
    tmp_path: Path, disk: RefusingDisk, code: str, wanted: str
) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", code, times=2 if wanted == "draft" else None)
        clinic.server.hang_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await happens(lambda: clinic.server.hanging == 2)
        disk.falls_ill()
        clinic.server.resume_smtp()
        await happens(lambda: disk.refused >= 5)
        await clinic.alex.gets("alert")
        disk.heals()
        await clinic.settled()
        await clinic.passes(minutes=2)
        await clinic.passes(minutes=2)
        await (clinic.dana if wanted == "draft" else clinic.alex).gets(wanted)
        if wanted == "notice":
            await clinic.alex.gets("escalation")  # nobody is going to answer that draft


@pytest.mark.parametrize("step", ["after-replace", "after-folder-fsync"])
async def test_letters_go_although_the_folder_could_not_be_forced_to_disk(
    tmp_path: Path, disk: RefusingDisk, step: str
) -> None:
    """The file is replaced, only the folder was not synced: the decision is there, and its letters must not wait."""
    async with Clinic(tmp_path) as clinic:
        disk.fault, disk.step = errno.EIO, step
        disk.falls_ill(times=1)
        await clinic.dana.writes("NOSHOW Sam")
        assert disk.refused == 1
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        disk.falls_ill(times=1)
        await clinic.passes(minutes=5)
        await clinic.dana.gets("reminder")
        await clinic.only_case()


# --- for long ---------------------------------------------------------------------------------------------


def told_of_disk(clinic: Clinic) -> list[str]:
    """The Message-IDs of the notices that have passed."""
    return [header(mail.raw, "Message-ID") for mail in clinic.server.passed if b"The store has refused" in mail.raw]


async def test_admin_is_told_once_of_a_disk_that_stays_full(tmp_path: Path, disk: RefusingDisk) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        clinic.server.refuse("pat@clinic.test", "451 4.7.1 Greylisted", 1)
        disk.falls_ill()
        await answers(clinic, "dana", "NOSHOW Sam")
        await seen_by_auditor(clinic, disk)
        clinic.clock.move(timedelta(minutes=3))
        await happens(lambda: len(told_of_disk(clinic)) == 1)
        assert "The store refuses writes" in clinic.service.faults()
        await seen_by_auditor(clinic, disk)
        clinic.clock.move(timedelta(minutes=30))
        await happens(lambda: len(told_of_disk(clinic)) == 2)
        await seen_by_auditor(clinic, disk)
        disk.heals()
        await clinic.settled()
        assert "since 14:00" in (await clinic.pat.gets("notice")).text
        await clinic.alex.gets("notice")
        await clinic.alex.gets("alert")
        await clinic.pat.gets("alert")
        await clinic.dana.gets("draft")


async def seen_by_auditor(clinic: Clinic, disk: RefusingDisk) -> None:
    """A write was refused, and the auditor has looked since."""
    refused = disk.refused
    await happens(lambda: disk.refused > refused)
    looked = clinic.service._audited_at
    await happens(lambda: clinic.service._audited_at != looked)
    await happens(lambda: clinic.service.auditor._refused_at is not None)


async def test_told_after_a_restart_in_the_same_outage_it_is_the_same_notice(
    tmp_path: Path, disk: RefusingDisk
) -> None:
    async with Clinic(tmp_path) as clinic:
        await missed(clinic)
        disk.falls_ill()
        await answers(clinic, "dana", "NOSHOW Kim")
        for times in (1, 2):
            await seen_by_auditor(clinic, disk)
            clinic.clock.move(timedelta(minutes=3))
            await happens(lambda times=times: len(told_of_disk(clinic)) == times)  # type: ignore[misc]
            if times == 1:
                clinic.node.stop()
                await clinic.running
                with suppress(NotCommitted):
                    await clinic.store.close()
                await clinic.starts(wait=False)
        assert len(set(told_of_disk(clinic))) == 1
        disk.heals()
        await clinic.settled()
        await clinic.collect()
        assert {letter.kind for letter in clinic.alex.inbox} == {"notice", "alert"}
        clinic.alex.inbox.clear()
        clinic.dana.inbox.clear()


async def test_a_start_on_a_full_disk_goes_on_and_writes_later_what_a_start_writes(
    tmp_path: Path, disk: RefusingDisk
) -> None:
    async with Clinic(tmp_path, digest="08:30") as clinic:
        case = await missed(clinic)
        clinic.server.hang_smtp()
        await answers(clinic, "dana", f"[{case}] SENT")
        await is_owed(clinic, "receipt")
        clinic.node.stop()
        clinic.server.resume_smtp()
        await clinic.running
        await clinic.store.close()
        (clinic.folder / "state" / "open" / "W4XP.json").write_text("torn")
        disk.falls_ill()
        await clinic.starts(wait=False)
        await happens(lambda: disk.refused >= 3)
        async with asyncio.timeout(10):
            await clinic.service.ready.wait()
        await happens(lambda: any(header(mail.raw, "X-Promptly-Letter") == "receipt" for mail in clinic.server.passed))
        disk.heals()
        await clinic.settled()
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")
        assert "W4XP cannot be read" in (await clinic.alex.gets("notice")).text


async def test_a_first_start_on_a_full_disk_says_so(tmp_path: Path, full: Path) -> None:
    """`daemon.py run`: exit code 4 and a line, not a heap of Python's own."""
    config = configure(tmp_path, store={"url": f"tinydb:{full}/state"})
    code, _, said = await promptly(config, "run")
    assert code == 4
    assert "No space left on device" in said
    assert len(said.splitlines()) == 2, "that it starts, and why it cannot"


# --- real file systems ------------------------------------------------------------------------------------


def mount(*words: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount: {done.stderr.strip()}")


def unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KB."""
    place = tmp_path / "small"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(place))
    yield place
    unmount(place)


@pytest.fixture
def full(small: Path) -> Path:
    """A small disk with no room at all."""
    with (small / "ballast").open("wb", buffering=0) as file:
        while os.statvfs(small).f_bavail:
            file.write(bytes(4096))
    return small


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[bool], None]]:
    """Call with True: nothing can be written to the state any more, though it was open for writing."""
    place = tmp_path / "clinic" / "state"

    def switch(on: bool) -> None:
        if os.geteuid() != 0:
            for folder in (place, place / "open"):
                folder.chmod(0o500 if on else 0o700)
        elif on:
            mount("--bind", str(place), str(place))
            mount("-o", "remount,bind,ro", str(place))
        else:
            unmount(place)

    yield switch
    if os.geteuid() == 0:
        unmount(place)


async def test_a_full_disk_is_waited_for(tmp_path: Path, small: Path) -> None:
    async with Clinic(tmp_path / "clinic", more=f'[store]\nurl = "tinydb:{small}"\n') as clinic:
        case = await missed(clinic)
        ballast = small / "ballast"
        with ballast.open("wb", buffering=0) as file:
            while free(small) > 4096:  # a page is left: the write begins, and breaks off
                file.write(bytes(4096))
        await answers(clinic, "dana", f"[{case}] OTHER " + "a long story " * 500)
        await happens(lambda: clinic.service.clinic.counters.refusals >= 5)
        await memory_is_what_the_disk_is(clinic)
        await lies_where_it_lay(clinic)
        await clinic.nothing_else()
        ballast.unlink()
        await clinic.settled()
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")
        assert not await clinic.store.open_cases()


def free(place: Path) -> int:
    disk = os.statvfs(place)
    return disk.f_bavail * disk.f_frsize


async def test_a_folder_that_turns_read_only_is_waited_for(tmp_path: Path, read_only: Callable[[bool], None]) -> None:
    async with Clinic(tmp_path / "clinic") as clinic:
        await missed(clinic)
        read_only(True)
        await answers(clinic, "dana", "NOSHOW Kim")
        await happens(lambda: clinic.service.clinic.counters.refusals >= 5)
        await memory_is_what_the_disk_is(clinic)
        await lies_where_it_lay(clinic)
        await clinic.nothing_else()
        read_only(False)
        await clinic.settled()
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        assert len(await clinic.store.open_cases()) == 2
