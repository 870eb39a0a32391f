"""Which clinic a verb is about: the one of ``--config``, or with ``--clinic`` and ``--all`` those that nodes serve."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Mapping

from workflow.config import Config, Faults, Seen, load, look
from workflow.config.faults import KeyFault
from workflow.config.keys import like
from workflow.config.node import NodeConfig, load_clinic, load_node
from workflow.store.premises import Known, Standing, premises_at


def chosen(asked: Namespace, *, secrets: bool = True) -> Config:
    """The configuration of the clinic that is asked about. Raises `Faults`, for a clinic that nobody knows, too."""
    if asked.clinic is None:
        return load(asked.config, secrets=secrets)
    node, known = everyone(asked)
    if asked.clinic not in known:
        near = like(asked.clinic, known)
        advice = f"did you mean {near}?" if near else "`clinics` lists those that are"
        raise Faults(asked.config, [KeyFault(f"--clinic {asked.clinic}", f"no such clinic is known: {advice}")])
    return config_of(asked.clinic, known[asked.clinic], node, secrets=secrets)


def chosen_seen(asked: Namespace) -> Seen:
    """What looking takes, of the same."""
    return look(asked.config) if asked.clinic is None else seen_of(chosen(asked, secrets=False))


def everyone(asked: Namespace) -> tuple[NodeConfig, Mapping[str, Known]]:
    """All clinics that are known. Raises `Faults` of the node's file, and `StoreError`."""
    node = load_node(asked.config, secrets=False)
    return node, asyncio.run(premises_at(node.store.url).clinics())


def served(asked: Namespace) -> tuple[NodeConfig, dict[str, Known]]:
    """Those of them that somebody should serve."""
    node, known = everyone(asked)
    return node, {name: one for name, one in known.items() if one.standing is Standing.WATCHED}


def config_of(name: str, known: Known, node: NodeConfig, *, secrets: bool = True) -> Config:
    """Raises `Faults`."""
    return load_clinic(name, known.toml, node, premises_at(node.store.url).url_of(name), secrets=secrets)


def seen_of(config: Config) -> Seen:
    return Seen(config.store.url, config.clinic.timezone, config.privacy.client_name, None)
