"""`check` on this machine: the state folder, the disk, the templates."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.check.looking import config, look, premises
from tests.in_time import happens
from tests.premises import Premises
from tests.rows import each
from workflow.config import load
from workflow.verbs.check import machine
from workflow.verbs.check.finding import Finding, Level
from workflow.verbs.check.oddities import oddities

__all__ = ["config", "premises"]


@each(
    ("more", "key"),
    [
        ('[quiet]\nfrom = "08:00"\nto = "21:00"', "quiet.from and quiet.to"),
        ('[quiet]\nfrom = "22:00"\nto = "13:00"', "quiet.from and quiet.to"),
        ('[quiet]\nfrom = "12:00"\nto = "12:01"', "quiet.from and quiet.to"),
        ('[cadence.noshow]\nescalate = "30m"\nlead = "10m"', "cadence.noshow.lead"),
        ('[cadence.noshow]\nescalate = "40m"', "cadence.noshow.lead"),
        ('[privacy]\nkeep_names = "500d"', "privacy.keep_names"),
        ('[privacy]\nkeep_cases = "20d"', "privacy.keep_names"),
    ],
)
def test_what_is_possible_but_odd_is_a_warning(premises: Premises, more: str, key: str) -> None:
    premises.configure(more)
    (finding,) = oddities(load(premises.config))
    assert finding.level is Level.WARN
    assert finding.text.startswith(f"{key}: ")
    assert finding.advice


@each(
    "more",
    [
        *("", '[quiet]\nfrom = "12:01"\nto = "11:00"', '[quiet]\nfrom = "12:00"\nto = "12:00"'),
        *('[quiet]\nfrom = "00:00"\nto = "07:00"', '[privacy]\nkeep_names = "400d"', '[quiet]\nto = "11:59"'),
    ],
)
def test_what_is_usual_is_none(premises: Premises, more: str) -> None:
    premises.configure(more)
    assert list(oddities(load(premises.config))) == []


@each(
    ("folder", "odd"),
    [
        *(("Trash", True), ("INBOX.Trash", True), ("Deleted Items", True), ("[Gmail]/Spam", True), (" ", True)),
        *(("Junk", True), ("Junk Email", True), ("Deleted Messages", True), ("Deleted", True), ("Bin", True)),
        *(("INBOX.Drafts", True), ("Junk drawer", False)),
        *(("", False), ("Promptly", False), ("INBOX/Handled", False), ("Trash/Promptly", False)),
    ],
)
def test_a_handled_folder_that_keeps_nothing_is_odd(premises: Premises, folder: str, odd: bool) -> None:
    written = premises.config.read_text()
    try:
        premises.config.write_text(written.replace("[mailbox]", f'[mailbox]\nhandled_folder = "{folder}"'))
        assert ["handled_folder" in finding.text for finding in oddities(load(premises.config))] == [True] * odd
    finally:
        premises.config.write_text(written)


@each(
    ("word", "said"),
    [
        *(("secret \n", "ends in a blank"), (" secret", "begins with a blank"), ('"secret"\n', "quotation marks")),
        *(("\u201csecret\u201d", "quotation marks"), ("'secret'", "quotation marks"), ("secret\t\r\n", "a blank")),
        *(("secret\r\n", ""), ("two words", ""), ('"secret', ""), ("\ufeffsecret", ""), ("it's", "")),
    ],
)
def test_what_stands_around_a_password_is_named(premises: Premises, word: str, said: str) -> None:
    (premises.folder / "password").write_text(word)
    found = [finding.text for finding in oddities(load(premises.config))]
    assert [said in text and "mailbox.password_file" in text for text in found] == [True] * bool(said)
    assert not any("secret" in text for text in found)


@pytest.mark.slow
async def test_a_file_that_the_daemon_has_not_read_is_told(premises: Premises) -> None:
    written = premises.config.read_text()
    async with premises.daemon() as running:
        await happens((premises.state / "alive.json").exists)
        assert await asyncio.to_thread(lambda: list(machine.daemon(load(premises.config)))) == []
        premises.config.write_text(f"# of no weight\n{written}")
        assert await asyncio.to_thread(lambda: list(machine.daemon(load(premises.config)))) == []
        premises.config.write_text(written.replace("Riverside", "Lakeside"))
        (finding,) = await asyncio.to_thread(lambda: list(machine.daemon(load(premises.config))))
        assert (finding.part, finding.level) == ("configuration", Level.WARN)
        await running.rereads("configuration reread")
        async with asyncio.timeout(5):
            while await asyncio.to_thread(lambda: list(machine.daemon(load(premises.config)))):
                await asyncio.sleep(0.05)


def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Of the kernel's own: closed to root, too."""
    told: list[Finding] = []
    machine.store("tinydb:/sys/kernel", told.append)
    assert told[0].level is Level.FAIL
    assert "/sys/kernel cannot be written by" in told[0].text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_state_folder_that_belongs_to_another_user(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    os.seteuid(65534)
    try:
        finding = of_store(tmp_path / "state")
    finally:
        os.seteuid(0)
    assert (finding.level, finding.text) == (Level.FAIL, f"{tmp_path}/state cannot be read by nobody")
    assert finding.advice == "Run check as the user that runs the daemon, or as root."


@pytest.fixture
async def kept(premises: Premises) -> Path:
    """A state folder that a daemon has used."""
    async with premises.daemon() as running:
        await running.stop()
    return premises.state


def of_store(folder: Path) -> Finding:
    told: list[Finding] = []
    machine.store(f"tinydb:{folder}", told.append)
    return next(finding for finding in told if finding.part == "store")


@pytest.mark.slow
def test_state_that_others_may_read(kept: Path) -> None:
    assert of_store(kept).level is Level.OK
    (kept / "desk.json").chmod(0o644)
    finding = of_store(kept)
    assert (finding.level, finding.advice) == (Level.FAIL, f"Run: chmod -R go= {kept}/")
    assert "desk.json can be read by other users" in finding.text
    (kept / "desk.json").chmod(0o600)
    kept.chmod(0o755)
    assert of_store(kept).level is Level.FAIL


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_state_with_a_file_of_somebody_elses(kept: Path) -> None:
    os.chown(kept / "desk.json", 65534, -1)
    assert of_store(kept).text == f"{kept}/desk.json belongs to nobody, but {kept} to root"


def test_state_that_is_empty_absent_or_broken(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    assert of_store(folder).text == f"{folder}, which the daemon makes when it starts"
    folder.mkdir(mode=0o755)
    assert of_store(folder).level is Level.WARN
    folder.chmod(0o700)
    assert of_store(folder).level is Level.OK
    (folder / "open").mkdir(mode=0o700)
    (folder / "open" / "K7Q2.json").touch(mode=0o600)
    assert of_store(folder).text == "1 case file cannot be read"
    (folder / "desk.json").write_text("{")
    assert "desk.json cannot be read" in of_store(folder).text


@pytest.mark.parametrize(("free", "level"), [(1_000_000, "FAIL"), (100_000_000, "warn"), (10**9, "ok")])
def test_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    class Usage:
        def __init__(self, path: Path) -> None:
            self.free = free

    monkeypatch.setattr("shutil.disk_usage", Usage)
    told: list[Finding] = []
    machine.store(f"tinydb:{tmp_path}/state", told.append)
    assert [str(finding.level) for finding in told if finding.part == "disk"] == [level]


@pytest.mark.slow
async def test_a_fault_in_a_template_has_its_file_and_line(premises: Premises) -> None:
    own = premises.folder / "own"
    own.mkdir()
    (own / "draft.txt").write_text("{% block first %}\n{{ nobody }}{% endblock %}")
    premises.configure('[letters]\ntemplates = "own"')
    found = await look(load(premises.config))
    assert found.failed == ["templates"]
    assert found["templates"].text == "draft.txt, line 2: UndefinedError: 'nobody' is undefined"


def test_the_boards_place_is_looked_at(premises: Premises) -> None:
    assert list(machine.screen(load(premises.config))) == []
    premises.configure('[board]\nfile = "screen/board.html"')

    def found() -> tuple[Level, str]:
        (finding,) = machine.screen(load(premises.config))
        assert finding.part == "board"
        return finding.level, finding.text

    folder = premises.folder / "screen"
    assert found() == (Level.FAIL, f"there is no folder {folder}")
    folder.mkdir()
    assert found() == (Level.OK, str(folder / "board.html"))
    (folder / "board.html").mkdir()
    assert found() == (Level.FAIL, f"{folder}/board.html is a folder")
    (folder / "board.html").rmdir()
    os.mkfifo(folder / "board.html")
    assert found() == (Level.FAIL, f"{folder}/board.html is no regular file")


@pytest.mark.slow
async def test_a_fault_in_the_boards_template_is_one_of_templates(premises: Premises) -> None:
    own = premises.folder / "own"
    own.mkdir()
    premises.configure('[letters]\ntemplates = "own"')
    for text, told in (
        ("<p>{{ open }}</p>", None),
        ("<p>\n{{ names }}</p>", "board.html, line 2: UndefinedError: 'names' is undefined"),
        ("{% for row in ended %}{{ row.note }}{% endfor %}", "board.html, line 1: UndefinedError"),
    ):
        (own / "board.html").write_text(text)
        templates = (await look(load(premises.config)))["templates"]
        assert templates.text.startswith(told) if told else templates.level is Level.OK
