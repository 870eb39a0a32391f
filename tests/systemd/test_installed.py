"""An operator's hour on a machine of their own: docs/install.md and state/README.md, each command as it stands there.

Debian 12 and 13, with systemd as process 1. The mail servers are the tests' own, on loopback.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Iterator
from email.message import EmailMessage
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from tests import configuration
from tests.daemon_process import letter
from tests.real_servers import RealServers
from tests.systemd.ground import INSTALL, NEWER, PACKAGE, Ground, ground
from tests.systemd.machine import SOURCES, Machine
from tests.systemd.pages import Page
from tests.test_oauth2_on_real_servers import servers
from tests.token_endpoint import CLIENT, SECRET, TENANT, TokenEndpoint, endpoint
from workflow import VERSION

__all__ = ["endpoint", "ground", "servers"]

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ADMIN = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"
CONFIG, PASSWORD, STATE = "/etc/promptly/config.toml", "/etc/promptly/mailbox.password", "/var/lib/private/promptly"
FROM_SOURCES = "From the sources"
COPIES = Page("state/README.md")
MICROSOFT = Page("docs/oauth2.md")
NEXT = "1.0"
"""What the sources say of themselves at an upgrade."""


@pytest.fixture
def machine(request: pytest.FixtureRequest, ground: Ground) -> Iterator[Machine]:
    """Debian as it was installed a minute ago, with the sources unpacked."""
    with Machine(ground.debian(request.param)) as machine:
        machine.unpack()
        yield machine


def set_up(machine: Machine, servers: RealServers, way: str) -> None:
    """docs/install.md from its beginning on. The package was made elsewhere, and carried here."""
    machine.edit(
        "/usr/local/bin/msmtp", "#!/bin/sh\ncat\n", 0o755
    )  # which the page has set up for an account elsewhere
    for heading, commands in INSTALL.blocks():
        if heading == "3. Fill in":
            assert commands.splitlines() == [f"nano {CONFIG}", f"nano {PASSWORD}"]
            fill_in(machine, servers)
        elif (heading == way and "make deb" not in commands) or heading not in {PACKAGE, FROM_SOURCES}:
            machine.run(commands)


def fill_in(machine: Machine, servers: RealServers, **tables: configuration.Keys) -> None:
    """What must be changed, but for where the state lies and what the password's file is called."""
    first = tomllib.loads(machine.file(CONFIG).read_text())
    machine.edit("/etc/promptly/ca.pem", servers.ca_file.read_text())
    keys: dict[str, configuration.Keys] = {
        "mailbox": {"port": servers.imap_port, "security": "tls", "ca_file": "ca.pem"},
        "smtp": {"port": servers.smtp_submission_port, "security": "starttls", "username": CLINIC, "ca_file": "ca.pem"},
        "trust": {"require": False},
        "digest": {"at": ""},
        "store": first["store"],
    }
    for table in ("mailbox", "smtp"):
        keys[table] = {**keys[table], "password_file": first[table].get("password_file")}
    for table, changed in tables.items():
        keys[table] = {**keys.get(table, {}), **changed}
    machine.edit(CONFIG, configuration.text("", associates=configuration.ASSOCIATES, **keys))
    machine.edit(PASSWORD, f"{servers.passwords[CLINIC]}\n")


async def report(servers: RealServers, client: str, nth: int) -> str:
    """Dana is late, and both letters arrive: her `nth` case, by its id."""
    await servers.send(DANA, CLINIC, f"LATE 15 {client}", "")
    draft: EmailMessage = await letter(servers, DANA, "draft", nth)
    await letter(servers, ADMIN, "alert", nth)
    return str(draft["X-Promptly-Case"])


def status(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.run("promptly status --json"))
    return found


def is_open(machine: Machine, case: str) -> bool:
    return case in {found["case"] for found in status(machine)["open"]}


async def until(machine: Machine, commands: str, said: str) -> None:
    """These commands say so, some time."""
    async with asyncio.timeout(20):
        while said not in machine.run(f"{{ {commands}; }} || true"):
            await asyncio.sleep(0.1)


CERTIFICATE = MICROSOFT.says('certificate_file = "promptly.pem"')


def go_by_tokens(machine: Machine, servers: RealServers, endpoint: TokenEndpoint) -> None:
    """What docs/oauth2.md writes into the configuration, for a provider and servers on loopback."""
    machine.edit("/etc/promptly/provider.pem", endpoint.ca_file.read_text())
    machine.edit("/etc/promptly/client.secret", SECRET, 0o600)
    written = tomllib.loads(MICROSOFT.block("Microsoft 365, step by step", "toml"))
    keys: dict[str, configuration.Keys] = {}
    for table in ("mailbox", "smtp"):
        own = {"tenant": TENANT, "client_id": CLIENT, "authority": endpoint.url, "ca_file": "provider.pem"}
        keys[f"{table}.oauth2"] = written[table].pop("oauth2") | own
        del written[table]["host"], written[table]["port"]
        keys[table] = written[table] | {"password_file": None}
    fill_in(machine, servers, **keys, trust=written["trust"])


def nothing_says(machine: Machine, word: str) -> None:
    machine.run(f"grep -rlI {word} /etc /var /tmp /usr/local/bin", code=1)


def test_each_block_of_commands_has_its_place_here() -> None:
    """Those of docs/install.md are run one by one as they come."""
    assert [heading for heading, _ in COPIES.blocks()] == ["Backup"]
    assert [heading for heading, _ in MICROSOFT.blocks()] == ["A certificate instead of a secret"]


@pytest.mark.parametrize("machine", ["bookworm"], indirect=True)
async def test_from_the_sources_to_a_package(machine: Machine, ground: Ground, real_servers: RealServers) -> None:
    real_servers.empty()
    set_up(machine, real_servers, FROM_SOURCES)
    machine.run(INSTALL.says("systemctl start promptly-alarm@test"))
    assert "Subject: test has failed on clinic" in machine.run("journalctl --unit promptly-alarm@test")
    kim = await report(real_servers, "Kimberley", 1)
    assert is_open(machine, kim)

    # A change is taken.
    text = machine.file(CONFIG).read_text()
    machine.edit(CONFIG, text.replace("[clinic]\n", '[clinic]\nphone = "555 0100"\n'))
    machine.run(INSTALL.says("promptly check"))
    machine.run(INSTALL.says("systemctl reload promptly"))
    await until(machine, INSTALL.says("journalctl -u promptly"), '"configuration reread"')

    # The board, for a screen elsewhere.
    machine.drop_in("[Service]", INSTALL.says("SupplementaryGroups=desk"), INSTALL.says("ReadWritePaths=/srv/board"))
    board = INSTALL.says('file = "/srv/board/board.html"')
    machine.edit(CONFIG, f"{text}\n[board]\n{board}\n")
    machine.run(f"{INSTALL.says('promptly check')}\n{INSTALL.says('systemctl restart promptly')}")
    await until(machine, "cat /srv/board/board.html", kim)
    assert machine.run("stat --format '%a %G' /srv/board/board.html") == "640 desk\n"

    # A second secret, and an erasure.
    machine.edit("/etc/promptly/smtp.password", f"{real_servers.passwords[CLINIC]}\n", 0o600)
    machine.drop_in("[Service]", INSTALL.says("LoadCredential=smtp.password:/etc/promptly/smtp.password"))
    fill_in(machine, real_servers, smtp={"password_file": "smtp.password"})
    machine.run(INSTALL.says("promptly check"))
    machine.run(INSTALL.says("systemctl restart promptly"))
    zeb = await report(real_servers, "Zebulon", 2)
    assert "Zebulon" in machine.run(INSTALL.says("promptly export K7Q2").replace("K7Q2", zeb))
    machine.run(f"promptly {INSTALL.says('erase K7Q2')} --yes".replace("K7Q2", zeb))
    nothing_says(machine, "Zebulon")
    machine.run(INSTALL.says("promptly show K7Q2").replace("K7Q2", kim))
    for looked in ("promptly check --send", "promptly report --month 2026-11", "journalctl -u promptly -p warning"):
        machine.run(INSTALL.says(looked))

    # A copy holds all; the backup of the first start, when nothing had happened, finds what came since.
    machine.run(COPIES.says("cp -a /var/lib/private/promptly …").replace("…", "/root/copy"))
    assert machine.has(f"/root/copy/open/{kim}.json")
    (day,) = (folder.name for folder in machine.file(f"{STATE}/backups").iterdir())
    machine.run(COPIES.block("Backup").replace("2026-11-23", day))
    await until(machine, INSTALL.says("promptly status"), kim)
    assert not is_open(machine, zeb)
    assert machine.file("/var/lib/promptly").readlink() == Path("private/promptly")

    # An upgrade.
    machine.run(f"sed -i 's/{VERSION}/{NEXT}/' workflow/__init__.py")
    machine.run(f"{INSTALL.says('make install')}\n{INSTALL.says('systemctl restart promptly')}")
    assert machine.run(INSTALL.says("promptly --version")) == f"Promptly {NEXT}\n"
    assert is_open(machine, kim)

    # The package in its place, whose service goes on with all of it.
    text = machine.file(CONFIG).read_text()
    carry(machine, ground.package)
    machine.run(INSTALL.says("apt-get install --yes ./build/promptly_*_amd64.deb"))
    assert not machine.has("/usr/local/bin/promptly")
    await until(machine, "promptly status", VERSION)
    assert is_open(machine, kim)
    assert machine.file(CONFIG).read_text() == text
    unit = machine.run("systemctl show --property FragmentPath --value promptly")
    assert unit.removeprefix("/usr") == "/lib/systemd/system/promptly.service\n"
    assert machine.run("systemctl is-enabled promptly promptly-check.timer") == "enabled\nenabled\n"
    assert machine.run("systemctl is-active promptly promptly-check.timer") == "active\nactive\n"
    machine.run("systemctl start promptly-check")
    assert "apt-get remove promptly" in machine.run("make install", code=2)

    # Removed, but for what is the clinic's; then that.
    machine.run(INSTALL.says("systemctl stop promptly promptly-check.timer"))
    machine.run(INSTALL.says("apt-get remove --yes promptly"))
    assert not machine.has("/opt/promptly")
    assert machine.file(CONFIG).read_text() == text
    assert machine.has(f"{STATE}/open/{kim}.json")
    assert not list(machine.file("/etc/systemd/system").rglob("promptly*.wants"))
    machine.run(f"rm -r /root/copy\n{INSTALL.says('apt-get purge --yes promptly')}")
    nothing_says(machine, "Kimberley")
    left = machine.run("find / -xdev -name '*promptly*' -not -path '/proc/*' -not -path '/usr/local/src/*'")
    assert [path for path in left.splitlines() if not path.startswith(("/run/", "/var/cache/"))] == []


@pytest.mark.parametrize("machine", ["trixie"], indirect=True)
async def test_from_a_package_to_the_sources(
    machine: Machine, ground: Ground, servers: RealServers, endpoint: TokenEndpoint
) -> None:
    carry(machine, ground.package)
    set_up(machine, servers, PACKAGE)
    kim = await report(servers, "Kimberley", 1)
    assert is_open(machine, kim)
    assert_licensed(machine)

    # Microsoft's logins, by a secret and by a certificate.
    go_by_tokens(machine, servers, endpoint)
    machine.drop_in(*MICROSOFT.block("Microsoft 365, step by step", "ini").splitlines())
    machine.run(f"{MICROSOFT.says('promptly check')}\n{MICROSOFT.says('systemctl restart promptly')}")
    zeb = await report(servers, "Zebulon", 2)
    machine.run(f"promptly erase {zeb} --yes")
    nothing_says(machine, "Zebulon")
    machine.run(MICROSOFT.block("A certificate instead of a secret"))
    text = machine.file(CONFIG).read_text()
    machine.edit(CONFIG, text.replace('client_secret_file = "client.secret"', CERTIFICATE))
    machine.drop_in("[Service]", MICROSOFT.says("LoadCredential=promptly.pem:/etc/promptly/promptly.pem"))
    machine.run(f"promptly check\n{MICROSOFT.says('systemctl restart promptly')}")
    bart = await report(servers, "Bartholomew", 3)
    assert "client_assertion" in endpoint.asked[-1]

    # An erasure while it stands still leaves every file to the service's user.
    machine.run(f"systemctl stop promptly\npromptly erase {bart} --yes\nsystemctl start promptly")
    nothing_says(machine, "Bartholomew")

    # A newer one asks nothing about what was changed, and its service runs.
    text = machine.file(CONFIG).read_text()
    carry(machine, ground.newer)
    machine.run(INSTALL.says("apt-get install --yes ./build/promptly_*_amd64.deb"))
    await until(machine, "promptly status", NEWER)
    assert is_open(machine, kim)
    assert machine.file(CONFIG).read_text() == text
    assert not machine.has("/opt/promptly/templates/README.md")
    assert machine.run("dpkg --verify promptly") == ""

    # The sources in its place.
    machine.run(INSTALL.says("apt-get remove --yes promptly"))
    machine.run(INSTALL.block(FROM_SOURCES))
    machine.run(INSTALL.block("5. Start"))
    assert is_open(machine, kim)
    machine.run(INSTALL.says("cd /usr/local/src/promptly && make uninstall"))
    assert not machine.has("/opt/promptly")
    assert machine.file(CONFIG).read_text() == text
    machine.run(INSTALL.says("rm -rf /var/lib/private/promptly* /var/lib/promptly /etc/promptly"))
    nothing_says(machine, "Kimberley")


def carry(machine: Machine, package: Path) -> None:
    machine.run("rm -f build/*.deb")
    (machine.file(SOURCES) / "build" / package.name).write_bytes(package.read_bytes())


def assert_licensed(machine: Machine) -> None:
    """Each library that the package holds stands in its copyright file, with a text."""
    stated = machine.file("/usr/share/doc/promptly/copyright").read_text()
    texts = {part.strip().partition("\n")[0]: part for part in stated.split("=" * 80)}
    assert "MIT License" in texts.pop("Promptly")
    for python in ("3.11", "3.13"):
        held = distributions(path=[str(machine.file(f"/opt/promptly/.venv/lib/python{python}/site-packages"))])
        assert {f"{library.name} {library.version}" for library in held} == set(texts)
    assert all(len(text.splitlines()) > 10 for text in texts.values())
