"""What the board shows, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.board_samples import AFTERNOON, MANY, NOW, closed, counted, late, missed, page, planned
from tests.cast import ALEX, LEE, RAVI, RULES, TORONTO, a_case, local
from tests.rows import each
from workflow.core.board import MOST, Counted, Glance, by_need, clinics_by_need, glance, midnight, needs_somebody, span
from workflow.core.model import Case, Outcome, Says, State
from workflow.core.presence import Sign, mark
from workflow.core.rules import Kind
from workflow.mail.writing.render import Letters

SENT: dict[str, Any] = {"sent_at": local("14:20"), "told_at": local("14:20")}


def seen(*cases: Case, named: bool = True, marks: dict[str, str] | None = None) -> Glance:
    still, over = [case for case in cases if case.open], [case for case in cases if not case.open]
    return glance(still, over, marks or {}, RULES, NOW, named=named)


@each(
    ("case", "needs"),
    [
        (missed("14:20", "Sam"), True),
        (missed("14:20", "Sam", **SENT), False),
        (missed("14:20", "Sam", reached_at=local("14:25")), False),
        # Told of a delay, and not of the missed session.
        (missed("14:20", "Sam", told_at=local("14:05")), True),
        (late("14:20", "Sam", 15), True),
        (late("14:20", "Sam", 15, **SENT, client_says=Says.WAITS), False),
        (late("14:20", "Sam", 15, **SENT, client_says=Says.REBOOK), True),
        (a_case(Kind.WAITING), False),
        (planned(a_case(Kind.WAITING), returned_at=local("14:10")), True),
        (missed("14:20", "Sam", **SENT, away_at=local("14:25")), True),
    ],
)
def test_who_needs_somebody_now(case: Case, needs: bool) -> None:
    assert needs_somebody(case) is needs


def test_the_most_urgent_first_then_what_comes_next() -> None:
    old = missed("14:20", "Old", "13:00")
    new = missed("14:10", "New")
    ahead = late("14:20", "Ahead", 15, "15:00")
    rebook = late("12:00", "Rebook", 15, **SENT, client_says=Says.REBOOK)
    soon = late("14:00", "Soon", 5, "13:30", **SENT)
    later = missed("12:00", "Later", **SENT)
    still = planned(a_case(Kind.WAITING), timers=())
    order = [old, new, ahead, rebook, soon, later, replace(still, timers=())]
    assert [case.client for case in by_need(reversed(order))] == [case.client for case in order]


@each(
    ("begun", "said"),
    [
        (timedelta(0), (0, "min")),
        (timedelta(seconds=59), (0, "min")),
        (timedelta(minutes=12, seconds=30), (12, "min")),
        (timedelta(minutes=179), (179, "min")),
        (timedelta(hours=3), (3, "h")),
        (timedelta(hours=47), (47, "h")),
        (timedelta(days=2), (2, "days")),
        (timedelta(minutes=-20), (-20, "min")),
        (timedelta(hours=-5), (-5, "h")),
    ],
)
def test_how_long_it_is(begun: timedelta, said: tuple[int, str]) -> None:
    assert span(missed("14:20", "Sam", session_at=NOW - begun), NOW) == said


def test_minutes_count_from_the_session_or_else_the_report() -> None:
    assert span(late("14:20", "Sam", 15, "14:10"), NOW) == (21, "min")
    assert span(late("14:20", "Sam", 15), NOW) == (11, "min")


def test_an_afternoon() -> None:
    found = seen(*AFTERNOON)
    assert (found.open, found.needing, found.closed) == (5, 3, 3)
    assert [(row.who, row.whom, row.number, row.unit) for row in found.needs] == [
        ("D.L.", "S.P.", 31, "min"),
        ("R.P.", "K.O.", 1, "min"),
        ("M.F.", "Z.A.", 46, "min"),
    ]
    assert [(row.whom, row.standing, row.next, row.next_at) for row in found.told] == [
        ("E.", "no outcome yet", "stepaway", "2:35 pm"),
        ("A.D.", "client can wait", "reminder", "3:17 pm"),
    ]
    assert [(row.whom, row.outcome, row.at, row.no_time) for row in found.ended] == [
        ("L.W.", "rescheduled", "11:32 am", True),
        ("B.R.", "connected", "10:13 am", False),
        ("I.H.", "rescheduled", "9:20 am", False),
    ]


def test_what_was_wiped_is_not_said_to_lack_a_time() -> None:
    case = closed(missed("11:05", "Lou"), Outcome.RESCHEDULED, "11:32")
    assert [seen(one).ended[0].no_time for one in (case, replace(case, wiped_at=NOW))] == [True, False]


def test_a_mistake_is_no_outcome() -> None:
    assert seen(planned(missed("14:20", "Sam"), state=State.CANCELLED, closed_at=NOW)).ended[0].outcome == "mistake"


def test_an_apology_that_is_owed_stays_to_be_seen() -> None:
    case = closed(missed("11:05", "Lou", apology_at=local("11:10")), Outcome.RESCHEDULED, "11:32", "Tue 3pm")
    assert seen(case).ended[0].apology
    assert "an apology by <bdi>D.L.</bdi> is owed" in page([case])


def test_who_is_away() -> None:
    away = {**mark(Sign.RETURNED, ALEX, NOW), **mark(Sign.ANSWERED, LEE, NOW), **mark(Sign.RETURNED, RAVI, NOW)}
    assert seen(marks=away).away == ("F.D.", "L.C.")
    assert seen(marks=away, named=False).away == ("an admin", "the lead")
    assert seen(marks=mark(Sign.ANSWERED, ALEX, NOW - timedelta(days=2))).away == ()
    (row,) = seen(missed("14:20", "Sam", returned_at=NOW)).needs
    assert row.away


def test_what_is_not_known_is_not_said_to_be_nothing() -> None:
    lost = {"mailbox": local("14:02"), "sending": None, "daemon": None}
    found = glance([], [], {}, RULES, NOW, named=True, troubles=lost, unread=1)
    assert (found.troubles, found.unread) == ({"mailbox": "2:02 pm", "sending": "", "daemon": ""}, 1)
    text, _ = Letters(RULES, instance="board").board(found, NOW, NOW)
    for said in (
        "<h1>Nothing is open as far as is known</h1>",
        "The mailbox is not reached since 2:02 pm: new reports and answers are not seen",
        "Letters wait: nobody gets an alert or a reminder",
        "Promptly does not run",
        "1 case can't be read",
    ):
        assert said in text
    assert '<h1 class="calm">Nothing is open</h1>' in page([])


def test_what_has_no_room_is_counted() -> None:
    many = [missed("14:20", f"Kim {number}") for number in range(MOST + 7)]
    assert len(seen(*many).needs) == MOST
    text = page([*many, *(replace(case, sent_at=NOW) for case in many)])
    assert text.count("and 7 more") == 2


def test_without_initials_there_are_none() -> None:
    found = seen(*AFTERNOON, named=False)
    rows = (*found.needs, *found.told, *found.ended)
    assert {(row.who, row.whom) for row in rows} == {("", "")}
    text = page(AFTERNOON, named=False)
    assert "An associate</bdi> MISSED <bdi>a session</bdi>" in text
    for case in AFTERNOON:
        assert "".join(f"{word[0]}." for word in (case.client or "").split()) not in text


def test_the_clinics_day_begins_at_its_midnight() -> None:
    assert midnight(local("00:00"), TORONTO) == midnight(local("23:59"), TORONTO) == local("00:00")


def test_a_page_holds_nobodys_name_and_nothing_that_was_written() -> None:
    """Whoever stands in the room can read it, and so can whoever copies the file."""
    told: dict[str, Any] = {"notes": ("call 416 555 0199",), "sent_at": local("14:21"), "told_at": local("14:21")}
    planted = [
        missed("14:20", "Quillon Vandersprock", "14:00", **told),
        late("14:20", "Quillon <b>Vandersprock</b>", 15),
        closed(missed("11:05", "Quillon Vandersprock"), Outcome.OTHER, "11:32", "mother has the flu, 12 Elm Street"),
    ]
    text = page(planted, marks=mark(Sign.RETURNED, ALEX, NOW))
    for word in (
        "Quillon",
        "Vandersprock",
        "416",
        "0199",
        "flu",
        "Elm",
        "Dana",
        "Lee",
        "Front",
        "@clinic",
        "http",
        "href",
        "src=",
    ):
        assert word not in text
    assert {"Q.V.", "D.L.", "F.D."} <= {one.partition("<")[0] for one in text.split("<bdi>")}


def test_a_client_not_named_is_said_to_be_so() -> None:
    assert "MISSED <bdi>a client not named</bdi>" in page([missed("14:20", None)])


def test_many_clinics_are_counted_alone() -> None:
    one = counted("riverside", AFTERNOON, unread=1, mailbox=NOW - timedelta(minutes=12), daemon=None)
    assert one == Counted(
        clinic="riverside",
        open=5,
        needing=3,
        since=local("13:45"),
        number=46,
        unit="min",
        closed=3,
        undated=1,
        troubles={"mailbox": "12 min", "daemon": ""},
        unread=1,
    )
    assert counted("hilltop", []) == Counted("hilltop")


def test_the_clinic_that_waits_the_longest_is_first_and_what_nobody_can_know_is_before_the_calm() -> None:
    longest = "lakeside-counselling-and-psychotherapy-of-the-north-shore"
    order = [longest, "riverside", "orchard", "harbour", "mill-street", "old-town", "clinic-0"]
    assert [one.clinic for one in clinics_by_need(reversed(MANY))][:7] == order
