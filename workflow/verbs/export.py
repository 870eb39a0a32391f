"""``export CASE``: everything that is held about a case, as JSON on standard output. Looks only."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from dataclasses import fields
from typing import Any

from workflow.store import encode, peek
from workflow.verbs.chosen import chosen


def main(asked: Namespace) -> int:
    """Print it (contract section 7); exit code 2 for an unknown id, 4 for a store that can't be read.

    The client's name and all words stand there as written, whatever ``[privacy] client_name`` says.
    """
    case_id = asked.case
    config = chosen(asked, secrets=False)
    found = asyncio.run(_exported(config.store.url, case_id))
    if found is None:
        print(f"Case {case_id} is not there, or can't be read: see state/README.md.", file=sys.stderr)
        return 2
    sys.stdout.flush()
    sys.stdout.buffer.write(encode(found))
    return 0


async def _exported(url: str, case_id: str) -> dict[str, Any] | None:
    """The case with its letters, mails and history; the letters without a case that name it, or were decided with it;
    and where all that lies. None: there is no such case.
    """
    store = await peek(url)
    case = await store.case(case_id)
    if case is None:
        return None
    return {
        "schema": "promptly.export/1",
        "case": case.id,
        **{part.name: getattr(case, part.name) for part in fields(case) if part.name != "id"},
        "other_letters": await store.letters_beside(case_id),
        "files": await store.places(case_id),
    }
