"""`run --speed` and `--clock`: a clinic day rehearsed on loopback, and refused anywhere else."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import daemon
from tests.configuration import configure
from tests.premises import Premises, premises
from workflow.store.tiny.daemon_link import TinyDaemonLink

__all__ = ["premises"]

pytestmark = pytest.mark.slow

MINUTE = timedelta(minutes=1)


async def rehearsed(premises: Premises) -> datetime:
    """What time it was for the daemon when it said so last."""
    alive = await TinyDaemonLink(premises.state).alive(living=False)
    assert alive is not None
    return alive.now


@pytest.mark.parametrize("option", [["--speed", "60"], ["--clock", "2026-11-05T14:00"]])
def test_a_rehearsal_off_loopback_is_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    config = configure(tmp_path, mailbox={"host": "imap.clinic.test", "security": "tls"})
    assert daemon.main(["run", "--config", str(config), *option]) == 2
    assert "  mailbox.host: --speed and --clock are for loopback hosts only" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--speed", "0"], ["--speed", "-1"], ["--clock", "at noon"]])
async def test_a_time_that_is_none_is_exit_2(
    premises: Premises, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert daemon.main(["run", "--config", str(premises.config), *option]) == 2
    assert option[0] in capsys.readouterr().err


async def test_a_clock_without_offset_is_the_clinics(premises: Premises) -> None:
    async with premises.daemon("--clock", "2026-11-05T14:00") as running:
        await running.stop()
    assert timedelta(0) <= await rehearsed(premises) - datetime.fromisoformat("2026-11-05T14:00-05:00") < MINUTE


async def test_a_clock_with_offset_is_taken_at_its_word(premises: Premises) -> None:
    async with premises.daemon("--clock", "2026-11-05T14:00+01:00") as running:
        await running.stop()
    assert timedelta(0) <= await rehearsed(premises) - datetime.fromisoformat("2026-11-05T14:00+01:00") < MINUTE


async def test_a_restart_goes_on_from_the_rehearsed_time_if_that_is_later(premises: Premises) -> None:
    at_two = ("--clock", "2026-11-05T14:00")
    async with premises.daemon("--speed", "3000", *at_two) as running:
        await premises.report()
        await premises.gets("dana@clinic.test", 2)  # the draft, and five minutes later a reminder
        await running.kill()
    late = await rehearsed(premises)
    async with premises.daemon("--speed", "1", *at_two) as running:
        await running.stop()
    again = await rehearsed(premises)
    assert again >= max(late, datetime.fromisoformat("2026-11-05T14:05-05:00"))
    async with premises.daemon("--clock", "2026-12-24T10:00") as running:
        await running.stop()
    assert await rehearsed(premises) >= datetime.fromisoformat("2026-12-24T10:00-05:00")


async def test_speed_alone_begins_now(premises: Premises) -> None:
    before = time.time()
    async with premises.daemon("--speed", "2") as running:
        await running.stop()
    assert before <= (await rehearsed(premises)).timestamp() <= before + 60


async def test_a_mail_arrives_when_first_seen_and_nothing_is_stale(premises: Premises) -> None:
    await premises.report()  # by the server's clock: years from the rehearsed one
    async with premises.daemon("--clock", "2031-11-05T14:00"):
        await premises.gets("dana@clinic.test", 1)
        code, out, _ = await premises.promptly("status", "--json")
        assert code == 0
        (case,) = json.loads(out)["open"]
        assert case["reported_at"].startswith("2031-11-05T14:00:")


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ((), ("--speed", "60"), "is in real use"),
        ((), ("--clock", "2071-11-05T14:00"), "is in real use"),
        (("--clock", "2071-11-05T14:00"), (), "was made by a rehearsal"),
    ],
)
@pytest.mark.parametrize("unmarked", [False, True], ids=["", "of an earlier version"])
async def test_a_state_is_rehearsed_or_real_for_good(
    premises: Premises, first: tuple[str, ...], second: tuple[str, ...], why: str, unmarked: bool
) -> None:
    async with premises.daemon(*first) as running:
        await running.stop()
    desk = premises.state / "desk.json"
    if unmarked:
        kept = json.loads(desk.read_text())
        del kept["desk"]["1"]["marks"]["rehearsed"]
        desk.write_text(json.dumps(kept))
    before = desk.read_bytes()
    code, _, err = await premises.promptly("run", *second)
    assert code == 2
    assert why in err
    assert "[store] url" in err
    assert desk.read_bytes() == before
    async with premises.daemon(*first) as running:
        await running.stop()
