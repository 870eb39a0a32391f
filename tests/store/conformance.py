"""The promises of `workflow.store`, as tests that any store must pass.

A store's own test module inherits `StoreConformance` and gives the `bench` fixture.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.store.bench import Bench, before_and_after_a_death, restarted
from tests.store.cases import ALEX, DANA, DAY, MINUTE, NINE, a_case, a_letter, a_rich_case, about, closed, without_case
from workflow.core.mail import Place
from workflow.core.model import Choice, Consumed, Due, Letter, LetterKind, Outcome, Post, State, Timer
from workflow.core.privacy import wiped
from workflow.store import DESK, EVER, Alive, Carried, Locked, Lost, Store


class StoreConformance:
    @pytest.fixture
    async def store(self, bench: Bench) -> AsyncIterator[Store]:
        store = bench.make()
        await store.open()
        yield store
        bench.kill(store)

    # 1. whole

    async def test_a_case_comes_back_as_it_was_committed(self, bench: Bench, store: Store) -> None:
        await store.commit(about(a_rich_case()), NINE)
        again = await restarted(bench, store)
        assert await again.case("K7Q2") == a_rich_case()
        bench.kill(again)

    async def test_all_of_a_decision_with_a_case_survives_a_kill(self, bench: Bench, store: Store) -> None:
        case = a_case(letters=(a_letter(1), a_letter(2)))
        await store.commit(about(case, a_letter(7, None), key="a second mail"), NINE)
        again = await restarted(bench, store)
        assert await again.open_cases() == {"K7Q2": case}
        assert [letter.id for letter in await again.owed()] == ["K7Q2.1", "K7Q2.2", "desk.7"]
        assert await again.consumed("key of K7Q2's report") == {"K7Q2"}
        assert await again.consumed("a second mail") == {"K7Q2"}
        bench.kill(again)

    async def test_all_of_a_decision_without_a_case_survives_a_kill(self, bench: Bench, store: Store) -> None:
        counts = {"refused": (NINE, NINE + MINUTE)}
        decision = without_case(a_letter(1, None), key="a help")
        await store.commit(decision, NINE, marks={"digest": "2026-11-05"}, counts=counts)
        again = await restarted(bench, store)
        assert again.desk.letters == (a_letter(1, None),)
        assert again.desk.marks == {"digest": "2026-11-05"}
        assert again.desk.counts == counts
        assert await again.consumed("a help") == {DESK}
        bench.kill(again)

    async def test_a_new_version_replaces_the_old(self, store: Store) -> None:
        await store.commit(about(a_case()), NINE)
        await store.commit(about(a_case(minutes=20)), NINE + MINUTE)
        assert await store.open_cases() == {"K7Q2": a_case(minutes=20)}

    async def test_two_cases_never_share_an_id(self, store: Store) -> None:
        await store.commit(about(closed(a_case())), NINE)
        with pytest.raises(ValueError, match="K7Q2"):
            await store.commit(about(a_case(opened_at=NINE + DAY)), NINE + DAY)

    async def test_text_that_no_encoding_can_hold_does_not_stop_a_commit(self, bench: Bench, store: Store) -> None:
        await store.commit(about(a_case(notes=("caf\udce9 Zoë",))), NINE)
        again = await restarted(bench, store)
        assert (await again.open_cases())["K7Q2"].notes == ("caf? Zoë",)
        bench.kill(again)

    # 3. once

    async def test_a_new_mail_was_consumed_by_nobody(self, store: Store) -> None:
        assert await store.consumed("never seen") == frozenset()

    async def test_a_closed_case_keeps_what_it_consumed(self, bench: Bench, store: Store) -> None:
        await store.commit(about(closed(a_case())), NINE)
        assert await store.consumed("key of K7Q2's report") == {"K7Q2"}
        again = await restarted(bench, store)
        assert await again.consumed("key of K7Q2's report") == {"K7Q2"}
        bench.kill(again)

    async def test_one_mail_can_be_consumed_by_two_cases(self, store: Store) -> None:
        mail = Consumed("about both", "<both@phone.test>", NINE)
        for case_id in ("K7Q2", "B3C4"):
            await store.commit(about(a_case(case_id, mails=(mail,))), NINE)
        assert await store.consumed("about both") == {"K7Q2", "B3C4"}
        assert await store.case_of_message("<both@phone.test>") is None

    async def test_the_desk_forgets_a_mail_after_seven_days_and_not_before(self, store: Store) -> None:
        await store.commit(without_case(key="a help"), NINE)
        await store.commit(without_case(key="another"), NINE + 7 * DAY - MINUTE)
        await store.forget(NINE + 7 * DAY - MINUTE)
        assert await store.consumed("a help") == {DESK}
        await store.commit(without_case(key="a third"), NINE + 900 * DAY)  # by a clock that was wrong for a moment
        assert await store.consumed("a help") == {DESK}
        await store.forget(NINE + 7 * DAY)
        assert await store.consumed("a help") == frozenset()
        assert await store.consumed("a third") == frozenset(), "or it would lie there for years"
        assert await store.consumed("another") == {DESK}

    async def test_counts_are_forgotten_after_a_week(self, store: Store) -> None:
        await store.commit(without_case(), NINE, counts={"refused": (NINE,), "help": (NINE + DAY,)})
        await store.forget(NINE + 7 * DAY)
        assert store.desk.counts == {"help": (NINE + DAY,)}

    # 4. forward only

    async def test_a_sent_letter_is_not_owed_again_by_an_older_version_of_its_case(self, store: Store) -> None:
        seen_before_sending = a_case(letters=(a_letter(1),))
        await store.commit(about(seen_before_sending), NINE)
        sent = a_letter(1, post=Post.SENT, attempts=1, settled_at=NINE)
        await store.settle_letters([sent])
        await store.commit(about(replace(seen_before_sending, minutes=20)), NINE + MINUTE)
        case = (await store.open_cases())["K7Q2"]
        assert (case.minutes, case.letters) == (20, (sent,))
        assert await store.owed() == []

    async def test_attempts_are_not_forgotten(self, store: Store) -> None:
        case = a_case(letters=(a_letter(1),))
        await store.commit(about(case), NINE)
        tried = a_letter(1, attempts=1, next_at=NINE + MINUTE, reason="451")
        await store.settle_letters([tried])
        await store.commit(about(case), NINE + MINUTE)
        assert await store.owed() == [tried]

    async def test_a_letter_withdrawn_while_it_was_on_its_way_was_sent(self, store: Store) -> None:
        await store.commit(about(a_case(letters=(a_letter(1, post=Post.WITHDRAWN),))), NINE)
        await store.settle_letters([a_letter(1, attempts=1, reason="451")])
        assert (await store.letter("K7Q2.1")) == a_letter(1, post=Post.WITHDRAWN)
        await store.settle_letters([a_letter(1, post=Post.SENT)])
        assert (await store.letter("K7Q2.1")) == a_letter(1, post=Post.SENT)

    async def test_a_sent_letter_can_still_bounce(self, store: Store) -> None:
        await store.commit(about(a_case(letters=(a_letter(1, post=Post.SENT),))), NINE)
        await store.settle_letters([a_letter(1, post=Post.FAILED, reason="bounced")])
        assert (await store.letter("K7Q2.1")) == a_letter(1, post=Post.FAILED, reason="bounced")

    async def test_a_letter_of_a_closed_case_can_still_bounce(self, bench: Bench, store: Store) -> None:
        case = closed(a_case(letters=(a_letter(1),)))
        await store.commit(about(case), NINE)
        store = await restarted(bench, store)
        bounced = replace(case.letters[0], post=Post.FAILED, reason="bounced")
        await store.settle_letters([bounced])
        store = await restarted(bench, store)
        assert await store.case("K7Q2") == replace(case, letters=(bounced,))
        bench.kill(store)

    # 5. nothing owed is forgotten

    async def test_the_urgent_goes_first_then_the_old(self, store: Store) -> None:
        digest = a_letter(1, None, kind=LetterKind.DIGEST)
        reminder = a_letter(1, kind=LetterKind.REMINDER)
        escalation = a_letter(2, kind=LetterKind.ESCALATION)
        late_draft = a_letter(3, kind=LetterKind.DRAFT, created_at=NINE + MINUTE)
        await store.commit(without_case(digest), NINE)
        await store.commit(about(a_case(letters=(reminder, escalation, late_draft, a_letter(4)))), NINE)
        assert [letter.id for letter in await store.owed()] == ["K7Q2.4", "K7Q2.3", "K7Q2.2", "K7Q2.1", "desk.1"]

    async def test_a_closed_case_owes_its_letters_through_restarts_until_they_are_settled(
        self, bench: Bench, store: Store
    ) -> None:
        receipt = a_letter(9, kind=LetterKind.RECEIPT)
        await store.commit(about(a_case()), NINE)
        await store.commit(about(replace(closed(a_case()), letters=(receipt,))), NINE)
        again = await restarted(bench, store)
        assert await again.open_cases() == {}
        assert await again.owed() == [receipt]
        await again.settle_letters([replace(receipt, post=Post.SENT)])
        third = await restarted(bench, again)
        assert await third.owed() == []
        assert await third.letter("K7Q2.9") == replace(receipt, post=Post.SENT)
        bench.kill(third)

    async def test_a_late_answer_to_a_closed_case_is_owed_its_receipt(self, bench: Bench, store: Store) -> None:
        await store.commit(about(closed(a_case())), NINE)
        answered = replace(closed(a_case()), outcome=Outcome.CONNECTED, letters=(a_letter(2),))
        again = await restarted(bench, store)
        await again.commit(about(answered), NINE + DAY)
        third = await restarted(bench, again)
        assert await third.owed() == [a_letter(2)]
        await third.settle_letters([a_letter(2, post=Post.SENT)])
        fourth = await restarted(bench, third)
        found = await fourth.case("K7Q2")
        assert found is not None
        assert found.outcome is Outcome.CONNECTED
        assert [case.id async for case in fourth.closed_cases(NINE)] == ["K7Q2"]
        bench.kill(fourth)

    async def test_letters_of_the_desk_are_settled_there(self, bench: Bench, store: Store) -> None:
        await store.commit(without_case(a_letter(1, None), a_letter(2, None)), NINE)
        await store.settle_letters([a_letter(1, None, post=Post.SENT, settled_at=NINE)])
        again = await restarted(bench, store)
        assert await again.owed() == [a_letter(2, None)]
        await again.forget(NINE + 7 * DAY)
        assert again.desk.letters == (a_letter(2, None),), "what is owed stays, what was settled a week ago goes"
        bench.kill(again)

    async def test_settling_what_was_erased_is_passed_over(self, store: Store) -> None:
        await store.commit(about(a_case(letters=(a_letter(1),))), NINE)
        await store.erase("K7Q2")
        await store.settle_letters([a_letter(1, post=Post.SENT)])
        assert await store.letter("K7Q2.1") is None

    # due times

    async def test_an_associates_open_cases_are_found_under_each_of_their_addresses(self, store: Store) -> None:
        old = replace(DANA, emails=DANA.emails[:1])  # before the second address was listed
        await store.commit(about(a_case("B3C4", associate=old, opened_at=NINE + MINUTE)), NINE)
        await store.commit(about(a_case("K7Q2")), NINE)
        await store.commit(about(a_case("C5D6")), NINE)  # at the same instant: as they came
        await store.commit(about(a_case("K7Q2", minutes=20)), NINE)
        await store.commit(about(a_case("D5F6", associate=ALEX)), NINE)
        await store.commit(about(closed(a_case("G7H8"))), NINE)
        cases = await store.open_cases()
        assert [case.id for case in cases.of(DANA)] == ["K7Q2", "C5D6", "B3C4"]
        assert [case.id for case in cases.of(replace(DANA, emails=DANA.emails[1:]))] == ["K7Q2", "C5D6"]
        await store.commit(about(closed(a_case("K7Q2"))), NINE)
        assert cases["K7Q2"] == a_case("K7Q2", minutes=20), "the next commit changes nothing of it"
        assert [case.id for case in cases.of(DANA)] == ["K7Q2", "C5D6", "B3C4"]
        cases = await store.open_cases()
        assert [case.id for case in cases.of(DANA)] == ["C5D6", "B3C4"]
        assert cases.beside([closed(a_case("G7H8"))]).keys() == {"B3C4", "C5D6", "D5F6", "G7H8"}
        await store.commit(about(a_case("D5F6", associate=DANA)), NINE)
        assert (await store.open_cases()).of(ALEX) == []
        assert [case.id for case in (await store.open_cases()).of(DANA)] == ["C5D6", "D5F6", "B3C4"]

    async def test_nothing_is_due_without_timers(self, store: Store) -> None:
        await store.commit(about(a_case(timers=())), NINE)
        assert await store.next_due() is None
        assert await store.due(NINE + DAY) == []

    async def test_the_longest_due_comes_first_of_open_and_closed_cases(self, bench: Bench, store: Store) -> None:
        def timers(*minutes: int) -> tuple[Timer, ...]:
            return tuple(Timer(due, NINE + m * MINUTE) for due, m in zip(Due, minutes, strict=False))

        late, early = a_case("B3C4", timers=timers(9, 8)), a_case("K7Q2", timers=timers(30, 5))
        for case in (late, early, a_case("D5F6", timers=timers(60))):
            await store.commit(about(case), NINE)
        owing = replace(closed(a_case("G7H8")), timers=timers(1))  # closed, with something still to come
        await store.commit(about(owing), NINE)
        again = await restarted(bench, store)
        assert await again.next_due() == NINE + MINUTE
        assert "G7H8" not in await again.open_cases()
        assert await again.due(NINE + 5 * MINUTE - timedelta(microseconds=1)) == [owing]
        assert await again.due(NINE + 8 * MINUTE) == [owing, early, late]
        await again.commit(about(closed(a_case("G7H8"))), NINE)
        assert await again.due(NINE + 8 * MINUTE) == [early, late]
        assert await again.case("G7H8") == closed(a_case("G7H8"))
        bench.kill(again)

    # finding

    async def test_a_message_id_leads_to_its_case_open_or_closed(self, bench: Bench, store: Store) -> None:
        await store.commit(about(a_case(letters=(a_letter(1),))), NINE)
        await store.commit(about(closed(a_case("B3C4", letters=(a_letter(1, "B3C4"),)))), NINE)
        async for each in before_and_after_a_death(bench, store):
            assert await each.case_of_message(a_letter(1).message_id) == "K7Q2"
            assert await each.case_of_message("<report-K7Q2@phone.test>") == "K7Q2"
            assert await each.case_of_message(a_letter(1, "B3C4").message_id) == "B3C4"
            assert await each.case_of_message("<report-B3C4@phone.test>") == "B3C4"
            assert await each.case_of_message("<K7Q2.1.forged@clinic.test>") is None

    async def test_a_letter_without_a_case_leads_to_none_wherever_it_is_kept(self, bench: Bench, store: Store) -> None:
        await store.commit(without_case(a_letter(1, None), replace(a_letter(3, None), case="B3C4")), NINE)
        await store.commit(about(closed(a_case()), a_letter(2, None, post=Post.SENT)), NINE)
        async for each in before_and_after_a_death(bench, store):
            for letter in (a_letter(1, None), a_letter(2, None, post=Post.SENT)):
                assert await each.case_of_message(letter.message_id) is None
                assert await each.letter_of_message(letter.message_id) == letter
            assert await each.case_of_message(a_letter(3, None).message_id) == "B3C4", "an ask that names a case"

    async def test_a_letter_is_found_by_its_id(self, bench: Bench, store: Store) -> None:
        archived = closed(a_case("B3C4", letters=(a_letter(1, "B3C4"),)))
        await store.commit(without_case(a_letter(1, None)), NINE)
        await store.commit(about(a_case(letters=(a_letter(1),))), NINE)
        await store.commit(about(archived), NINE)
        async for each in before_and_after_a_death(bench, store):
            assert await each.letter("desk.1") == a_letter(1, None)
            assert await each.letter("K7Q2.1") == a_letter(1)
            assert await each.letter("B3C4.1") == archived.letters[0]
            assert await each.letter("B3C4.2") is None
            assert await each.letter("Z9Z9.1") is None

    async def test_an_id_is_taken_by_open_and_closed_cases(self, bench: Bench, store: Store) -> None:
        await store.commit(about(a_case()), NINE)
        await store.commit(about(closed(a_case("B3C4"))), NINE)
        again = await restarted(bench, store)
        assert [await again.knows(case_id) for case_id in ("K7Q2", "B3C4", "Z9Z9")] == [True, True, False]
        bench.kill(again)

    async def test_closed_cases_are_listed_since_a_time(self, bench: Bench, store: Store) -> None:
        days = {"B3C4": -40, "D5F6": -1, "G7H8": 0, "J9K2": 2}
        for case_id, day in days.items():
            await store.commit(about(closed(a_case(case_id), NINE + day * DAY)), NINE)
        await store.commit(about(replace(closed(a_case("L3M4"), NINE + DAY), state=State.CANCELLED)), NINE)
        await store.commit(about(replace(closed(a_case("N5P6"), NINE + DAY), letters=(a_letter(1, "N5P6"),))), NINE)
        await store.commit(about(a_case()), NINE)
        async for each in before_and_after_a_death(bench, store):
            since_nine = [case.id async for case in each.closed_cases(NINE)]
            ever = [case.id async for case in each.closed_cases(datetime.min.replace(tzinfo=UTC))]
            assert since_nine == ["G7H8", "L3M4", "N5P6", "J9K2"]
            assert ever == ["B3C4", "D5F6", *since_nine]

    async def test_a_case_that_was_opened_again_is_open(self, bench: Bench, store: Store) -> None:
        await store.commit(about(closed(a_case())), NINE)
        await store.commit(about(a_case(minutes=20)), NINE + MINUTE)
        async for each in before_and_after_a_death(bench, store):
            assert await each.open_cases() == {"K7Q2": a_case(minutes=20)}
            assert [case async for case in each.closed_cases(NINE - DAY)] == []

    async def test_the_latest_commit_is_remembered(self, bench: Bench, store: Store) -> None:
        assert await store.latest_at() is None
        await store.commit(about(a_case()), NINE)
        await store.commit(about(closed(a_case("B3C4"))), NINE + 5 * MINUTE)
        again = await restarted(bench, store)
        assert await again.latest_at() == NINE + 5 * MINUTE
        bench.kill(again)

    async def test_closed_cases_are_listed_until_a_time(self, store: Store) -> None:
        for case_id, day in {"B3C4": -1, "D5F6": 0, "G7H8": 1}.items():
            await store.commit(about(closed(a_case(case_id), NINE + day * DAY)), NINE)
        assert [case.id async for case in store.closed_cases(EVER, NINE)] == ["B3C4"]
        assert [case.id async for case in store.closed_cases(NINE, NINE + DAY)] == ["D5F6"]

    async def test_letters_beside_a_case_are_those_decided_with_it_and_those_that_name_it(self, store: Store) -> None:
        await store.commit(about(a_case(), a_letter(1, None)), NINE)
        naming = replace(a_letter(2, None), case="K7Q2")
        await store.commit(without_case(naming, a_letter(3, None)), NINE)
        assert await store.letters_beside("K7Q2") == [a_letter(1, None), naming]
        assert await store.letters_beside("Z9Z9") == []

    # 7. one holder

    async def test_a_second_daemon_is_locked_out_until_the_first_has_died(self, bench: Bench, store: Store) -> None:
        second = bench.make()
        with pytest.raises(Locked):
            await second.open()
        bench.kill(store)
        await second.open()
        await second.close()

    async def test_who_holds_it_no_more_changes_nothing(self, bench: Bench) -> None:
        first = bench.make()
        await first.open()
        await first.commit(about(a_case(letters=(a_letter(1),))), NINE)
        await first.close()
        second = bench.make()
        await second.open()
        with pytest.raises(Lost):
            await first.commit(about(a_case("B3C4")), NINE)
        with pytest.raises(Lost):
            await first.commit(without_case(key="a key"), NINE)
        with pytest.raises(Lost):
            await first.settle_letters([a_letter(1, post=Post.SENT)])
        assert [letter.post for letter in await second.owed()] == [Post.OWED]
        assert set(await second.open_cases()) == {"K7Q2"}
        await second.close()

    # 8. values

    async def test_what_is_handed_out_is_a_copy(self, store: Store) -> None:
        await store.commit(about(a_case(letters=(a_letter(1),))), NINE)
        (await store.open_cases()).open.clear()
        (await store.owed()).clear()
        assert len(await store.open_cases()) == len(await store.owed()) == 1

    # the desk's hints, and the mail in hand

    async def test_the_instance_is_made_once(self, bench: Bench, store: Store) -> None:
        made = store.desk.instance
        again = await restarted(bench, store)
        assert again.desk.instance == made != ""
        bench.kill(again)

    async def test_the_place_is_the_last_one_said(self, store: Store) -> None:
        for place in [Place(1, 7), Place(1, 8), Place(1, 5), Place(2, 3)]:
            store.remember_place(place)
            assert store.desk.place == place

    async def test_hints_are_kept_by_flush_by_close_and_by_the_next_desk_write(
        self, bench: Bench, store: Store
    ) -> None:
        store.remember_place(Place(1, 7))
        await store.flush()
        store = await restarted(bench, store)
        assert store.desk.place == Place(1, 7)
        store.remember_place(Place(1, 8))
        await store.commit(without_case(key="a help"), NINE)
        store = await restarted(bench, store)
        assert store.desk.place == Place(1, 8)
        await store.commit(about(a_case()), NINE, counts={"refused": (NINE,)}, marks={"digest": "2026-11-05"})
        await store.close()
        store = await restarted(bench, store)
        assert store.desk.counts == {"refused": (NINE,)}
        assert store.desk.marks == {"digest": "2026-11-05"}
        bench.kill(store)

    async def test_a_mail_in_hand_at_two_deaths_is_counted_twice(self, bench: Bench, store: Store) -> None:
        poison, other = Place(1, 7), Place(1, 8)
        for deaths in (0, 1):
            assert await store.hand_count(poison) == deaths
            await store.take_in_hand(poison)
            store = await restarted(bench, store)
        assert await store.hand_count(poison) == 2
        assert await store.hand_count(other) == 0
        await store.put_down()
        assert await store.hand_count(poison) == 2, "none was in hand"
        await store.take_in_hand(poison)
        await store.put_down()
        assert await store.hand_count(poison) == 0
        store = await restarted(bench, store)
        assert await store.hand_count(poison) == 0
        bench.kill(store)

    # erasing

    @pytest.mark.parametrize("state", [State.OPEN, State.CLOSED])
    async def test_erase_removes_a_case_but_not_the_memory_of_its_mails(
        self, bench: Bench, store: Store, state: State
    ) -> None:
        case = a_case(letters=(a_letter(1, post=Post.SENT),))
        await store.commit(about(case if state is State.OPEN else closed(case)), NINE)
        await store.commit(about(a_case("B3C4")), NINE)
        asked = a_letter(1, None, kind=LetterKind.ASK, choices=(Choice("SENT", "texted", "K7Q2"),))
        await store.commit(without_case(asked, replace(a_letter(2, None), case="K7Q2"), a_letter(3, None)), NINE)
        assert await store.erase("K7Q2")
        assert not await store.erase("K7Q2")
        async for each in before_and_after_a_death(bench, store):
            assert await each.case("K7Q2") is None
            assert not await each.knows("K7Q2")
            assert await each.case_of_message("<report-K7Q2@phone.test>") is None
            assert await each.letter_of_message(a_letter(1).message_id) is None
            assert await each.consumed("key of K7Q2's report") == {DESK}
            assert each.desk.letters == (a_letter(3, None),)
            assert set(await each.open_cases()) == {"B3C4"}

    async def test_wiping_takes_the_names_out_of_a_closed_case_and_nothing_else(
        self, bench: Bench, store: Store
    ) -> None:
        case = closed(a_case(letters=(a_letter(1),), notes=("Sam is ill",)))
        quoting = a_letter(2, None, post=Post.SENT, data={"line": "LATE 15 Sam P."})
        await store.commit(about(case, quoting), NINE)
        await store.commit(about(a_case("B3C4")), NINE)
        for case_id in ("K7Q2", "B3C4", "Z9Z9"):
            await store.wipe(case_id, NINE + DAY)
        async for each in before_and_after_a_death(bench, store):
            assert await each.case("K7Q2") == wiped(case, NINE + DAY)
            assert await each.letter_of_message(quoting.message_id) == replace(quoting, data={})
            assert await each.open_cases() == {"B3C4": a_case("B3C4")}, "an open case keeps its client"
            assert await each.consumed("key of K7Q2's report") == {"K7Q2"}
            assert await each.case_of_message(a_letter(1).message_id) == "K7Q2"

    async def test_letters_are_amended_wherever_they_lie(self, bench: Bench, store: Store) -> None:
        def quoting(number: int, case_id: str | None) -> Letter:
            return a_letter(number, case_id, data={"text": "Sam"})

        await store.commit(about(a_case(letters=(quoting(1, "K7Q2"),)), quoting(2, None)), NINE)
        await store.commit(about(closed(a_case("B3C4", letters=(quoting(1, "B3C4"),)))), NINE)
        await store.commit(without_case(quoting(3, None)), NINE)
        await store.amend_letters(lambda letter: replace(letter, data={}), ("Sam",))
        async for each in before_and_after_a_death(bench, store):
            for letter_id in ("K7Q2.1", "B3C4.1", "desk.2", "desk.3"):
                letter = await each.letter(letter_id)
                assert letter is not None
                assert letter.data == {}
            assert [letter.id for letter in await each.owed()] == ["K7Q2.1", "desk.2", "desk.3"]

    async def test_purge_removes_the_old_closed_cases_alone(self, bench: Bench, store: Store) -> None:
        await store.commit(about(closed(a_case("B3C4"), NINE - DAY)), NINE)
        await store.commit(about(closed(a_case("D5F6"), NINE)), NINE)
        await store.commit(about(replace(closed(a_case("G7H8"), NINE - DAY), letters=(a_letter(1, "G7H8"),))), NINE)
        await store.commit(about(a_case(opened_at=NINE - 500 * DAY)), NINE)
        assert await store.purge(NINE) == ("B3C4",), "neither the open one, nor the one that owes a letter"
        again = await restarted(bench, store)
        assert [await again.knows(id_) for id_ in ("B3C4", "D5F6", "G7H8", "K7Q2")] == [False, True, True, True]
        bench.kill(again)

    # copies

    async def test_a_copy_is_named_and_seven_stay(self, bench: Bench, store: Store) -> None:
        await store.commit(about(a_case()), NINE)
        assert await store.copies() == []
        for day in range(1, 10):
            await store.back_up(f"2026-11-{day:02}")
        async for each in before_and_after_a_death(bench, store):
            assert await each.copies() == [f"2026-11-{day:02}" for day in range(3, 10)]

    async def test_copies_of_days_to_come_push_none_out(self, store: Store) -> None:
        for day in range(1, 8):
            await store.back_up(f"2027-12-{day:02}", keep_all=True)
        await store.back_up("2026-11-05")
        assert await store.copies() == ["2026-11-05", *(f"2027-12-{day:02}" for day in range(1, 8))]
        await store.back_up("2028-01-01", keep_all=True)
        assert len(await store.copies()) == 9
        await store.back_up("2028-01-02")
        assert await store.copies() == [*(f"2027-12-{day:02}" for day in range(3, 8)), "2028-01-01", "2028-01-02"]

    async def test_what_is_erased_is_in_no_copy_either(self, store: Store) -> None:
        quoting = a_letter(1, "B3C4", data={"text": "Sam P."})
        await store.commit(about(a_case()), NINE)
        await store.commit(about(a_case("B3C4", letters=(quoting,))), NINE)
        await store.back_up("2026-11-05")
        held = await store.places("K7Q2")
        assert len(held) == 2
        await store.erase("K7Q2")
        assert len(await store.places("K7Q2")) == 1, "the copy"
        assert await store.newest_copy("K7Q2") == a_case()
        assert await store.erase_in_copies("K7Q2", {}, lambda letter: replace(letter, data={}), ("Sam P.",))
        assert not await store.erase_in_copies("K7Q2", {}, lambda letter: letter, ())
        assert await store.places("K7Q2") == []
        assert await store.newest_copy("K7Q2") is None
        copied = await store.newest_copy("B3C4")
        assert copied is not None
        assert copied.letters == (replace(quoting, data={}),)
        assert await store.case("B3C4") == a_case("B3C4", letters=(quoting,)), "the state itself is not touched"

    async def test_copies_forget_with_the_state_and_before_it(self, store: Store) -> None:
        await store.commit(about(closed(a_case("B3C4"), NINE - 9 * DAY)), NINE)
        await store.commit(about(closed(a_case("D5F6"), NINE - 2 * DAY)), NINE)
        await store.commit(about(closed(a_case("G7H8"), NINE)), NINE)
        await store.commit(about(a_case()), NINE)
        await store.back_up("2026-11-05")
        due = await store.retain_in_copies(NINE - DAY, NINE - 8 * DAY, NINE)
        assert due == {"D5F6"}, "neither what is to be purged, nor what is too young"
        assert await store.newest_copy("B3C4") is None
        assert await store.newest_copy("D5F6") == wiped(closed(a_case("D5F6"), NINE - 2 * DAY), NINE)
        assert await store.newest_copy("G7H8") == closed(a_case("G7H8"), NINE)
        assert await store.case("D5F6") == closed(a_case("D5F6"), NINE - 2 * DAY), "the state says what is due"

    async def test_a_search_finds_what_is_left_of_a_case_wherever_it_lies(self, store: Store) -> None:
        await store.commit(about(a_case(notes=("Sam P. was ill",))), NINE)
        await store.commit(about(a_case("B3C4", client="Kim")), NINE)
        await store.back_up("2026-11-05")
        found = await store.search("K7Q2", ("Sam P.",), ("Sam P. was ill",))
        assert len(found.of_case) == len(await store.places("K7Q2")) == 2
        assert found.searched >= 4
        assert (await store.search("Z9Z9", ("Nobody",), ("never said",))).of_case == ()

    # the link between the daemon and who is beside it

    async def test_the_daemon_says_how_it_is_and_only_the_last_counts(self, bench: Bench, store: Store) -> None:
        assert await store.daemon_link.alive() is None
        for connected in (True, False):
            store.daemon_link.say(Alive(os.getpid(), connected, NINE, NINE + MINUTE, unsent_since=NINE))
        async for each in before_and_after_a_death(bench, store):
            said = await each.daemon_link.alive(living=False)
            assert said == Alive(os.getpid(), False, NINE, NINE + MINUTE, unsent_since=NINE)

    async def test_a_request_is_carried_out_and_answered_once(self, bench: Bench, store: Store) -> None:
        first = await store.daemon_link.ask("erase", "K7Q2")
        second = await store.daemon_link.ask("purge")
        third = await store.daemon_link.ask("erase", "B3C4")
        await store.daemon_link.take_back(third)
        store = await restarted(bench, store)
        assert {request.token for request in await store.daemon_link.asked()} == {first.token, second.token}
        assert await store.daemon_link.answer_to(first) is None
        await store.daemon_link.answer(first, Carried(1, ("Done.", "Left.")))
        assert await store.daemon_link.asked() == [second]
        assert await store.daemon_link.answer_to(first) == Carried(1, ("Done.", "Left."))
        assert await store.daemon_link.answer_to(first) is None
        bench.kill(store)
