"""What the command line promises to programs: exit codes, `status --json`, `check`, signals."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

import daemon
from tests import configuration
from tests.conversation import MAILBOX, Clinic
from tests.daemon_process import ROOT
from tests.in_time import answers, happens, is_owed, missed
from tests.premises import Premises, premises
from tests.rows import each
from workflow import VERSION

__all__ = ["premises"]

WORDS = {
    **{"show": ["K7Q2"], "export": ["K7Q2"]},
    **{"erase": ["K7Q2", "--yes"], "purge": ["--yes"], "restore": ["2026-11-05"]},
}
"""What a verb needs besides its name."""

VERBS = ["run", "check", "status", "show", "report", "board", "export", "erase", "purge", "restore"]

FAULTY = configuration.text(
    associates={"Dana Lee": ("clinic@clinic.test",)},
    clinic={"timezone": "America/Torronto", "admins": []},
    mailbox={"host": "imap.clinic.test", "password_file": "nowhere", "colour": "blue"},
    smtp={"host": "smtp.clinic.test", "security": None, "port": "many"},
    trust={"authserv_id": None},
)
FAULTY_KEYS = {
    "clinic.timezone",
    "clinic.admins",
    "mailbox.security",
    "mailbox.password_file",
    "mailbox.colour",
    "smtp.port",
    "smtp.username",
    "trust.authserv_id",
    "associates[1].emails[1]",
}


async def said(config: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """`status --json`."""
    capsys.readouterr()
    assert await asyncio.to_thread(daemon.main, ["status", "--json", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    # log lines of a daemon in the same process stand before it, and after it
    found, _ = json.JSONDecoder().raw_decode(out[out.index("{\n") :])
    assert isinstance(found, dict)
    return found


class TestStatus:
    async def test_as_json_says_what_the_contract_has_and_nothing_else(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes("LATE 15 Sam Peters AT 2:10pm")
            case = (await clinic.dana.gets("draft")).case
            await clinic.alex.gets("alert")
            clinic.says_it_lives()
            assert await said(clinic.config_file, capsys) == {
                "open": [
                    {
                        "case": case,
                        "kind": "late",
                        "associate": "Dana Lee",
                        "client": "Sam P.",
                        "reported_at": "2026-11-05T14:00:00-05:00",
                        "contacted_at": None,
                        "next": {"at": "2026-11-05T14:05:00-05:00", "letter": "reminder"},
                        "reminders_sent": 0,
                        "escalated": False,
                    }
                ],
                "owed": {"waiting": 0, "failed": 0},
                "set_aside": 0,
                "closed_today": 0,
                "mailbox": {"connected": True, "last_seen_at": "2026-11-05T14:00:00-05:00"},
                "sending": {"down_since": None},
            }

    async def test_follows_the_case_to_its_end(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            await clinic.minute_by_minute(11)
            await clinic.dana.gets("reminder")
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            await clinic.dana.writes(f"[{case}] SENT")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            (told,) = (await said(clinic.config_file, capsys))["open"]
            assert told["contacted_at"] == "2026-11-05T14:11:00-05:00"
            assert told["next"] == {"at": "2026-11-05T17:11:00-05:00", "letter": "reminder"}
            assert (told["reminders_sent"], told["escalated"]) == (2, True)
            await clinic.dana.writes(f"[{case}] UNREACHABLE")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            clinic.says_it_lives()
            found = await said(clinic.config_file, capsys)
            assert (found["open"], found["closed_today"]) == ([], 1)

    async def test_counts_letters_that_are_owed_and_that_have_failed(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
            clinic.server.refuse("pat@clinic.test", "550 5.1.1 No such user")
            clinic.server.refuse("dana@clinic.test", "451 4.7.1 Greylisted")
            await clinic.dana.writes("LATE 15 Sam")
            await clinic.alex.gets("alert")
            await clinic.alex.gets("notice")
            assert (await said(clinic.config_file, capsys))["owed"] == {"waiting": 1, "failed": 1}
            clinic.server.accept("dana@clinic.test")
            await clinic.passes(minutes=1)
            await clinic.dana.gets("draft")

    async def test_a_waiting_case_that_only_closes_by_itself_has_no_next_letter(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes("WAITING Sam AT 2pm")
            await clinic.dana.gets("draft")
            assert (await said(clinic.config_file, capsys))["open"][0]["next"]["letter"] == "stepaway"
            await clinic.minute_by_minute(60)
            await clinic.dana.gets("stepaway")
            await clinic.dana.gets("reminder")
            assert (await said(clinic.config_file, capsys))["open"][0]["next"] is None

    @pytest.mark.slow
    async def test_without_a_daemon_the_mailbox_is_not_connected(
        self, premises: Premises, capsys: pytest.CaptureFixture[str]
    ) -> None:
        empty = {
            "open": [],
            "owed": {"waiting": 0, "failed": 0},
            "set_aside": 0,
            "closed_today": 0,
            "mailbox": {"connected": False, "last_seen_at": None},
            "sending": {"down_since": None},
        }
        assert await said(premises.config, capsys) == empty
        assert not premises.state.exists(), "to look makes no folder"
        async with premises.daemon() as running:
            await running.kill()
        mailbox = (await said(premises.config, capsys))["mailbox"]
        assert mailbox["connected"] is False
        assert datetime.fromisoformat(mailbox["last_seen_at"]).utcoffset() is not None

    async def test_a_pid_that_somebody_else_has_now_is_no_daemon(
        self, premises: Premises, capsys: pytest.CaptureFixture[str]
    ) -> None:
        premises.state.mkdir()
        alive = premises.state / "alive.json"
        news = {"pid": os.getpid(), "connected": True, "last_seen_at": None, "now": "2026-11-05T19:00:00Z", "speed": 1}
        alive.write_text(json.dumps(news))
        assert (await said(premises.config, capsys))["mailbox"]["connected"] is True
        os.utime(alive, (0, time.time() - 3600))
        assert (await said(premises.config, capsys))["mailbox"]["connected"] is False

    @pytest.mark.slow
    async def test_is_at_most_two_seconds_old(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.server.down_imap()
            await happens(lambda: not clinic.service.watch.connected)
            async with asyncio.timeout(2):
                while (await said(clinic.config_file, capsys))["mailbox"]["connected"]:
                    await asyncio.sleep(0.05)
            await clinic.server.down_smtp()
            await clinic.server.up_imap()
            await answers(clinic, "dana", "NOSHOW Sam")
            await is_owed(clinic, "draft")
            await happens(lambda: clinic.service.sender.outage.since is not None)
            async with asyncio.timeout(2):
                while (await said(clinic.config_file, capsys))["sending"]["down_since"] is None:
                    await asyncio.sleep(0.05)
            assert (await said(clinic.config_file, capsys))["sending"] == {"down_since": "2026-11-05T14:00:00-05:00"}
            assert await asyncio.to_thread(daemon.main, ["status", "--config", str(clinic.config_file)]) == 0
            out = capsys.readouterr().out
            assert "letters wait since 2:00 pm: the SMTP server is not reached, or refuses us" in out
            await clinic.server.up_smtp()
            await clinic.settled()
            await clinic.dana.gets("draft")
            await clinic.alex.gets("alert")

    async def test_for_people_names_the_case_and_what_is_next(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            clinic.says_it_lives()
            capsys.readouterr()
            assert await asyncio.to_thread(daemon.main, ["status", "--config", str(clinic.config_file)]) == 0
            out = capsys.readouterr().out
            line = next(line for line in out.splitlines() if line.startswith(case))
            assert line.split() == [
                *(case, "noshow", "0", "min", "Dana", "Lee", "Sam"),
                *("2:00", "pm", "not", "yet", "reminder", "2:05", "pm"),
            ]
            assert "mailbox: connected, last seen: 2:00 pm" in out
            assert f"a daemon runs, version {VERSION}" in out

    async def test_a_program_gets_each_row_whole_and_in_utf_8(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("COLUMNS", raising=False)  # pytest-xdist sets it
        name = "Wolfeschlegelsteinhausenbergerdorff-Ångström"
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes(f"NOSHOW {name}")
            case = (await clinic.dana.gets("draft")).case
            await clinic.alex.gets("alert")
            clinic.clock.move(timedelta(minutes=1))
            for words in (["status"], ["status", "--json"], ["show", str(case)]):
                out = TextIOWrapper(BytesIO(), encoding="ascii")
                with monkeypatch.context() as patched:
                    patched.setattr(sys, "stdout", out)
                    assert await asyncio.to_thread(daemon.main, [*words, "--config", str(clinic.config_file)]) == 0
                assert any(name in line for line in out.buffer.getvalue().decode().splitlines()), words

    async def test_the_most_urgent_case_comes_first(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        async with Clinic(tmp_path) as clinic:
            cases = []
            for report in ("LATE 15 Kim AT 1:30pm", "LATE 15 Ben", "NOSHOW Ana AT 1pm"):
                await clinic.dana.writes(report)
                cases.append((await clinic.dana.gets("draft")).case)
                await clinic.alex.gets("alert")
            await clinic.dana.writes(f"[{cases[0]}] SENT")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            clinic.says_it_lives()
            found = (await said(clinic.config_file, capsys))["open"]
            assert [one["case"] for one in found] == [cases[2], cases[1], cases[0]]
            assert await asyncio.to_thread(daemon.main, ["status", "--config", str(clinic.config_file)]) == 0
            lines = [line.split()[:4] for line in capsys.readouterr().out.splitlines() if line[:4] in cases]
            assert lines == [
                [cases[2], "noshow", "60", "min"],
                [cases[1], "late", "0", "min"],
                [cases[0], "late", "30", "min"],
            ]

    @pytest.mark.slow
    async def test_says_that_no_daemon_runs(self, premises: Premises) -> None:
        code, out, _ = await premises.promptly("status")
        assert code == 0
        assert "no daemon runs" in out
        assert VERSION in out

    async def test_a_faulty_file_beside_a_daemon_hides_no_case(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            clinic.service._write_alive()
            good = clinic.config_file.read_text()
            for faulty, at in (
                (f"{good}colour = 1\n", "2:00 pm"),
                (good.replace("America/Toronto", "Tronto"), "7:00 pm"),
                (good.replace('name = "Dana Lee"', "name = Dana Lee"), "2:00 pm"),
            ):
                clinic.config_file.write_text(faulty)
                capsys.readouterr()
                for words in (["status"], ["show", case]):
                    assert await asyncio.to_thread(daemon.main, [*words, "--config", str(clinic.config_file)]) == 0
                    printed = capsys.readouterr()
                    assert at in printed.out
                    assert case in printed.out
                    assert "1 fault" in printed.err
                    assert "The daemon lives" in printed.err
            clinic.config_file.write_text(good)

    async def test_names_a_daemon_of_another_version(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            clinic.service._write_alive()
            monkeypatch.setattr("workflow.verbs.status.VERSION", "99.0")
            await asyncio.to_thread(daemon.main, ["status", "--config", str(clinic.config_file)])
            assert f"of version {VERSION}; 99.0 is installed: restart it" in capsys.readouterr().out

    @pytest.mark.slow
    async def test_of_cases_that_cannot_be_read_is_never_that_none_is_open(self, premises: Premises) -> None:
        broken = premises.state / "open" / "K7Q2.json"
        broken.parent.mkdir(parents=True)
        broken.write_text("{")
        code, out, _ = await premises.promptly("status")
        assert code == 0
        assert "No case is open" not in out
        assert "1 case file can't be read" in out
        shutil.rmtree(premises.state)
        premises.state.symlink_to("private/state")  # as systemd leaves it, without what it leads to
        code, out, err = await premises.promptly("status")
        assert (code, out) == (4, "")
        assert "store.url" in err
        premises.state.unlink()
        (premises.folder / "file").touch()
        premises.configure('[store]\nurl = "tinydb:file/state"')
        code, out, err = await premises.promptly("status")
        assert (code, out) == (4, "")


class TestFaultyConfiguration:
    @pytest.mark.parametrize(
        "verb", ["run", "check", "status", "show", "report", "board", "export", "erase", "purge", "restore"]
    )
    def test_is_exit_2_with_every_fault(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
        config = tmp_path / "config.toml"
        config.write_text(FAULTY)
        case = WORDS.get(verb, [])
        assert daemon.main([verb, *case, "--config", str(config)]) == 2
        complaint = capsys.readouterr().err
        unread = set() if verb in {"run", "check"} else {"mailbox.password_file"}
        assert {line.partition(": ")[0].strip() for line in complaint.splitlines()[1:]} == FAULTY_KEYS - unread
        assert [path.name for path in tmp_path.iterdir()] == ["config.toml"], "nothing was started"

    @pytest.mark.slow
    async def test_a_verb_that_needs_no_secret_reads_none(self, premises: Premises) -> None:
        """However many the configuration names, and whoever may read them."""
        async with premises.daemon() as running:
            await premises.report()
            await premises.gets("dana@clinic.test", 1)
            await running.stop()
        (path,) = (premises.state / "open").glob("*.json")
        (premises.folder / "password").unlink()
        smtp = {"port": premises.server.smtp_port, "username": MAILBOX, "password_file": "smtp.password"}
        mailbox = {"port": premises.server.imap_port, "password_file": None}
        premises.config.write_text(configuration.text(configuration.MICROSOFT, mailbox=mailbox, smtp=smtp))
        found = {
            verb: await premises.promptly(
                verb, *(path.stem if word == "K7Q2" else word for word in WORDS.get(verb, ()))
            )
            for verb in ("status", "show", "report", "board", "export", "purge", "erase")
        }
        assert {verb: code for verb, (code, _, _) in found.items()} == dict.fromkeys(found, 0), found
        assert not path.exists()
        code, _, err = await premises.promptly("run")
        assert code == 2
        assert {"mailbox.oauth2.client_secret_file", "smtp.password_file"} <= {
            line.partition(":")[0].strip() for line in err.splitlines()
        }

    def test_a_page_is_in_utf_8_in_any_locale(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        out = TextIOWrapper(BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, "stdout", out)
        config = configuration.configure(tmp_path, clinic={"name": "Clinique Élan"})
        assert daemon.main(["board", "--config", str(config)]) == 0
        assert "Clinique Élan" in out.buffer.getvalue().decode()

    def test_a_missing_file_is_exit_2(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert daemon.main(["status", "--config", str(tmp_path / "none.toml")]) == 2
        assert "there is no such file" in capsys.readouterr().err

    @pytest.mark.parametrize("words", [["--version"], ["--help"]])
    def test_version_and_help_need_no_configuration(self, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            daemon.main(words)
        assert ended.value.code == 0
        assert (VERSION if words == ["--version"] else "restore") in capsys.readouterr().out

    def test_help_and_errors_speak_of_the_command_as_it_was_called(self, tmp_path: Path) -> None:
        link = tmp_path / "clinic-desk"
        link.symlink_to(ROOT / "daemon.py")
        for path, env, called in (
            (ROOT / "daemon.py", {}, "daemon.py"),
            (link, {}, "clinic-desk"),
            (ROOT / "daemon.py", {"PROMPTLY_CALLED": "promptly"}, "promptly"),
        ):
            command = [sys.executable, str(path), "show"]
            said = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)
            assert said.returncode == 2
            assert said.stderr.startswith(f"usage: {called} show ")

    @pytest.mark.slow
    def test_a_reader_that_has_had_enough_is_no_error(self, tmp_path: Path) -> None:
        """As `head` is."""
        config = tmp_path / "config.toml"
        for written in ((ROOT / "config.example.toml").read_text(), FAULTY):
            config.write_text(written)
            (tmp_path / "mailbox.password").touch(mode=0o600)
            for verb in ("status", "report", "check"):
                ours, theirs = os.pipe()
                os.close(ours)
                command = [sys.executable, str(ROOT / "daemon.py"), verb, "--config", str(config)]
                with os.fdopen(theirs, "w") as pipe:
                    said = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
                assert "BrokenPipe" not in said.stderr
                assert "Traceback" not in said.stderr
                assert said.returncode in ({0} if not said.stderr else {2})

    @each("words", [[], ["sing"], ["show"], ["run", "--speed", "fast"]])
    def test_wrong_usage_is_exit_2(self, words: list[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            daemon.main(words)
        assert ended.value.code == 2


class TestState:
    @pytest.mark.slow
    @pytest.mark.parametrize("verb", ["run", "status", "show", "check", "report", "board", "export", "erase", "purge"])
    async def test_an_unreadable_desk_is_exit_4_and_left_untouched(self, premises: Premises, verb: str) -> None:
        premises.state.mkdir()
        desk = premises.state / "desk.json"
        desk.write_bytes(b'{"desk": {"1": {"format"')
        code, out, err = await premises.promptly(verb, *(WORDS.get(verb, [])))
        assert code == (1 if verb == "check" else 4)
        assert "desk.json" in " ".join((out + err).split())
        assert desk.read_bytes() == b'{"desk": {"1": {"format"'

    @pytest.mark.slow
    async def test_of_a_newer_promptly_is_exit_4_and_left_untouched(self, premises: Premises) -> None:
        async with premises.daemon() as running:
            await running.stop()
        desk = premises.state / "desk.json"
        newer = desk.read_text().replace('"format": 1', '"format": 99')
        assert "99" in newer
        desk.write_text(newer)
        code, _, err = await premises.promptly("run")
        assert (code, desk.read_text()) == (4, newer)
        assert "newer" in err

    @pytest.mark.slow
    async def test_that_another_daemon_holds_is_exit_3(self, premises: Premises) -> None:
        async with premises.daemon():
            code, _, err = await premises.promptly("run")
            assert code == 3
            assert "another daemon" in err
            assert (await premises.promptly("status", "--json"))[0] == 0

    async def test_one_unreadable_case_is_set_aside_and_announced_while_the_rest_runs(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            await clinic.ravi.writes("NOSHOW Kim")
            await clinic.alex.gets("alert")
            await clinic.ravi.gets("draft")
            await clinic.server.wait_for(MAILBOX, 2, "Promptly")  # or the report would be read, and acted on, again
            await clinic.stops()
            state = clinic.folder / "state"
            (state / "open" / f"{case}.json").write_text('{"case": 3}')
            await clinic.starts()
            assert case in (await clinic.alex.gets("notice")).text
            assert (state / "set-aside" / f"{case}.json").read_text() == '{"case": 3}'
            await clinic.minute_by_minute(5)
            await clinic.ravi.gets("reminder")
            assert [one["associate"] for one in (await said(clinic.config_file, capsys))["open"]] == ["Ravi Patel"]
            await clinic.stops()
            await clinic.starts()  # announced once
            await clinic.nothing_else()


@pytest.mark.slow
class TestSignals:
    async def test_sigterm_is_exit_0_with_nothing_lost(self, premises: Premises) -> None:
        async with premises.daemon() as running:
            await premises.report()
            await premises.gets("dana@clinic.test", 1)
            await running.stop()
        async with premises.daemon() as running:
            await premises.report("LATE 15 Kim")
            await premises.gets("dana@clinic.test", 2)
            await running.stop()
        assert len(await premises.server.messages("admin@clinic.test")) == 2

    async def test_sigterm_is_exit_0_within_5_seconds_while_smtp_hangs(self, premises: Premises) -> None:
        premises.server.hang_smtp()
        async with premises.daemon() as running:
            await premises.report()
            await running.logs("opened noshow")
            assert await running.stop() < 5
        premises.server.resume_smtp()
        async with premises.daemon():
            await premises.gets("dana@clinic.test", 1)
            await premises.gets("admin@clinic.test", 1)

    async def test_sigterm_while_imap_is_away(self, premises: Premises) -> None:
        async with premises.daemon() as running:
            await premises.server.down_imap()
            await running.logs("mailbox lost")
            await running.stop()

    async def draft(self, premises: Premises, subject: str, count: int = 1) -> bytes:
        await premises.report(subject)
        await premises.gets("dana@clinic.test", count)
        return (await premises.server.messages("dana@clinic.test"))[count - 1]

    async def test_sighup_with_a_faulty_file_changes_nothing_and_is_logged(self, premises: Premises) -> None:
        async with premises.daemon() as running:
            good = premises.config.read_text()
            premises.config.write_text(good.replace('name = "Riverside Counselling"', 'name = "Other"\ncolour = "red"'))
            logged = await running.rereads("configuration not reread")
            assert logged["keys"] == ["clinic.colour"]
            assert b"Promptly, Riverside Counselling" in await self.draft(premises, "NOSHOW Sam")
            premises.config.write_text(good.replace('name = "Riverside Counselling"', 'name = "Other"'))
            await running.rereads("configuration reread")
            assert b"Promptly, Other" in await self.draft(premises, "LATE 15 Kim", 2)
            await running.stop()

    async def test_sighup_takes_all_of_a_change_or_none_and_says_which(self, premises: Premises) -> None:
        async with premises.daemon() as running:
            assert running.log[0]["event"] == "starting"
            assert running.log[0]["version"] == VERSION
            good = premises.config.read_text()
            await running.rereads("configuration unchanged")
            for old, new, keys in (
                (
                    'address = "clinic@clinic.test"',
                    'address = "desk@clinic.test"',
                    ["mailbox.address", "mailbox.username"],
                ),
                ("[smtp]", '[smtp]\nper_minute = 30\nhelo = "desk.clinic.test"', ["smtp.helo", "smtp.per_minute"]),
                ("[trust]", '[store]\nurl = "tinydb:elsewhere"\n[trust]', ["store.url"]),
                ("[trust]", '[health]\nlisten = "127.0.0.1:1"\n[trust]', ["health.listen"]),
                ("[mailbox]", '[mailbox]\nfolder = "Reports"', ["mailbox.folder"]),
            ):
                premises.config.write_text(good.replace(old, new).replace("Riverside Counselling", "Other"))
                logged = await running.rereads("configuration not taken: it needs a restart")
                assert sorted(logged["keys"]) == keys
            assert b"Promptly, Riverside Counselling" in await self.draft(premises, "NOSHOW Sam")
            premises.config.write_text(good.replace("[mailbox]", "[mailbox]\nshared = false\nstale_after = '2h'"))
            await running.rereads("configuration reread")
            await running.stop()


async def test_a_letter_owed_is_counted_before_it_can_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.server.down_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await is_owed(clinic, "draft")
        assert (await said(clinic.config_file, capsys))["owed"] == {"waiting": 2, "failed": 0}
        await clinic.server.up_smtp()
        await happens(lambda: clinic.service.sender.idle)
        await clinic.settled()
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
