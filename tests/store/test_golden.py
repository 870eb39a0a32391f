"""What lies on the clinics' disks is read by every later version: `golden` holds folders made by the code of their day.

A case that cannot be read is set aside, and nobody is reminded of it: an upgrade must not do that to every open case.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import daemon
from tests.cast import CADENCE
from tests.conversation import Clinic
from tests.rows import each
from tests.store.golden_state import STOPPED_AT, read_all
from tests.store.tiny_bench import opened
from workflow.core.model import Case, Outcome, Post, State
from workflow.core.rules import Kind
from workflow.store import EVER, Desk, Reader, codec
from workflow.store.codec import Filed
from workflow.store.tiny.reader import CASE, ONLY

GOLDEN = Path(__file__).parent / "golden"

ADVICE = (
    "Files of open cases lie on the clinics' disks without it. Give it a default with which those cases go on as they "
    "were; where there is none, raise FORMAT in store/codec.py and add the step that fills it in."
)

DEMANDED = {
    "Filed": "case committed_at",
    "Case": "id kind state associate client minutes session_at yesterday reported_at opened_at changed_at cadence",
    "Person": "name emails",
    "Cadence": "session zone quiet_from quiet_to grace",
    "KindCadence": "",
    "Timer": "due at",
    "Entry": "at what by",
    "Consumed": "key message_id at",
    "Before": "what at state sent_at told_at outcome outcome_note closed_at makeup",
    "Letter": "id kind topic to role message_id created_at",
    "Facts": "case kind state associate client minutes session_at expected_at reported_at contacted_at outcome "
    "outcome_note makeup note reminders_sent escalated yesterday session sent reached",
    "Choice": "line label",
    "Desk": "instance",
    "Place": "uidvalidity uid",
}
"""The fields without a default: every file has them. A new class adds a line, a step to a new format adds a name."""


@pytest.fixture(params=sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def golden(request: pytest.FixtureRequest) -> Path:
    """A folder as it was written."""
    folder: Path = request.param
    return folder


@pytest.fixture
def state(golden: Path, tmp_path: Path) -> Path:
    """A copy to be worked on, where `Clinic` looks for it."""
    return Path(shutil.copytree(golden, tmp_path / "state"))


def stored(kind: Any) -> Iterator[type[Any]]:
    """The dataclasses that a stored value consists of, itself included; the same one perhaps several times."""
    if isinstance(kind, type) and is_dataclass(kind):
        yield kind
        for hint in get_type_hints(kind).values():
            yield from stored(hint)
    for argument in get_args(kind):
        yield from stored(argument)


@each("kind", sorted({*stored(Filed), *stored(Desk)}, key=repr))
def test_a_stored_field_is_added_with_a_default(kind: type[Any]) -> None:
    demanded = {part.name for part in fields(kind) if part.default is part.default_factory is MISSING}
    assert kind.__name__ in DEMANDED, f"{kind.__name__} is stored since now: write down what it demands"
    added = demanded - set(DEMANDED[kind.__name__].split())
    assert not added, f"{kind.__name__}.{', '.join(sorted(added))} has no default. {ADVICE}"


def test_each_file_is_read_with_all_that_was_written(golden: Path) -> None:
    for path in golden.rglob("*.json"):
        ((table, rows),) = codec.decode(path.read_bytes()).items()
        written = codec.current(table, rows[str(ONLY)])
        value = codec.read(Filed, written) if table == CASE else codec.read(Desk, written)
        read = codec.decode(codec.encode({table: {str(ONLY): codec.document(value)}}))[table][str(ONLY)]
        assert list(lost(written, read)) == [], path.name


def lost(written: Any, read: Any, where: str = "") -> Iterator[str]:
    """Where something that was written is not what is read. More may be read: fields that came later."""
    match written, read:
        case dict(), dict():
            for key, value in written.items():
                yield from lost(value, read.get(key, "nothing"), f"{where}.{key}")
        case list(), list() if len(written) == len(read):
            for number, (value, other) in enumerate(zip(written, read, strict=True)):
                yield from lost(value, other, f"{where}.{number}")
        case _ if written != read:
            yield f"{where}: {written} became {read}"


async def test_every_case_is_there_and_none_is_set_aside(state: Path) -> None:
    store = await opened(state)
    assert store.faults == (), ADVICE
    assert {case.client: said(case) for case in (await store.open_cases()).values()} == {
        "Zoë": "late, reminder 15:25",
        "Kim": "noshow, reminder 17:00, before sent",
        "Lou": "noshow, reminder 15:20",
        "Eve": "noshow, lead 14:42",
        "Owen": "noshow, reminder 14:50, lead 15:00",
        "Jo": "waiting, reminder 14:55, close 08:00",
    }
    assert {case.client: (case.state, case.outcome) async for case in store.closed_cases(EVER)} == {
        None: (State.CLOSED, Outcome.RESCHEDULED),  # its names were wiped
        "Max": (State.CLOSED, Outcome.RESCHEDULED),
        "Ned": (State.CLOSED, Outcome.OTHER),
        "Ida": (State.CANCELLED, None),
        "Una": (State.CLOSED, Outcome.ARRIVED),
    }
    assert len(await store.owed()) == 14
    assert {letter.post for case in await every(store) for letter in case.letters} == set(Post)
    assert store.desk.letters
    assert store.desk.marks
    assert store.desk.counts
    await store.close()


def said(case: Case) -> str:
    """Kind, due times in Toronto, and what UNDO would take back."""
    due = [f"{timer.due} {timer.at.astimezone(STOPPED_AT.tzinfo):%H:%M}" for timer in case.timers]
    return ", ".join([case.kind, *due, *([f"before {case.before.what}"] if case.before else [])])


async def every(store: Reader) -> list[Case]:
    """Open and closed."""
    return [*(await store.open_cases()).values(), *[case async for case in store.closed_cases(EVER)]]


async def test_the_work_goes_on(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Clinic(state.parent, at=STOPPED_AT, admins=("alex", "pat"), lead=True, digest="08:30") as clinic:
        cases = {case.client or "": case for case in await every(clinic.store)}
        ids = {client: case.id for client, case in cases.items()}

        await clinic.until(STOPPED_AT + timedelta(minutes=20))
        assert await clinic.store.owed() == []
        await clinic.collect()
        assert ("reminder", ids["Jo"]) in [(letter.kind, letter.case) for letter in clinic.ravi.inbox]
        assert ("alert", ids["Owen"]) in [(letter.kind, letter.case) for letter in clinic.alex.inbox]
        assert {ids["Eve"], ids["Owen"]} <= {letter.case for letter in clinic.lee.inbox}

        for person, client, word in (
            (clinic.dana, "Zoë", "CONNECTED"),
            (clinic.ravi, "Jo", "ARRIVED"),
            (clinic.ravi, "Lou", "UNREACHABLE"),
            (clinic.ravi, "Kim", "UNDO"),
            (clinic.dana, "Max", "UNDO"),
        ):
            await person.writes(f"[{ids[client]}] {word}")
        now = {case.client or "": case for case in await every(clinic.store)}
        assert [now[client].outcome for client in ("Zoë", "Jo", "Lou")] == ["connected", "arrived", "unreachable"]
        assert cases["Kim"].sent_at is not None
        assert now["Kim"].sent_at is None
        assert now["Max"].open

        capsys.readouterr()
        assert await verb(clinic, "status") == 0
        assert ids["Kim"] in capsys.readouterr().out
        for case in ids.values():
            assert await verb(clinic, "show", case) == 0
            assert f"{case}  " in capsys.readouterr().out
        await read_all(clinic)


async def verb(clinic: Clinic, *words: str) -> int:
    """In a thread: a verb has a loop of its own, as it has a process of its own."""
    return await asyncio.to_thread(daemon.main, [*words, "--config", str(clinic.config_file)])


@contextmanager
def the_case_in(path: Path) -> Iterator[dict[str, Any]]:
    """What a file says of its case, to be changed into what another version would have written."""
    found = json.loads(path.read_text())
    yield found[CASE][str(ONLY)][CASE]
    path.write_text(json.dumps(found))


def file_of(folder: Path, client: str) -> Path:
    return next(path for path in folder.glob("open/*.json") if f'"client": "{client}"' in path.read_text())


@pytest.mark.parametrize("kind", Kind)
async def test_a_case_that_is_older_than_a_kind_has_the_default_figures_for_it(state: Path, kind: Kind) -> None:
    path = file_of(state, "Kim")
    with the_case_in(path) as case:
        case["cadence"].pop(kind, None)
    store = await opened(state)
    assert store.faults == (), ADVICE
    assert (await store.open_cases())[path.stem].cadence.of(kind) == CADENCE.of(kind)
    await store.close()


async def test_after_going_back_a_version_a_field_that_this_one_does_not_know_is_left_out(state: Path) -> None:
    with the_case_in(file_of(state, "Kim")) as case:
        case["mood"] = "hopeful"
    store = await opened(state)
    assert store.faults == ()
    assert "Kim" in {case.client for case in (await store.open_cases()).values()}
    await store.close()


async def test_after_going_back_a_version_only_cases_of_a_kind_that_this_one_does_not_know_are_set_aside(
    state: Path,
) -> None:
    path = file_of(state, "Kim")
    with the_case_in(path) as case:
        case["kind"] = "sabbatical"
    store = await opened(state)
    assert [(fault.name, fault.reason) for fault in store.faults] == [(path.stem, "case.kind: enum")]
    assert len(await store.open_cases()) == 5
    await store.close()
