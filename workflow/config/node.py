"""A node's file, `promptly.toml`, and the files of the clinics that nodes serve: their configurations, or every fault.

A clinic's file is what `load` reads, less what is the node's. Its paths lie below the two folders that are its own, so
that no clinic names another's secrets. Not here: which clinics are served, which `workflow.store.premises` keeps.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError

from workflow.config import parse, read_file, read_text, validated
from workflow.config.faults import SECRET_FILES, Faults, KeyFault, place, secrets_of, server_faults, worded
from workflow.config.keys import Address, Config, FilePath, HealthKeys, Line, SmtpServer, StoreUrl, Table, read_address

NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
"""Of a clinic: its file's, in logs, metrics and verbs."""

EXAMPLE: Final = "node.example.toml"

_THE_NODES: Final = ("store", "health")
"""Tables that a clinic's file has not: they are the node's."""


def _read_addresses(value: object) -> list[str]:
    return [read_address(item) for item in (value if isinstance(value, list) else [value])]


class NodeStoreKeys(Table):
    url: StoreUrl
    """Where all clinics are kept."""


class NodeKeys(Table):
    name: Line = Field(default_factory=socket.gethostname)
    """In logs and letters to the operator."""
    clinics: FilePath = Field(default="clinics.d", validate_default=True)
    """The clinics' files, and a folder of each for what else it has."""
    secrets: FilePath = Field(default="secrets", validate_default=True)
    """A folder a clinic."""


class OperatorKeys(Table):
    """Who hears of nodes, and how."""

    mail: Annotated[list[Address], BeforeValidator(_read_addresses), Field(min_length=1)]
    """The first is the sender, too."""
    smtp: SmtpServer


class NodeConfig(Table):
    """A node's configuration, checked."""

    store: NodeStoreKeys = Field(default={}, validate_default=True)
    node: NodeKeys = Field(default={}, validate_default=True)
    operator: OperatorKeys | None = None
    health: HealthKeys = Field(default={}, validate_default=True)

    _base: Path

    def model_post_init(self, context: Any) -> None:
        self._base = context["base"]

    @property
    def base(self) -> Path:
        """The folder of the file."""
        return self._base

    def file_of(self, clinic: str) -> Path:
        return self.clinics / f"{clinic}.toml"

    @property
    def clinics(self) -> Path:
        return _absolute(self.node.clinics or self._base)

    @property
    def secrets(self) -> Path:
        return _absolute(self.node.secrets or self._base)


def load_node(path: Path, *, secrets: bool = True) -> NodeConfig:
    """Read and check a node's file. Relative paths in it are relative to it. Raises `Faults` with all that is wrong."""
    raw, base = read_file(path, EXAMPLE), path.resolve().parent
    operator = raw.get("operator")
    smtp = operator.get("smtp") if isinstance(operator, dict) else None
    faults: list[KeyFault] = []
    if isinstance(smtp, dict):
        faults += server_faults("operator.smtp", smtp, base)
        if secrets:
            faults += secrets_of("operator.smtp", smtp, ("password_file", "password_env"), base)
    try:
        config = NodeConfig.model_validate(raw, context={"base": base})
    except ValidationError as error:
        faults += [worded(detail, NodeConfig) for detail in error.errors(include_url=False)]
    if faults:
        raise Faults(path, dict.fromkeys(sorted(faults, key=lambda fault: place(fault, NodeConfig))))
    return config


def clinic_files(folder: Path) -> list[Path]:
    """The clinics' files in a folder, sorted. Raises `Faults` for a folder that can't be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml" and not path.name.startswith("."))
    except OSError as error:
        raise Faults(folder, [KeyFault(str(folder), f"can't be read: {error.strerror}")]) from None


def read_clinic(path: Path) -> str:
    """The text of a clinic's file. Raises `Faults`, for its name, too."""
    if not NAME.fullmatch(path.stem):
        advice = "is no clinic's name: rename the file, in small letters, digits and hyphens, such as riverside.toml"
        raise Faults(path, [KeyFault(path.name, advice)])
    return read_text(path)


def load_clinic(name: str, text: str, node: NodeConfig, url: str, *, secrets: bool = True) -> Config:
    """The configuration of a clinic whose file says this, with its state at `url`. Raises `Faults`.

    Without ``secrets`` none is read or asked for: they are each node's own.
    """
    path = node.file_of(name)
    raw = parse(text, path)
    faults = [KeyFault(table, "is the node's: remove it from a clinic's file") for table in _THE_NODES if table in raw]
    if "file" in _table(raw, "board"):
        faults.append(
            KeyFault("board.file", f"has no place in a clinic's file: `board --clinic {name}` prints the page")
        )
    own = {key: value for key, value in raw.items() if key not in _THE_NODES}
    for section, table, key in _paths(own):
        lies = _own_path(table[key], name, node, secret=key in SECRET_FILES)
        if lies is None:
            advice = f'lies elsewhere: write "{node.secrets.name}/{name}/..." or "{node.clinics.name}/{name}/..."'
            faults.append(KeyFault(f"{section}.{key}", advice))
        else:
            table[key] = str(lies)
    own["store"] = {"url": url}

    def credential(lying: Path) -> Path:
        return _handed_over(lying, node)

    return validated(own, path, node.clinics, secrets=secrets, more=faults, credential=credential)


def sum_of_folder(folder: Path) -> str:
    """Over what lies in a clinic's folder: templates, certificates. Empty where there is none."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    found = hashlib.sha256()
    for path in files:
        found.update(f"{path.relative_to(folder)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest() if files else ""


def _paths(raw: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every path that a clinic's file names: its table's name, the table, and the key."""
    tables = {name: _table(raw, name) for name in ("mailbox", "smtp", "letters")}
    tables |= {f"{name}.oauth2": _table(tables[name], "oauth2") for name in ("mailbox", "smtp")}
    for name, table in tables.items():
        for key in ("templates",) if name == "letters" else (*SECRET_FILES, "ca_file"):
            if isinstance(table.get(key), str) and table[key]:
                yield name, table, key


def _table(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _own_path(written: str, name: str, node: NodeConfig, *, secret: bool) -> Path | None:
    """Where it lies, if that is below one of the clinic's own folders; a bare name lies right there."""
    homes = (node.secrets / name, node.clinics / name)
    bases = [node.clinics, node.base, node.secrets]
    if "/" not in written and written not in {".", ".."}:
        bases.append(homes[0] if secret else homes[1])
    for base in bases:
        lies = _absolute(base / written)
        if any(lies.is_relative_to(home) for home in homes):
            return lies
    return None


def _handed_over(path: Path, node: NodeConfig) -> Path:
    """The credential that stands for a secret: systemd names those of a folder by their way within it."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder or not path.is_relative_to(node.secrets):
        return path
    credential = Path(folder, "_".join((node.secrets.name, *path.relative_to(node.secrets).parts)))
    return credential if credential.exists() else path


def _absolute(path: Path) -> Path:
    """Without links followed: what is written is judged."""
    return Path(os.path.normpath(path))
