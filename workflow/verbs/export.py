"""``export CASE``: everything that is held about a case, as JSON on standard output. Looks only."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from dataclasses import fields
from pathlib import Path
from typing import Any

from workflow.config import load
from workflow.core.model import Case, Letter
from workflow.store import codec
from workflow.store.tiny.backup import backups, files_of
from workflow.store.tiny.reader import TinyReader

SCHEMA = "promptly.export/1"


def main(asked: Namespace) -> int:
    """Print it (contract section 7); exit code 2 for an unknown id, 4 for a store that can't be read.

    The client's name and all words stand there as written, whatever ``[privacy] client_name`` says.
    """
    case_id = asked.case
    config = load(asked.config)
    store = TinyReader.peek(config.store.url)
    case = asyncio.run(store.case(case_id))
    others = asyncio.run(store.letters_beside(case_id))
    if case is None:
        print(f"Case {case_id} is not there, or can't be read: see state/README.md.", file=sys.stderr)
        return 2
    sys.stdout.flush()
    sys.stdout.buffer.write(codec.encode(exported(case, others, config.store.url)))
    return 0


def exported(case: Case, others: list[Letter], folder: Path) -> dict[str, Any]:
    """The case with its letters, mails and history; the letters without a case that name it, or were decided with it;
    and where all that lies.
    """
    held = [path for root in (folder, *backups(folder)) for path in files_of(root, case.id)]
    return {
        "schema": SCHEMA,
        "case": case.id,
        **{part.name: getattr(case, part.name) for part in fields(case) if part.name != "id"},
        "other_letters": others,
        "files": [str(path.relative_to(folder)) for path in held],
    }
