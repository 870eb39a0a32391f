"""What IMAP servers and people do to the mailbox while the whole service runs on it: nothing lost, nothing done twice.

How the inbox alone takes each of these is in tests/mail/test_inbox_misbehaviour.py; outages by the clock are in
tests/test_outages.py.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from asyncio import StreamReader, StreamWriter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.conversation import Clinic
from tests.in_time import happens, raw
from tests.scripted_imap import ALL, ScriptedImap
from tests.silent_proxy import SilentProxy
from tests.watched import BRISK
from workflow.mail.imap.inbox import Inbox, Pace

pytestmark = pytest.mark.slow

PROMPT = replace(BRISK, reidle=0.3, refused_first=0.05, refused_most=0.1)
"""No test waits for the clock."""

HANG = 0.4
"""Seconds that one answer of the server may take."""


class ScriptedClinic(Clinic):
    """A clinic whose mailbox is on a scripted server, perhaps behind a proxy; letters go to the embedded one."""

    def __init__(self, folder: Path, imap: ScriptedImap, proxy: SilentProxy | None = None, pace: Pace = PROMPT) -> None:
        inbox = partial(Inbox, pace=pace, timeout=HANG)
        super().__init__(folder, mailbox={"port": (proxy or imap).port}, make_inbox=inbox)
        self.imap = imap

    async def lies_there(self, subject: str, *flags: str) -> int:
        """A mail from Dana lies in the folder, and is pushed to whoever idles."""
        uid = self.imap.put(raw("dana@clinic.test", subject), self.clock.now(), *flags)
        await self.imap.say(f"* {len(self.imap.mails)} EXISTS\r\n")
        return uid

    async def reports(self, line: str, *flags: str) -> str:
        """Dana reports, and everybody gets their letter; the case's id."""
        await self.lies_there(line, *flags)
        await self.settled()
        await self.alex.gets("alert")
        return (await self.dana.gets("draft")).case or ""

    async def notices(self, count: int) -> list[str]:
        """What Alex reads in so many notices, once they have gone."""
        await happens(lambda: sum(b"X-Promptly-Letter: notice" in mail.raw for mail in self.server.passed) == count)
        await self.settled()
        return [(await self.alex.gets("notice")).text for _ in range(count)]

    async def closes(self, case: str) -> None:
        await self.lies_there(f"[{case}] UNREACHABLE")
        await self.settled()
        await self.dana.gets("receipt")
        await self.alex.gets("update")

    @property
    def connected(self) -> bool:
        return self.service.watch.connected


# --- what a server cannot do ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capabilities", "permanent"),
    [
        (ALL, r"\Deleted \Seen \*"),
        ("IMAP4rev1 AUTH=PLAIN UIDPLUS", r"\Deleted \Seen \*"),
        ("IMAP4rev1", r"\Deleted \Seen \*"),
        ("IMAP4rev1", r"\Deleted \Seen"),
    ],
    ids=["everything", "no-idle-no-move", "keywords-alone", "nothing"],
)
async def test_whatever_the_server_lacks_each_mail_is_acted_on_once(
    tmp_path: Path, capabilities: str, permanent: str
) -> None:
    async with (
        ScriptedImap(capabilities=capabilities, permanent=permanent) as imap,
        ScriptedClinic(tmp_path, imap) as clinic,
    ):
        await clinic.lies_there("Invoice for October")
        case = await clinic.reports("NOSHOW Sam")
        await clinic.stops()
        await clinic.starts()
        await clinic.closes(case)
        imap.uidvalidity += 1  # the folder is looked through again
        before = imap.count("SELECT")
        imap.hang_up()
        await imap.heard("SELECT", before + 1)
        await clinic.settled()
        await clinic.nothing_else()
        assert any(b"Invoice" in mail.raw and not mail.flags for mail in imap.mails.values())


# --- numbers, and people ----------------------------------------------------------------------------------


async def test_a_folder_numbered_anew_gets_no_second_answer(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        await clinic.lies_there("LATE 999 Sam")  # gets help, and stays in the mailbox
        await clinic.settled()
        await clinic.dana.gets("help")
        await clinic.alex.gets("notice")
        imap.uidvalidity = 8
        imap.mails = {uid + 100: mail for uid, mail in imap.mails.items()}
        imap.next_uid += 100
        before = imap.count("SELECT")
        imap.hang_up()
        await imap.heard("SELECT", before + 1)
        await clinic.settled()
        await clinic.nothing_else()
        await clinic.reports("NOSHOW Kim")


async def test_a_folder_that_is_deleted_and_made_again_is_watched_again(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        case = await clinic.reports("NOSHOW Sam")
        imap.refuse("SELECT", "NO [NONEXISTENT] no such folder", "NO [NONEXISTENT] no such folder")
        before = imap.count("SELECT")
        imap.hang_up()
        await imap.heard("SELECT", before + 2)
        imap.uidvalidity, imap.next_uid, imap.mails, imap.folders = 9, 1, {}, {}
        imap.hang_up()
        await happens(lambda: clinic.connected)
        await clinic.closes(case)
        await happens(lambda: len(imap.folders.get("Promptly", ())) == 1)


async def test_a_report_that_somebody_has_read_is_acted_on(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        await clinic.reports("NOSHOW Sam", r"\Seen", r"\Flagged")


async def test_a_report_that_somebody_moved_out_and_back_is_acted_on_once(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        imap.vanishing = {1}  # weighed, and gone before it is fetched
        await clinic.lies_there("NOSHOW Sam")
        await clinic.settled()
        await clinic.nothing_else()
        case = await clinic.reports("NOSHOW Sam")
        await clinic.reports("NOSHOW Kim")
        await clinic.lies_there("NOSHOW Sam")  # and back again, under a number of its own
        await clinic.settled()
        await clinic.nothing_else()
        await clinic.closes(case)


async def test_a_report_that_somebody_moves_while_it_is_decided_stays_where_they_put_it(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        imap.refuse("UID MOVE", "")
        uid = await clinic.lies_there("NOSHOW Sam")
        await happens(lambda: imap.count("UID MOVE") == 1)
        del imap.mails[uid]
        await happens(lambda: imap.count("UID MOVE") == 2)
        await clinic.settled()
        await clinic.alex.gets("alert")
        case = (await clinic.dana.gets("draft")).case or ""
        await clinic.closes(case)


# --- mail that is not handed over -------------------------------------------------------------------------


async def test_each_mail_that_breaks_the_connection_is_announced_and_left_and_the_report_behind_it_heard(
    tmp_path: Path,
) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        imap.breaking = {await clinic.lies_there("LATE 15 Kim"), await clinic.lies_there("Invoice")}
        await clinic.reports("NOSHOW Sam")
        for notice in await clinic.notices(2):
            assert "breaks off, or falls silent, whenever it is asked for it" in notice
        await clinic.nothing_else()
        await happens(lambda: set(imap.mails) == imap.breaking)
        assert not any(mail.flags for mail in imap.mails.values())
        await clinic.stops()
        await clinic.starts()
        await clinic.nothing_else()


async def test_a_reminder_does_not_wait_for_a_mail_that_breaks_the_connection(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        await clinic.reports("NOSHOW Sam")
        imap.breaking = {await clinic.lies_there("LATE 15 Kim")}
        await clinic.passes(minutes=5)
        await clinic.dana.gets("reminder")
        await clinic.notices(1)


async def test_a_report_whose_text_is_withheld_speaks_by_its_subject_and_admin_hears_of_the_rest(
    tmp_path: Path,
) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        imap.poison = {1}
        await clinic.lies_there("NOSHOW Sam")
        assert "The text of a mail could not be read" in (await clinic.notices(1))[0]
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")


async def test_a_server_that_puts_us_off_is_an_outage_and_sets_no_report_aside(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        imap.puts_off = "NO Request is throttled. Suggested Backoff Time: 60000 milliseconds"
        for client in ("Sam", "Kim", "Eli"):
            await clinic.lies_there(f"NOSHOW {client}")
        await happens(lambda: not clinic.connected)
        await clinic.passes(minutes=3)
        assert "has put us off since" in (await clinic.notices(1))[0]
        imap.puts_off = ""
        await happens(lambda: clinic.connected)
        await clinic.settled()
        for _ in range(3):
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")
        await clinic.nothing_else()


# --- lines that die ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["BYE", "FIN", "silence"])
async def test_a_line_that_dies_in_idle_is_replaced_and_the_report_found(tmp_path: Path, end: str) -> None:
    async with (
        ScriptedImap() as imap,
        SilentProxy(imap.port) as proxy,
        ScriptedClinic(tmp_path, imap, proxy) as clinic,
    ):
        match end:
            case "BYE":
                await imap.say("* BYE maintenance\r\n")
            case "FIN":
                imap.hang_up()
            case "silence":
                proxy.forget()
        imap.put(raw("dana@clinic.test", "NOSHOW Sam"), clinic.clock.now())  # nobody can push it
        await happens(lambda: len(clinic.server.passed) == 2)
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        assert proxy.connections <= 4, "the watch, and the look at handled mail, once again"


@pytest.mark.slow
async def test_connections_that_hang_half_open_are_given_up_until_one_answers(tmp_path: Path) -> None:
    pace = replace(PROMPT, retry_first=Pace().retry_first, retry_most=Pace().retry_most)
    async with (
        ScriptedImap() as imap,
        SilentProxy(imap.port) as proxy,
        ScriptedClinic(tmp_path, imap, proxy, pace) as clinic,
    ):
        proxy.fall_silent()
        await happens(lambda: proxy.connections >= 4)
        imap.put(raw("dana@clinic.test", "NOSHOW Sam"), clinic.clock.now())
        proxy.speak()
        async with asyncio.timeout(5):  # of the server's return
            await clinic.settled()
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")


@pytest.mark.slow
async def test_a_line_that_dies_in_the_middle_of_a_fetch_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        imap.refuse("UID FETCH 1 (BODY", "silence", "", "BAD what?")
        imap.refuse("UID MOVE", "silence", "")
        await clinic.reports("NOSHOW Sam")
        await happens(lambda: len(imap.folders.get("Promptly", ())) == 1)


@pytest.mark.parametrize(
    "answer",
    [
        "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded",
        "NO [LIMIT] Too many connections",
        "NO [ALERT] Too many simultaneous connections. (Failure)",
        "NO [INUSE] Locked by another session",
        "BYE",
    ],
)
async def test_too_many_connections_is_no_refused_login(tmp_path: Path, answer: str) -> None:
    pace = replace(PROMPT, refused_first=60.0, refused_most=60.0)
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap, pace=pace) as clinic:
        full = await _full(imap) if answer == "BYE" else None
        imap.refuse("AUTHENTICATE", answer, answer, answer)
        imap.hang_up()
        await happens(lambda: not clinic.connected)
        imap.put(raw("dana@clinic.test", "NOSHOW Sam"), clinic.clock.now())
        if full is not None:
            full.close()
            await imap.up()
        await clinic.settled()
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")


async def _full(imap: ScriptedImap) -> asyncio.Server:
    """In place of the server: says goodbye to whoever comes."""

    async def goodbye(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"* BYE Too many connections\r\n")
        writer.close()

    imap.down()
    return await asyncio.start_server(goodbye, "127.0.0.1", imap.port)


@pytest.mark.slow
async def test_a_login_refused_for_an_hour_costs_one_notice_and_no_report(tmp_path: Path) -> None:
    async with ScriptedImap() as imap, ScriptedClinic(tmp_path, imap) as clinic:
        imap.password = "changed"
        imap.hang_up()
        await happens(lambda: not clinic.connected)
        imap.put(raw("dana@clinic.test", "NOSHOW Sam"), clinic.clock.now())
        for _ in range(6):
            clinic.clock.move(timedelta(minutes=10))
            await imap.heard("AUTHENTICATE", imap.count("AUTHENTICATE") + 1)
        await happens(lambda: len(clinic.server.passed) == 1)
        (clinic.folder / "password").write_text("changed\n")
        await clinic.settled()
        notice = await clinic.alex.gets("notice")
        assert "The IMAP server has refused the login since 14:00: check the password." in notice.text
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")


# --- an old mailbox ---------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_fifty_thousand_old_mails_at_the_first_start_are_not_even_weighed(tmp_path: Path) -> None:
    async with ScriptedImap() as imap:
        clinic = ScriptedClinic(tmp_path, imap)
        old = raw("dana@clinic.test", "NOSHOW Long Ago")
        for number in range(50_000):
            imap.put(old, clinic.clock.now() - timedelta(days=3, minutes=number))
        imap.put(raw("dana@clinic.test", "NOSHOW Sam"), clinic.clock.now())
        tracemalloc.start()
        try:
            async with clinic:
                await clinic.alex.gets("alert")
                await clinic.dana.gets("draft")
                _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert [command for command in imap.commands if command.startswith("UID FETCH 5000")] == [
            "UID FETCH 50001 (INTERNALDATE RFC822.SIZE)",
            "UID FETCH 50001 (BODY.PEEK[])",
        ]
        assert most < 20_000_000, "the mailbox is not held in memory"
