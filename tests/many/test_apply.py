"""``apply``: clinics come, change and go while the node runs; what one file has wrong is no other's."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

import daemon
from tests.configuration import write_password
from tests.daemon_process import promptly
from tests.in_time import happens, missed
from tests.many.house import OPERATOR, House, write_clinic, write_node
from tests.rows import each
from tests.troubled_server import TroubledServer
from workflow import share
from workflow.config.node import load_clinic, load_node
from workflow.store.premises import Known, Standing

WITHIN = 2.0
"""Seconds within which nodes go by what is known (contract-many, 2)."""


# --- while a node runs ------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_clinic_comes_changes_and_goes_without_a_restart(tmp_path: Path) -> None:
    async with House(tmp_path) as house, house.clinic("riverside") as riverside, house.clinic("hilltop") as hilltop:
        assert not house.node.practices
        assert await house.applies() == 0
        async with asyncio.timeout(WITHIN):
            await happens(lambda: house.node.practices.keys() == {"riverside", "hilltop"})
        await house.serves(riverside, hilltop)
        other, first = hilltop.practice, riverside.practice
        await missed(riverside)

        riverside.writes_file(clinic={"phone": "555-0100"})  # taken as it goes
        assert await house.applies() == 0
        async with asyncio.timeout(WITHIN):
            await happens(lambda: riverside.practice.clinic.config.clinic.phone == "555-0100")
        assert riverside.practice is first

        riverside.writes_file(mailbox={"handled_folder": "Done"})  # needs a start, its own
        assert await house.applies() == 0
        async with asyncio.timeout(WITHIN):
            await happens(lambda: "riverside" in house.node.practices and riverside.practice is not first)
        await riverside.is_served()
        await riverside.passes(minutes=5)
        await riverside.dana.gets("reminder")

        riverside.config_file.unlink()  # a file that is missing changes nothing
        assert await house.applies() == 0
        assert await house.applies("--remove", "riverside") == 0
        async with asyncio.timeout(2 * WITHIN):  # with a second to end in order
            await happens(lambda: house.node.practices.keys() == {"hilltop"})
        assert hilltop.practice is other
        assert (tmp_path / "clinics" / "riverside" / "open").is_dir()


@pytest.mark.slow
async def test_a_clinic_that_is_held_tells_its_admins_and_goes_on_once_released(tmp_path: Path) -> None:
    async with House(tmp_path) as house, house.clinic("riverside") as riverside:
        await house.applies()
        await riverside.is_served()
        assert await house.applies("--hold", "riverside") == 0
        await happens(lambda: not house.node.practices)
        assert "nobody watches the mailbox" in (await riverside.alex.gets("notice")).text
        await house.applies()  # what is held stays so
        house.clock.move(timedelta(minutes=40))
        assert await house.applies("--release", "riverside") == 0
        await riverside.is_served()
        told = (await riverside.alex.gets("notice")).text
        assert "from 14:00 on Thursday, 05 November until 14:40" in told
        await missed(riverside)


@pytest.mark.slow
@pytest.mark.parametrize(("minutes", "told"), [(14, False), (16, True)])
async def test_after_15_minutes_without_a_node_its_admins_hear_of_it(tmp_path: Path, minutes: int, told: bool) -> None:
    async with House(tmp_path) as house, house.clinic("riverside") as riverside:
        await house.applies()
        await riverside.is_served()
        await house.stops()
        house.clock.move(timedelta(minutes=minutes))
        await house.starts()
        riverside.running = house.running
        await riverside.is_served()
        if told:
            await riverside.alex.gets("notice")
        await riverside.nothing_else()


@pytest.mark.slow
async def test_what_a_removed_clinic_kept_goes_by_its_privacy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "RETAIN_EVERY", 0.2)
    async with House(tmp_path) as house, house.clinic("riverside") as riverside:
        await house.applies()
        await riverside.is_served()
        await missed(riverside)
        state = tmp_path / "clinics" / "riverside"
        await riverside.ravi.writes("LATE 15 Kim")
        (_, draft) = await riverside.alex.gets("alert"), await riverside.ravi.gets("draft")
        await riverside.ravi.writes(f"[{draft.case}] CONNECTED")
        await riverside.ravi.gets("receipt")
        await riverside.alex.gets("update")

        def remove(known: dict[str, Known]) -> None:
            """As `apply` does, by the house's clock."""
            removed_at = house.clock.now()
            known["riverside"] = replace(known["riverside"], standing=Standing.REMOVED, changed_at=removed_at)

        await house.premises.configure(remove)
        await happens(lambda: not house.node.keepers)

        def held() -> str:
            return "".join(file.read_text() for file in state.rglob("*.json"))

        house.clock.move(timedelta(days=29))
        await asyncio.sleep(1)  # nothing to await: that nothing goes is the point
        assert '"Sam"' in held()
        house.clock.move(timedelta(days=2))
        await happens(lambda: '"Sam"' not in held() and '"Kim"' not in held())


@pytest.mark.slow
async def test_the_operator_hears_of_what_a_node_lacks_and_no_admin_does(tmp_path: Path) -> None:
    async with TroubledServer(people=[OPERATOR]) as post, AsyncExitStack() as stack:
        keys = f'host = "127.0.0.1"\nport = {post.smtp_port}\nsecurity = "none"\n'
        house = House(tmp_path, f'[operator]\nmail = "{OPERATOR}"\n[operator.smtp]\n{keys}')
        await stack.enter_async_context(house)
        riverside = await stack.enter_async_context(house.clinic("riverside"))
        hilltop = await stack.enter_async_context(house.clinic("hilltop"))
        house.loses_secrets_of("riverside")
        assert await house.applies() == 0, "secrets are each node's own"
        await house.serves(hilltop)
        (letter,) = await post.wait_for(OPERATOR, 1)
        text = " ".join(message_from_bytes(letter.raw, policy=policy.default).as_string().split())
        assert "clinic riverside cannot be served" in text
        assert "mailbox.password_file" in text
        assert not [word for word in ("Dana", "Riverside Counselling", "clinic.test") if word in text]
        code, out, _ = await promptly(house.file, "clinics", "--json")
        found = json.loads(out)
        assert code == 0
        assert [one["name"] for one in found["clinics"] if one["unfit"]] == ["riverside"]
        assert found["orphans"] == ["riverside"]
        riverside.writes_file()  # and with it the secret
        house.share.reread()
        await riverside.is_served()
        await riverside.nothing_else()
        await hilltop.nothing_else()


def test_a_secret_of_a_node_is_handed_over_by_its_clinics_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemd names what LoadCredential=secrets:/etc/promptly/secrets finds: by its way within that folder."""
    node, credentials = load_node(write_node(tmp_path)), tmp_path / "credentials"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    credentials.mkdir()
    for name in ("hilltop", "riverside"):
        write_clinic(tmp_path, name, 1143, 1025)
        shutil.rmtree(tmp_path / "secrets" / name)
        write_password(credentials / f"secrets_{name}_password", f"{name}'s")
        config = load_clinic(name, node.file_of(name).read_text(), node, "tinydb:state")
        assert config.mailbox.password() == f"{name}'s"


# --- the files --------------------------------------------------------------------------------------------


def apply(folder: Path, *options: str) -> int:
    return daemon.main(["apply", "--config", str(folder / "promptly.toml"), *options])


def known(folder: Path) -> dict[str, Any]:
    file = folder / "clinics" / "clinics.json"
    return json.loads(file.read_bytes()) if file.exists() else {}


def test_every_fault_of_every_file_is_told_at_once_and_the_rest_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_node(tmp_path)
    write_clinic(tmp_path, "hilltop", 1143, 1025)
    write_clinic(tmp_path, "lakeside", 1144, 1025, clinic={"timezone": "Tronto"}, trust={"colour": 1})
    write_clinic(tmp_path, "riverside", 1145, 1025, mailbox={"address": "clinic"})
    (tmp_path / "clinics.d" / "By The Sea.toml").write_text("")
    (tmp_path / "clinics.d" / "torn.toml").write_text("[clinic")
    assert apply(tmp_path) == 2
    err = capsys.readouterr().err
    for said in ("clinic.timezone", "trust.colour", "mailbox.address", "By The Sea.toml", "line 1"):
        assert said in err
    assert known(tmp_path).keys() == {"hilltop"}
    write_clinic(tmp_path, "hilltop", 1143, 1025, clinic={"timezone": "Tronto"})
    write_clinic(tmp_path, "lakeside", 1144, 1025)
    assert apply(tmp_path) == 2
    found = known(tmp_path)
    assert {name: one["version"] for name, one in found.items()} == {"hilltop": 1, "lakeside": 1}
    assert "Tronto" not in found["hilltop"]["toml"]


def test_a_version_rises_with_a_change_of_the_file_or_of_what_lies_beside_it(tmp_path: Path) -> None:
    write_node(tmp_path)
    write_clinic(tmp_path, "hilltop", 1143, 1025)

    def version() -> int:
        assert apply(tmp_path) == 0
        return int(known(tmp_path)["hilltop"]["version"])

    assert [version(), version()] == [1, 1]
    write_clinic(tmp_path, "hilltop", 1143, 1025, clinic={"phone": "555-0100"})
    assert version() == 2
    (tmp_path / "clinics.d" / "hilltop").mkdir()
    (tmp_path / "clinics.d" / "hilltop" / "draft.txt").write_text("Hello")
    assert [version(), version()] == [3, 3]


@each(
    ("section", "key", "path", "is_its_own"),
    [
        ("mailbox", "password_file", "../secrets/hilltop/password", True),
        ("mailbox", "password_file", "secrets/hilltop/password", True),
        ("mailbox", "password_file", "hilltop/password", True),
        ("mailbox", "password_file", "password", True),
        ("mailbox", "password_file", "../secrets/riverside/password", False),
        ("mailbox", "password_file", "secrets/riverside/password", False),
        ("mailbox", "password_file", "riverside/password", False),
        ("mailbox", "password_file", "../secrets/hilltop/../riverside/password", False),
        ("mailbox", "password_file", "../secrets/password", False),
        ("mailbox", "password_file", "/etc/shadow", False),
        ("smtp", "password_file", "../promptly.toml", False),
        ("mailbox", "ca_file", "hilltop/ca.pem", True),
        ("mailbox", "ca_file", "/etc/ssl/certs/ca.pem", False),
        ("letters", "templates", "hilltop", True),
        ("letters", "templates", "clinics.d/riverside", False),
        ("letters", "templates", "..", False),
    ],
)
def test_a_clinics_paths_lie_in_folders_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], section: str, key: str, path: str, is_its_own: bool
) -> None:
    write_node(tmp_path)
    (tmp_path / "clinics.d" / "hilltop").mkdir(exist_ok=True)
    (tmp_path / "clinics.d" / "hilltop" / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    login = {"username": "clinic"} if section == "smtp" else {}
    tables: dict[str, Any] = {section: {key: path, **login}}
    write_clinic(tmp_path, "hilltop", 1143, 1025, **tables)
    capsys.readouterr()
    code, err = apply(tmp_path), capsys.readouterr().err
    assert (code, f"{section}.{key}: lies elsewhere" in err) == ((0, False) if is_its_own else (2, True)), err


@each(
    ("table", "fault"),
    [
        ('[store]\nurl = "tinydb:elsewhere"\n', "store: is the node's"),
        ('[health]\nlisten = "127.0.0.1:9464"\n', "health: is the node's"),
        ('[board]\nfile = "hilltop/board.html"\n', "board.file: has no place in a clinic's file"),
        ('[board]\nfile = "/srv/board.html"\n', "board.file: has no place in a clinic's file"),
        ("[board]\ninitials = false\n", None),
    ],
)
def test_what_is_the_nodes_has_no_place_in_a_clinics_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, fault: str | None
) -> None:
    write_node(tmp_path)
    write_clinic(tmp_path, "hilltop", 1143, 1025, table)
    capsys.readouterr()
    code, err = apply(tmp_path), capsys.readouterr().err
    assert (code, fault is not None and fault in err) == ((0, False) if fault is None else (2, True)), err


def test_two_clinics_do_not_watch_one_mailbox(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_node(tmp_path)
    write_clinic(tmp_path, "hilltop", 1143, 1025)
    assert apply(tmp_path) == 0
    copy = write_clinic(tmp_path, "copy", 1143, 1025)
    assert apply(tmp_path, str(copy.parent)) == 2
    assert known(tmp_path).keys() == {"hilltop"}
    assert "hilltop, too" in capsys.readouterr().err


def test_a_name_that_nobody_knows_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_node(tmp_path)
    assert apply(tmp_path, "--remove", "hilltop") == 2
    assert "--remove hilltop" in capsys.readouterr().err


@each(
    ("more", "key"),
    [
        ("colour = 1\n", "node.colour"),
        ('[operator]\nmail = "nobody"\n', "operator.mail"),
        ('[operator]\nmail = "it@provider.test"\n', "operator.smtp"),
        ('[operator]\nmail = "it@provider.test"\n[operator.smtp]\nhost = "smtp.test"\n', "operator.smtp.username"),
        ('[health]\nlisten = "0.0.0.0:80"\n', "health.listen"),
        ('[mailbox]\nhost = "imap.test"\n', "mailbox"),
    ],
)
def test_a_nodes_file_has_faults_told_by_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, key: str
) -> None:
    file = write_node(tmp_path, more)
    for verb in ("serve", "apply", "clinics"):
        capsys.readouterr()
        assert daemon.main([verb, "--config", str(file)]) == 2
        assert f"  {key}: " in capsys.readouterr().err
