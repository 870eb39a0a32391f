"""``board`` beside a node: of one of its clinics, and of all in counts alone."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

import daemon
from tests.in_time import happens
from tests.many.house import House, write_clinic, write_node

pytestmark = pytest.mark.slow

PLANTED = "LATE 15 Quillon Vandersprock AT 2:10pm - stuck on Elm Street, 416 555 0199"

NOBODYS = (
    "Quillon",
    "Vandersprock",
    "Q.V.",
    "Dana",
    "D.L.",
    "Alex",
    "Elm",
    "0199",
    "2:10",
    "Zwickel",
    "@clinic",
    "http",
)
"""What is on no page of counts. The clinic calls itself by a name, too."""


async def test_of_all_names_nobody_and_of_one_is_the_clinics_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with House(tmp_path) as house, AsyncExitStack() as stack:
        riverside = await stack.enter_async_context(house.clinic("riverside", clinic={"name": "Dr. Zwickel"}))
        hilltop = await stack.enter_async_context(house.clinic("hilltop"))
        assert await house.applies() == 0
        await house.serves(riverside, hilltop)
        await riverside.dana.writes(PLANTED)
        case = (await riverside.dana.gets("draft")).case or ""
        await riverside.alex.gets("alert")
        house.clock.move(timedelta(minutes=12))
        await hilltop.server.down_imap()
        await happens(lambda: not hilltop.practice.watch.connected)
        for clinic in (riverside, hilltop):
            clinic.says_it_lives()
        capsys.readouterr()
        assert await house.promptly("board", "--all") == 0
        page = capsys.readouterr().out
        assert page.rstrip().endswith("</html>")
        assert "<b>1 needs somebody now</b>, 1 open" in page
        assert page.index("riverside") < page.index("hilltop") < page.index("The mailbox is not reached")
        for word in (*NOBODYS, case):
            assert word not in page, word
        assert await house.promptly("board", "--clinic", "riverside") == 0
        page = capsys.readouterr().out
        assert "<bdi>D.L.</bdi> is 15 min late for <bdi>Q.V.</bdi>" in page
        assert "Dr. Zwickel, 2:12 pm" in page
        assert await house.promptly("board", "--clinic", "elsewhere") == 2
        await hilltop.server.up_imap()
        for clinic in (riverside, hilltop):
            await clinic.settled()
        await riverside.dana.gets("reminder")
        await riverside.alex.gets("escalation")


def test_a_clinic_that_cannot_be_read_hides_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = write_node(tmp_path)
    for port, name in enumerate(("hilltop", "riverside"), 1143):
        write_clinic(tmp_path, name, port, 1025)
    assert daemon.main(["apply", "--config", str(node)]) == 0
    state = tmp_path / "clinics" / "hilltop"
    state.mkdir(exist_ok=True)
    (state / "desk.json").write_text("{torn")
    capsys.readouterr()
    assert daemon.main(["board", "--all", "--config", str(node)]) == 4
    page, err = capsys.readouterr()
    assert err.startswith("hilltop: ")
    assert "Can't be read: nothing is known" in page
    assert "Served by no node" in page
    assert page.index("hilltop") < page.index("riverside")
    assert "Nothing is open as far as is known" in page
    for verb in ("status", "clinics"):
        assert daemon.main([verb, *(["--all"] if verb == "status" else []), "--config", str(node)]) == 4
        out, err = capsys.readouterr()
        assert err.startswith("hilltop: ")
        assert "riverside" in out
