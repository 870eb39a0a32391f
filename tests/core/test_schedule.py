"""When to ask again: contract section 5, row by row, on paper. No letters here, only due times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.cast import CADENCE, RULES, TORONTO, a_case, clock, local, minutes, scene, without_quiet
from tests.rows import each
from workflow.config.keys import read_duration
from workflow.core import schedule
from workflow.core.due import tick_case
from workflow.core.entries import replanned
from workflow.core.model import Case, Due, LetterKind, Outcome, State, Timer
from workflow.core.rules import Kind, KindCadence, Rules


def due(case: Case, what: Due) -> datetime | None:
    return next((timer.at for timer in case.timers if timer.due is what), None)


def reminders(case: Case, until: datetime) -> list[str]:
    """The times at which an unanswered case is reminded, for a daemon that is always awake."""
    asked = []
    while (at := due(case, Due.REMINDER)) is not None and at <= until:
        case = replanned(replace(case, reminders=(*case.reminders, at)))
        asked.append(clock(at))
    return asked


class TestNoshow:
    def test_contact_reminders_at_5_10_20_then_hourly_at_most_six_a_day(self) -> None:
        case = a_case(Kind.NOSHOW, local("14:00"))
        first_day = ["05 14:05", "05 14:10", "05 14:20", "05 15:20", "05 16:20", "05 17:20"]
        second_day = ["06 08:00", "06 08:20", "06 09:20", "06 10:20", "06 11:20", "06 12:20"]
        assert reminders(case, local("20:00", 6)) == first_day + second_day

    def test_after_sent_once_at_three_hours_then_each_clinic_morning(self) -> None:
        case = a_case(Kind.NOSHOW, local("14:20"))
        case = replanned(replace(case, sent_at=local("14:24"), told_at=local("14:24")))
        assert reminders(case, local("12:00", 8)) == ["05 17:24", "06 08:00", "07 08:00", "08 08:00"]

    def test_escalates_to_admin_at_10_and_to_the_lead_at_30(self) -> None:
        case = a_case(Kind.NOSHOW, local("14:00"))
        assert clock(due(case, Due.ESCALATION)) == "05 14:10"
        assert clock(due(case, Due.LEAD)) == "05 14:30"

    def test_without_a_lead_there_is_no_second_escalation(self) -> None:
        nobody = replace(RULES, roster=replace(RULES.roster, lead=None))
        assert due(a_case(Kind.NOSHOW, local("14:00"), nobody), Due.LEAD) is None

    def test_sent_and_contacted_both_stop_escalations(self) -> None:
        case, at = a_case(Kind.NOSHOW), local("14:02")
        for answered in (replace(case, sent_at=at), replace(case, reached_at=at)):
            assert due(replanned(answered), Due.ESCALATION) is None
            assert due(replanned(answered), Due.LEAD) is None

    def test_contacted_by_admin_leaves_the_reminders_to_the_associate(self) -> None:
        case = replanned(replace(a_case(Kind.NOSHOW, local("14:00")), reached_at=local("14:02")))
        assert clock(due(case, Due.REMINDER)) == "05 14:05"

    def test_each_escalation_goes_once(self) -> None:
        case = a_case(Kind.NOSHOW)
        case = replanned(replace(case, escalated_at=local("14:10"), lead_told_at=local("14:30")))
        assert due(case, Due.ESCALATION) is None
        assert due(case, Due.LEAD) is None

    def test_to_admin_once_more_if_nobody_reads_from_then_on(self) -> None:
        told = tick_case(scene(local("14:10")), a_case(Kind.NOSHOW, local("14:00")))
        away = replanned(replace(told, away_at=local("14:20")))
        assert clock(due(away, Due.ESCALATION)) == "05 14:20"
        assert clock(due(replanned(replace(told, returned_at=local("22:00"))), Due.ESCALATION)) == "06 08:00"
        known = tick_case(scene(local("14:20")), away)
        assert [one.topic for one in known.letters if one.kind is LetterKind.ESCALATION] == [
            *("contact", "contact"),
            *("away", "away"),
        ]
        gone = replanned(replace(known, away_at=None, returned_at=local("14:25")))
        assert due(gone, Due.ESCALATION) is None
        changed = replanned(replace(gone, changed_at=local("14:40")))  # there is another draft that nobody reads
        assert clock(due(changed, Due.ESCALATION)) == "05 14:40"

    def test_without_repeat_the_mornings_follow(self) -> None:
        rules = replace(RULES, cadence=replace(CADENCE, noshow=KindCadence(contact=minutes(5))))
        assert reminders(a_case(Kind.NOSHOW, local("14:00"), rules), local("09:00", 7)) == [
            "05 14:05",
            "06 08:00",
            "07 08:00",
        ]


class TestLate:
    def test_one_early_one_after_the_session_one_each_morning(self) -> None:
        case = a_case(Kind.LATE, local("13:50"), minutes=15)
        assert reminders(case, local("12:00", 7)) == ["05 13:55", "05 15:00", "06 08:00", "07 08:00"]

    def test_after_sent_only_the_one_after_the_session(self) -> None:
        case = replanned(replace(a_case(Kind.LATE, local("13:50"), minutes=15), sent_at=local("13:51")))
        assert reminders(case, local("20:00")) == ["05 15:00"]

    def test_the_session_s_own_time_counts_when_it_is_known(self) -> None:
        case = a_case(Kind.LATE, local("13:20"), minutes=15, at=time(14, 0))
        assert reminders(case, local("20:00")) == ["05 13:25", "05 15:10"]

    def test_a_session_that_is_long_over_is_asked_about_once_not_twice(self) -> None:
        case = replanned(replace(a_case(Kind.LATE, local("16:00"), minutes=15), session_at=local("09:00")))
        assert reminders(case, local("20:00")) == ["05 16:05"]
        assert schedule.asks_outcome(case, local("16:05"))

    @each(
        ("contact", "asked"),
        [
            (("2h",), ["05 11:10"]),
            (("5m", "2h"), ["05 10:05", "05 11:10"]),
            ((), ["05 11:10"]),
            (("30m", "90m"), ["05 10:30", "05 11:10"]),
        ],
    )
    def test_the_outcome_is_asked_in_its_time_whatever_contact_says(
        self, contact: tuple[str, ...], asked: list[str]
    ) -> None:
        late = replace(CADENCE.late, contact=tuple(read_duration(one) for one in contact))
        rules = replace(RULES, cadence=replace(CADENCE, late=late))
        case = a_case(Kind.LATE, local("10:00"), rules, minutes=15)
        assert reminders(case, local("20:00")) == asked

    @each(
        ("contact", "asked"),
        [(("2h",), "05 23:40"), (("5m",), "05 22:35"), ((), "05 23:40")],
    )
    def test_in_the_night_the_first_of_the_table_goes(self, contact: tuple[str, ...], asked: str) -> None:
        late = replace(CADENCE.late, contact=tuple(read_duration(one) for one in contact))
        rules = replace(RULES, cadence=replace(CADENCE, late=late))
        case = a_case(Kind.LATE, local("22:30"), rules, minutes=15)
        assert reminders(case, local("08:00", 6)) == [asked, "06 08:00"]

    @each(("late", "escalated"), [(5, False), (10, False), (11, True), (None, True)])
    def test_escalates_only_when_ten_minutes_can_help(self, late: int | None, escalated: bool) -> None:
        case = a_case(Kind.LATE, local("13:50"), minutes=late)
        assert (due(case, Due.ESCALATION) is not None) is escalated
        assert due(case, Due.LEAD) is None


class TestWaiting:
    def test_stepaway_20_minutes_after_the_start(self) -> None:
        case = a_case(Kind.WAITING, local("14:12"), at=time(14, 0))
        assert clock(due(case, Due.STEPAWAY)) == "05 14:20"

    def test_stepaway_10_minutes_after_a_report_without_a_time(self) -> None:
        assert clock(due(a_case(Kind.WAITING, local("14:12")), Due.STEPAWAY)) == "05 14:22"

    def test_asked_once_after_the_session_then_closed_next_morning(self) -> None:
        case = a_case(Kind.WAITING, local("14:12"), at=time(14, 0))
        assert reminders(case, local("20:00", 8)) == ["05 14:55"]
        assert clock(due(case, Due.CLOSE)) == "06 08:00"

    @each(
        ("opened", "session", "asked"),
        [
            ("20:20", "60m", "06 08:00"),  # over at 21:25, out of the first hour
            ("20:05", "70m", "06 08:00"),
            ("20:20", "50m", "05 21:15"),  # within it
            ("23:00", "50m", "05 23:55"),  # opened in the night: the first reminder goes
        ],
    )
    def test_held_back_by_the_night_it_is_asked_all_the_same(self, opened: str, session: str, asked: str) -> None:
        rules = replace(RULES, cadence=replace(CADENCE, session=read_duration(session)))
        case = a_case(Kind.WAITING, local(opened), rules)
        assert reminders(case, local("20:00", 8)) == [asked]
        assert clock(due(case, Due.CLOSE)) == ("07 08:00" if asked == "06 08:00" else "06 08:00")

    def test_who_slept_through_both_asks_first(self) -> None:
        case = tick_case(scene(local("10:00", 6)), a_case(Kind.WAITING, local("14:12")))
        assert case.open
        assert [letter.kind for letter in case.letters if letter.kind is LetterKind.REMINDER] == ["reminder"]
        assert clock(due(case, Due.CLOSE)) == "07 08:00"

    def test_the_stepaway_message_goes_once_and_nobody_is_escalated(self) -> None:
        case = replanned(replace(a_case(Kind.WAITING), stepaway_at=local("14:10")))
        assert {timer.due for timer in case.timers} == {Due.REMINDER, Due.CLOSE}


class TestQuietHours:
    def test_a_case_opened_in_the_night_gets_one_reminder_then_the_morning(self) -> None:
        case = a_case(Kind.NOSHOW, local("22:30"))
        assert reminders(case, local("08:30", 6)) == ["05 22:35", "06 08:00"]
        assert clock(due(case, Due.ESCALATION)) == "06 08:00"
        assert clock(due(case, Due.LEAD)) == "06 08:00"

    def test_the_first_hour_of_a_case_opened_outside_them_is_not_held_back(self) -> None:
        case = a_case(Kind.NOSHOW, local("20:45"))
        assert reminders(case, local("08:00", 6)) == ["05 20:50", "05 20:55", "05 21:05", "06 08:00"]
        assert clock(due(case, Due.ESCALATION)) == "05 20:55"
        assert clock(due(case, Due.LEAD)) == "05 21:15"

    def test_what_was_held_goes_as_one_letter_and_the_next_is_five_minutes_ahead(self) -> None:
        case = a_case(Kind.NOSHOW, local("20:43"))  # repeats fall on :03, the first of the morning on 8:03
        assert reminders(case, local("09:10", 6))[3:] == ["06 08:00", "06 09:03"]

    def test_stepaway_is_never_held_back(self) -> None:
        assert clock(due(a_case(Kind.WAITING, local("21:15")), Due.STEPAWAY)) == "05 21:25"

    @each(("at", "quiet"), [("20:59", False), ("21:00", True), ("03:00", True), ("07:59", True), ("08:00", False)])
    def test_they_begin_included_and_end_excluded(self, at: str, quiet: bool) -> None:
        assert schedule.is_quiet(local(at), CADENCE) is quiet

    def test_they_may_lie_within_one_day(self) -> None:
        siesta = replace(CADENCE, quiet_from=time(13), quiet_to=time(15))
        assert schedule.is_quiet(local("14:00"), siesta)
        assert not schedule.is_quiet(local("15:00"), siesta)

    def test_from_equal_to_means_none_and_the_morning_is_at_nine(self) -> None:
        rules = without_quiet()
        assert not schedule.is_quiet(local("03:00"), rules.cadence)
        assert clock(schedule.morning_after(local("03:00"), rules.cadence)) == "05 09:00"
        assert clock(schedule.morning_after(local("09:00"), rules.cadence)) == "06 09:00"

    def test_a_kind_without_contact_reminders_is_held_until_morning(self) -> None:
        rules = replace(RULES, cadence=replace(CADENCE, noshow=KindCadence(escalate=timedelta(minutes=10))))
        case = a_case(Kind.NOSHOW, local("22:30"), rules)
        assert clock(due(case, Due.ESCALATION)) == "06 08:00"


class TestAfterDowntime:
    def test_one_reminder_then_the_next_at_least_five_minutes_ahead(self) -> None:
        case = a_case(Kind.NOSHOW, local("14:00"))
        woke = local("15:17")
        case = replanned(replace(case, reminders=(woke,)))
        assert clock(due(case, Due.REMINDER)) == "05 16:20"  # 15:20 is only three minutes ahead

    def test_a_reminder_in_time_does_not_skip_a_close_next_one(self) -> None:
        rules = replace(RULES, cadence=replace(CADENCE, noshow=KindCadence(contact=minutes(0.1, 0.2, 0.3))))
        case = a_case(Kind.NOSHOW, local("14:00"), rules)
        assert len(reminders(case, local("14:01"))) == 3

    def test_planning_twice_changes_nothing(self) -> None:
        case = a_case(Kind.NOSHOW)
        assert replanned(replanned(case)) == replanned(case)

    def test_a_due_time_that_passed_while_nobody_looked_stays_due(self) -> None:
        case = a_case(Kind.NOSHOW, local("14:00"))
        assert replanned(replace(case, notes=("a note at 14:06",))).timers == case.timers


class TestDaylightSaving:
    @each(
        ("day_before", "morning"),
        [
            (datetime(2026, 10, 31, 22, 0, tzinfo=TORONTO), "2026-11-01T08:00:00-05:00"),
            (datetime(2027, 3, 13, 22, 0, tzinfo=TORONTO), "2027-03-14T08:00:00-04:00"),
        ],
    )
    def test_the_morning_keeps_its_local_hour(self, day_before: datetime, morning: str) -> None:
        at = day_before.astimezone(UTC)
        assert schedule.morning_after(at, CADENCE).astimezone(TORONTO).isoformat() == morning

    def test_a_morning_inside_the_skipped_hour_still_comes_once(self) -> None:
        skipped = replace(CADENCE, quiet_from=time(21), quiet_to=time(2, 30))
        at = datetime(2027, 3, 13, 22, 0, tzinfo=TORONTO).astimezone(UTC)
        morning = schedule.morning_after(at, skipped)
        assert morning.astimezone(ZoneInfo("America/Toronto")).isoformat() == "2027-03-14T03:30:00-04:00"
        assert schedule.morning_after(morning, skipped) > morning


def test_a_closed_case_has_no_due_time() -> None:
    case = replace(a_case(), state=State.CLOSED, outcome=Outcome.RESCHEDULED)
    assert schedule.plan(case) == ()


def test_timers_come_earliest_first() -> None:
    timers: tuple[Timer, ...] = a_case(Kind.NOSHOW).timers
    assert [timer.at for timer in timers] == sorted(timer.at for timer in timers)


def test_after_undo_what_was_missed_meanwhile_is_not_asked() -> None:
    case = replace(a_case(Kind.NOSHOW, local("14:00")), resumed_at=local("14:12"))
    assert clock(due(replanned(case), Due.REMINDER)) == "05 14:20"


def test_a_running_case_keeps_the_schedule_it_was_opened_with() -> None:
    old = a_case(Kind.NOSHOW, local("14:00"))
    edited: Rules = replace(RULES, cadence=replace(CADENCE, noshow=KindCadence(contact=minutes(45))))
    new = a_case(Kind.NOSHOW, local("14:00"), edited)
    assert clock(due(replanned(old), Due.REMINDER)) == "05 14:05"
    assert clock(due(new, Due.REMINDER)) == "05 14:45"
