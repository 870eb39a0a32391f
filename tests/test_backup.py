"""The daily backup and what it is good for: made whole beside the running daemon, seven kept, put back by `restore`."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import daemon
from tests.configuration import configure
from tests.conversation import MAILBOX, Clinic
from tests.in_time import happens, missed
from tests.premises import Premises, premises
from tests.store.cases import DAY, NINE, a_case, a_letter, about, closed, without_case
from tests.store.tiny_bench import Failing, PowerCut, TinyBench, files, opened
from workflow.core.model import Post
from workflow.store import Unreadable, codec
from workflow.store.tiny import atomic
from workflow.store.tiny.backup import back_up
from workflow.store.tiny.reader import TinyReader, backups, case_files

pytestmark = pytest.mark.slow

__all__ = ["premises"]


def names(state: Path) -> list[str]:
    return [copy.name for copy in backups(state)]


async def a_state(state: Path) -> None:
    """An open case, a closed one, one set aside, and a desk."""
    store = await opened(state)
    await store.commit(about(a_case(letters=(a_letter(1),))), NINE)
    await store.commit(about(closed(a_case("B3C4"))), NINE)
    await store.commit(without_case(a_letter(1, None), key="a help"), NINE)
    await store.close()
    (state / "open" / "D5F6.json").write_text("{")
    await (await opened(state)).close()


class TestACopy:
    async def test_is_the_state_file_by_file(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        await a_state(state)
        before = files(state)
        back_up(state, "2026-11-05")
        kept = {"desk.json", "open/K7Q2.json", "closed/2026-11/B3C4.json", "set-aside/D5F6.json"}
        assert files(state / "backups" / "2026-11-05") == {name: before[name] for name in sorted(kept)}
        reader = TinyReader.peek(state / "backups" / "2026-11-05")
        assert await reader.case("K7Q2") == a_case(letters=(a_letter(1),))

    async def test_appears_whole_or_not_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        state = tmp_path / "state"
        await a_state(state)
        with monkeypatch.context() as patch, pytest.raises(PowerCut):
            patch.setattr(atomic, "boundary", Failing(2, PowerCut()))
            back_up(state, "2026-11-05")
        assert (state / "backups" / "2026-11-05.new" / "desk.json").exists()
        assert names(state) == []
        back_up(state, "2026-11-06")
        assert [path.name for path in (state / "backups").iterdir()] == ["2026-11-06"], "what was left is swept"

    async def test_is_not_touched_by_whatever_becomes_of_the_state(self, tmp_path: Path) -> None:
        """It shares its files with the state, which replaces them: none is ever written into."""
        state = tmp_path / "state"
        await a_state(state)
        back_up(state, "2026-11-05")
        before = files(state / "backups")
        store = await opened(state)
        await store.commit(about(a_case(minutes=99), key="more"), NINE + DAY)
        await store.settle_letters([a_letter(1, post=Post.SENT, settled_at=NINE + DAY)])
        await store.commit(about(closed(a_case())), NINE + DAY)
        await store.commit(without_case(a_letter(2, None), key="another"), NINE + DAY)
        await store.wipe("B3C4", NINE + DAY)
        await store.amend_letters(lambda letter: replace(letter, data={}), ())
        await store.erase("B3C4")
        await store.erase("D5F6")
        await store.close()
        assert files(state / "backups") == before

    async def test_seven_are_kept(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        await a_state(state)
        for day in range(1, 10):
            back_up(state, f"2026-11-{day:02}")
        assert names(state) == [f"2026-11-{day:02}" for day in range(3, 10)]

    @pytest.mark.parametrize("moment", range(4))
    async def test_holds_a_case_that_moves_meanwhile_once_in_its_newest_version(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
    ) -> None:
        state = tmp_path / "state"
        await a_state(state)
        store = await opened(state)
        loop, moves = asyncio.get_running_loop(), 0

        async def move() -> None:
            """One is closed, the other opened again."""
            await store.commit(about(replace(closed(a_case()), letters=())), NINE + DAY)
            await store.commit(about(a_case("B3C4", minutes=99)), NINE + DAY)

        def boundary(step: str) -> None:
            nonlocal moves
            if step == "before-link":
                moves += 1
                if moves == moment + 1:
                    asyncio.run_coroutine_threadsafe(move(), loop).result()

        monkeypatch.setattr(atomic, "boundary", boundary)
        await asyncio.to_thread(back_up, state, "2026-11-05")
        found = [path.relative_to(state / "backups" / "2026-11-05") for path in case_files(backups(state)[0])]
        assert sorted(path.name for path in found) == ["B3C4.json", "D5F6.json", "K7Q2.json"]
        await store.close()


class TestTheDaemon:
    async def test_makes_one_a_day_at_night_without_a_word(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            state = clinic.folder / "state"
            await happens(lambda: names(state) == ["2026-11-05"])  # there was none yet
            await clinic.passes(hours=12)
            await clinic.settled()
            assert names(state) == ["2026-11-05"], "at 2 in the morning the day is not over"
            await clinic.passes(hours=1)
            await happens(lambda: names(state) == ["2026-11-05", "2026-11-06"])

    async def test_tells_admin_when_it_cannot_be_made_and_tries_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("workflow.store.tiny.backup.back_up", full)
        async with Clinic(tmp_path) as clinic:
            await happens(lambda: bool(clinic.store.desk.marks.get("backup")))
            notice = await clinic.alex.gets("notice")
            assert "backup" in notice.first_line
            assert "No space left on device" in notice.text
            monkeypatch.undo()
            monkeypatch.setattr("workflow.upkeep.TRY_AGAIN", 0.0)
            await clinic.stops()
            await clinic.starts()
            await happens(lambda: names(clinic.folder / "state") == ["2026-11-05"])
            await happens(lambda: not clinic.store.desk.marks.get("backup"))

    @pytest.mark.slow
    async def test_goes_on_from_a_restored_backup(self, premises: Premises) -> None:
        """As state/README.md says: stop, restore, start. What came since lies in the mailbox."""
        async with premises.daemon():
            await premises.report("NOSHOW Sam")
            await premises.gets("dana@clinic.test", 1)
            await premises.gets("admin@clinic.test", 1)
        back_up(premises.state, "2026-11-05")
        (case,) = (path.stem for path in (premises.state / "open").glob("*.json"))
        async with premises.daemon():
            await premises.report(f"[{case}] SENT")
            await premises.gets("dana@clinic.test", 2)
            async with asyncio.timeout(20):
                await premises.server.wait_for(MAILBOX, 2, "Promptly")
        assert (await premises.promptly("restore", "2026-11-05"))[0] == 0
        async with premises.daemon() as running:
            async with asyncio.timeout(20):
                while (await premises.server.messages("admin@clinic.test"))[-1].find(b"X-Promptly-Letter: update") < 0:
                    await asyncio.sleep(0.05)  # the answer came after the backup, and is taken back
            _, out, _ = await premises.promptly("status", "--json")
            (told,) = json.loads(out)["open"]
            assert told["case"] == case
            assert told["contacted_at"] is not None
            await premises.report("NOSHOW Sam")  # the same report again: known, so no second case
            async with asyncio.timeout(20):
                await premises.server.wait_for(MAILBOX, 3, "Promptly")
            await running.stop()
        assert len(list((premises.state / "open").glob("*.json"))) == 1


class TestRestore:
    @staticmethod
    def restore(folder: Path, named: str) -> int:
        return daemon.main(["restore", named, "--config", str(configure(folder))])

    @pytest.mark.parametrize("named", ["2026-11-05", "state/backups/2026-11-05", "elsewhere/"])
    async def test_puts_the_copy_in_place_and_keeps_the_state_beside_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        state = tmp_path / "state"
        await a_state(state)
        back_up(state, "2026-11-05")
        shutil.copytree(state, tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "desk.json").chmod(0o644)
        back_up(state, "2026-11-06")
        kept = {"desk.json", "open/K7Q2.json", "closed/2026-11/B3C4.json", "set-aside/D5F6.json"}
        before = {name: data for name, data in files(state).items() if name in kept}
        store = await opened(state)
        await store.erase("K7Q2")
        await store.close()
        meanwhile = files(state)
        assert self.restore(tmp_path, named) == 0
        found = files(state)
        assert {name: data for name, data in found.items() if not name.startswith("backups/")} == before
        assert names(state) == ["2026-11-05", "2026-11-06"]
        (old,) = tmp_path.glob("state-before-*")
        assert files(old) == meanwhile
        assert {path.stat().st_mode & 0o077 for path in (state, *state.rglob("*"))} == {0}
        store = await opened(state)
        assert await store.case("K7Q2") == a_case(letters=(a_letter(1),))
        await store.close()
        assert files(old / "backups") == files(state / "backups"), "what is done to the state is done to no copy"

    async def test_is_for_a_state_that_is_lost_as_well(self, tmp_path: Path) -> None:
        await a_state(tmp_path / "state")
        back_up(tmp_path / "state", "2026-11-05")
        (tmp_path / "state").rename(tmp_path / "other")
        assert self.restore(tmp_path, str(tmp_path / "other")) == 0
        assert names(tmp_path / "state") == ["2026-11-05"]
        assert not list(tmp_path.glob("state-*"))
        await (await opened(tmp_path / "state")).close()

    async def test_refuses_what_is_no_copy_and_changes_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        state = tmp_path / "state"
        await a_state(state)
        back_up(state, "2026-11-05")
        (tmp_path / "empty").mkdir()
        (tmp_path / "link").symlink_to("private/state")
        (tmp_path / "torn").mkdir()
        (tmp_path / "torn" / "desk.json").write_text("{")
        before = files(state)
        for named, code, said in (
            ("2026-11-04", 2, "2026-11-05"),
            (str(tmp_path / "empty"), 2, "no copy of a state"),
            (str(tmp_path / "link"), 2, "a link to private/state, which is not there"),
            (str(state), 2, "is the state itself"),
            (str(tmp_path), 2, "or holds it"),
            (str(tmp_path / "torn"), 4, "desk.json cannot be read"),
        ):
            assert self.restore(tmp_path, named) == code, named
            assert said in capsys.readouterr().err
            assert files(state) == before
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "config.toml",
            "empty",
            "link",
            "password",
            "state",
            "torn",
        ]

    async def test_refuses_while_a_daemon_runs(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            state = clinic.folder / "state"
            await happens(lambda: names(state) == ["2026-11-05"])
            asked = ["restore", "2026-11-05", "--config", str(clinic.config_file)]
            assert await asyncio.to_thread(daemon.main, asked) == 3
            assert not list(clinic.folder.glob("state-*"))
            await clinic.stops()
            assert await asyncio.to_thread(daemon.main, asked) == 0
            await clinic.starts()

    async def test_changes_nothing_where_the_disk_is_full(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        state = tmp_path / "state"
        await a_state(state)
        back_up(state, "2026-11-05")
        before = files(state)

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(shutil, "copy2", full)
        assert self.restore(tmp_path, "2026-11-05") == 1
        assert "No space left" in capsys.readouterr().err
        assert files(state) == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "password", "state"]

    @pytest.mark.parametrize("put_there_by_hand", [False, True])
    async def test_of_an_installed_state_leaves_systemds_link_as_it_must_be(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put_there_by_hand: bool
    ) -> None:
        """With DynamicUser, /var/lib/promptly leads to private/promptly; a folder in its place lets nothing start."""
        monkeypatch.setattr("workflow.store.tiny.put_back.SYSTEMDS", tmp_path)
        private, state = tmp_path / "private" / "state", tmp_path / "state"
        private.parent.mkdir(mode=0o700)
        await a_state(private)
        back_up(private, "2026-11-05")
        if put_there_by_hand:
            shutil.copytree(private / "backups" / "2026-11-05", state)
        else:
            state.symlink_to("private/state")
        store = await opened(private)
        await store.erase("K7Q2")
        await store.close()
        if os.geteuid() == 0:
            for path in (private, *private.rglob("*")):
                os.chown(path, 65534, 65534)
        owner = private.stat().st_uid
        assert self.restore(tmp_path, "2026-11-05") == 0
        assert state.readlink() == Path("private/state")
        assert (state / "open" / "K7Q2.json").exists()
        assert {path.stat().st_uid for path in (private, *private.rglob("*"))} == {owner}
        (old,) = tmp_path.glob("private/state-before-*")
        assert not (old / "open" / "K7Q2.json").exists()
        assert len(list(tmp_path.glob("state-before-*"))) == put_there_by_hand


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Promptly to come, which calls a case's minutes `delay` no more: what was format 1 becomes format 2."""

    def step(table: str, found: dict[str, Any]) -> dict[str, Any]:
        if table == "case":
            return {**found, "case": {**found["case"], "minutes": found["case"]["minutes"] + 100}}
        return found

    monkeypatch.setitem(codec.STEPS, 1, step)
    monkeypatch.setattr(codec, "FORMAT", 2)


async def older_state(state: Path, request: pytest.FixtureRequest) -> dict[str, bytes]:
    """What today's version leaves, and then the next one is installed; the files as they were."""
    await a_state(state)
    before = files(state)
    request.getfixturevalue("next_version")
    return before


class TestAnUpgrade:
    async def test_migrates_every_file_after_a_copy(self, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        state = tmp_path / "state"
        before = await older_state(state, request)
        seen = TinyReader.peek(state)
        assert (await seen.open_cases())["K7Q2"].minutes == 115, "to look needs no migration"
        assert files(state) == before
        store = await opened(state)
        assert (await store.open_cases())["K7Q2"].minutes == 115
        await store.close()
        copy = state / "backups" / "2026-11-05-before-format-2"
        kept = {name for name in before if name.endswith(".json")}
        assert files(copy) == {name: before[name] for name in sorted(kept)}
        for name in ("desk.json", "open/K7Q2.json", "closed/2026-11/B3C4.json"):
            assert b'"format": 2' in (state / name).read_bytes()
        assert (state / "set-aside" / "D5F6.json").read_text() == "{"
        after = files(state)
        await (await opened(state)).close()
        assert files(state) == after, "once"

    async def test_goes_on_after_a_crash_at_any_step(
        self, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state, original = tmp_path / "state", tmp_path / "original"
        await older_state(original, request)
        step = 0
        while True:
            shutil.rmtree(state, ignore_errors=True)
            shutil.copytree(original, state)
            crash = Failing(step, PowerCut())
            bench = TinyBench(state)
            dying = bench.make()
            with monkeypatch.context() as patch, suppress(PowerCut):
                patch.setattr(atomic, "boundary", crash)
                await dying.open()
            bench.kill(dying)
            store = await opened(state)
            assert (await store.open_cases())["K7Q2"].minutes == 115
            closed_case = await store.case("B3C4")
            assert closed_case is not None
            assert closed_case.minutes == 115
            assert (TinyReader.peek(original).desk.letters) == store.desk.letters
            await store.close()
            assert len(backups(state)) == 1
            assert b'"format": 1' in (backups(state)[0] / "desk.json").read_bytes()
            if not crash.failed:
                break
            step += 1
        assert step > 5

    async def test_without_room_for_the_copy_changes_nothing(
        self, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state = tmp_path / "state"
        before = await older_state(state, request)

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "link", full)
            with pytest.raises(Unreadable, match="No space left"):
                await opened(state)
        assert {name: data for name, data in files(state).items() if not name.startswith("backups/")} == before
        await (await opened(state)).close()

    async def test_a_single_older_file_put_back_by_hand_is_read(
        self, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        state = tmp_path / "state"
        before = await older_state(state, request)
        await (await opened(state)).close()
        (state / "open" / "K7Q2.json").write_bytes(before["open/K7Q2.json"])
        store = await opened(state)
        assert (await store.open_cases())["K7Q2"].minutes == 115
        await store.close()

    async def test_a_step_that_fails_sets_the_case_aside_and_stops_at_the_desk(
        self, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        state = tmp_path / "state"
        await older_state(state, request)
        found = json.loads((state / "open" / "K7Q2.json").read_bytes())
        del found["case"]["1"]["case"]["minutes"]
        (state / "open" / "K7Q2.json").write_text(json.dumps(found))
        store = await opened(state)
        assert [(fault.name, fault.reason) for fault in store.faults if fault.name == "K7Q2"] == [
            ("K7Q2", "format 1 could not be brought up: KeyError")
        ]
        await store.close()


async def test_what_a_daemon_does_beside_a_backup_is_not_held_up(tmp_path: Path) -> None:
    """The copy is made in a thread: a report is acted on while it waits for a slow disk."""
    go_on = threading.Event()
    real = os.link

    def slow(source: str, target: str) -> None:
        assert go_on.wait(20)
        real(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "link", slow)
        async with Clinic(tmp_path) as clinic:
            await happens((clinic.folder / "state" / "backups" / "2026-11-05.new").exists)
            await missed(clinic)
            assert names(clinic.folder / "state") == []
            go_on.set()
            await happens(lambda: names(clinic.folder / "state") == ["2026-11-05"])
