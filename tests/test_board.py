"""The board: a page written whole at each change and each minute, for a screen on the wall (contract section 4)."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

import daemon
from tests.conversation import Clinic
from tests.in_time import happens, missed
from tests.premises import Premises, premises
from tests.test_health import ask, free_port, listening
from workflow import board
from workflow.config import load

__all__ = ["premises"]

pytestmark = pytest.mark.slow

OTHER = 'screen/other.html"\ninitials = false #'
FILE = '[board]\nfile = "screen/board.html"\n'


def screen(folder: Path) -> Path:
    """Where the clinic's board is to be, in a folder of its own."""
    (folder / "screen").mkdir()
    return folder / "screen" / "board.html"


async def says(file: Path, words: str) -> None:
    """Until the file says so; what is there is a whole page at any time."""

    def holds() -> bool:
        text = file.read_text() if file.exists() else ""
        assert not text or text.rstrip().endswith("</html>")
        return words in text

    await happens(holds)


class TestFile:
    async def test_follows_each_change_and_each_minute(self, tmp_path: Path) -> None:
        file, mask = screen(tmp_path), os.umask(0o077)
        try:
            async with Clinic(tmp_path, more=FILE) as clinic:
                await says(file, "Nothing is open")
                case = await missed(clinic)
                await says(file, "1 needs somebody now")
                clinic.clock.move_to(clinic.clock.now().replace(minute=3))
                await says(file, "<b>3</b> min")
                assert 'reminder <span class="time">2:05 pm</span>' in file.read_text()
                await clinic.dana.writes(f"[{case}] SENT")
                await says(file, "1 open, none needs somebody now")
                await clinic.dana.writes(f"[{case}] RESCHEDULED")
                await says(file, "no time yet: book one")
                for _ in range(2):
                    await clinic.dana.gets("receipt")
                    await clinic.alex.gets("update")
        finally:
            os.umask(mask)
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        assert list(file.parent.iterdir()) == [file]

    async def test_yesterdays_cases_are_not_on_it(self, tmp_path: Path) -> None:
        file = screen(tmp_path)
        async with Clinic(tmp_path, more=FILE) as clinic:
            case = await missed(clinic)
            await clinic.dana.writes(f"[{case}] UNREACHABLE")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            await says(file, case)
            await clinic.passes(hours=10)
            await happens(lambda: case not in file.read_text())

    async def test_an_erased_case_is_off_it_at_once(self, tmp_path: Path) -> None:
        file = screen(tmp_path)
        async with Clinic(tmp_path, more=FILE) as clinic:
            case = await missed(clinic)
            await says(file, case)
            words = ["erase", case, "--yes", "--config", str(clinic.config_file)]
            assert await asyncio.to_thread(daemon.main, words) == 0
            await says(file, "Nothing is open")

    async def test_names_nobody_and_quotes_nothing(self, tmp_path: Path) -> None:
        file, port = screen(tmp_path), free_port()
        async with Clinic(tmp_path, more=FILE + listening(port)) as clinic:
            await clinic.dana.writes(
                "LATE 15 Quillon Vandersprock AT 2:10pm - stuck on Elm Street", "Her number is 416 555 0199.\n"
            )
            await clinic.dana.gets("draft")
            await clinic.alex.gets("alert")
            await says(file, "Q.V.")
            _, served = await ask(port, "GET /board HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for page in (file.read_text(), served):
                assert "<bdi>D.L.</bdi> is 15 min late for <bdi>Q.V.</bdi>" in page
                for word in (
                    "Quillon",
                    "Vandersprock",
                    "Dana",
                    "Elm",
                    "0199",
                    "stuck",
                    "Hi ",
                    "@clinic",
                    "http",
                    "href",
                    "src=",
                ):
                    assert word not in page

    async def test_says_that_new_reports_are_not_seen_and_that_letters_wait(self, tmp_path: Path) -> None:
        file = screen(tmp_path)
        async with Clinic(tmp_path, more=FILE) as clinic:
            await says(file, '<h1 class="calm">Nothing is open</h1>')
            await clinic.server.down_imap()
            await happens(lambda: not clinic.service.watch.connected)
            clinic.clock.move(timedelta(minutes=2))
            await says(file, "The mailbox is not reached since 2:00 pm")
            await clinic.server.up_imap()
            await says(file, '<h1 class="calm">Nothing is open</h1>')
            await clinic.settled()
            await clinic.alex.gets("notice")

    async def test_a_reload_changes_where_it_is_and_what_it_shows(self, tmp_path: Path) -> None:
        file = screen(tmp_path)
        async with Clinic(tmp_path, more=FILE) as clinic:
            await missed(clinic)
            await says(file, "D.L.")
            other = file.with_name("other.html")
            text = clinic.config_file.read_text()
            clinic.config_file.write_text(text.replace("screen/board.html", OTHER))
            clinic.service.reload(load(clinic.config_file))
            await says(other, "An associate")
            assert "D.L." not in other.read_text()

    async def test_the_clinics_own_template_counts_and_ours_stands_in_where_it_fails(self, tmp_path: Path) -> None:
        file, own = screen(tmp_path), tmp_path / "own"
        own.mkdir()
        (own / "board.html").write_text("<p>Riverside: {{ open }} open</p></html>")
        async with Clinic(tmp_path, more=f'[letters]\ntemplates = "own"\n{FILE}') as clinic:
            await says(file, "Riverside: 0 open")
            (own / "board.html").write_text("<p>{{ names }}</p>")
            clinic.service.reload(load(clinic.config_file))
            await says(file, "Nothing is open")
            async with asyncio.timeout(10):
                while not await clinic.store.owed() and not await clinic.server.messages("admin@clinic.test"):
                    await asyncio.sleep(0.01)
            await clinic.settled()
            notice = await clinic.alex.gets("notice")
            assert "board.html, line 1: UndefinedError" in notice.text


class TestFileThatCannotBeWritten:
    async def test_is_told_once_and_hurts_nothing(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, more=FILE) as clinic:
            await missed(clinic)
            await happens(lambda: clinic.service.board.failing_since is not None)
            await clinic.passes(minutes=2)
            await clinic.server.wait_for("admin@clinic.test", 2)
            notice = await clinic.alex.gets("notice")
            assert notice.first_line.startswith("Tell whoever looks after Promptly: the board could not be written")
            assert "No such file or directory" in notice.text
            file = screen(tmp_path)
            await clinic.passes(minutes=1)
            await says(file, "1 needs somebody now")
            await happens(lambda: not clinic.store.desk.marks.get(board.FAILED))

    async def test_a_share_that_hangs_holds_up_neither_letters_nor_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hangs, asked = threading.Event(), threading.Event()

        def hang(*_: object) -> None:
            asked.set()
            hangs.wait(60)

        monkeypatch.setattr(board, "write_whole", hang)
        try:
            async with Clinic(tmp_path, more=FILE) as clinic:
                await happens(asked.is_set)
                await missed(clinic)
                async with asyncio.timeout(5):
                    await clinic.stops()
                await clinic.starts()
        finally:
            hangs.set()


class TestVerb:
    async def test_prints_the_page_with_and_without_a_daemon(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            clinic.says_it_lives()
            capsys.readouterr()
            assert await asyncio.to_thread(daemon.main, ["board", "--config", str(clinic.config_file)]) == 0
            page = capsys.readouterr().out
            assert page[page.index("<!DOCTYPE") :].rstrip().endswith("</html>")
            assert case in page
            assert "Riverside Counselling, 2:00 pm" in page
            assert "does not run" not in page
            await clinic.stops()
            (clinic.folder / "state" / "alive.json").unlink()  # the test's own process would count as the daemon
            assert await asyncio.to_thread(daemon.main, ["board", "--config", str(clinic.config_file)]) == 0
            assert "Promptly does not run" in capsys.readouterr().out
            await clinic.starts()

    async def test_writes_the_file_where_one_is_named(
        self, premises: Premises, capsys: pytest.CaptureFixture[str]
    ) -> None:
        premises.configure(FILE)
        words = ["board", "--config", str(premises.config)]
        assert await asyncio.to_thread(daemon.main, words) == 1
        assert "board.file: " in capsys.readouterr().err
        file = screen(premises.folder)
        for _ in range(2):
            assert await asyncio.to_thread(daemon.main, words) == 0
            assert capsys.readouterr().out == ""
        assert "Nothing is open" in file.read_text()
        assert list(file.parent.iterdir()) == [file]
        assert not premises.state.exists(), "to look makes no folder"
        file.unlink()
        os.mkfifo(file)
        assert await asyncio.to_thread(daemon.main, words) == 1
        assert capsys.readouterr().err.endswith(f"{board.NO_FILE}\n")
        assert file.is_fifo(), "as would be a device, which others need"


class TestServed:
    async def test_answers_what_asks_this_machine_by_its_own_name(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)) as clinic:
            case = await missed(clinic)
            for host in ("127.0.0.1", f"127.0.0.1:{port}", "localhost", f"LOCALHOST:{port}", "[::1]", f"[::1]:{port}"):
                status, body = await ask(port, f"GET /board HTTP/1.1\r\nHost: {host}\r\n\r\n")
                assert status == "200 OK", host
                assert case in body
            for host in ("rebound.test", f"rebound.test:{port}", "127.0.0.1.rebound.test", ""):
                status, body = await ask(port, f"GET /board HTTP/1.1\r\nhost: {host}\r\n\r\n")
                assert status == "421 Misdirected Request", host
                assert case not in body
            assert (await ask(port, "GET /board HTTP/1.0\r\n\r\n"))[0] == "200 OK"
            assert await ask(port, "HEAD /board HTTP/1.1\r\nHost: localhost\r\n\r\n") == ("200 OK", "")
