"""The tests' clinic: its people, and one configuration file, with what a test wants otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

MAILBOX = "clinic@clinic.test"

PEOPLE = {
    "dana": "dana@clinic.test",
    "ravi": "ravi@clinic.test",
    "alex": "admin@clinic.test",
    "pat": "pat@clinic.test",
    "lee": "lead@clinic.test",
    "stranger": "someone@elsewhere.test",
}

Keys = Mapping[str, object]
"""Of one table. None: the key is left out."""

_TABLES: dict[str, Keys] = {
    "clinic": {
        "name": "Riverside Counselling",
        "timezone": "America/Toronto",
        "admins": ["Front Desk <admin@clinic.test>"],
    },
    "mailbox": {
        "address": MAILBOX,
        "host": "127.0.0.1",
        "security": "none",
        "password_file": "password",
    },
    "smtp": {"host": "127.0.0.1", "security": "none"},
    "trust": {"authserv_id": "mx.clinic.test"},
}

MICROSOFT = """[mailbox.oauth2]
provider = "microsoft"
tenant = "riverside.test"
client_id = "1111"
client_secret_file = "secret"
"""

ASSOCIATES = {"Dana Lee": ("dana@clinic.test", "dana.lee@clinic.test"), "Ravi Patel": ("ravi@clinic.test",)}


def text(more: str = "", *, associates: Mapping[str, tuple[str, ...]] = ASSOCIATES, **tables: Keys) -> str:
    """The file, with these keys in place of its own or beside them, and `more` lines at its end.

    ``text(mailbox={"port": 1143}, digest={"at": ""})``
    """
    lines = []
    for name in [*_TABLES, *(name for name in tables if name not in _TABLES)]:
        keys = {**_TABLES.get(name, {}), **tables.get(name, {})}
        lines += [f"[{name}]", *(_line(key, value) for key, value in keys.items() if value is not None)]
    for name, emails in associates.items():
        lines += ["[[associates]]", _line("name", name), _line("emails", emails)]
    return "\n".join([*lines, more])


def configure(
    folder: Path,
    more: str = "",
    *,
    password: str = "secret",
    associates: Mapping[str, tuple[str, ...]] = ASSOCIATES,
    **tables: Keys,
) -> Path:
    """Writes it into a folder, which is made, beside the password that it names; gives the file."""
    folder.mkdir(exist_ok=True)
    write_password(folder / "password", password)
    file = folder / "config.toml"
    file.write_text(text(more, associates=associates, **tables))
    return file


def write_password(file: Path, password: str = "secret") -> None:
    file.write_text(f"{password}\n")
    file.chmod(0o600)


def _line(key: str, value: object) -> str:
    # JSON's text, numbers and lists are TOML's, too.
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"
