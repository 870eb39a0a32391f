"""What pyproject.toml asks for is what the program imports, and a clinic's lock holds that and no mail server."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.daemon_process import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WITHOUT_IMPORT = {"tzdata"}
"""Data for zoneinfo, where the system has none."""
DEMO = ROOT / "workflow/verbs/server.py"


def plain(requirement: str) -> str:
    """A distribution's name as PyPI compares it (PEP 503)."""
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def imported(*files: Path) -> set[str]:
    """The distributions whose modules these files import."""
    modules: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module)
    owners = packages_distributions()
    tops = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"workflow", "flufl", "google"}
    namespaces = {name.replace(".", "-") for name in modules if name.startswith("flufl.")}
    return {plain(owner) for top in tops for owner in owners[top]} | namespaces


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        (PROJECT["dependencies"], [file for file in (ROOT / "workflow").rglob("*.py") if file != DEMO]),
        (PROJECT["optional-dependencies"]["demo"], [DEMO]),
    ],
    ids=["a clinic", "demo"],
)
def test_every_dependency_is_imported(asked: list[str], files: list[Path]) -> None:
    assert {plain(name) for name in asked} - WITHOUT_IMPORT <= imported(*files)


def test_a_clinics_lock_holds_no_mail_server() -> None:
    locked = {plain(line) for line in (ROOT / "requirements.lock").read_text().splitlines() if line[:1].isalnum()}
    asked = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["oauth"]
    assert {plain(name) for name in asked} <= locked
    assert not {plain(name) for name in PROJECT["optional-dependencies"]["demo"]} & locked
