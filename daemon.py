#!/usr/bin/env python3
"""Promptly's command line: parses verbs, decides nothing. What each verb does is in workflow/verbs/.

Exit codes (contract section 7): 0 done, 1 a check failed, 2 configuration or usage, 3 another daemon holds this state,
4 the store can't be read.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from workflow import VERSION

NODE_FILE = "promptly.toml"

MANY = """many clinics:
    serve     a node, in the foreground: serves the clinics that are known
    apply     check the files of clinics, and make known what has no fault
    clinics   which are known, who serves them, and how they are
  status, check, board, show, report, export, erase and purge take --clinic NAME, the first three --all
"""


def case_id(written: str) -> str:
    """A case's id as it may be copied from a subject: ``[k7q2]``."""
    return written.strip("[]").upper()


def parser() -> argparse.ArgumentParser:
    """The verbs and their options (contract section 7)."""
    top = argparse.ArgumentParser(
        # As it was called; the command `promptly` is a shell script, and says so.
        prog=os.environ.get("PROMPTLY_CALLED") or Path(sys.argv[0]).name or "daemon.py",
        description="A late or missed session: told at once, asked about until there is an outcome.",
        epilog=MANY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"Promptly {VERSION}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, about: str, *, config: str = "config.toml", many: str = "") -> argparse.ArgumentParser:
        # Those of nodes are listed below, apart: without help argparse leaves them out.
        add = verbs.add_parser if config == NODE_FILE else partial(verbs.add_parser, help=about)
        added = add(name, description=about)
        if config:
            added.add_argument("--config", type=Path, metavar="FILE", help=f"usually {config}")
        if many:
            added.add_argument("--clinic", metavar="NAME", help="of those that nodes serve; --config is a node's file")
        if many == "all":
            added.add_argument("--all", action="store_true", help="all that nodes serve, in counts")
        added.set_defaults(clinic=None, all=False, usual_config=config)
        return added

    demo = verb("demo", "play the main job on a mail server of its own, no account needed", config="")
    demo.add_argument("--full", action="store_true", help="print every letter whole")
    demo.add_argument("--keep", action="store_true", help="leave the mail server up for a mail client")
    run = verb("run", "the daemon, in the foreground")
    run.add_argument("--speed", type=float, metavar="N", help="rehearsal: run N times as fast (loopback hosts only)")
    run.add_argument("--clock", metavar="ISO", help="rehearsal: begin at this time; without an offset, clinic time")
    check = verb("check", "try every part of the set-up and say what is wrong", many="all")
    check.add_argument("--send", action="store_true", help="send a test letter to the mailbox itself and one to admin")
    check.add_argument("--json", action="store_true", help="for programs")
    check.add_argument(
        "--quick",
        dest="verb",
        action="store_const",
        const="quick",
        default=argparse.SUPPRESS,
        help="only whether a daemon lives and reaches its servers: no network, for a timer",
    )
    status = verb("status", "open cases, most urgent first, what is due next and why, letters owed", many="all")
    status.add_argument("--json", action="store_true", help="for programs")
    show = verb("show", "past and future of a case: what was sent, what is next, why not yet", many="one")
    show.add_argument("case", metavar="CASE", type=case_id, help="its id, such as K7Q2")
    show.add_argument("--json", action="store_true", help="for programs")
    report = verb("report", "response times, outcomes, cases over 10 minutes to contact; no client fields", many="one")
    report.add_argument("--month", metavar="2026-11", help="only cases reported in this month; else all that are kept")
    report.add_argument("--csv", type=Path, metavar="FILE", help="write a line a case into a file, too")
    report.add_argument("--html", type=Path, metavar="FILE", help="write the figures and a chart into a page, too")
    report.add_argument("--json", action="store_true", help="for programs")
    verb(
        "board", "the page of what is open now, for a screen, once: to standard output, or to [board] file", many="all"
    )
    restore = verb("restore", "put a backup, or a copy of the state, in place of the state, which is kept beside it")
    restore.add_argument("backup", metavar="BACKUP", help="a nightly one, such as 2026-11-23, or a folder")
    export = verb("export", "everything that is held about a case, as JSON", many="one")
    export.add_argument("case", metavar="CASE", type=case_id)
    erase = verb("erase", "remove a case, open or closed, from the state and its backups", many="one")
    erase.add_argument("case", metavar="CASE", type=case_id)
    purge = verb("purge", "wipe names and delete cases whose time has come; the daemon does it by itself", many="one")
    for asking in (erase, purge):
        asking.add_argument("--yes", action="store_true", help="do not ask")
        asking.set_defaults(room="retention")
    verb("serve", "a node, in the foreground: serves the clinics that are known", config=NODE_FILE)
    apply = verb("apply", "check the files of clinics, and make known what has no fault", config=NODE_FILE)
    apply.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="of the files; usually clinics.d")
    for option, about in (
        ("remove", "not watched any more; what it kept goes by its [privacy]"),
        ("hold", "watched by nobody until it is released; its admins are told"),
        ("release", "watched again"),
    ):
        apply.add_argument(f"--{option}", action="append", default=[], metavar="NAME", help=about)
    clinics = verb("clinics", "which are known, who serves them, and how they are, in counts", config=NODE_FILE)
    clinics.add_argument("--json", action="store_true", help="for programs")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    asked = parser().parse_args(arguments)
    if asked.usual_config and asked.config is None:
        asked.config = Path(NODE_FILE if asked.clinic or asked.all else asked.usual_config)
    if asked.verb in {"run", "serve"}:  # a stop while its libraries load: nothing is begun, and it ends in good order
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Imported late, so that the line above comes first.
    from workflow.verbs import carry_out

    return carry_out(getattr(asked, "room", asked.verb), asked)


if __name__ == "__main__":
    sys.exit(main())
