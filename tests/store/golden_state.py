"""Makes ``tests/store/golden``: a state folder as the daemon of its day left it, which every later one must open.

    .venv/bin/python -m tests.store.golden_state tests/store/golden/format-1

A folder is made once, with the code of its day, and never again: what lies on the clinics' disks does not change with
the code either. Only a raised `codec.FORMAT` adds one, beside the older; `test_golden.py` opens them all.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import daemon
from tests.conversation import TORONTO, Clinic, Person

STOPPED_AT = datetime(2026, 11, 5, 14, 40, tzinfo=TORONTO)
"""When the folder was copied, with letters owed."""

NOT_STATE = ("lock", "backups", "alive.json")
"""What lies in the folder, but says nothing of a case."""


async def make(folder: Path) -> None:
    """A month of a clinic with two admins and a lead, up to an afternoon on which SMTP takes nothing."""
    with TemporaryDirectory() as scratch, patch("workflow.store.tiny.store.WORTH_A_HINT", 1):
        began = STOPPED_AT - timedelta(days=35)
        async with Clinic(Path(scratch), at=began, admins=("alex", "pat"), lead=True, digest="08:30") as clinic:
            await months_before(clinic)
            clinic.clock.move_to(STOPPED_AT - timedelta(minutes=40))
            await clinic.settled()
            await that_afternoon(clinic)
            await clinic.store.flush()
            shutil.copytree(Path(scratch) / "state", folder, ignore=shutil.ignore_patterns(*NOT_STATE))
            await read_all(clinic)


async def months_before(clinic: Clinic) -> None:
    """A case whose names are wiped by that Thursday."""
    case = await reported(clinic.dana, "NOSHOW Quinn, overslept")
    await clinic.dana.writes(f"[{case}] SENT")
    await clinic.dana.writes(f"[{case}] RESCHEDULED Friday 3 pm")
    await clinic.passes(hours=24 * 31)
    await asyncio.to_thread(daemon.main, ["purge", "--yes", "--config", str(clinic.config_file)])


async def that_afternoon(clinic: Clinic) -> None:
    """Cases of each kind, in each state."""
    dana, ravi, alex, server = clinic.dana, clinic.ravi, clinic.alex, clinic.server
    await clinic.stranger.writes("Hello?")
    await dana.writes("LATE Sam or so, about 15")
    late = await reported(dana, "LATE 15 Zoë 2:15 pm")
    told = await reported(ravi, "NOSHOW Kim 1 pm, no answer at the door")
    await ravi.writes(f"[{told}] SENT")
    await reported(ravi, "WAITING Jo 2 pm")
    reopened = await reported(ravi, "NOSHOW Lou")
    await ravi.writes(f"[{reopened}] UNREACHABLE")
    await ravi.writes(f"[{reopened}] UNDO")
    makeup = await reported(dana, "NOSHOW Max 1:30 pm")
    await dana.writes(f"[{makeup}] SENT")
    await dana.writes(f"[{makeup}] RESCHEDULED Tue 3 pm MAKEUP")
    await dana.writes(f"[{await reported(dana, 'LATE 10 Ida')}] MISTAKE")
    await ravi.writes(f"[{await reported(ravi, 'WAITING Una 2 pm')}] ARRIVED")
    await clinic.minute_by_minute(12)
    await alex.writes(f"[{late}] CONTACTED")
    await alex.writes(f"[{late}] NOTE waits in the car")
    server.refuse(ravi.address, "550 5.1.1 No such user here")
    await reported(ravi, "NOSHOW Eve")
    server.accept(ravi.address)
    await clinic.minute_by_minute(18)
    for person in clinic.people.values():
        server.refuse(person.address, "451 4.3.0 Later")
    ended = await reported(dana, "NOSHOW Ned")
    await dana.writes(f"[{ended}] SENT")
    await dana.writes(f"[{ended}] OTHER moved away")
    await reported(dana, "NOSHOW Owen 2 pm")
    await clinic.minute_by_minute(10)
    assert clinic.clock.now() == STOPPED_AT


async def reported(person: Person, line: str) -> str:
    """Somebody reports; the id of the case that this opened."""
    clinic = person.clinic
    before = set(await clinic.store.open_cases())
    await person.writes(line)
    await read_all(clinic)
    (case,) = set(await clinic.store.open_cases()) - before
    return case


async def read_all(clinic: Clinic) -> None:
    """Everybody reads their mail: what it says is not what the folder is about."""
    await clinic.collect()
    for person in clinic.people.values():
        person.inbox.clear()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
