"""Bad input is one mail's bad day: after each, the next mail is handled as if nothing had happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic
from workflow.mail.reading import message


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    async with Clinic(tmp_path) as clinic:
        yield clinic


async def next_mail_is_handled(clinic: Clinic) -> None:
    await clinic.dana.writes("NOSHOW Robin")
    await clinic.alex.gets("alert")
    await clinic.dana.gets("draft")


async def left_as_it_was(clinic: Clinic, subject: bytes) -> bool:
    stored = await clinic.server.stored(MAILBOX)
    return any(subject in mail.raw and not mail.flags for mail in stored)


async def test_an_unknown_address_has_no_effect_and_gets_no_answer(clinic: Clinic) -> None:
    await clinic.stranger.writes("Hello, are you taking new clients?")
    assert await left_as_it_was(clinic, b"Hello, are you")
    await next_mail_is_handled(clinic)


async def test_a_report_from_an_unknown_address_reaches_admin_as_a_choice(clinic: Clinic) -> None:
    await clinic.stranger.writes("LATE 15 Sam")
    notice = await clinic.alex.gets("notice")
    assert notice.tap("LATE 15 Sam FOR Dana Lee")
    assert await left_as_it_was(clinic, b"LATE 15 Sam")
    assert not await clinic.store.open_cases()
    await next_mail_is_handled(clinic)


async def test_doubt_opens_nothing_and_is_asked(clinic: Clinic) -> None:
    await clinic.dana.writes("Lathe 15 Sam")
    help_ = await clinic.dana.gets("help")
    assert help_.tap("LATE 15 Sam") == "LATE 15 Sam"
    await clinic.alex.gets("notice")
    assert not await clinic.store.open_cases()
    await next_mail_is_handled(clinic)


async def test_a_mail_over_max_size_speaks_by_its_subject(clinic: Clinic) -> None:
    await clinic.dana.writes("NOSHOW Sam", "photograph " * 500_000)
    await clinic.alex.gets("alert")
    await clinic.dana.gets("draft")
    assert (await clinic.only_case()).notes == ()
    await next_mail_is_handled(clinic)


async def test_an_exception_sets_the_mail_aside_and_tells_admin(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = message.read

    def breaks(raw: bytes, *args: object, **more: object) -> message.Incoming:
        if b"poison" in raw:
            raise RuntimeError("poison")
        return real(raw, *args, **more)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(message, "read", breaks)
    await clinic.dana.writes("NOSHOW Sam", "poison")
    await clinic.alex.gets("notice")
    assert len(await clinic.server.wait_for(MAILBOX, 1, "Promptly/Set aside")) == 1
    assert not await clinic.store.open_cases()
    await next_mail_is_handled(clinic)


async def test_a_refused_recipient_is_announced_and_the_others_get_theirs(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        clinic.server.refuse("pat@clinic.test", "550 5.1.1 No such user")
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        await clinic.alex.gets("notice")
        clinic.server.accept("pat@clinic.test")
        await clinic.dana.writes("NOSHOW Robin")
        await clinic.alex.gets("alert")
        await clinic.pat.gets("alert")
        await clinic.dana.gets("draft")


@pytest.mark.slow
async def test_the_same_mail_delivered_twice_is_acted_on_once(clinic: Clinic) -> None:
    message = await clinic.dana.writes("NOSHOW Sam")
    await clinic.alex.gets("alert")
    await clinic.dana.gets("draft")
    await clinic.server.deliver(MAILBOX, message.as_bytes(), arrived_at=clinic.clock.now())
    await clinic.settled()
    assert len(await clinic.server.wait_for(MAILBOX, 2, "Promptly")) == 2
    await next_mail_is_handled(clinic)


async def test_a_refusal_for_now_is_tried_again_after_a_minute_with_the_same_id(clinic: Clinic) -> None:
    clinic.server.refuse("dana@clinic.test", "451 4.7.1 Greylisted", times=1)
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.alex.gets("alert")
    await clinic.dana.gets_nothing()
    owed = await clinic.store.owed()
    assert [letter.kind.value for letter in owed] == ["draft"]
    await clinic.passes(seconds=59)
    await clinic.dana.gets_nothing()
    await clinic.passes(seconds=1)
    assert (await clinic.dana.gets("draft")).id == owed[0].message_id


async def test_a_lost_acceptance_sends_the_letter_again_under_its_one_id(clinic: Clinic) -> None:
    clinic.server.lose_answers(1)
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.collect()
    letters = [*clinic.alex.inbox, *clinic.dana.inbox]
    assert len(letters) == 3  # one of them twice
    assert len({letter.id for letter in letters}) == 2
    clinic.alex.inbox.clear()
    clinic.dana.inbox.clear()


@pytest.mark.slow
async def test_a_mail_decided_before_a_crash_is_moved_after_it(clinic: Clinic) -> None:
    message = await clinic.dana.writes("STATUS")
    await clinic.dana.gets("status")
    await clinic.server.wait_for(MAILBOX, 1, "Promptly")
    await clinic.server.deliver(MAILBOX, message.as_bytes(), arrived_at=clinic.clock.now())
    await clinic.settled()
    assert len(await clinic.server.wait_for(MAILBOX, 2, "Promptly")) == 2
    await clinic.dana.gets_nothing()
