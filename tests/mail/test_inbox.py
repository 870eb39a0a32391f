"""The inbox on a well-behaved server: what it delivers, what it files, what it leaves alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from datetime import timedelta

import pytest
from imapclient import IMAPClient

from tests.troubled_server import TroubledServer
from tests.watched import NOON, PATIENCE, Watched, a_mail, settings, watching
from workflow.core.mail import Place
from workflow.core.model import Fate
from workflow.mail.imap.inbox import Fetched, News
from workflow.mail.imap.mailbox import KEYWORD
from workflow.verbs.check.mailbox import read_headers

CLINIC = "clinic@clinic.test"


@pytest.fixture
async def server() -> AsyncIterator[TroubledServer]:
    async with TroubledServer({CLINIC: "secret"}) as server:
        yield server


# --- delivery -------------------------------------------------------------------------------------------


async def test_a_mail_that_waits_is_delivered_with_its_arrival_before_the_folder_counts_as_watched(
    server: TroubledServer,
) -> None:
    uid = await server.deliver(CLINIC, a_mail(), arrived_at=NOON)
    async with watching(settings(server.imap_port)) as watched:
        assert await watched.told(News.CONNECTED) == "idle"
        await watched.told(News.SEEN)
        mail = watched.mails.get_nowait()
    assert (mail.place.uid, mail.arrived_at, mail.raw) == (uid, NOON, a_mail())
    assert (mail.size, mail.whole) == (len(a_mail()), True)


async def test_a_mail_that_comes_is_pushed_and_delivered_at_once(server: TroubledServer) -> None:
    async with watching(settings(server.imap_port)) as watched:
        await watched.told(News.SEEN)
        began = time.perf_counter()
        await server.deliver(CLINIC, a_mail("NOSHOW Sam"), arrived_at=NOON)
        await watched.told(News.PUSHED)
        assert await watched.subject() == "NOSHOW Sam"
        # 3 ms measured; far below the 5 s of a poll and the 45 s of a new IDLE.
        assert time.perf_counter() - began < 1


async def test_mails_that_come_one_upon_the_other_are_all_seen(server: TroubledServer) -> None:
    async with watching(settings(server.imap_port)) as watched:
        await watched.told(News.SEEN)
        for number in range(50):
            await server.deliver(CLINIC, a_mail(f"LATE {number + 1} Sam"), arrived_at=NOON)
            # Settled while the next one arrives: filing and fetching cross each other.
            assert await watched.subject(Fate.HANDLED) == f"LATE {number + 1} Sam"


async def test_a_full_mailbox_is_emptied_in_order(server: TroubledServer) -> None:
    uids = [await server.deliver(CLINIC, a_mail(), arrived_at=NOON) for _ in range(120)]
    async with watching(settings(server.imap_port)) as watched:
        assert [(await watched.mail(Fate.HANDLED)).place.uid for _ in uids] == uids
        async with asyncio.timeout(PATIENCE):
            await server.wait_until_empty(CLINIC)
    assert len(await server.messages(CLINIC, "Promptly")) == len(uids)


async def test_of_a_large_mail_only_the_header_block_is_fetched(server: TroubledServer) -> None:
    await server.deliver(CLINIC, a_mail("LATE 15 Sam") + b"x" * 2000, arrived_at=NOON)
    await server.deliver(CLINIC, a_mail("LATE 20 Kim"), arrived_at=NOON)
    async with watching(settings(server.imap_port, max_size=1000)) as watched:
        large, small = await watched.mail(), await watched.mail()
    assert large.raw == a_mail().partition(b"Thank")[0]
    assert not large.whole
    assert large.size > 2000
    assert (small.raw, small.whole) == (a_mail("LATE 20 Kim"), True)


async def test_the_first_start_looks_only_at_what_arrived_since_then_to_the_second(server: TroubledServer) -> None:
    for seconds in (-86_400, -1, 0, 1):
        await server.deliver(CLINIC, a_mail(f"{seconds}"), arrived_at=NOON + timedelta(seconds=seconds))
    async with watching(settings(server.imap_port), first_since=NOON) as watched:
        assert [await watched.subject() for _ in range(2)] == ["0", "1"]
        assert await watched.swept() == []
        await server.deliver(CLINIC, a_mail("a new mail with an old date"), arrived_at=NOON - timedelta(days=30))
        assert await watched.subject() == "a new mail with an old date"


async def test_a_later_start_looks_only_at_what_is_new(server: TroubledServer) -> None:
    await server.deliver(CLINIC, a_mail("old"), arrived_at=NOON)
    async with watching(settings(server.imap_port)) as watched:
        assert await watched.subject(Fate.LEFT) == "old"
        await watched.swept()
        since = watched.inbox.through
    await server.deliver(CLINIC, a_mail("new"), arrived_at=NOON)
    async with watching(settings(server.imap_port), since=since) as watched:
        assert await watched.subject() == "new"
        assert await watched.swept() == []


async def test_a_mail_moved_out_and_back_is_delivered_again(server: TroubledServer) -> None:
    await server.deliver(CLINIC, a_mail(), arrived_at=NOON)
    async with watching(settings(server.imap_port)) as watched:
        await watched.mail(Fate.HANDLED)
        async with asyncio.timeout(PATIENCE):
            await server.wait_for(CLINIC, 1, "Promptly")
        await asyncio.to_thread(_move_back, server.imap_port)
        assert await watched.subject() == "LATE 15 Sam"


def _move_back(port: int) -> None:
    with IMAPClient("127.0.0.1", port, ssl=False) as person:
        person.login(CLINIC, "secret")
        person.select_folder("Promptly")
        person.move(person.search("ALL"), "INBOX")


async def test_a_mail_that_could_not_be_handed_over_is_delivered_again(server: TroubledServer) -> None:
    taken: list[Fetched] = []
    full = threading.Event()

    def deliver(mail: Fetched) -> None:
        if not full.is_set():
            full.set()
            raise RuntimeError("no room")
        taken.append(mail)

    await server.deliver(CLINIC, a_mail(), arrived_at=NOON)
    async with watching(settings(server.imap_port), deliver=deliver) as watched:
        assert await watched.told(News.LOST) == "fault"
        await watched.told(News.SEEN)
    assert [mail.raw for mail in taken] == [a_mail()]


# --- filing ---------------------------------------------------------------------------------------------


async def test_each_fate_has_its_place_and_nothing_is_flagged(server: TroubledServer) -> None:
    for subject in ("handled", "set aside", "left"):
        await server.deliver(CLINIC, a_mail(subject), arrived_at=NOON)
    async with watching(settings(server.imap_port)) as watched:
        for fate in (Fate.HANDLED, Fate.SET_ASIDE, Fate.LEFT):
            await watched.mail(fate)
        async with asyncio.timeout(PATIENCE):
            handled = await server.wait_for(CLINIC, 1, "Promptly")
            set_aside = await server.wait_for(CLINIC, 1, "Promptly/Set aside")
    left = await server.stored(CLINIC)
    assert [mail.raw for mail in handled + set_aside + left] == [a_mail("handled"), a_mail("set aside"), a_mail("left")]
    assert {flag for mail in handled + set_aside + left for flag in mail.flags} == set()


async def test_without_a_handled_folder_mail_stays_with_a_keyword_and_is_not_delivered_again(
    server: TroubledServer,
) -> None:
    await server.deliver(CLINIC, a_mail("handled"), arrived_at=NOON)
    await server.deliver(CLINIC, a_mail("left"), arrived_at=NOON)
    mailbox = settings(server.imap_port, handled_folder="")
    async with watching(mailbox) as watched:
        await watched.mail(Fate.HANDLED)
        await watched.mail(Fate.LEFT)
        async with asyncio.timeout(PATIENCE):
            await server.wait_for(CLINIC, 1, flag=KEYWORD)
    assert [mail.flags for mail in await server.stored(CLINIC)] == [{KEYWORD}, set()]
    async with watching(mailbox) as watched:
        assert await watched.subject() == "left"
        assert await watched.swept() == []


async def test_through_is_the_last_place_before_any_mail_not_yet_filed(server: TroubledServer) -> None:
    uids = [await server.deliver(CLINIC, a_mail(), arrived_at=NOON) for _ in range(3)]
    async with watching(settings(server.imap_port)) as watched:
        first, second, third = [await watched.mail() for _ in uids]
        assert await watched.swept() == []
        validity = first.place.uidvalidity
        assert watched.inbox.through == Place(validity, uids[0] - 1)
        watched.inbox.settle(first.place, Fate.LEFT)
        watched.inbox.settle(third.place, Fate.LEFT)
        assert watched.inbox.through == Place(validity, uids[0])
        watched.inbox.settle(second.place, Fate.HANDLED)
        assert watched.inbox.through == Place(validity, uids[0]), "settled is not yet filed"
        async with asyncio.timeout(PATIENCE):
            await server.wait_for(CLINIC, 1, "Promptly")
        await watched.swept()
        assert watched.inbox.through == Place(validity, uids[2])


# --- sweeps, outages, stopping --------------------------------------------------------------------------


async def test_a_sweep_is_done_when_all_that_lies_there_has_been_delivered(server: TroubledServer) -> None:
    async with watching(settings(server.imap_port)) as watched:
        await watched.told(News.SEEN)
        await server.deliver(CLINIC, a_mail(), arrived_at=NOON)
        assert [mail.raw for mail in await watched.swept()] == [a_mail()]


async def test_an_outage_loses_nothing_and_delivers_nothing_twice(server: TroubledServer) -> None:
    await server.deliver(CLINIC, a_mail("before"), arrived_at=NOON)
    async with watching(settings(server.imap_port)) as watched:
        before = await watched.mail()
        await watched.told(News.SEEN)
        await server.down_imap()
        assert await watched.told(News.LOST) == "closed"
        assert await watched.told(News.LOST) == "unreachable"
        watched.inbox.settle(before.place, Fate.HANDLED)
        sweep = watched.inbox.sweep()
        await server.deliver(CLINIC, a_mail("meanwhile"), arrived_at=NOON)
        await server.up_imap()
        assert await watched.subject() == "meanwhile"
        async with asyncio.timeout(PATIENCE):
            await asyncio.wrap_future(sweep)
            assert [mail.raw for mail in await server.wait_for(CLINIC, 1, "Promptly")] == [a_mail("before")]


async def test_stopping_ends_at_once_in_the_middle_of_idle_and_cancels_sweeps(server: TroubledServer) -> None:
    async with watching(settings(server.imap_port)) as watched:
        await watched.told(News.SEEN)
        began = time.perf_counter()
        watched.inbox.stop()
        assert await asyncio.to_thread(watched.inbox.join, PATIENCE)
        assert time.perf_counter() - began < 1
        with pytest.raises(CancelledError):
            watched.inbox.sweep().result()
        watched.inbox.settle(Place(1, 1), Fate.HANDLED)


async def test_stopping_ends_the_wait_between_two_attempts(server: TroubledServer) -> None:
    await server.down_imap()
    async with watching(settings(server.imap_port)) as watched:
        sweep = watched.inbox.sweep()
        assert await watched.told(News.LOST) == "unreachable"
    assert sweep.cancelled()


async def test_an_inbox_that_was_never_started_can_be_stopped(server: TroubledServer) -> None:
    watched = Watched(settings(server.imap_port))
    watched.inbox.stop()
    assert watched.inbox.sweep().cancelled()


async def test_the_password_is_read_again_at_each_login(server: TroubledServer) -> None:
    passwords = ["old", "older"]
    mailbox = settings(server.imap_port, password=lambda: passwords.pop() if passwords else "secret")
    async with watching(mailbox) as watched:
        assert await watched.told(News.LOST) == "refused-login"
        assert await watched.told(News.LOST) == "refused-login"
        assert await watched.told(News.CONNECTED) == "idle"


async def test_an_idle_inbox_uses_no_processor_time(server: TroubledServer) -> None:
    async with watching(settings(server.imap_port)) as watched:
        await watched.told(News.SEEN)
        await watched.swept()
        used = time.process_time()
        # Here waiting is the subject: nothing must happen.
        await asyncio.sleep(0.3)
        assert time.process_time() - used < 0.1
        assert watched.news.qsize() <= 1


# --- check ----------------------------------------------------------------------------------------------


async def test_the_last_header_blocks_can_be_read(server: TroubledServer) -> None:
    mailbox = settings(server.imap_port)
    assert await asyncio.to_thread(read_headers, mailbox, 2) == []
    for subject in ("one", "two", "three"):
        await server.deliver(CLINIC, a_mail(subject), arrived_at=NOON)
    headers = await asyncio.to_thread(read_headers, mailbox, 2)
    assert [b"two" in headers[0], b"three" in headers[1], b"Thank you" in b"".join(headers)] == [True, True, False]
