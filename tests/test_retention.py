"""What is wiped, deleted and erased, when, and from where: nothing of a client's name stays in the state folder.

Contract section 6, ``[privacy]``, and section 7, ``erase`` and ``purge``.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import daemon
from tests.cast import DANA, RULES, a_case, dana, local, scene
from tests.conversation import MAILBOX, Clinic
from tests.in_time import answers, happens, is_owed, raw
from tests.premises import Premises, premises
from workflow.core.entries import consumed
from workflow.core.language.printed import case_line
from workflow.core.law import doubt_case
from workflow.core.mail import Doubt, Why
from workflow.core.model import Choice, LetterKind, Post
from workflow.core.owed import to_case
from workflow.core.people import Role
from workflow.core.privacy import names_of, scrubbed, wiped
from workflow.store.tiny.backup import back_up

pytestmark = pytest.mark.slow

__all__ = ["premises"]

NAME = "Quillon Vandersprock"
WORDS = "kept from school by a marmalade accident"
"""What stands in no sentence of ours."""


def beside_a_daemon(look: Callable[[], list[Any]]) -> list[Any]:
    """What `look` finds in a folder where a copy may vanish while it is listed: then it looks again."""
    while True:
        with suppress(FileNotFoundError):
            return look()


def holding(folder: Path, *pieces: str) -> list[str]:
    """The files that hold one of these pieces, in their names or anywhere in their bytes."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        data = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
        if any(piece.casefold() in (name + data).casefold() for piece in pieces):
            found.append(name)
    return found


async def told(clinic: Clinic) -> str:
    """Dana has missed a session, and how it came to that, in words of her own; the case."""
    await clinic.dana.writes(f"NOSHOW {NAME}, {WORDS}")
    await clinic.alex.gets("alert")
    return (await clinic.dana.gets("draft")).case or ""


async def ended(clinic: Clinic) -> str:
    case = await told(clinic)
    await clinic.dana.writes(f"[{case}] SENT")
    await clinic.dana.writes(f"[{case}] OTHER {WORDS}")
    await read_all(clinic)
    return case


async def read_all(clinic: Clinic) -> None:
    """Everybody reads their mail: what it says is not what the test is about."""
    await clinic.settled()
    await clinic.collect()
    for person in clinic.people.values():
        person.inbox.clear()


async def verb(clinic: Clinic, *words: str) -> int:
    """In a thread: a verb has a loop of its own, as it has a process of its own."""
    return await asyncio.to_thread(daemon.main, [*words, "--config", str(clinic.config_file)])


class TestWhatIsWiped:
    def test_all_that_people_wrote_goes_and_all_that_is_counted_stays(self) -> None:
        case = a_case(note=WORDS, client=NAME)
        case = consumed(scene(local("14:05")), case, dana(f"? {WORDS}", local("14:05"), key="k"), "unclear: question")
        offered = (Choice("SENT", "texted", case.id), Choice(f"LATE 15 {NAME}", "report", None))
        case = to_case(
            scene(local("14:05")),
            replace(case, outcome_note=WORDS),
            LetterKind.ASK,
            "which-case",
            [DANA],
            Role.ASSOCIATE,
            offered=offered,
            data={"text": WORDS, "lines": [NAME], "minutes_taken": 5},
        )
        bare = wiped(case, local("15:00"))
        for piece in (NAME, "Quillon", WORDS):
            assert piece in repr(case)
            assert piece not in repr(bare)
        assert bare.wiped_at == local("15:00")
        assert [entry.what for entry in bare.history] == [entry.what for entry in case.history]
        assert [mail.key for mail in bare.mails] == [mail.key for mail in case.mails]
        assert [letter.message_id for letter in bare.letters] == [letter.message_id for letter in case.letters]
        assert bare.letters[-1].data == {"minutes_taken": 5}
        assert [choice.line for choice in bare.letters[-1].choices] == ["SENT"]
        assert wiped(bare, local("15:00")) == bare

    def test_a_question_that_names_the_client_loses_its_choices(self) -> None:
        case, voice = a_case(client=NAME), dana("NOSHOW flu", local("14:05"), key="k")
        here = Choice("NOSHOW", case_line(case, RULES, local("14:05")), case.id)
        asked = doubt_case(scene(local("14:05")), voice, case, Doubt(Why.PERHAPS_ANOTHER), "", meant=(here,))
        assert "Quillon" in repr(asked.letters[-1].choices)
        assert "Quillon" not in repr(wiped(asked, local("15:00")))

    def test_what_is_written_afterwards_is_to_be_wiped_in_its_turn(self) -> None:
        bare = wiped(a_case(), local("15:00"))
        again = consumed(scene(local("16:00")), bare, dana(f"OTHER {WORDS}", local("16:00")), "outcome other")
        assert again.wiped_at is None

    def test_names_are_those_that_the_client_ever_had(self) -> None:
        corrected = replace(a_case(client="Sam Peters"), client="Pam Peters")
        assert set(names_of(corrected)) == {"Sam Peters", "Sam P.", "Pam Peters", "Pam P."}

    def test_letters_of_others_lose_the_name_and_the_lines_about_the_case_and_nothing_else(self) -> None:
        digest = replace(
            a_case().letters[0],
            id="desk.x",
            case=None,
            facts=None,
            choices=(Choice("SENT", "", "K7Q2"), Choice("SENT", "", "B3C4")),
            data={"open": [f"[K7Q2] noshow, {NAME}", "[B3C4] late, Kim"], "text": f"{NAME} and Kim", "by": NAME},
        )
        left = scrubbed(digest, "K7Q2", (NAME,), local("15:00"))
        assert left.data == {"open": ["[B3C4] late, Kim"], "text": "(erased) and Kim", "by": NAME}
        assert [choice.case for choice in left.choices] == ["B3C4"]
        assert left.post is Post.OWED
        assert scrubbed(left, "K7Q2", (NAME,), local("15:00")) is left
        about = scrubbed(replace(digest, case="K7Q2"), "K7Q2", (NAME,), local("15:00"))
        assert (about.post, about.reason, about.facts) == (Post.WITHDRAWN, "its case was erased", None)


class TestRetention:
    async def test_names_go_from_cases_letters_and_backups_and_the_report_stays(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path, digest="08:30") as clinic:
            state = clinic.folder / "state"
            case = await told(clinic)
            await clinic.until(clinic.clock.now() + timedelta(hours=19))  # the digest tells of it
            await happens((state / "backups" / "2026-11-06").exists)
            await clinic.dana.writes(f"[{case}] OTHER {WORDS}")
            await read_all(clinic)
            assert [name for name in holding(state, NAME) if name.startswith("backups/")], "a copy of the open case"

            async def reported() -> str:
                capsys.readouterr()
                assert await verb(clinic, "report", "--json") == 0
                out = capsys.readouterr().out
                return str(json.JSONDecoder().raw_decode(out[out.index("{\n") :])[0])

            before = await reported()
            await clinic.until(clinic.clock.now() + timedelta(days=29))
            await clinic.service.upkeep.retain()
            assert holding(state, NAME), "not before its time"
            await clinic.until(clinic.clock.now() + timedelta(days=1, minutes=1))
            await clinic.service.upkeep.retain()
            assert holding(state, NAME, "Quillon", WORDS) == []
            assert await reported() == before
            await read_all(clinic)

    async def test_a_copy_of_the_case_from_when_it_was_open_is_wiped_with_it(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, more='[privacy]\nkeep_names = "1h"\n') as clinic:
            state = clinic.folder / "state"
            case = await told(clinic)
            await clinic.service.upkeep.retain()
            back_up(state, "2026-11-05")
            await clinic.dana.writes(f"[{case}] OTHER {WORDS}")
            await clinic.passes(hours=1, seconds=1)
            await clinic.service.upkeep.retain()
            assert holding(state, NAME, WORDS) == []
            assert (state / "backups" / "2026-11-05" / "open" / f"{case}.json").exists()
            await read_all(clinic)

    async def test_cases_are_deleted_after_keep_cases(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await ended(clinic)
            await clinic.until(clinic.clock.now() + timedelta(days=399))
            await clinic.service.upkeep.retain()
            assert await clinic.store.knows(case)
            await clinic.until(clinic.clock.now() + timedelta(days=1, minutes=1))
            await clinic.service.upkeep.retain()
            assert holding(clinic.folder / "state", case) == []

    async def test_a_late_answer_to_a_wiped_case_is_recorded_and_wiped_again(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, more='[privacy]\nkeep_names = "1h"\n') as clinic:
            case = await ended(clinic)
            await clinic.passes(hours=2)
            await clinic.service.upkeep.retain()
            await clinic.dana.writes(f"[{case}] OTHER {WORDS} after all")
            assert holding(clinic.folder / "state", WORDS)
            await clinic.passes(hours=2)
            await clinic.service.upkeep.retain()
            assert holding(clinic.folder / "state", WORDS) == []
            await read_all(clinic)

    @pytest.mark.slow
    async def test_the_daemon_does_it_by_its_own_clock_and_purge_asks_it_to(self, premises: Premises) -> None:
        premises.configure('[privacy]\nkeep_names = "2d"\nkeep_cases = "4d"\n[quiet]\nfrom = "00:00"\nto = "00:00"')
        async with premises.daemon("--clock", "2026-11-05T14:00", "--speed", "20000"):
            await premises.report(f"WAITING {NAME}")
            async with asyncio.timeout(30):
                while not beside_a_daemon(lambda: holding(premises.state, NAME)):
                    await asyncio.sleep(0.05)
                while beside_a_daemon(lambda: holding(premises.state, NAME)):  # it closes by itself the next morning
                    await asyncio.sleep(0.05)
            code, out, err = await premises.promptly("purge", "--yes")
            assert code == 0, err
            assert "Nothing was due" in out or "Names and free text wiped" in out
            async with asyncio.timeout(60):
                kept = ("closed/*/*.json", "backups/*/closed/*/*.json")
                while beside_a_daemon(lambda: [path for where in kept for path in premises.state.glob(where)]):
                    await asyncio.sleep(0.05)


class TestErase:
    async def test_an_open_case_goes_with_everything_and_its_mail_is_not_acted_on_again(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            state = clinic.folder / "state"
            case = await told(clinic)
            clinic.server.refuse("admin@clinic.test", "451 4.7.1 Greylisted")
            await clinic.dana.writes("STATUS")
            await clinic.dana.gets("status")
            await clinic.ravi.writes("LATE 15 Kim")  # whose letters say nothing of Dana's case
            await clinic.dana.writes("LATE 15 Kim")  # whose draft lists it
            await clinic.dana.gets("draft")
            kim = (await clinic.ravi.gets("draft")).case or ""
            (state / "backups" / "2026-11-04" / "open").mkdir(parents=True)
            copy = state / "backups" / "2026-11-04" / "open" / f"{case}.json"
            copy.write_bytes((state / "open" / f"{case}.json").read_bytes())
            mails = await clinic.server.messages(MAILBOX, "Promptly")
            capsys.readouterr()
            assert await verb(clinic, "erase", case.lower(), "--yes") == 0
            printed = capsys.readouterr().out
            assert f"Case {case} is erased" in printed
            assert "nothing of the client's name and of what was written is left." in printed
            assert holding(state, NAME, WORDS) == []
            assert holding(state, f"{case}.json") == []
            assert await clinic.store.case(kim) is not None
            report = next(mail for mail in mails if NAME.encode() in mail)
            await clinic.server.deliver(MAILBOX, report, arrived_at=clinic.clock.now())  # moved back by somebody
            await clinic.settled()
            assert len(await clinic.store.open_cases()) == 2
            await clinic.minute_by_minute(6)
            clinic.server.accept("admin@clinic.test")
            await read_all(clinic)
            assert holding(state, NAME) == []
            await clinic.stops()
            await clinic.starts()
            assert len(await clinic.store.open_cases()) == 2

    async def test_letters_not_yet_sent_are_withdrawn(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.server.down_smtp()
            await answers(clinic, "dana", f"NOSHOW {NAME}")
            await is_owed(clinic, "draft")
            (case,) = await clinic.store.open_cases()
            assert await verb(clinic, "erase", case, "--yes") == 0
            assert "2 letters not yet sent withdrawn" in capsys.readouterr().out
            assert await clinic.store.owed() == []
            await clinic.server.up_smtp()
            await happens(lambda: clinic.service.sender.idle)

    async def test_without_a_daemon_it_is_done_at_once(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await ended(clinic)
            await clinic.stops()
            assert await verb(clinic, "erase", case, "--yes") == 0
            assert "is left." in capsys.readouterr().out
            assert holding(clinic.folder / "state", NAME, WORDS, f"{case}.json") == []
            assert await verb(clinic, "erase", case, "--yes") == 2
            assert "is not there" in capsys.readouterr().err
            await clinic.starts()

    async def test_the_same_name_in_another_case_is_told_and_left(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await ended(clinic)
            await clinic.passes(hours=4)
            other = await told(clinic)
            capsys.readouterr()
            assert await verb(clinic, "erase", case, "--yes") == 0
            out = capsys.readouterr().out
            assert "erase them, too, if they are about the same client" in out
            assert f"open/{other}.json" in out
            assert await clinic.store.case(other) is not None
            assert NAME not in out

    async def test_what_an_editor_left_is_found_and_is_exit_1(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await ended(clinic)
            left = clinic.folder / "state" / "notes~"
            left.write_text(f"call {NAME}")
            assert await verb(clinic, "erase", case, "--yes") == 1
            assert "  notes~" in capsys.readouterr().err

    async def test_a_case_that_cannot_be_read_is_erased_and_the_proof_says_what_it_is_worth(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await ended(clinic)
            await clinic.stops()
            (path,) = (clinic.folder / "state" / "closed").rglob("*.json")
            path.write_text(path.read_text()[:-20])
            assert await verb(clinic, "erase", case, "--yes") == 0
            assert "could not be read" in capsys.readouterr().out
            assert holding(clinic.folder / "state", f"{case}.json") == []
            await clinic.starts()

    async def test_without_a_yes_nothing_happens(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        async with Clinic(tmp_path) as clinic:
            case = await ended(clinic)
            monkeypatch.setattr("sys.stdin", io.StringIO(""))
            for words in (("erase", case), ("purge",)):
                assert await verb(clinic, *words) == 2
                assert "--yes" in capsys.readouterr().err
            monkeypatch.setattr("sys.stdin", Terminal("no\n"))
            assert await verb(clinic, "erase", case) == 1
            assert await clinic.store.knows(case)
            monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
            assert await verb(clinic, "erase", case) == 0
            assert not await clinic.store.knows(case)

    @pytest.mark.slow
    async def test_beside_a_running_daemon_in_processes_of_their_own(self, premises: Premises) -> None:
        async with premises.daemon() as running:
            await premises.report(f"NOSHOW {NAME}")
            await premises.gets("dana@clinic.test", 1)
            await premises.gets("admin@clinic.test", 1)
            (path,) = (premises.state / "open").glob("*.json")
            code, out, _ = await premises.promptly("export", path.stem)
            assert code == 0
            assert json.loads(out)["client"] == NAME
            code, out, err = await premises.promptly("erase", path.stem, "--yes")
            assert code == 0, err
            assert "A daemon runs" in err
            assert "is left." in out
            assert holding(premises.state, NAME, path.stem + ".json") == []
            assert list((premises.state / "requests").iterdir()) == []
            await running.kill()
        async with premises.daemon() as running:
            await premises.server.deliver(MAILBOX, raw("dana@clinic.test", "LATE 15 Kim"))
            await premises.gets("dana@clinic.test", 2)
            assert holding(premises.state, NAME) == []

    @pytest.mark.slow
    async def test_a_request_of_a_dead_daemon_is_done_by_whoever_has_the_lock(self, premises: Premises) -> None:
        async with premises.daemon() as running:
            await premises.report(f"NOSHOW {NAME}")
            await premises.gets("dana@clinic.test", 1)
            running.process.send_signal(19)  # SIGSTOP: it holds the lock, and answers nobody
            (path,) = (premises.state / "open").glob("*.json")
            asked = asyncio.create_task(premises.promptly("erase", path.stem, "--yes"))
            async with asyncio.timeout(20):
                while not list((premises.state / "requests").glob("*.json")):
                    await asyncio.sleep(0.05)
            await running.kill()
            code, _, err = await asked
            assert code == 0, err
        assert holding(premises.state, NAME) == []
        assert list((premises.state / "requests").iterdir()) == []

    @pytest.mark.slow
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
    async def test_root_leaves_the_files_to_the_user_whose_they_are(self, premises: Premises) -> None:
        async with premises.daemon():
            await premises.report(f"NOSHOW {NAME}")
            await premises.gets("dana@clinic.test", 1)
            await premises.report("LATE 15 Kim")
            await premises.gets("dana@clinic.test", 2)
        nobody = pwd.getpwnam("nobody")
        for path in (premises.state, *premises.state.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        (path, other) = sorted((premises.state / "open").glob("*.json"))
        # As systemd's DynamicUser leaves it: a link, into a folder that the owner of the state may not pass.
        private = premises.folder / "private"
        private.mkdir(mode=0o700)
        premises.state.rename(private / "state")
        premises.state.symlink_to("private/state")
        for words in (("erase", path.stem), ("purge",)):
            code, _, err = await premises.promptly(*words, "--yes")
            assert code == 0, err
        assert {each.stem for each in premises.state.glob("open/*.json")} == {other.stem}
        everything = [private / "state", *(private / "state").rglob("*")]
        assert {each.stat().st_uid for each in everything} == {nobody.pw_uid}
        async with premises.daemon() as running:
            asking = asyncio.create_task(premises.promptly("erase", other.stem, "--yes"))
            assert (await asking)[0] == 0, "a running daemon is asked the same way"
            await running.stop()
        assert not list(premises.state.glob("open/*.json"))


async def test_the_state_is_open_to_nobody_else(tmp_path: Path) -> None:
    os.umask(0o022)
    async with Clinic(tmp_path) as clinic:
        state = clinic.folder / "state"
        await ended(clinic)
        clinic.says_it_lives()
        assert await verb(clinic, "purge", "--yes") == 0
        await happens(lambda: (state / "backups").exists() and not list((state / "backups").glob("*.new")))
        await clinic.stops()
        (path,) = (state / "closed").rglob("*.json")
        for each in (path, path.parent, state):  # as somebody with another umask put them back
            each.chmod(0o755 if each.is_dir() else 0o644)
        await clinic.starts()
        everything = [state, *state.rglob("*")]
        assert {stat.S_IMODE(each.stat().st_mode) for each in everything if each.is_dir()} == {0o700}
        assert {stat.S_IMODE(each.stat().st_mode) for each in everything if each.is_file()} == {0o600}
        assert {"alive.json", "desk.json", "lock", path.name} <= {each.name for each in everything}
