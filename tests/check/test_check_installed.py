"""`check` of an installed Promptly: with the service's user, credentials and paths, though root asks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.configuration import MICROSOFT
from tests.daemon_process import ROOT
from tests.rows import each
from workflow.config import load
from workflow.verbs.check.finding import Finding, Level
from workflow.verbs.check.installed import installed

FOR_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root reads what the service may not")
DROP_IN = "etc/systemd/system/promptly.service.d/override.conf"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine on which Promptly is installed and filled in, as a folder that takes the place of /."""
    tmp_path.chmod(0o755)
    for folder in ("etc/systemd/system", "etc/promptly/ours", "home/alex", "var/lib/private"):
        (tmp_path / folder).mkdir(parents=True)
    unit = tmp_path / "etc/systemd/system/promptly.service"
    unit.write_text((ROOT / "systemd/promptly.service").read_text())
    example = (ROOT / "config.example.toml").read_text()
    put(tmp_path, "etc/promptly/config.toml", example.replace("tinydb:state", "tinydb:/var/lib/promptly"))
    put(tmp_path, "etc/promptly/mailbox.password", "correct horse", 0o600)
    put(tmp_path, "etc/promptly/ca.pem", "-----BEGIN CERTIFICATE-----")
    return tmp_path


def put(root: Path, name: str, text: str, mode: int = 0o644) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    (root / name).chmod(mode)


def drop_in(root: Path, *lines: str) -> None:
    """As `systemctl edit promptly` leaves it."""
    put(root, DROP_IN, "\n".join(["[Service]", *lines, ""]))


def config(root: Path, *changes: tuple[str, str], added: str = "") -> None:
    """Write the configuration anew, with the first occurrence of each text changed."""
    text = (ROOT / "config.example.toml").read_text().replace("tinydb:state", "tinydb:/var/lib/promptly")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    put(root, "etc/promptly/config.toml", text + added)


def look(root: Path) -> list[Finding]:
    return list(installed(load(root / "etc/promptly/config.toml")))


def test_a_sound_installation_is_ok(root: Path) -> None:
    (finding,) = look(root)
    assert (finding.part, finding.level) == ("service", Level.OK)
    assert "as user promptly" in finding.text


def test_where_no_service_goes_by_this_configuration_nothing_is_said(root: Path) -> None:
    for name in ("etc/promptly/other.toml", "home/alex/config.toml"):
        put(root, name, (root / "etc/promptly/config.toml").read_text())
        put(root, f"{name.rpartition('/')[0]}/mailbox.password", "correct horse", 0o600)
        assert list(installed(load(root / name))) == []
    (root / "etc/systemd/system/promptly.service").unlink()
    assert look(root) == []
    (root / "etc/systemd/system/promptly.service").symlink_to("/dev/null")
    assert look(root) == [], "it is masked"


@FOR_ROOT
@each(
    ("closed", "mode", "key", "advice"),
    [
        ("etc/promptly/config.toml", 0o600, "the configuration", "chmod o+r "),
        ("etc/promptly", 0o700, "the configuration", "chmod o+x "),
        ("etc/promptly/ca.pem", 0o640, "mailbox.ca_file", "chmod o+r "),
        ("etc/promptly/ours", 0o750, "letters.templates", "chmod o+rx "),
        ("etc/promptly/ours/alert.txt", 0o600, "letters.templates", "chmod o+r "),
    ],
)
def test_its_user_must_be_able_to_read(root: Path, closed: str, mode: int, key: str, advice: str) -> None:
    put(root, "etc/promptly/ours/alert.txt", "x")
    config(root, ('ca_file = ""', 'ca_file = "ca.pem"'), ('templates = ""', 'templates = "ours"'))
    usual = (root / closed).stat().st_mode
    assert look(root)[0].level is Level.OK
    (root / closed).chmod(mode)
    found = look(root)
    (root / closed).chmod(usual)
    assert found[0].level is Level.FAIL
    assert found[0].text == f"{key}: the service's user may not read /{closed}"
    assert found[0].advice == f"Run: {advice}{root}/{closed}"


@FOR_ROOT
def test_its_user_may_be_one_of_the_operators(root: Path) -> None:
    drop_in(root, "DynamicUser=no", "User=nobody")
    path = root / "etc/promptly/config.toml"
    path.chmod(0o600)
    assert look(root)[0].level is Level.FAIL
    os.chown(path, 65534, -1)
    assert look(root)[0].level is Level.OK
    os.chown(path, 0, -1)
    drop_in(root, "DynamicUser=no")
    assert "as user root" in look(root)[0].text


@FOR_ROOT
@each("place", ["home/alex/ca.pem", "root/ca.pem", "tmp/ca.pem"])
def test_the_service_sees_no_home_and_no_tmp(root: Path, place: str) -> None:
    put(root, place, "-----BEGIN CERTIFICATE-----")
    config(root, ('ca_file = ""', f'ca_file = "../../{place}"'))
    assert "mailbox.ca_file" in look(root)[0].text
    assert "is hidden from the service" in look(root)[0].text


def test_a_second_secret_must_be_handed_over(root: Path) -> None:
    put(root, "etc/promptly/smtp.password", "open sesame", 0o600)
    config(root, ("[smtp]", '[smtp]\npassword_file = "smtp.password"\n#'))
    text = (root / "etc/promptly/config.toml").read_text()
    before, _, after = text.partition("[smtp]\n")
    own, _, rest = after.partition('password_file = "mailbox.password"')
    put(root, "etc/promptly/config.toml", f"{before}[smtp]\n{own}# {rest}")
    (finding,) = look(root)
    assert finding.level is Level.FAIL
    assert "smtp.password_file: /etc/promptly/smtp.password is not handed to the service" in finding.text
    assert "LoadCredential=smtp.password:/etc/promptly/smtp.password" in finding.advice
    drop_in(root, "LoadCredential=smtp.password:/etc/elsewhere")
    put(root, "etc/elsewhere", "")
    assert "is handed /etc/elsewhere under the name" in look(root)[0].text
    drop_in(root, "LoadCredential=smtp.password:/etc/promptly/smtp.password")
    assert look(root)[0].level is Level.OK
    (root / DROP_IN).rename(root / DROP_IN.replace("override.conf", "override.conf.bak"))
    assert look(root)[0].level is Level.FAIL
    put(root, f"run/{DROP_IN[4:]}", "[Service]\nLoadCredential=smtp.password:/etc/promptly/smtp.password\n")
    assert look(root)[0].level is Level.OK


def test_a_login_by_token_without_the_password_file_that_the_unit_names(root: Path) -> None:
    put(root, "etc/promptly/secret", "open sesame", 0o600)
    config(root, ("[smtp]", f"{MICROSOFT}[smtp]"))
    text = (root / "etc/promptly/config.toml").read_text().replace('\npassword_file = "mailbox.password"', "\n#")
    before, _, after = text.partition("[smtp]\n")
    put(
        root,
        "etc/promptly/config.toml",
        f"{before}[smtp]\n{after.replace('username', '#', 1)}".replace("[smtp]\n", '[smtp]\nusername = ""\n'),
    )
    (root / "etc/promptly/mailbox.password").unlink()
    found = [finding.text for finding in look(root)]
    assert len(found) == 2
    assert "/etc/promptly/mailbox.password, which LoadCredential=mailbox.password names, is not there" in found[0]
    assert "mailbox.oauth2.client_secret_file: /etc/promptly/secret is not handed" in found[1]
    drop_in(root, "LoadCredential=", "LoadCredential=secret:/etc/promptly/secret")
    assert look(root)[0].level is Level.OK


def test_a_variable_of_ours_is_none_of_the_services(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_WORD", "correct horse")
    config(root, ('\npassword_file = "mailbox.password"', '\npassword_env = "CLINIC_WORD"'))
    assert "the service has no environment variable CLINIC_WORD" in look(root)[0].text
    for given in ('Environment="CLINIC_WORD=correct"', "PassEnvironment=CLINIC_WORD", "EnvironmentFile=/etc/word"):
        drop_in(root, given)
        assert look(root)[0].level is Level.OK


@each("url", ["tinydb:state", "tinydb:/srv/promptly", "tinydb:/var/lib/promptly-2"])
def test_the_state_lies_where_it_may_write(root: Path, url: str) -> None:
    drop_in(root)
    config(root, ("tinydb:/var/lib/promptly", url))
    (finding,) = look(root)
    assert finding.level is Level.FAIL
    assert "store.url" in finding.text
    assert 'url = "tinydb:/var/lib/promptly"' in finding.advice
    drop_in(root, "ReadWritePaths=/etc/promptly/state /srv -/var/lib/promptly-2")
    assert look(root)[0].level is Level.OK


def test_the_board_lies_where_it_may_write(root: Path) -> None:
    config(root, ('\nfile = ""', '\nfile = "/srv/board/board.html"'))
    (finding,) = look(root)
    assert finding.level is Level.FAIL
    assert finding.text == "board.file: /srv/board lies where the service may not write"
    assert "ReadWritePaths=/srv/board" in finding.advice
    drop_in(root, "ReadWritePaths=/srv/board")
    assert [finding.level for finding in look(root)] == [Level.OK]


def test_a_folder_in_place_of_systemds_link_starts_nothing(root: Path) -> None:
    (root / "var/lib/private/promptly").mkdir()
    (root / "var/lib/promptly").symlink_to("private/promptly")
    assert look(root)[0].level is Level.OK
    (root / "var/lib/promptly").unlink()
    (root / "var/lib/promptly").mkdir()
    assert "status 238" in look(root)[0].text
