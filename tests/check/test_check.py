"""`check` as a whole: a line a part, whatever fails hides nothing else, and it leaves all as it was."""

from __future__ import annotations

import asyncio
import json

import pytest

import daemon
from tests.check.looking import config, look, premises, receive
from tests.conversation import MAILBOX
from tests.premises import Premises
from workflow.config import Config
from workflow.verbs import check
from workflow.verbs.check import machine
from workflow.verbs.check.finding import Level, said

__all__ = ["config", "premises"]

SOUND = (
    *("configuration", "IMAP connection", "IMAP login", "IMAP folder", "IMAP handled folder", "IMAP IDLE"),
    *(
        "IMAP MOVE",
        "IMAP keywords",
        "IMAP mails",
        "clock",
        "SMTP connection",
        "SMTP login",
        "SMTP sender",
        "SMTP recipients",
    ),
    *("addresses", "trust", "store", "disk", "templates"),
)


async def test_a_sound_set_up_is_all_ok_and_stays_as_it_was(premises: Premises, config: Config) -> None:
    await receive(premises)
    before = await premises.server.stored(MAILBOX)
    found = await look(config)
    assert found.of(Level.OK) == list(SOUND) == found.parts
    assert await premises.server.stored(MAILBOX) == before
    assert await premises.server.stored(MAILBOX, "Promptly") == [], "to look leaves nothing behind"
    assert not premises.state.exists(), "to look makes no folder"
    assert not premises.server.passed


@pytest.mark.slow
async def test_as_a_command_it_says_a_line_each_and_exits_with_0_or_1(premises: Premises) -> None:
    await receive(premises)
    code, out, err = await premises.promptly("check")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert [line.partition(":")[0].split(maxsplit=1) for line in lines[:-1]] == [["ok", part] for part in SOUND]
    assert lines[-1] == "Nothing fails, 0 warnings. The whole way of a letter is tried by: check --send"
    (premises.folder / "password").write_text("wrong\n")
    code, out, _ = await premises.promptly("check")
    assert code == 1
    assert "\nFAIL  IMAP login: user name or password refused, for clinic@clinic.test" in out
    assert "\n--    trust: not tried" in out
    assert out.splitlines()[-1] == "1 part fails, 0 warnings. Mend the first FAIL, then run this again."


@pytest.mark.slow
async def test_as_json_it_says_the_same(premises: Premises) -> None:
    code, out, _ = await premises.promptly("check", "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (0, True)
    assert [part["part"] for part in told["parts"]] == list(SOUND)
    (trust,) = (part for part in told["parts"] if part["part"] == "trust")
    assert trust["level"] == "warn"
    assert trust["advice"].startswith("Send one from a roster address")


async def test_on_a_terminal_advice_stands_below(
    config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    await asyncio.to_thread(daemon.main, ["check", "--config", str(config.path)])
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if "trust: " in line)
    assert "not known yet" in lines[at]
    assert "      \x1b[3mSend one from a roster address" in lines[at + 1]


@pytest.mark.slow
async def test_a_part_that_hangs_hides_no_other(
    premises: Premises, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "PART_MOST", 2.0)
    premises.server.hang_smtp()
    found = await look(config)
    assert found.failed == ["SMTP"]
    assert "did not come to an end within 2 seconds" in found["SMTP"].text
    assert found["templates"].level is Level.OK


async def test_a_mistake_of_ours_hides_no_other_part(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "store", lambda folder, tell: 1 / 0)
    found = await look(config)
    assert found.failed == ["store"]
    assert "ZeroDivisionError" in found["store"].text
    assert found["templates"].level is Level.OK


def test_what_a_server_says_is_fit_for_one_line() -> None:
    assert said("LOGIN failed: [b'no', b'really']") == "LOGIN failed: [no, really]"
    assert said(b"a\x1b[31m\r\nb\xff") == "a [31m b\ufffd"
    assert len(said("x" * 1000)) < 200
