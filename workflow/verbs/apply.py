"""``apply``: makes clinics known to all nodes, changes what they go by, takes them out. Checks every file first."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from workflow.clock import SystemClock
from workflow.config import Config, Faults
from workflow.config.faults import KeyFault
from workflow.config.node import NodeConfig, clinic_files, load_clinic, load_node, read_clinic, sum_of_folder
from workflow.store import NotCommitted, act_as_owner
from workflow.store.premises import Known, Premises, Standing, premises_at


def main(asked: Namespace) -> int:
    """Do it (contract-many, 2). Exit codes: 0; 1 the store refused; 2 for each file with faults, whose change alone is
    left undone, and for a name that nobody knows; 4 the store can't be read.
    """
    node = load_node(asked.config, secrets=False)
    act_as_owner(node.store.url)
    premises = premises_at(node.store.url)
    known = asyncio.run(premises.clinics())
    asks_for_some = asked.remove or asked.hold or asked.release
    files = [] if asked.folder is None and asks_for_some else clinic_files(asked.folder or node.clinics)
    texts, faults = _checked(files, known, node, premises)
    for option in ("remove", "hold", "release"):
        for name in getattr(asked, option):
            if name not in known and name not in texts:
                advice = "no such clinic is known: `clinics` lists those that are"
                faults.append(Faults(asked.config, [KeyFault(f"--{option} {name}", advice)]))
    said: list[str] = []

    def change(clinics: dict[str, Known]) -> None:
        said[:] = _changed(clinics, texts, node, asked, SystemClock().now())

    try:
        asyncio.run(premises.configure(change))
    except NotCommitted as refused:
        print(f"Nothing was changed: {refused}.", file=sys.stderr)
        return 1
    print("\n".join(said) if said else "Nothing has changed.")
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        print("What has faults was left as it was; the rest is known.", file=sys.stderr)
    return 2 if faults else 0


def _checked(
    files: list[Path], known: Mapping[str, Known], node: NodeConfig, premises: Premises
) -> tuple[dict[str, str], list[Faults]]:
    """The texts of the files without a fault, by clinic; the faults of the others."""
    texts, mailboxes, faults = dict[str, str](), dict[str, tuple[str, ...]](), list[Faults]()
    for path in files:
        try:
            text = read_clinic(path)
            config = load_clinic(path.stem, text, node, premises.url_of(path.stem), secrets=False)
        except Faults as found:
            faults.append(found)
        else:
            texts[path.stem], mailboxes[path.stem] = text, _mailbox(config)
    watched = dict(_watched(known, texts, node, premises))
    for name in sorted(texts, key=lambda name: (name not in known, name)):
        if (other := watched.setdefault(mailboxes[name], name)) != name:
            advice = f"is watched by {other}, too: every report would open two cases"
            faults.append(Faults(node.file_of(name), [KeyFault("mailbox.address", advice)]))
            del texts[name]
    return texts, faults


def _watched(
    known: Mapping[str, Known], but: Mapping[str, str], node: NodeConfig, premises: Premises
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The mailboxes of the clinics that stay as they are."""
    for name, one in known.items():
        if name not in but and one.standing is not Standing.REMOVED:
            try:
                config = load_clinic(name, one.toml, node, premises.url_of(name), secrets=False)
            except Faults:  # its folder may be gone: it was judged when it was made known
                continue
            yield _mailbox(config), name


def _mailbox(config: Config) -> tuple[str, ...]:
    server = config.mailbox
    return server.host.casefold(), str(server.port), server.username.casefold(), server.folder


def _changed(
    clinics: dict[str, Known], texts: Mapping[str, str], node: NodeConfig, asked: Namespace, now: datetime
) -> list[str]:
    """What is known is changed; what was done, a line each."""
    said = []
    for name, text in texts.items():
        old, beside = clinics.get(name), sum_of_folder(node.clinics / name)
        if old is None:
            clinics[name] = Known(text, 1, changed_at=now, beside=beside)
            said.append(f"{name}: new")
        elif (old.toml, old.beside) != (text, beside) or old.standing is Standing.REMOVED:
            standing = Standing.HELD if old.standing is Standing.HELD else Standing.WATCHED
            clinics[name] = Known(text, old.version + 1, standing, now, beside)
            said.append(f"{name}: changed, version {old.version + 1}")
    for names, standing, done in (
        (asked.release, Standing.WATCHED, "released"),
        (asked.hold, Standing.HELD, "held: nobody watches it, and its admins are told"),
        (asked.remove, Standing.REMOVED, "removed: not watched any more, what it kept goes by its [privacy]"),
    ):
        for name in names:
            if name in clinics and clinics[name].standing is not standing:
                clinics[name] = replace(clinics[name], standing=standing, changed_at=now)
                said.append(f"{name}: {done}")
    return said
