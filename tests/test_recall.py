"""States that do not fit their mailbox: put back from a copy, new beside handled mail, two of one mailbox."""

from __future__ import annotations

import asyncio
import shutil
import stat
from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic, Received
from tests.in_time import happens, missed
from tests.premises import Premises, premises
from workflow.core.model import Case
from workflow.store.tiny.backup import back_up

__all__ = ["premises"]


async def put_back(clinic: Clinic, copy: Path) -> None:
    """As state/README.md says, with the daemon stopped."""
    state = clinic.folder / "state"
    kept = clinic.folder / "kept"
    shutil.copytree(copy, kept)
    shutil.rmtree(state)
    kept.rename(state)


async def starts_again(clinic: Clinic, copy: Path) -> None:
    await filed(clinic)
    await clinic.stops()
    await put_back(clinic, copy)
    await clinic.starts()
    await recalled(clinic)


async def filed(clinic: Clinic) -> None:
    """All that was handled has left the inbox, or bears the keyword."""
    async with asyncio.timeout(10):
        while any("$Promptly" not in mail.flags for mail in await clinic.server.stored(MAILBOX)):
            await asyncio.sleep(0.01)


async def recalled(clinic: Clinic) -> None:
    """All that was handled is looked through, and what follows has happened."""
    async with asyncio.timeout(10):
        while any(task.get_name() == "recall" for task in asyncio.all_tasks()):
            await asyncio.sleep(0.005)
    await clinic.settled()


async def read_all(clinic: Clinic) -> list[Received]:
    await clinic.settled()
    await clinic.collect()
    read = [letter for person in clinic.people.values() for letter in person.inbox]
    for person in clinic.people.values():
        person.inbox.clear()
    return read


async def kept(clinic: Clinic, case: str) -> Case:
    found = await clinic.store.case(case)
    assert found is not None
    return found


def ids(letters: list[Received], case: str) -> set[str]:
    return {letter.id for letter in letters if letter.case == case}


class TestAStatePutBack:
    @pytest.mark.parametrize("folder", ["Promptly", ""], ids=["handled folder", "keyword in place"])
    async def test_loses_nothing_that_lies_in_the_mailbox(self, tmp_path: Path, folder: str) -> None:
        async with Clinic(tmp_path, mailbox={"handled_folder": folder}) as clinic:
            before = await missed(clinic)
            await clinic.store.flush()
            back_up(clinic.folder / "state", "2026-11-04")
            await clinic.passes(minutes=2)
            await clinic.dana.writes("LATE 20 Kim")
            draft = await clinic.dana.gets("draft")
            after = draft.case or ""
            await clinic.dana.replies(draft, "sent")
            await clinic.dana.writes(f"[{before}] RESCHEDULED Tue 3pm")
            first = [draft, *await read_all(clinic)]
            await clinic.passes(minutes=3)
            await read_all(clinic)
            await starts_again(clinic, clinic.folder / "state" / "backups" / "2026-11-04")
            notice = await clinic.alex.gets("notice")
            assert notice.first_line.startswith("Expect some letters twice")
            assert "3 mails" in notice.text
            again = await read_all(clinic)
            assert ids(again, after) >= ids(first, after), "the same letters, under the same ids"
            assert (await kept(clinic, after)).sent_at is not None
            assert str((await kept(clinic, before)).outcome) == "rescheduled"
            assert len(await clinic.store.open_cases()) == 1
            await clinic.stops()
            await clinic.starts()
            await recalled(clinic)
            await clinic.nothing_else()

    @pytest.mark.slow
    async def test_does_not_bring_back_what_was_erased(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await happens((clinic.folder / "state" / "backups" / "2026-11-05").exists)
            case = await missed(clinic)
            await clinic.service.upkeep.erase(case)
            await starts_again(clinic, clinic.folder / "state" / "backups" / "2026-11-05")
            assert not await clinic.store.knows(case)
            await clinic.nothing_else()

    @pytest.mark.slow
    async def test_reads_as_old_what_is_old_by_then(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes("STATUS")
            await clinic.store.flush()
            back_up(clinic.folder / "state", "2026-11-04")
            await clinic.dana.writes("LATE 20 Kim")
            await read_all(clinic)
            clinic.clock.move_to(clinic.clock.now().replace(hour=23))
            await read_all(clinic)
            await starts_again(clinic, clinic.folder / "state" / "backups" / "2026-11-04")
            notices = [await clinic.alex.gets("notice") for _ in range(2)]
            assert any("too long ago" in notice.text for notice in notices)
            assert not await clinic.store.open_cases()


class TestAPlainRestart:
    @pytest.mark.slow
    async def test_moves_nothing_and_says_nothing(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            for words in (f"[{case}] SENT", "STATUS", f"[{case}] RESCHEDULED", "[ZZZZ] SENT"):
                await clinic.dana.writes(words)
            await read_all(clinic)
            await filed(clinic)
            lying = [mail.uid for mail in await clinic.server.stored(MAILBOX, "Promptly")]
            assert len(lying) >= 4
            for _ in range(2):
                await clinic.stops()
                await clinic.starts()
                await recalled(clinic)
            assert [mail.uid for mail in await clinic.server.stored(MAILBOX, "Promptly")] == lying
            await clinic.nothing_else()


class TestACaseThatCannotBeRead:
    @pytest.mark.slow
    async def test_is_not_opened_again_by_its_own_mail_nor_once_it_is_erased(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            await clinic.dana.writes(f"[{case}] SENT")
            await read_all(clinic)
            await filed(clinic)
            await clinic.stops()
            (clinic.folder / "state" / "open" / f"{case}.json").write_text("{")
            for _ in range(2):
                await clinic.starts()
                await recalled(clinic)
                await clinic.stops()
            await clinic.starts()
            await clinic.service.upkeep.erase(case)
            await clinic.stops()
            await clinic.starts()
            await recalled(clinic)
            assert [letter.first_line for letter in await read_all(clinic)] == [
                "Have a case file repaired: it cannot be read; the other cases go on."
            ]


class TestANewState:
    @pytest.mark.slow
    async def test_beside_handled_mail_is_told_once(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            await filed(clinic)
            await clinic.stops()
            shutil.rmtree(clinic.folder / "state")
            await clinic.starts()
            await recalled(clinic)
            assert (await clinic.alex.gets("notice")).first_line.startswith("Check which cases were open")
            assert not await clinic.store.open_cases()
            await clinic.stops()
            await clinic.starts()
            await recalled(clinic)
            await clinic.nothing_else()

    @pytest.mark.slow
    async def test_in_a_new_mailbox_is_none_of_admins_business(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await recalled(clinic)
            await missed(clinic)
            await clinic.nothing_else()


class TestAnotherInstance:
    @pytest.mark.slow
    async def test_is_told_once_by_an_answer_to_its_letters(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes("NOSHOW Sam")
            theirs = await clinic.dana.gets("draft")
            await clinic.alex.gets("alert")
            await filed(clinic)
            await clinic.stops()
            shutil.rmtree(clinic.folder / "state")
            await clinic.starts()
            await recalled(clinic)
            await read_all(clinic)
            await clinic.stranger.replies(theirs, "LATE 15 Sam")
            assert "second Promptly" not in "".join(letter.text for letter in await read_all(clinic)), "a stranger"
            for _ in range(2):
                await clinic.dana.replies(theirs, "sent")
            notices = [letter for letter in await read_all(clinic) if letter.kind == "notice"]
            assert [notice.first_line.partition(":")[0] for notice in notices] == [
                "Make sure that one Promptly alone watches this mailbox"
            ]

    @pytest.mark.slow
    @pytest.mark.parametrize(("loop", "kind", "told"), [("f00d", "alert", 1), ("check", "test", 0)])
    async def test_or_by_a_letter_of_its_own(self, tmp_path: Path, loop: str, kind: str, told: int) -> None:
        async with Clinic(tmp_path) as clinic:
            letter = (
                f"From: Promptly <{MAILBOX}>\r\nTo: {MAILBOX}\r\nSubject: [K7Q2] LATE: Dana L.\r\n"
                f"X-Promptly-Loop: {loop}\r\nX-Promptly-Letter: {kind}\r\n\r\nx\r\n"
            ).encode()
            await clinic.server.deliver(MAILBOX, letter, arrived_at=clinic.clock.now())
            await clinic.settled()
            assert len(await read_all(clinic)) == told


class TestAFolderOfOthers:
    @pytest.mark.slow
    async def test_is_a_fault_and_stays_as_it_was(self, premises: Premises) -> None:
        others = premises.folder / "others"
        others.mkdir(0o755)
        (others / "notes.txt").write_text("mine")
        premises.configure('[store]\nurl = "tinydb:others"')
        for verb in ("run", "check", "status"):
            code, out, err = await premises.promptly(verb)
            assert code == 2
            assert "store.url" in out + err
            assert "notes.txt" in out + err
        assert stat.S_IMODE(others.stat().st_mode) == 0o755
        assert [path.name for path in others.iterdir()] == ["notes.txt"]

    @pytest.mark.slow
    async def test_a_file_in_its_place_is_exit_4(self, premises: Premises) -> None:
        (premises.folder / "others").write_text("mine")
        premises.configure('[store]\nurl = "tinydb:others"')
        for verb in ("run", "status"):
            code, _, err = await premises.promptly(verb)
            assert (code, "Traceback" in err) == (4, False), err
        assert (premises.folder / "others").read_text() == "mine"
