"""The inbox on servers that do what real ones do wrong, or merely otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.rows import each
from tests.scripted_imap import ScriptedImap
from tests.watched import BRISK, NOON, PATIENCE, Watched, a_mail, settings, watching
from workflow.core.mail import Place
from workflow.core.model import Fate
from workflow.mail.imap.inbox import News
from workflow.mail.imap.mailbox import KEYWORD, UNKNOWN_ARRIVAL, Withheld


@asynccontextmanager
async def a_server(**traits: Any) -> AsyncIterator[ScriptedImap]:
    async with asyncio.timeout(PATIENCE), ScriptedImap(**traits) as server:
        yield server


@asynccontextmanager
async def idling(server: ScriptedImap, **other: Any) -> AsyncIterator[Watched]:
    """An inbox that has reached its first IDLE on this server."""
    async with watching(settings(server.port), **other) as watched:
        await server.heard("IDLE")
        yield watched


# --- IDLE -------------------------------------------------------------------------------------------------


async def test_news_in_one_segment_with_the_plus_of_idle_is_heard() -> None:
    async with a_server() as server:
        server.upon_idle = [lambda: server.put(a_mail(), NOON)]
        server.with_plus = "* 1 EXISTS\r\n"
        async with idling(server) as watched:
            assert await watched.subject() == "LATE 15 Sam"


async def test_news_before_the_plus_of_idle_is_heard() -> None:
    async with a_server() as server:
        server.upon_idle = [lambda: server.put(a_mail(), NOON)]
        server.before_plus = "* 1 EXISTS\r\n"
        async with idling(server) as watched:
            assert await watched.subject() == "LATE 15 Sam"


async def test_a_push_split_over_two_segments_is_heard() -> None:
    async with a_server() as server, idling(server) as watched:
        server.put(a_mail(), NOON)
        await server.say("* 1 EXI")
        await server.heard("DONE")
        await server.say("STS\r\n")
        assert await watched.subject() == "LATE 15 Sam"


async def test_news_told_along_with_another_answer_is_not_left_for_idle_which_will_not_repeat_it() -> None:
    async with a_server() as server:
        server.put(a_mail("first"), NOON)
        server.alongside("UID FETCH 1 (BODY", "* 2 EXISTS")
        async with watching(settings(server.port)) as watched:
            assert await watched.subject() == "first"
            server.put(a_mail("second"), NOON)
            assert await watched.subject() == "second"


async def test_a_talkative_server_does_not_make_the_inbox_spin() -> None:
    async with a_server() as server:
        server.alongside("UID SEARCH", *["* 0 EXISTS"] * 1000)
        async with idling(server):
            assert server.count("UID SEARCH") <= 5


async def test_idle_is_renewed_and_the_folder_searched_each_time() -> None:
    async with a_server() as server:
        async with watching(settings(server.port), pace=replace(BRISK, reidle=0.02)):
            await server.heard("IDLE", times=3)
        verbs = [command.split()[0] for command in server.commands]
        first = verbs.index("IDLE")
        assert verbs[first : first + 5] == ["IDLE", "DONE", "UID", "IDLE", "DONE"]


@each("refusal", ["NO not now", "BAD what?"])
async def test_a_server_that_refuses_idle_is_polled(refusal: str) -> None:
    async with a_server() as server:
        server.refuse("IDLE", refusal)
        async with watching(settings(server.port)) as watched:
            await server.heard("NOOP", times=2)
            server.put(a_mail(), NOON)
            assert await watched.subject() == "LATE 15 Sam"
        assert server.count("IDLE") == 1


async def test_news_told_while_idle_is_refused_is_heard_and_not_for_ever() -> None:
    async with a_server() as server:
        server.refuse("IDLE", "NO not now")
        server.alongside("IDLE", "* 0 EXISTS")
        async with watching(settings(server.port), pace=replace(BRISK, poll=60.0)) as watched:
            await server.heard("NOOP")
            for _ in range(20):
                await watched.swept()
        assert server.count("NOOP") == 21


async def test_a_server_without_idle_is_polled() -> None:
    async with a_server(capabilities="IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS") as server:
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.CONNECTED) == "polling"
            await server.heard("NOOP")
            server.put(a_mail(), NOON)
            assert await watched.subject() == "LATE 15 Sam"
        assert server.count("IDLE") == 0


# --- lost connections -------------------------------------------------------------------------------------


async def test_the_end_of_the_line_in_idle_is_noticed_and_mended() -> None:
    async with a_server() as server, idling(server) as watched:
        server.hang_up()
        assert await watched.told(News.LOST) == "closed"
        await server.heard("IDLE", times=2)
        server.put(a_mail(), NOON)
        await server.say("* 1 EXISTS\r\n")
        assert await watched.subject() == "LATE 15 Sam"


async def test_bye_in_idle_is_believed_although_the_line_stays_open() -> None:
    async with a_server() as server, idling(server) as watched:
        await server.say("* BYE the server is (going down\r\n")
        assert await watched.told(News.LOST) == "closed"
        assert await watched.told(News.CONNECTED) == "idle"


@pytest.mark.slow
async def test_a_server_that_falls_silent_is_given_up() -> None:
    async with a_server() as server:
        server.refuse("UID SEARCH", "silence")
        async with watching(settings(server.port), timeout=0.1) as watched:
            assert await watched.told(News.LOST) == "timeout"
            await watched.told(News.SEEN)


async def test_gibberish_is_a_lost_connection() -> None:
    async with a_server() as server, idling(server) as watched:
        await server.say("HTTP/1.1 400 Bad Request\r\n")
        assert await watched.told(News.LOST) == "closed"
        await watched.told(News.SEEN)


async def test_a_connection_lost_between_two_mails_delivers_none_twice() -> None:
    async with a_server() as server:
        for number in range(30):
            server.put(a_mail(str(number)), NOON)
        server.refuse("UID FETCH 26,", "")
        async with watching(settings(server.port)) as watched:
            assert [await watched.subject() for _ in range(30)] == [str(number) for number in range(30)]
            assert await watched.told(News.LOST) == "closed"
            assert await watched.swept() == []


# --- login ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@each(
    ("answer", "reason"),
    [
        ("NO [AUTHENTICATIONFAILED] no", "refused-login"),
        ("NO invalid credentials, or the user is not connected", "refused-login"),
        ("BAD User is authenticated but not connected.", "refused-login"),
        ("NO Too many failed logins, try again later", "refused-login"),
        ("NO [UNAVAILABLE] ask later", "unreachable"),
        ("NO [OVERQUOTA] bandwidth", "unreachable"),
        ("NO Server Unavailable. 15", "unreachable"),
        ("NO Server busy", "unreachable"),
        ("NO Temporary authentication failure", "unreachable"),
        ("", "unreachable"),
    ],
)
@each("capabilities", ["IMAP4rev1 AUTH=PLAIN IDLE MOVE", "IMAP4rev1 IDLE MOVE"])
async def test_only_a_refused_login_is_called_one(capabilities: str, answer: str, reason: str) -> None:
    async with a_server(capabilities=capabilities) as server:
        server.refuse("AUTHENTICATE", answer)
        server.refuse("LOGIN", answer)
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.LOST) == reason
            await watched.told(News.SEEN)


async def test_a_server_that_offers_plain_and_takes_only_login_is_logged_in_to() -> None:
    async with a_server() as server:
        server.refuse("AUTHENTICATE", "NO [AUTHENTICATIONFAILED] no")
        async with watching(settings(server.port)) as watched:
            await watched.told(News.SEEN)
        assert server.count("LOGIN") == 1


@each("then", ["NO [AUTHENTICATIONFAILED] no", ""])
async def test_a_password_refused_twice_is_refused_even_if_the_line_drops(then: str) -> None:
    async with a_server() as server:
        server.refuse("AUTHENTICATE", "NO [AUTHENTICATIONFAILED] no")
        server.refuse("LOGIN", then)
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.LOST) == "refused-login"
            await watched.told(News.SEEN)
        assert server.count("LOGIN") == 1


async def test_login_is_not_tried_where_it_is_disabled() -> None:
    async with a_server(capabilities="IMAP4rev1 AUTH=PLAIN IDLE LOGINDISABLED") as server:
        server.refuse("AUTHENTICATE", "NO [AUTHENTICATIONFAILED] no")
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.LOST) == "refused-login"
        assert server.count("LOGIN") == 0


@each(
    ("answer", "reason"),
    [
        ("BAD User is authenticated but not connected.", "refused-login"),
        ("NO [UNAVAILABLE] not now", "unreachable"),
        ("NO Server Unavailable. 15", "unreachable"),
    ],
)
async def test_a_folder_that_does_not_open_tells_why(answer: str, reason: str) -> None:
    async with a_server() as server:
        server.refuse("SELECT", answer)
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.LOST) == reason
            await watched.told(News.SEEN)


async def test_a_password_beyond_ascii_logs_in_where_the_server_can_take_it() -> None:
    async with a_server() as server:
        server.password = "Glück"
        async with watching(settings(server.port, password=lambda: "Glück")) as watched:
            await watched.told(News.SEEN)
    async with (
        a_server(capabilities="IMAP4rev1 IDLE") as server,
        watching(settings(server.port, password=lambda: "Glück")) as watched,
    ):
        assert await watched.told(News.LOST) == "refused-login"


async def test_a_password_file_that_is_gone_is_a_refused_login() -> None:
    def read() -> str:
        raise FileNotFoundError

    async with a_server() as server, watching(settings(server.port, password=read)) as watched:
        assert await watched.told(News.LOST) == "refused-login"


async def test_a_folder_that_is_missing_is_reported_and_tried_again() -> None:
    async with a_server() as server:
        server.refuse("SELECT", "NO no such folder")
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.LOST) == "refused-folder"
            await watched.told(News.SEEN)


# --- numbers ----------------------------------------------------------------------------------------------


async def test_a_new_uidvalidity_is_reported_and_the_folder_looked_through_by_date() -> None:
    async with a_server() as server:
        server.put(a_mail("long ago"), NOON - timedelta(days=3))
        server.put(a_mail("today"), NOON)
        async with watching(settings(server.port), since=Place(6, 5000)) as watched:
            await watched.told(News.RENUMBERED)
            assert await watched.subject(Fate.LEFT) == "today"
            assert await watched.swept() == []
            assert watched.inbox.through == Place(7, 2)


async def test_the_same_while_the_inbox_runs() -> None:
    async with a_server() as server:
        server.put(a_mail("once"), NOON)
        async with idling(server) as watched:
            assert await watched.subject() == "once"
            server.uidvalidity = 8
            server.hang_up()
            await watched.told(News.RENUMBERED)
            mail = await watched.mail(Fate.HANDLED)
            assert mail.place == Place(8, 1)
            await server.heard("UID MOVE 1 ")


async def test_until_a_search_by_date_is_done_the_next_start_begins_where_this_one_did() -> None:
    async with a_server() as server:
        for number in range(30):
            server.put(a_mail(str(number)), NOON)
        server.refuse("UID FETCH 26,", "silence")
        async with watching(settings(server.port), since=Place(6, 5000)) as watched:
            for _ in range(25):
                await watched.mail(Fate.LEFT)
            assert watched.inbox.through == Place(6, 5000)


async def test_a_server_that_does_not_tell_uidnext_is_asked_for_its_last_mail() -> None:
    async with a_server() as server:
        server.tells_uidnext = False
        server.put(a_mail("long ago"), NOON - timedelta(days=3))
        async with watching(settings(server.port)) as watched:
            await watched.told(News.SEEN)
            server.put(a_mail("today"), NOON)
            assert [mail.raw for mail in await watched.swept()] == [a_mail("today")]


@each("known", [datetime(1899, 12, 30, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
async def test_an_arrival_before_2000_is_none_and_taken_for_now(known: datetime) -> None:
    async with a_server() as server, idling(server) as watched:
        server.put(a_mail(), known)
        assert [mail.arrived_at for mail in await watched.swept()] == [UNKNOWN_ARRIVAL]


@each("known", [datetime(1899, 12, 30, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
async def test_without_an_arrival_a_search_by_date_goes_by_what_a_mail_says_itself(known: datetime) -> None:
    async with a_server() as server:
        for subject, day in [("today", NOON), ("long ago", NOON - timedelta(days=30)), ("never", None)]:
            dated = f"Date: {format_datetime(day)}\r\n".encode() if day else b""
            server.put(dated + a_mail(subject), known)
        server.put(a_mail("dated by the server"), NOON)
        async with watching(settings(server.port)) as watched:
            assert [await watched.subject(Fate.LEFT) for _ in (1, 2)] == ["today", "dated by the server"]
            assert await watched.swept() == []


async def test_an_arrival_that_was_refused_is_asked_for_again() -> None:
    async with a_server() as server:
        server.put(a_mail(), NOON)
        server.refuse("UID FETCH 1 (INTERNALDATE", "NO what date?")
        async with watching(settings(server.port)) as watched:
            mail = await watched.mail()
            assert (mail.arrived_at, mail.raw, mail.whole) == (NOON, a_mail(), True)


@each("how", ["at the start", "by a new connection", "by opening it anew"])
async def test_a_folder_that_lost_its_numbers_is_looked_through_by_date_although_uidvalidity_is_the_same(
    how: str,
) -> None:
    pace = replace(BRISK, reselect=0.05, reidle=0.05) if how == "by opening it anew" else BRISK
    since = Place(7, 500) if how == "at the start" else None
    async with a_server() as server:
        if since is None:
            server.next_uid = 500
            server.put(a_mail("before"), NOON)
        async with watching(settings(server.port), since=since, pace=pace) as watched:
            if since is None:
                assert await watched.subject(Fate.LEFT) == "before"
                await watched.swept()
            server.mails, server.next_uid = {}, 8
            server.put(a_mail("long ago"), NOON - timedelta(days=3))
            server.put(a_mail("today"), NOON)
            if how == "by a new connection":
                server.hang_up()
            await watched.told(News.RENUMBERED)
            assert await watched.subject(Fate.LEFT) == "today"
            await watched.swept()
            assert watched.inbox.through == Place(7, 9)
            server.put(a_mail("later"), NOON)
            assert [mail.raw for mail in await watched.swept()] == [a_mail("later")]


async def test_a_mail_of_the_old_numbers_is_not_filed_under_the_new() -> None:
    async with a_server() as server:
        old = server.put(a_mail("old"), NOON)
        async with watching(settings(server.port)) as watched:
            mail = await watched.mail()
            server.uidvalidity, server.mails, server.next_uid = 8, {}, old
            server.hang_up()
            await watched.told(News.RENUMBERED)
            await watched.swept()
            watched.inbox.settle(mail.place, Fate.HANDLED)
            assert await watched.swept() == []
            assert watched.inbox.through == Place(8, old - 1)


async def test_no_uidnext_is_no_sign_of_new_numbers() -> None:
    async with a_server() as server:
        server.tells_uidnext = False
        server.put(a_mail("dealt with"), NOON)
        async with watching(settings(server.port), since=Place(7, 500)) as watched:
            assert await watched.swept() == []
            assert watched.inbox.through == Place(7, 500)


@each("capabilities", ["IMAP4rev1 AUTH=PLAIN IDLE MOVE", "IMAP4rev1 AUTH=PLAIN MOVE"])
async def test_a_folder_that_looks_as_it_did_when_it_was_opened_is_opened_anew(capabilities: str) -> None:
    async with a_server(capabilities=capabilities) as server:
        server.frozen = True
        async with watching(settings(server.port), pace=replace(BRISK, reselect=0.05, reidle=0.05)) as watched:
            await watched.told(News.SEEN)
            server.put(a_mail(), NOON)
            assert await watched.subject() == "LATE 15 Sam"
        assert server.count("AUTHENTICATE") == 1


# --- mails ------------------------------------------------------------------------------------------------


async def test_a_mail_that_the_server_will_not_hand_out_does_not_hide_the_others() -> None:
    async with a_server() as server:
        for subject in ("one", "two", "three", "four"):
            server.put(a_mail(subject), NOON)
        server.poison = {2, 3}
        server.headless = {3}
        async with watching(settings(server.port)) as watched:
            assert [await watched.subject(Fate.LEFT) for _ in range(2)] == ["one", "four"]
            await watched.swept()
            assert watched.inbox.through == Place(7, 1)
            two, three = await watched.mail(Fate.LEFT), await watched.mail(Fate.LEFT)
            await watched.swept()
            assert watched.inbox.through == Place(7, 4)
    assert (two.raw, two.whole, two.withheld) == (a_mail("two").partition(b"Thank")[0], False, Withheld.REFUSED)
    assert (three.raw, three.whole, three.withheld) == (b"", False, Withheld.REFUSED)


@pytest.mark.slow
@each("bad", [{2}, {1, 5}, {1, 2, 3, 4, 5}])
async def test_a_mail_on_which_the_server_breaks_off_is_found_and_keeps_none_waiting(bad: set[int]) -> None:
    async with a_server() as server:
        for number in range(1, 6):
            server.put(a_mail(str(number)), NOON)
        server.breaking = bad
        async with watching(settings(server.port)) as watched:
            for number in sorted({1, 2, 3, 4, 5} - bad):
                assert await watched.subject(Fate.LEFT) == str(number)
            server.put(a_mail("NOSHOW Sam"), NOON)
            mails = [await watched.mail(Fate.LEFT) for _ in range(len(bad) + 1)]
            await watched.swept()
            assert watched.inbox.through == Place(7, 6)
            assert watched.mails.empty()
        lost = [mail for mail in mails if mail.withheld]
        assert {mail.place.uid: (mail.raw, mail.withheld) for mail in lost} == dict.fromkeys(
            bad, (b"", Withheld.BROKE_OFF)
        )
        # One for all of them together, then four for each alone.
        assert server.count("AUTHENTICATE") <= 2 + 4 * len(bad)


@pytest.mark.slow
async def test_a_mail_at_which_the_server_falls_silent_keeps_none_waiting() -> None:
    async with a_server() as server:
        server.put(a_mail("one"), NOON)
        server.put(a_mail("two"), NOON)
        server.refuse("UID FETCH 1,2 (BODY", "silence")
        server.refuse("UID FETCH 1 (", *["silence"] * 4)
        async with watching(settings(server.port), timeout=0.1) as watched:
            assert await watched.subject() == "two"
            assert (await watched.mail()).withheld is Withheld.BROKE_OFF


async def test_a_reply_is_found_by_a_sweep_while_another_mail_breaks_the_connection() -> None:
    async with a_server() as server:
        server.breaking = {server.put(a_mail("broken"), NOON)}
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.LOST) == "closed"
            server.put(a_mail("SENT"), NOON)
            assert a_mail("SENT") in [mail.raw for mail in await watched.swept()]


THROTTLED = "NO Request is throttled. Suggested Backoff Time: 60000 milliseconds"


@pytest.mark.slow
@each("answer", [THROTTLED, "NO [UNAVAILABLE] not now", "NO Server busy, sorry"])
async def test_a_server_that_puts_us_off_is_asked_again_until_it_hands_out(answer: str) -> None:
    async with a_server() as server:
        for number in range(3):
            server.put(a_mail(str(number)), NOON)
        server.puts_off = answer
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.LOST) == "busy"
            await server.heard("UID FETCH 3 (", times=6)
            assert await watched.swept() == []
            assert watched.inbox.through == Place(7, 0)
            server.puts_off = ""
            mails = sorted([await watched.mail() for _ in range(3)], key=lambda mail: mail.place.uid)
            await watched.told(News.SEEN)
        assert [(mail.raw, mail.arrived_at, mail.withheld) for mail in mails] == [
            (a_mail(str(number)), NOON, None) for number in range(3)
        ]
        assert server.count("AUTHENTICATE") == 1


@pytest.mark.slow
async def test_a_server_that_puts_us_off_for_one_mail_hands_out_the_others() -> None:
    async with a_server() as server:
        server.put(a_mail("one"), NOON)
        server.put(a_mail("two"), NOON)
        server.refuse("UID FETCH 1,2 (BODY", THROTTLED)
        server.refuse("UID FETCH 1 (", *[THROTTLED] * 10)
        async with watching(settings(server.port)) as watched:
            assert [await watched.subject() for _ in range(2)] == ["two", "one"]


@pytest.mark.slow
async def test_a_server_that_puts_us_off_for_too_long_is_no_longer_believed() -> None:
    async with a_server() as server:
        server.put(a_mail("one"), NOON)
        server.put(a_mail("two"), NOON)
        server.puts_off = THROTTLED
        async with watching(settings(server.port), pace=replace(BRISK, put_off_most=0.1)) as watched:
            mails = [await watched.mail() for _ in range(2)]
            await watched.told(News.SEEN)
        assert [(mail.place.uid, mail.raw, mail.withheld) for mail in mails] == [
            (1, b"", Withheld.PUT_OFF),
            (2, b"", Withheld.PUT_OFF),
        ]


async def test_a_mail_of_which_nothing_is_answered_is_asked_for_while_it_is_listed() -> None:
    async with a_server() as server:
        server.put(a_mail("one"), NOON)
        server.put(a_mail("two"), NOON)
        server.blank = {1}
        async with watching(settings(server.port), pace=replace(BRISK, again_first=0.2, again_most=0.2)) as watched:
            assert await watched.subject(Fate.LEFT) == "two"
            await watched.swept()
            assert watched.inbox.through == Place(7, 0)
            server.blank = set()
            assert await watched.subject(Fate.LEFT) == "one"
            await watched.swept()
            assert watched.inbox.through == Place(7, 2)


async def test_a_mail_of_which_nothing_is_ever_answered_is_told() -> None:
    async with a_server() as server:
        server.blank = {server.put(a_mail("one"), NOON), server.put(a_mail("two"), NOON)}
        async with watching(settings(server.port)) as watched:
            mails = [await watched.mail() for _ in range(2)]
        assert [(mail.place.uid, mail.withheld) for mail in mails] == [(1, Withheld.EMPTY), (2, Withheld.EMPTY)]


async def test_answers_without_any_line_lose_no_mail() -> None:
    async with a_server() as server:
        server.put(a_mail(), NOON)
        server.refuse("UID FETCH", "OK done", "OK done")
        async with watching(settings(server.port)) as watched:
            mail = await watched.mail()
        assert (mail.raw, mail.arrived_at, mail.whole) == (a_mail(), NOON, True)


@each("size", ["0", "-1", "NIL", "many"])
async def test_a_mail_of_unknown_size_is_read(size: str) -> None:
    async with a_server() as server:
        server.sizes = {server.put(a_mail(), NOON): size}
        async with watching(settings(server.port)) as watched:
            mail = await watched.mail()
        assert (mail.raw, mail.arrived_at, mail.size, mail.whole) == (a_mail(), NOON, len(a_mail()), True)


async def test_a_mail_of_unknown_size_is_read_no_further_than_any_other() -> None:
    async with a_server() as server:
        server.sizes = {server.put(a_mail() + b"x" * 5000, NOON): "0"}
        async with watching(settings(server.port, max_size=1000)) as watched:
            mail = await watched.mail()
        assert (mail.raw, mail.size, mail.whole) == (a_mail().partition(b"Thank")[0], 1001, False)


async def test_a_mail_of_unknown_size_counts_only_from_its_arrival_on() -> None:
    async with a_server() as server:
        server.sizes = {server.put(a_mail("early"), NOON - timedelta(hours=13)): "0"}
        server.sizes[server.put(a_mail("late"), NOON)] = "0"
        async with watching(settings(server.port)) as watched:
            assert await watched.subject() == "late"
            assert await watched.swept() == []


@each(
    "line",
    [
        r"* 5 FETCH (FLAGS (\Seen)",
        "* 5 FETCH",
        "* FETCH (UID 1)",
        "* 5 FETCH (UID)",
        '* 5 FETCH (UID 5 BODY[] "unclosed)',
    ],
)
async def test_a_line_that_cannot_be_parsed_is_passed_over(line: str) -> None:
    async with a_server() as server:
        server.put(a_mail("one"), NOON)
        server.put(a_mail("two"), NOON)
        server.alongside("UID FETCH", line, line)
        async with watching(settings(server.port)) as watched:
            assert [await watched.subject() for _ in range(2)] == ["one", "two"]
        assert server.count("UID FETCH") == 2


async def test_a_mail_that_vanishes_while_it_is_fetched_is_no_error() -> None:
    async with a_server() as server:
        server.put(a_mail("gone"), NOON)
        server.put(a_mail("there"), NOON)
        server.vanishing = {1}
        # Another program reads the folder, and the server says so in an answer that is not about that.
        server.alongside("UID FETCH 1,2 (BODY", r"* 1 FETCH (FLAGS (\Seen))")
        async with watching(settings(server.port)) as watched:
            assert await watched.subject() == "there"
            assert await watched.swept() == []
            assert watched.news.get_nowait().news is News.CONNECTED
            assert watched.news.get_nowait().news is News.SEEN


# --- filing -----------------------------------------------------------------------------------------------


async def test_without_move_mail_is_copied_and_only_that_mail_expunged() -> None:
    async with a_server(capabilities="IMAP4rev1 AUTH=PLAIN IDLE UIDPLUS") as server:
        server.put(a_mail("handled"), NOON)
        somebody_elses = server.put(a_mail("deleted by a person"), NOON, r"\Deleted")
        async with watching(settings(server.port)) as watched:
            await watched.mail(Fate.HANDLED)
            await server.heard("UID EXPUNGE 1")
            await watched.swept()
        assert server.folders == {"Promptly": [a_mail("handled")]}
        assert list(server.mails) == [somebody_elses]
        assert server.count("EXPUNGE") == 0


async def test_without_uidplus_mail_stays_with_a_keyword() -> None:
    async with a_server(capabilities="IMAP4rev1 AUTH=PLAIN IDLE") as server:
        uid = server.put(a_mail(), NOON)
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.NOT_FILED) == "keyword"
            await watched.mail(Fate.HANDLED)
            await server.heard("UID STORE")
            await watched.swept()
        assert server.mails[uid].flags == {KEYWORD}
        assert server.count("UID COPY") == 0


@each("permanent", ["", r"\Deleted \Seen"])
async def test_without_keywords_mail_stays_as_it_was_and_is_not_delivered_again(permanent: str) -> None:
    async with a_server(capabilities="IMAP4rev1 AUTH=PLAIN IDLE", permanent=permanent) as server:
        uid = server.put(a_mail(), NOON)
        async with watching(settings(server.port)) as watched:
            assert await watched.told(News.NOT_FILED) == "none"
            await watched.mail(Fate.HANDLED)
            assert await watched.swept() == []
            await watched.swept()
            assert watched.inbox.through == Place(7, uid)
        assert server.mails[uid].flags == set()


@each("permanent", [None, KEYWORD.lower()])
async def test_keywords_are_permitted_when_named_or_when_nothing_is_said(permanent: str | None) -> None:
    async with a_server(permanent=permanent) as server, watching(settings(server.port, handled_folder="")) as watched:
        uid = server.put(a_mail(), NOON)
        await watched.swept()
        watched.inbox.settle(Place(7, uid), Fate.HANDLED)
        await server.heard(f"UID STORE {uid} +FLAGS.SILENT ({KEYWORD})")


async def test_folders_get_the_prefix_and_the_delimiter_of_the_server() -> None:
    async with a_server(prefix="INBOX.", delimiter=".") as server:
        server.put(a_mail(), NOON)
        async with watching(settings(server.port)) as watched:
            await watched.mail(Fate.SET_ASIDE)
            await server.heard("UID MOVE")
            await watched.swept()
        assert server.folders == {"INBOX.Promptly": [], "INBOX.Promptly.Set aside": [a_mail()]}


async def test_a_handled_folder_that_somebody_removes_is_made_again() -> None:
    async with a_server() as server:
        server.put(a_mail("one"), NOON)
        async with watching(settings(server.port)) as watched:
            await watched.mail(Fate.HANDLED)
            await server.heard("UID MOVE")
            del server.folders["Promptly"]
            server.put(a_mail("two"), NOON)
            await server.say("* 1 EXISTS\r\n")
            await watched.mail(Fate.HANDLED)
            await server.heard("UID MOVE", times=3)
            await watched.swept()
        assert server.folders == {"Promptly": [a_mail("two")]}


async def test_a_refused_move_is_reported_and_not_repeated_for_ever() -> None:
    async with a_server() as server:
        server.put(a_mail(), NOON)
        server.refuse("UID MOVE", *["NO [OVERQUOTA] full"] * 2)
        async with watching(settings(server.port)) as watched:
            await watched.mail(Fate.HANDLED)
            assert await watched.told(News.NOT_FILED) == "refused"
            await watched.swept()
        assert server.count("UID MOVE") == 1
