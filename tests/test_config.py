"""The configuration file: what it means, and every fault of contract section 6, all at once and by full name."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

import daemon
from tests import configuration
from tests.cast import CADENCE
from tests.configuration import MICROSOFT
from tests.rows import each
from workflow.config import Config, Faults, load
from workflow.config.keys import CadenceKeys, is_loopback, read_duration, read_person, read_size, read_time, tables
from workflow.core.people import Person
from workflow.core.rules import Kind, KindCadence

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"

SMALL = configuration.text(
    associates={"Dana Lee": ("dana@clinic.test", "Dana.Lee@Clinic.test"), "Ravi Patel": ("ravi@clinic.test",)},
    clinic={"admins": ["Front Desk <admin@clinic.test>", "pat@clinic.test"]},
    mailbox={"host": "imap.clinic.test", "security": None},
    smtp={
        "host": "smtp.clinic.test",
        "security": None,
        "username": "clinic@clinic.test",
        "password_file": "password",
    },
)

MINUTE = timedelta(minutes=1)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes SMALL with some texts changed and lines added, beside a password file; answers where."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    for name, text, mode in (
        ("secret", "open sesame", 0o600),
        ("open", "open sesame", 0o644),
        ("long", "open\nsesame", 0o600),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)

    def write(changes: dict[str, str] | None = None, added: str = "", text: str = SMALL) -> Path:
        for old, new in (changes or {}).items():
            assert old in text, f"nothing to change: {old}"
            text = text.replace(old, new)
        path = tmp_path / "config.toml"
        path.write_text(text + added)
        return path

    return write


def faults_of(path: Path, *, rehearsal: bool = False) -> dict[str, str]:
    """Key -> advice of each fault; there must be some, and one for each key."""
    with pytest.raises(Faults) as caught:
        load(path, rehearsal=rehearsal)
    found = {fault.key: fault.advice for fault in caught.value.faults}
    assert len(found) == len(caught.value.faults), caught.value
    return found


# --- what it means -----------------------------------------------------------------------------------


def test_a_small_file_has_the_contracts_defaults(write: Write, tmp_path: Path) -> None:
    config = load(write())

    assert config.clinic.name == "Riverside Counselling"
    assert config.roster.associates[0] == Person("Dana Lee", ("dana@clinic.test", "dana.lee@clinic.test"))
    assert config.roster.admins == (Person("Front Desk", ("admin@clinic.test",)), Person("pat", ("pat@clinic.test",)))
    assert config.roster.lead is None
    mailbox = config.mailbox
    assert (mailbox.host, mailbox.port, mailbox.security) == ("imap.clinic.test", 993, "tls")
    assert (mailbox.username, mailbox.password()) == ("clinic@clinic.test", "correct horse")
    assert (mailbox.folder, mailbox.handled_folder, mailbox.shared) == ("INBOX", "Promptly", True)
    assert (mailbox.max_size, mailbox.stale_after) == (5_000_000, 720 * MINUTE)
    assert (config.smtp.port, config.smtp.security, config.smtp.ca_file) == (465, "tls", None)
    assert config.smtp.password() == "correct horse"
    assert (config.trust.authserv_id, config.trust.require, config.trust.internal) == (("mx.clinic.test",), True, "")
    assert (mailbox.aliases, mailbox.own_voice) == ([], "notice")
    assert (config.letters.templates, config.letters.sms_link) == (None, False)
    assert config.privacy.client_name == "first_initial"
    assert (config.privacy.keep_names.days, config.privacy.keep_cases.days) == (30, 400)
    assert (config.digest.at, config.store.url, config.health.listen) == (time(8, 30), f"tinydb:{tmp_path}/state", None)
    cadence = config.rules().cadence
    assert cadence.of(Kind.NOSHOW) == KindCadence(
        contact=(5 * MINUTE, 10 * MINUTE, 20 * MINUTE),
        repeat=60 * MINUTE,
        escalate=10 * MINUTE,
        lead=30 * MINUTE,
        after_sent=(180 * MINUTE,),
        max_per_day=6,
    )
    assert cadence.of(Kind.LATE) == KindCadence(
        contact=(5 * MINUTE,), escalate=10 * MINUTE, after_session=5 * MINUTE, max_per_day=6
    )
    assert cadence.of(Kind.WAITING) == KindCadence(
        stepaway=20 * MINUTE, stepaway_unknown=10 * MINUTE, after_session=5 * MINUTE
    )
    assert (cadence.session, cadence.zone) == (50 * MINUTE, "America/Toronto")
    assert (cadence.quiet_from, cadence.quiet_to, cadence.grace) == (
        time(21),
        time(8),
        60 * MINUTE,
    )


@each(
    ("written", "names"),
    [
        ('"MX.Clinic.Test"', ("mx.clinic.test",)),
        ('"mx.clinic.test/job"', ("mx.clinic.test",)),
        ('["mx1.clinic.test", "*.Hosts.test"]', ("mx1.clinic.test", "*.hosts.test")),
        ('"exchange"', ("exchange",)),
        ('"google.com"', ("google.com",)),
    ],
)
def test_servers_to_be_believed(write: Write, written: str, names: tuple[str, ...]) -> None:
    assert load(write({'"mx.clinic.test"\n': f"{written}\n"})).trust.authserv_id == names


def test_the_example_is_valid_once_its_password_file_is_there_and_shows_the_defaults(
    write: Write, tmp_path: Path
) -> None:
    example = EXAMPLE.read_text()
    shown = {f"cadence.{kind}": set(keys) for kind, keys in tomllib.loads(example)["cadence"].items()}
    assert shown == {name: set(keys) for name, keys in tables() if name.startswith("cadence.")}
    assert set(CadenceKeys.model_fields) == set(Kind)
    (tmp_path / "mailbox.password").write_text("correct horse")
    (tmp_path / "mailbox.password").chmod(0o600)
    small = load(write())

    found = load(write(text=example))

    assert (found.cadence, found.digest, found.privacy) == (small.cadence, small.digest, small.privacy)
    assert small.rules().cadence == CADENCE, "a case that is older than a kind has the same figures for it"
    assert (found.letters, found.health, found.store) == (small.letters, small.health, small.store)
    assert found.board == small.board
    assert (found.trust, found.roster.associates) == (small.trust, small.roster.associates)
    assert found.mailbox.max_size == small.mailbox.max_size
    assert found.mailbox.port == small.mailbox.port


def test_the_example_shows_a_login_by_token_that_is_valid_once_its_signs_are_taken_away(
    write: Write, tmp_path: Path
) -> None:
    before, _, rest = EXAMPLE.read_text().partition("# [mailbox.oauth2]\n")
    section, _, after = rest.partition("\n\n")
    (tmp_path / "mailbox.password").write_text("correct horse")
    (tmp_path / "client.secret").write_text("open sesame")
    for name in ("mailbox.password", "client.secret"):
        (tmp_path / name).chmod(0o600)
    before = before.replace("\npassword_file", "\n# password_file")
    section = "\n".join(line.removeprefix("# ") for line in section.splitlines())

    found = load(write(text=f"{before}[mailbox.oauth2]\n{section}\n\n{after}")).mailbox.oauth2

    assert found is not None
    shown = {"riverside.test": "clinic.test", "1111": found.client_id, '"secret"': '"client.secret"'}
    assert found == load(write(BY_TOKEN | shown)).mailbox.oauth2, "the values shown are the defaults"


def test_the_example_names_every_key_in_its_table() -> None:
    shown: dict[str, set[str]] = {}
    table = ""
    for line in EXAMPLE.read_text().splitlines():
        # What few clinics need is there behind a "#".
        if found := re.match(r"(?:# )?\[+([a-z0-9.]+)\]", line):
            table = found[1]
        elif found := re.match(r"([a-z_]+) = " if "oauth2" not in table else r"# ([a-z_]+) = ", line):
            shown.setdefault(table, set()).add(found[1])

    for name, keys in tables():
        # The other ways to give a secret stand in comments; "" and cadence hold tables alone, and SMTP's like IMAP's.
        wanted = {key for key in keys if not key.endswith("_env")} - {"oauth2"}
        assert name in {"", "cadence", "smtp.oauth2"} or shown[name] == wanted


def test_everything_can_be_said(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_WORD", "from the environment")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (tmp_path / "ours").mkdir()
    path = write(
        {
            'host = "imap.clinic.test"\npassword_file = "password"': """
host = "127.0.0.1"
security = "none"
port = 1143
password_env = "CLINIC_WORD"
handled_folder = ""
shared = false
max_size = "20 MB"
stale_after = "90m"
""",
            'host = "smtp.clinic.test"': 'host = "smtp.clinic.test"\nsecurity = "starttls"\nca_file = "ca.pem"',
            'authserv_id = "mx.clinic.test"': 'internal = "exchange"',
            'admins = ["Front Desk <admin@clinic.test>", "pat@clinic.test"]': 'admins = ["dana@clinic.test"]\n'
            'lead = "Lee <lead@clinic.test>"\nsession = "80m"',
        },
        added="""
[cadence.noshow]
contact = ["20m", "5m", "90s"]
[quiet]
from = "09:00"
to = "9:00"
grace = "0m"
[digest]
at = ""
[letters]
templates = "ours"
sms_link = true
[privacy]
client_name = "initials"
[store]
url = "tinydb:/var/lib/promptly"
[health]
listen = "[::1]:9464"
""",
    )
    config = load(path)

    assert config.mailbox.password() == "from the environment"
    assert (config.mailbox.port, config.mailbox.handled_folder, config.mailbox.shared) == (1143, "", False)
    assert (config.mailbox.max_size, config.mailbox.stale_after) == (20_000_000, 90 * MINUTE)
    assert (config.smtp.port, config.smtp.ca_file) == (587, tmp_path / "ca.pem")
    assert config.trust.internal == "exchange"
    assert config.roster.lead == Person("Lee", ("lead@clinic.test",))
    assert config.roster.admin("dana@clinic.test"), "an associate may be admin, too"
    cadence = config.rules().cadence
    assert cadence.noshow.contact == (timedelta(seconds=90), 5 * MINUTE, 20 * MINUTE)
    assert cadence.noshow.repeat == 60 * MINUTE, "the other keys of the table keep their defaults"
    assert cadence.quiet_from == cadence.quiet_to == time(9)
    assert (cadence.grace, config.digest.at) == (timedelta(), None)
    assert config.letters.templates == tmp_path / "ours"
    assert (config.store.url, config.health.listen) == ("tinydb:/var/lib/promptly", ("::1", 9464))

    rules = config.rules()
    assert (rules.clinic, rules.address, rules.shared) == ("Riverside Counselling", "clinic@clinic.test", False)
    assert (rules.roster, rules.digest_at) == (config.roster, None)
    assert rules.client_name == "initials"
    assert (rules.stale_after, rules.stale_late) == (90 * MINUTE, 90 * MINUTE), "LATE is never stale later than NOSHOW"


def test_admins_and_the_lead_may_have_several_addresses(write: Write) -> None:
    changes = {
        '"pat@clinic.test"': '{ name = "Pat Roy", emails = ["Pat@clinic.test", "pat@home.test"] }',
        CLINIC: CLINIC + 'lead = { name = "Lee", emails = ["lead@clinic.test", "lee@home.test"] }\n',
    }
    roster = load(write(changes)).roster
    assert roster.admins[1] == Person("Pat Roy", ("pat@clinic.test", "pat@home.test"))
    assert roster.admin("LEE@home.test") == roster.lead == Person("Lee", ("lead@clinic.test", "lee@home.test"))


def test_a_login_by_token_says_where_tokens_come_from(write: Write, tmp_path: Path) -> None:
    both = {'password_file = "password"\n[trust]': MICROSOFT.replace("mailbox", "smtp") + "[trust]"}
    config = load(write(BY_TOKEN | both))
    found = config.mailbox.oauth2
    assert found is not None
    assert (found.provider, found.tenant, found.client_id) == ("microsoft", "riverside.test", "1111")
    assert (found.client_secret(), found.certificate_file, found.ca_file) == ("open sesame", None, None)
    assert found.scope == "https://outlook.office365.com/.default"
    assert found.authority == "https://login.microsoftonline.com"
    assert config.smtp.oauth2 == found
    assert load(write()).mailbox.oauth2 is None


def test_a_login_by_token_of_google_has_a_refresh_token(write: Write) -> None:
    google = {'provider = "microsoft"\ntenant = "riverside.test"': 'provider = "google"\nrefresh_token_file = "secret"'}
    found = load(write(BY_TOKEN | google)).mailbox.oauth2
    assert found is not None
    assert (found.client_secret(), found.refresh_token(), found.scope) == ("open sesame", "open sesame", "")
    assert found.token_url == "https://oauth2.googleapis.com/token"


def test_a_service_account_of_google_needs_nothing_else(write: Write, tmp_path: Path) -> None:
    key = tmp_path / "account.json"
    key.write_text('{"client_email": "promptly@project.test", "private_key": "-----BEGIN PRIVATE KEY-----"}')
    key.chmod(0o600)
    account = 'provider = "google"\nservice_account_file = "account.json"'
    alone = {
        'provider = "microsoft"\ntenant = "riverside.test"\nclient_id = "1111"\nclient_secret_file = "secret"': account
    }
    path = write(BY_TOKEN | alone)
    found = load(path).mailbox.oauth2
    assert found is not None
    assert (found.service_account_file, found.client_id) == (key, "")
    key.write_text("{}")
    assert "in JSON" in faults_of(path)["mailbox.oauth2.service_account_file"]
    with_more = {'provider = "microsoft"\ntenant = "riverside.test"': account}
    key.write_text('"client_email" "private_key"')
    key.chmod(0o600)
    assert set(faults_of(write(BY_TOKEN | with_more))) == {"mailbox.oauth2.client_secret_file"}
    for_microsoft = {'"1111"\n': '"1111"\nservice_account_file = "account.json"\n'}
    assert set(faults_of(write(BY_TOKEN | for_microsoft))) == {"mailbox.oauth2.service_account_file"}


def test_a_certificate_and_its_key_are_one_file(write: Write, tmp_path: Path) -> None:
    both = tmp_path / "program.pem"
    both.write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
    both.chmod(0o600)
    path = write(BY_TOKEN | {'client_secret_file = "secret"': 'certificate_file = "program.pem"'})
    found = load(path).mailbox.oauth2
    assert found is not None
    assert found.certificate_file == both
    both.chmod(0o644)
    assert "chmod 600" in faults_of(path)["mailbox.oauth2.certificate_file"]


def test_a_library_that_is_not_installed_is_a_fault(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msal", None)
    found = faults_of(write(BY_TOKEN))
    assert list(found) == ["mailbox.oauth2.provider"]
    assert "make install" in found["mailbox.oauth2.provider"]


def test_a_late_is_stale_after_two_hours(write: Write) -> None:
    rules = load(write()).rules()
    assert (rules.stale_after, rules.stale_late) == (720 * MINUTE, 120 * MINUTE)


def test_two_readings_of_one_file_are_equal_and_neither_can_be_changed(write: Write) -> None:
    path = write()
    one, other = load(path), load(path)
    assert one == other
    with pytest.raises(ValidationError, match="frozen"):
        one.clinic.name = "Elsewhere"


def test_a_password_is_read_when_it_is_used_and_stands_in_no_config(write: Write, tmp_path: Path) -> None:
    config = load(write())
    (tmp_path / "password").write_text("changed since\r\n")

    assert config.mailbox.password() == "changed since"
    assert "changed since" not in repr(config)


def test_a_password_that_is_gone_is_an_os_error(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_WORD", "x")
    config = load(write({'username = "clinic@clinic.test"\npassword_file = "password"': ENV_LOGIN}))
    (tmp_path / "password").unlink()
    monkeypatch.delenv("CLINIC_WORD")
    for password in (config.mailbox.password, config.smtp.password):
        with pytest.raises(OSError):
            password()


ENV_LOGIN = 'username = "clinic@clinic.test"\npassword_env = "CLINIC_WORD"'


@each("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_a_loopback_host_may_do_without_encryption_and_login_and_be_rehearsed(write: Write, host: str) -> None:
    login = '\nusername = "clinic@clinic.test"\npassword_file = "password"\n[trust]'
    path = write({"imap.clinic.test": host, "smtp.clinic.test": host, login: '\nsecurity = "none"\n[trust]'})
    config = load(path, rehearsal=True)
    assert (config.smtp.username, config.smtp.password_file, config.smtp.port) == ("", None, 25)
    assert config.rules().rehearsal
    assert not load(path).rules().rehearsal


def test_a_relay_that_asks_for_no_login_is_said_by_an_empty_username(write: Write) -> None:
    login = 'username = "clinic@clinic.test"\npassword_file = "password"\n[trust]'
    assert load(write({login: 'username = ""\n[trust]'})).smtp.username == ""


def test_a_credential_of_systemd_may_show_its_mask_as_group_bits(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").chmod(0o440)
    assert set(faults_of(write())) == {"mailbox.password_file", "smtp.password_file"}
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert isinstance(load(write()), Config)
    (tmp_path / "password").chmod(0o444)
    assert set(faults_of(write())) == {"mailbox.password_file", "smtp.password_file"}


def test_a_credential_stands_for_the_password_file_of_its_name(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write()
    (tmp_path / "password").write_text("root's, whom the service is not\n")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert load(path).mailbox.password() == "root's, whom the service is not"
    (credentials / "password").write_text("handed over\n")
    (credentials / "password").chmod(0o400)
    assert load(path).mailbox.password() == "handed over"


def test_the_byte_order_mark_of_windows_editors_does_not_matter(write: Write) -> None:
    assert load(write(text="\ufeff" + SMALL)).clinic.name == "Riverside Counselling"


# --- one fault ---------------------------------------------------------------------------------------

MAILBOX = "[mailbox]\n"
SMTP = "[smtp]\n"
CLINIC = "[clinic]\n"
TRUST = "[trust]\n"

BY_TOKEN = {'password_file = "password"\n[smtp]': MICROSOFT + "[smtp]"}
"""`write` applies changes in order: those after it may change MICROSOFT."""

ONE_FAULT: list[tuple[str, dict[str, str], str, str, str]] = [
    # what, changes to SMALL, lines added, key, a part of the advice
    ("no clinic name", {'name = "Riverside Counselling"\n': ""}, "", "clinic.name", "is needed"),
    ("an empty clinic name", {"Riverside Counselling": " "}, "", "clinic.name", "must not be empty"),
    ("a clinic name of two lines", {"Riverside Counselling": "Riverside\\nBcc: x"}, "", "clinic.name", "one line"),
    ("no zone", {'timezone = "America/Toronto"\n': ""}, "", "clinic.timezone", "is needed"),
    ("a wrong zone", {"America/Toronto": "Toronto"}, "", "clinic.timezone", 'did you mean "America/Toronto"?'),
    ("a zone that is a folder", {"America/Toronto": "America"}, "", "clinic.timezone", "not a time zone"),
    ("a zone that is a path", {"America/Toronto": "../zone"}, "", "clinic.timezone", "not a time zone"),
    ("a number for a zone", {'"America/Toronto"': "5"}, "", "clinic.timezone", "must be text"),
    ("a session without a unit", {CLINIC: CLINIC + 'session = "50"\n'}, "", "clinic.session", '"50" is not a duration'),
    ("a session of a number", {CLINIC: CLINIC + "session = 50\n"}, "", "clinic.session", "50 is not a duration"),
    ("a session of nothing", {CLINIC: CLINIC + 'session = "0m"\n'}, "", "clinic.session", "at least 1s"),
    ("no admins", {'["Front Desk <admin@clinic.test>", "pat@clinic.test"]': "[]"}, "", "clinic.admins", "at least one"),
    ("admins that are no list", {'["Front Desk <admin@clinic.test>", "pat@clinic.test"]': '"pat@clinic.test"'}, "",
     "clinic.admins", "must be a list"),
    ("an admin without an address", {"Front Desk <admin@clinic.test>": "Front Desk"}, "", "clinic.admins[1]",
     '"Front Desk" is not a mail address'),
    ("an admin without an at", {"pat@clinic.test": "pat.clinic.test"}, "", "clinic.admins[2]", "is not a mail address"),
    ("the same admin twice", {"pat@clinic.test": "Admin@clinic.test"}, "", "clinic.admins[2]", "clinic.admins[1]"),
    ("the mailbox as admin", {"pat@clinic.test": "Clinic@clinic.test"}, "", "clinic.admins[2]", "own address"),
    ("the mailbox as lead", {CLINIC: CLINIC + 'lead = "Lee <clinic@clinic.test>"\n'}, "", "clinic.lead", "own address"),
    ("an admin with several of which one is none", {'"pat@clinic.test"': '{ name = "Pat", emails = ["pat"] }'},
     "", "clinic.admins[2].emails[1]", "is not a mail address"),
    ("an admin without a name", {'"pat@clinic.test"': '{ emails = ["pat@clinic.test"] }'}, "", "clinic.admins[2].name",
     "is needed"),
    ("an admin with an unknown key", {'"pat@clinic.test"': '{ name = "Pat", emails = ["a@b.test"], email = "x" }'}, "",
     "clinic.admins[2].email", "unknown key"),
    ("a lead without addresses", {CLINIC: CLINIC + 'lead = { name = "Lee", emails = [] }\n'}, "", "clinic.lead.emails",
     "at least one"),
    ("an address of two admins", {'"pat@clinic.test"': '{ name = "Pat", emails = ["p@b.test", "Admin@clinic.test"] }'},
     "", "clinic.admins[2].emails[2]", "clinic.admins[1]"),
    ("the mailbox as one of the lead's", {CLINIC: CLINIC + 'lead = { name = "Lee", emails = ["a@b.test", '
     '"clinic@clinic.test"] }\n'}, "", "clinic.lead.emails[2]", "own address"),
    ("the mailbox as associate", {"Dana.Lee@Clinic.test": "clinic@clinic.test"}, "", "associates[1].emails[2]",
     "own address"),
    ("an alias as admin", {MAILBOX: MAILBOX + 'aliases = ["Pat@clinic.test"]\n'}, "", "clinic.admins[2]",
     "own, by mailbox.aliases[1]"),
    ("an alias as associate", {MAILBOX: MAILBOX + 'aliases = ["x@clinic.test", "ravi@clinic.test"]\n'}, "",
     "associates[2].emails[1]", "own, by mailbox.aliases[2]"),
    ("an alias as lead", {MAILBOX: MAILBOX + 'aliases = ["x@clinic.test"]\n',
     CLINIC: CLINIC + 'lead = "x@clinic.test"\n'}, "", "clinic.lead", "own, by mailbox.aliases[1]"),
    ("the mailbox as alias", {MAILBOX: MAILBOX + 'aliases = ["CLINIC@clinic.test"]\n'}, "", "mailbox.aliases[1]",
     "stands already at mailbox.address"),
    ("an alias twice", {MAILBOX: MAILBOX + 'aliases = ["x@clinic.test", "X@clinic.test"]\n'}, "", "mailbox.aliases[2]",
     "stands already at mailbox.aliases[1]"),
    ("an alias that is no address", {MAILBOX: MAILBOX + 'aliases = ["desk"]\n'}, "", "mailbox.aliases[1]",
     "is not a mail address"),
    ("aliases in no list", {MAILBOX: MAILBOX + 'aliases = "x@clinic.test"\n'}, "", "mailbox.aliases", "a list"),
    ("somebody's voice", {MAILBOX: MAILBOX + 'own_voice = "associate"\n'}, "", "mailbox.own_voice", "'admin'"),
    ("no address of the mailbox", {'address = "clinic@clinic.test"\n': ""}, "", "mailbox.address", "is needed"),
    ("a name with the mailbox", {'"clinic@clinic.test"\nhost': '"Us <clinic@clinic.test>"\nhost'}, "",
     "mailbox.address", "is not a mail address"),
    ("an address beyond ASCII", {'"clinic@clinic.test"\nhost': '"clinique@santé.test"\nhost'}, "", "mailbox.address",
     'is not a mail address: write its domain as mail servers do, "clinique@xn--sant-epa.test"'),
    ("no IMAP host", {'host = "imap.clinic.test"\n': ""}, "", "mailbox.host", "is needed"),
    ("a URL for a host", {"imap.clinic.test": "imaps://imap.clinic.test"}, "", "mailbox.host", "name of a server"),
    ("a phone without quotes", {CLINIC: CLINIC + "phone = 4165550100\n"}, "", "clinic.phone", "must be text, in"),
    ("a port in quotes", {MAILBOX: MAILBOX + 'port = "993"\n'}, "", "mailbox.port", "without quotes"),
    ("port 0", {MAILBOX: MAILBOX + "port = 0\n"}, "", "mailbox.port", "1 or more"),
    ("port 70000", {SMTP: SMTP + "port = 70000\n"}, "", "smtp.port", "65535 or less"),
    ("an unknown security", {MAILBOX: MAILBOX + 'security = "ssl"\n'}, "", "mailbox.security", "'starttls'"),
    ("no encryption to far IMAP", {MAILBOX: MAILBOX + 'security = "none"\n'}, "", "mailbox.security", "loopback"),
    ("no encryption to far SMTP", {SMTP: SMTP + 'security = "none"\n'}, "", "smtp.security", "loopback"),
    ("an empty IMAP username", {MAILBOX: MAILBOX + 'username = ""\n'}, "", "mailbox.username", "must not be empty"),
    ("no SMTP host", {'host = "smtp.clinic.test"\n': ""}, "", "smtp.host", "is needed"),
    ("no IMAP password", {'password_file = "password"\n[smtp]': "[smtp]"}, "", "mailbox.password_file", "is needed"),
    ("no SMTP password", {'password_file = "password"\n[trust]': "[trust]"}, "", "smtp.password_file", "is needed"),
    ("a password without a username", {'username = "clinic@clinic.test"\n': ""}, "", "smtp.username", "is needed"),
    ("a far SMTP host without a login", {'username = "clinic@clinic.test"\npassword_file = "password"\n': ""}, "",
     "smtp.username", "is needed"),
    ("a missing password file", {'"password"\n[smtp]': '"elsewhere"\n[smtp]'}, "", "mailbox.password_file",
     "there is no file"),
    ("a folder as password file", {'"password"\n[smtp]': '"."\n[smtp]'}, "", "mailbox.password_file", "can't be read"),
    ("an unset variable", {'password_file = "password"\n[smtp]': 'password_env = "NOT_SET_AT_ALL"\n[smtp]'}, "",
     "mailbox.password_env", "NOT_SET_AT_ALL is not set"),
    ("two passwords", {MAILBOX: MAILBOX + 'password_env = "HOME"\n'}, "", "mailbox.password_file", "not both"),
    ("the password itself", {MAILBOX: MAILBOX + 'password = "correct horse"\n'}, "", "mailbox.password", "not belong"),
    ("a password and OAuth2", {"[smtp]": MICROSOFT + "[smtp]"}, "", "mailbox.password_file", "not both"),
    ("an unknown provider", BY_TOKEN | {"microsoft": "yahoo"}, "", "mailbox.oauth2.provider", "'google'"),
    ("no provider", BY_TOKEN | {'provider = "microsoft"\n': ""}, "", "mailbox.oauth2.provider", "is needed"),
    ("no tenant", BY_TOKEN | {'tenant = "riverside.test"\n': ""}, "", "mailbox.oauth2.tenant", "is needed"),
    ("any tenant", BY_TOKEN | {"riverside.test": "common"}, "", "mailbox.oauth2.tenant", "is not a tenant"),
    ("OAuth2 without a client", BY_TOKEN | {'client_id = "1111"\n': ""}, "", "mailbox.oauth2.client_id", "is needed"),
    ("OAuth2 without a secret", BY_TOKEN | {'client_secret_file = "secret"\n': ""}, "",
     "mailbox.oauth2.client_secret_file", "certificate_file"),
    ("two secrets", BY_TOKEN | {'"1111"\n': '"1111"\nclient_secret_env = "HOME"\n'}, "",
     "mailbox.oauth2.client_secret_file", "not both"),
    ("the secret itself", BY_TOKEN | {'"1111"\n': '"1111"\nclient_secret = "open sesame"\n'}, "",
     "mailbox.oauth2.client_secret", "client_secret_file or client_secret_env"),
    ("a missing secret", BY_TOKEN | {'"secret"': '"gone"'}, "", "mailbox.oauth2.client_secret_file",
     "there is no file"),
    ("an open secret", BY_TOKEN | {'"secret"': '"open"'}, "", "mailbox.oauth2.client_secret_file", "chmod 600"),
    ("a secret of two lines", BY_TOKEN | {'"secret"': '"long"'}, "", "mailbox.oauth2.client_secret_file",
     "the client secret alone"),
    ("an unset secret", BY_TOKEN | {'client_secret_file = "secret"': 'client_secret_env = "NOT_SET_AT_ALL"'}, "",
     "mailbox.oauth2.client_secret_env", "is not set"),
    ("a certificate without its key", BY_TOKEN | {'client_secret_file = "secret"': 'certificate_file = "secret"'}, "",
     "mailbox.oauth2.certificate_file", "its private key"),
    ("an authority in the open", BY_TOKEN | {'"1111"\n': '"1111"\nauthority = "http://x.test"\n'}, "",
     "mailbox.oauth2.authority", "https://"),
    ("Google's key for Microsoft", BY_TOKEN | {'"1111"\n': '"1111"\nrefresh_token_env = "HOME"\n'}, "",
     "mailbox.oauth2.refresh_token_env", "remove it"),
    ("Microsoft's key for Google", BY_TOKEN | {"microsoft": "google",
     "\nclient_id": '\nrefresh_token_file = "secret"\nclient_id'}, "", "mailbox.oauth2.tenant", "remove it"),
    ("Google without a refresh token", BY_TOKEN | {"microsoft": "google", 'tenant = "riverside.test"\n': ""}, "",
     "mailbox.oauth2.refresh_token_file", "is needed"),
    ("OAuth2 without a user", {'username = "clinic@clinic.test"\npassword_file = "password"\n[trust]':
                               MICROSOFT.replace("mailbox", "smtp") + "[trust]"}, "", "smtp.username", "is needed"),
    ("a key that OAuth2 does not have", BY_TOKEN | {'"1111"\n': '"1111"\ntennant = "x"\n'}, "",
     "mailbox.oauth2.tennant", "did you mean tenant?"),
    ("a missing CA file", {MAILBOX: MAILBOX + 'ca_file = "ca.pem"\n'}, "", "mailbox.ca_file", "there is no file"),
    ("a CA file without a certificate", {SMTP: SMTP + 'ca_file = "password"\n'}, "", "smtp.ca_file", "no certificate"),
    ("handled mail stays where it was", {MAILBOX: MAILBOX + 'handled_folder = "INBOX"\n'}, "",
     "mailbox.handled_folder", "another folder"),
    ("the inbox in small letters", {MAILBOX: MAILBOX + 'handled_folder = "Inbox"\n'}, "", "mailbox.handled_folder",
     "the inbox"),
    ("the inbox with its delimiter", {MAILBOX: MAILBOX + 'handled_folder = "INBOX."\n'}, "", "mailbox.handled_folder",
     "the inbox"),
    ("the inbox beside another folder", {MAILBOX: MAILBOX + 'folder = "Reports"\nhandled_folder = "inbox/"\n'}, "",
     "mailbox.handled_folder", "the inbox"),
    ("the same folder with a delimiter", {MAILBOX: MAILBOX + 'folder = "INBOX/Reports"\n'
     'handled_folder = "INBOX/Reports/"\n'}, "", "mailbox.handled_folder", "another folder"),
    ("no folder", {MAILBOX: MAILBOX + 'folder = ""\n'}, "", "mailbox.folder", "must not be empty"),
    ("shared in words", {MAILBOX: MAILBOX + 'shared = "yes"\n'}, "", "mailbox.shared", "true or false"),
    ("a size without a unit", {MAILBOX: MAILBOX + 'max_size = "5"\n'}, "", "mailbox.max_size", "is not a size"),
    ("a size of nothing", {MAILBOX: MAILBOX + 'max_size = "0MB"\n'}, "", "mailbox.max_size", "is not a size"),
    ("a span in words", {MAILBOX: MAILBOX + 'stale_after = "a day"\n'}, "", "mailbox.stale_after", "not a duration"),
    ("nothing to trust", {'authserv_id = "mx.clinic.test"\n': ""}, "", "trust.authserv_id", "trust.require"),
    ("no trust at all", {'[trust]\nauthserv_id = "mx.clinic.test"\n': ""}, "", "trust.authserv_id", "trust.require"),
    ("no name among several", {'"mx.clinic.test"\n': '["mx.clinic.test", ""]\n'}, "", "trust.authserv_id",
     '"" is not the name of a server'),
    ("a star in a name", {'"mx.clinic.test"\n': '"mx*.clinic.test"\n'}, "", "trust.authserv_id", "*.example.org"),
    ("all servers of a country", {'"mx.clinic.test"\n': '"*.test"\n'}, "", "trust.authserv_id", "*.example.org"),
    ("all servers", {'"mx.clinic.test"\n': '["*"]\n'}, "", "trust.authserv_id", "*.example.org"),
    ("a number for a server", {'"mx.clinic.test"\n': "[1]\n"}, "", "trust.authserv_id", "in quotes, or a list"),
    ("nobody in a list", {'"mx.clinic.test"\n': "[]\n"}, "", "trust.authserv_id", "trust.require"),
    ("require as a number", {TRUST: TRUST + "require = 1\n"}, "", "trust.require", "true or false"),
    ("an unknown internal", {TRUST: TRUST + 'internal = "google"\n'}, "", "trust.internal", "'exchange'"),
    ("no associates", {SMALL[SMALL.index("[[associates]]") :]: ""}, "", "associates", "at least one"),
    ("associates in one bracket", {SMALL[SMALL.index("[[associates]]") :]: '[associates]\nname = "Dana Lee"\n'}, "",
     "associates", "[[associates]]"),
    ("an associate without a name", {'name = "Ravi Patel"\n': ""}, "", "associates[2].name", "is needed"),
    ("an associate with an empty name", {"Ravi Patel": "."}, "", "associates[2].name", "must not be empty"),
    ("an associate without addresses", {'["ravi@clinic.test"]': "[]"}, "", "associates[2].emails", "at least one"),
    ("addresses in no list", {'["ravi@clinic.test"]': '"ravi@clinic.test"'}, "", "associates[2].emails", "a list"),
    ("an associate with a wrong address", {"ravi@clinic.test": "ravi@"}, "", "associates[2].emails[1]",
     "not a mail address"),
    ("one address of two associates", {"ravi@clinic.test": "DANA@clinic.test"}, "", "associates[2].emails[1]",
     "associates[1].emails[1]"),
    ("a wrong reminder", {}, '[cadence.noshow]\ncontact = ["5m", "ten"]', "cadence.noshow.contact", '"ten" is not'),
    ("reminders that are no list", {}, '[cadence.late]\ncontact = "5m"', "cadence.late.contact", "must be a list"),
    ("repeating without a pause", {}, '[cadence.noshow]\nrepeat = "0s"', "cadence.noshow.repeat", "at least 1s"),
    ("an endless escalation", {}, '[cadence.late]\nescalate = "99999999999d"', "cadence.late.escalate", "ten years"),
    ("no reminders a day", {}, "[cadence.late]\nmax_per_day = 0", "cadence.late.max_per_day", "1 or more"),
    ("reminders a day in quotes", {}, '[cadence.noshow]\nmax_per_day = "6"', "cadence.noshow.max_per_day", "number"),
    ("true reminders a day", {}, "[cadence.noshow]\nmax_per_day = true", "cadence.noshow.max_per_day", "number"),
    ("a wrong stepaway", {}, '[cadence.waiting]\nstepaway = "-5m"', "cadence.waiting.stepaway", "not a duration"),
    ("an unknown cadence", {}, '[cadence.no_show]\nescalate = "5m"', "cadence.no_show", "did you mean noshow?"),
    ("a key of another kind", {}, '[cadence.late]\nlead = "5m"', "cadence.late.lead", "unknown key"),
    ("cadence as a list", {}, "[[cadence]]\nlate = 1", "cadence", "must be a table"),
    ("25 o'clock", {}, '[quiet]\nfrom = "25:00"', "quiet.from", "time of day"),
    ("a time without quotes", {}, "[quiet]\nto = 08:00:00", "quiet.to", "in quotes"),
    ("an empty quiet time", {}, '[quiet]\nto = ""', "quiet.to", "time of day"),
    ("a wrong grace", {}, "[quiet]\ngrace = 60", "quiet.grace", "not a duration"),
    ("a wrong digest", {}, '[digest]\nat = "8.30"', "digest.at", "time of day"),
    ("missing templates", {}, '[letters]\ntemplates = "ours"', "letters.templates", "there is no folder"),
    ("a link in words", {}, '[letters]\nsms_link = "no"', "letters.sms_link", "true or false"),
    ("a wrong client name", {}, '[privacy]\nclient_name = "full"', "privacy.client_name", "'as_written'"),
    ("a wrong retention", {}, '[privacy]\nkeep_names = "1 month"', "privacy.keep_names", "not a duration"),
    ("another store", {}, '[store]\nurl = "postgresql://db/promptly"', "store.url", "is not a store"),
    ("a store without a folder", {}, '[store]\nurl = "tinydb:"', "store.url", "is not a store"),
    ("a board in the state's folder", {}, '[board]\nfile = "state/board.html"', "board.file", "for the state alone"),
    ("a board in a folder of it", {}, '[board]\nfile = "x/../state/x/b"', "board.file", "for the state alone"),
    ("a store among other things", {}, '[store]\nurl = "tinydb:."', "store.url", "holds other things"),
    ("health for the world", {}, '[health]\nlisten = "0.0.0.0:9464"', "health.listen", "on this machine"),
    ("health without a port", {}, '[health]\nlisten = "127.0.0.1"', "health.listen", "on this machine"),
    ("an unknown key", {MAILBOX: MAILBOX + 'handeld_folder = "Done"\n'}, "", "mailbox.handeld_folder",
     "did you mean handled_folder?"),
    ("a key of another table", {CLINIC: CLINIC + 'keep_names = "1d"\n'}, "", "clinic.keep_names",
     "belongs into [privacy]"),
    ("the lead below the associates", {}, 'lead = "lee@clinic.test"\n', "associates[2].lead", "belongs into [clinic]"),
    ("a port below trust", {TRUST: TRUST + "port = 993\n"}, "", "trust.port", "belongs into [mailbox] or [smtp]"),
    ("a key above all tables", {CLINIC: 'timezone = "America/Toronto"\n' + CLINIC}, "", "timezone",
     "belongs into [clinic]"),
    ("a table within another", {MAILBOX: '[clinic.quiet]\nfrom = "22:00"\n' + MAILBOX}, "", "clinic.quiet",
     "write [quiet]"),
    ("a kind's table at the top", {}, '[late]\nescalate = "5m"', "late", "write [cadence.late]"),
    ("the associates' table in the clinic's", {MAILBOX: '[[clinic.associates]]\nname = "Kim"\n' + MAILBOX}, "",
     "clinic.associates", "write [[associates]]"),
    ("a login by token at the top", {}, '[oauth2]\nprovider = "google"', "oauth2", "write [mailbox.oauth2] or"),
    ("quiet hours in two brackets", {}, '[[quiet]]\nfrom = "22:00"', "quiet", "write [quiet], in one bracket"),
    ("an offset for a zone", {"America/Toronto": "UTC-5"}, "", "clinic.timezone", "write a place"),
    ("another offset", {"America/Toronto": "GMT+01:00"}, "", "clinic.timezone", "write a place"),
    ("a bare offset", {"America/Toronto": "-05:00"}, "", "clinic.timezone", "write a place"),
    ("an accented domain of an associate", {"ravi@clinic.test": "ravi@sant\u00e9.test"}, "", "associates[2].emails[1]",
     '"ravi@xn--sant-epa.test"'),
    ("an accented name in an address", {"ravi@clinic.test": "zo\u00eb@clinic.test"}, "", "associates[2].emails[1]",
     "without accents"),
    ("an accented server", {"imap.clinic.test": "imap.sant\u00e9.test"}, "", "mailbox.host",
     '"imap.xn--sant-epa.test"'),
    ("two associates of one name", {"Ravi Patel": "dana  LEE"}, "", "associates[2].name",
     "stands already at associates[1].name"),
    ("an unknown key of an associate", {'name = "Ravi Patel"\n': 'name = "Ravi Patel"\nemail = "r@clinic.test"\n'}, "",
     "associates[2].email", "did you mean emails?"),
    ("an unknown section", {}, '[qiet]\nfrom = "21:00"', "qiet", "did you mean quiet?"),
    ("something else entirely", {}, "[pager]\nbanana = 1", "pager", "remove it"),
]  # fmt: skip


@each(("changes", "added", "key", "advice"), [row[1:] for row in ONE_FAULT])
def test_one_fault_is_named_in_full_with_what_to_do(
    write: Write, changes: dict[str, str], added: str, key: str, advice: str
) -> None:
    found = faults_of(write(changes, added))
    assert list(found) == [key]
    assert advice in found[key]


@each("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_password_file_that_others_can_read_or_write_is_a_fault(write: Write, tmp_path: Path, mode: int) -> None:
    (tmp_path / "password").chmod(mode)
    found = faults_of(write())
    assert set(found) == {"mailbox.password_file", "smtp.password_file"}
    assert "chmod 600" in found["mailbox.password_file"]


@each("content", [b"", b"\n", b" \r\n", b"one\ntwo\n", b"\xff\xfe", "one".encode("utf-16")])
def test_a_password_file_holds_one_line(write: Write, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "password").write_bytes(content)
    advice = faults_of(write())["mailbox.password_file"]
    assert "on one line" in advice
    assert ("is empty" in advice) == (not content.strip())


@each("content", ["\ufeffcorrect horse\r\n", "\ufeffcorrect horse", "\ncorrect horse\n\n"])
def test_what_editors_put_around_a_password_does_not_matter(write: Write, tmp_path: Path, content: str) -> None:
    (tmp_path / "password").write_text(content)
    assert load(write()).mailbox.password() == "correct horse"


@each("name", ["password", "mailbox.secret"])
def test_two_secrets_of_one_name_are_one_to_systemd(write: Write, tmp_path: Path, name: str) -> None:
    for folder in ("imap", "smtp"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).touch(mode=0o600)
        (tmp_path / folder / name).write_text("correct horse")
    imap, smtp = '"password"\n[smtp]', '"password"\n[trust]'
    found = faults_of(write({imap: f'"imap/{name}"\n[smtp]', smtp: f'"smtp/{name}"\n[trust]'}))
    assert list(found) == ["smtp.password_file"]
    assert "another file of this name stands at mailbox.password_file" in found["smtp.password_file"]
    assert load(write({imap: f'"imap/{name}"\n[smtp]', smtp: f'"imap/../imap/{name}"\n[trust]'}))


@each(
    ("lying", "other"),
    [
        (["open/budget.xlsx"], "open/budget.xlsx"),
        (["lock", "open/2026 fees.json", "README.md"], "open/2026 fees.json"),
        (["closed/fees/old.pdf"], "closed/fees"),
        (["backups/photos.tar"], "backups/photos.tar"),
        (["lost+found/#1311"], "lost+found/#1311"),
        (["archive/letter.txt"], "archive"),
        (["open"], "open"),
        (["open/", "empty/"], "empty"),
        ([], None),
        (["README.md"], None),
        (["lost+found/", "open/", "lock"], None),
        (["desk.json.broken", "alive.part", "archive", "open/K7Q2.json", "open/.K7Q2.json.swp"], None),
        (["closed/2026-11/K7Q2.json", "set-aside/K7Q2.2.json", "backups/2026-11-23-before-format-2/desk.json"], None),
        (["desk.json", "open/budget.xlsx", "notes.txt"], None),
    ],
)
def test_a_state_lies_in_a_folder_of_its_own(write: Write, tmp_path: Path, lying: list[str], other: str | None) -> None:
    path = write(added='[store]\nurl = "tinydb:there"\n')
    there = tmp_path / "there"
    there.mkdir()
    for name in lying:
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).mkdir(exist_ok=True) if name.endswith("/") else (there / name).touch()
    try:
        if other is None:
            assert load(path).store.url == f"tinydb:{there}"
        else:
            assert f"holds other things, such as {other}: " in faults_of(path)["store.url"]
    finally:
        shutil.rmtree(there)


@each("folder", ["INBOX.Promptly", "INBOX/Promptly", "Inbox handled", "Promptly", ""])
def test_a_folder_below_the_inbox_is_another(write: Write, folder: str) -> None:
    assert load(write({MAILBOX: f'{MAILBOX}handled_folder = "{folder}"\n'})).mailbox.handled_folder == folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_what_lies_where_this_user_may_not_look_is_a_fault_and_no_traceback(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the service is, whose user systemd makes."""
    closed = tmp_path / "closed"
    (closed / "ours").mkdir(parents=True)
    (closed / "password").write_text("correct horse")
    closed.chmod(0o700)
    for path in (tmp_path, *(path for path in tmp_path.parents if path.stat().st_uid == 0 and path != Path("/"))):
        path.chmod(path.stat().st_mode | 0o011)
    (tmp_path / "password").chmod(0o600)
    os.chown(tmp_path / "password", 65534, 65534)
    closed_store = write(added='[store]\nurl = "tinydb:closed/state"\n').rename(tmp_path / "store.toml")
    config = write(
        {MAILBOX: f'{MAILBOX}ca_file = "closed/ca.pem"\n', '"password"\n[smtp]': '"closed/imap"\n[smtp]'},
        '[letters]\ntemplates = "closed/ours"\n[store]\nurl = "tinydb:closed/state"\n',
    )
    os.seteuid(65534)
    try:
        found = faults_of(config)
        assert set(found) == {"mailbox.ca_file", "mailbox.password_file", "letters.templates"}
        assert all("Permission denied" in advice for advice in found.values())
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(closed))
        found = faults_of(config)
        assert f"LoadCredential=imap:{closed}/imap" in found["mailbox.password_file"]
        assert f"LoadCredential=password:{tmp_path}/password" in found["smtp.password_file"]
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        for words in (["status"], ["purge", "--yes"], ["report"], ["restore", "2026-11-05"]):
            assert daemon.main([*words, "--config", str(closed_store)]) == 4
            assert "store.url: " in capsys.readouterr().err
    finally:
        os.seteuid(0)


def test_rehearsal_is_for_loopback_hosts(write: Write) -> None:
    found = faults_of(write(), rehearsal=True)
    assert set(found) == {"mailbox.host", "smtp.host"}
    assert "--speed" in found["mailbox.host"]


# --- no configuration at all ------------------------------------------------------------------------------


def test_a_missing_file_says_where_to_begin(tmp_path: Path) -> None:
    found = faults_of(tmp_path / "nothing.toml")
    assert list(found) == [str(tmp_path / "nothing.toml")]
    assert "config.example.toml" in found[str(tmp_path / "nothing.toml")]


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    assert "can't be read" in faults_of(tmp_path)[str(tmp_path)]


@each(
    ("text", "line", "what"),
    [
        ('[clinic]\nname = "Riverside\n', "line 2", "mark at the end of the text is missing"),
        ("[clinic]\nname = 'Riverside\n", "line 2", "mark at the end of the text is missing"),
        ("[clinic]\nname = Riverside\n", "line 2", 'in quotes: write name = "Riverside"'),
        ("[clinic]\nsession = 50m  # long\n", "line 2", 'in quotes: write session = "50m"'),
        ("[digest]\nat = 08:30\n", "line 2", 'in quotes: write at = "08:30"'),
        ("[mailbox]\nport = 993,\n", "line 2", "the number alone"),
        ("[mailbox]\nport =\n", "line 2", "nothing behind port"),
        ("[mailbox]\nport =", "line 2", "nothing behind port"),
        ("[clinic]\nname = \u201cRiverside\u201d\n", "line 2", "curly quotes"),
        ('[clinic]\nname = "Riverside\u201d\n', "line 2", "curly quotes"),
        ("[clinic]\nname = \u2018Riverside\u2019\n", "line 2", "curly quotes"),
        ("[clinic]\nname = \u201eRiverside\u201c\n", "line 2", "curly quotes"),
        ('[clinic]\nadmins = ["a@clinic.test", \u201cb@clinic.test\u201d]\n', "line 2", "curly quotes"),
        ('[clinic]\nname = "Alex\u2019s clinic\n', "line 2", "mark at the end of the text is missing"),
        ("[mailbox]\nshared = True\n", "line 2", "write shared = true,"),
        ("[mailbox]\nshared = yes\n", "line 2", "write shared = true,"),
        ("[trust]\nrequire = No  # not yet\n", "line 2", "write require = false,"),
        ("[trust]\nrequire = FALSE", "line 2", "write require = false,"),
        ("[clinic]\nadmins = [a@clinic.test]\n", "line 2", "each item of a list stands in quotes"),
        ('[clinic]\nadmins = ["a@clinic.test" "b@clinic.test"]\n', "line 2", "a comma is missing"),
        ('[clinic]\nadmins = ["a@clinic.test",\nname = "Riverside"\n', "line 3", "a list"),
        ('[mailbox]\nusername = "CLINIC\\dana"\n', "line 2", "single ones"),
        ('[mailbox]\nusername = "CLINIC\\Una"\n', "line 2", "single ones"),
        ('[clinic]\nname: "Riverside"\n', "line 2", "equals sign"),
        ("[clinic]\nour clinic\n", "line 2", "equals sign"),
        ("[clinic]\n[clinic]\n", "line 2", "[clinic] stands twice"),
        ("[cadence.late]\n[cadence.late]\n", "line 2", "[cadence.late] stands twice"),
        (
            '[associates]\nname = "Dana"\n[associates]\nname = "Ravi"\n',
            "line 3",
            "write [[associates]], in two brackets",
        ),
        ('[[associates]]\nname = "Dana"\n[associates]\nname = "Ravi"\n', "line 3", "write [[associates]], in two"),
        ('[associates]\nname = "Dana"\n[[associates]]\nname = "Ravi"\n', "line 3", "write [[associates]], in two"),
        ('[[associates]]\nname = "Dana"\nname = "Ravi"\n', "line 3", "write [[associates]] above it"),
        ("[clinic", "line 1", "in brackets"),
        ("[[clinic]\n", "line 1", "in brackets"),
        ("[clinic]\n\nname = 'Clinique \udce9'\n", "line 3", "UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_says_where(tmp_path: Path, text: str, line: str, what: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    found = faults_of(path)
    assert list(found) == [line]
    assert what in found[line]


def test_an_empty_file_names_every_key_that_is_needed(write: Write) -> None:
    assert list(faults_of(write(text=""))) == [
        *("clinic.name", "clinic.timezone", "clinic.admins"),
        *("mailbox.password_file", "mailbox.host", "mailbox.address"),
        *("smtp.host", "trust.authserv_id", "associates"),
    ]


# --- all at once ------------------------------------------------------------------------------------------

FAULTY = """
[clinic]
name = ""
timezone = "Tronto"
admins = ["clinic@clinic.test"]
colour = "blue"
[mailbox]
address = "clinic@clinic.test"
host = "imap.clinic.test"
port = "993"
security = "none"
password_file = "open"
[smtp]
host = "smtp.clinic.test"
security = "none"
username = "clinic@clinic.test"
password_env = "NOT_SET_AT_ALL"
ca_file = "gone.pem"
[trust]
require = true
[[associates]]
name = "Dana Lee"
emails = ["dana@clinic.test"]
[[associates]]
name = ""
emails = ["dana@clinic.test", "clinic@clinic.test"]
[cadence.noshow]
contact = ["5 minutes"]
[quiet]
from = "late"
[health]
listen = "192.0.2.1:80"
"""


def test_every_fault_is_listed_at_once_in_the_order_of_the_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "open").write_text("correct horse")
    (tmp_path / "open").chmod(0o644)

    found = faults_of(write(text=FAULTY), rehearsal=True)

    assert set(found) == {
        *("clinic.name", "clinic.timezone", "clinic.admins[1]", "clinic.colour"),
        *("mailbox.port", "mailbox.security", "mailbox.password_file", "mailbox.host"),
        *("smtp.security", "smtp.host", "smtp.password_env", "smtp.ca_file"),
        "trust.authserv_id",
        *("associates[2].name", "associates[2].emails[1]", "associates[2].emails[2]"),
        *("cadence.noshow.contact", "quiet.from", "health.listen"),
    }
    sections = [key.partition(".")[0].partition("[")[0] for key in found]
    order = ["clinic", "mailbox", "smtp", "trust", "associates", "cadence", "quiet", "health"]
    assert sections == sorted(sections, key=order.index)


def test_the_text_for_the_terminal_has_a_line_each_and_no_password(write: Write, tmp_path: Path) -> None:
    (tmp_path / "password").chmod(0o644)
    path = write({"America/Toronto": "Toronto"})
    with pytest.raises(Faults) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}: 3 faults"
    assert [line.split(":")[0].strip() for line in lines[1:]] == list(caught.value.keys)
    assert "correct horse" not in str(caught.value)


def test_what_may_go_to_a_log_holds_no_address(write: Write) -> None:
    with pytest.raises(Faults) as caught:
        load(write({"ravi@clinic.test": "ravi@"}))
    assert caught.value.keys == ("associates[2].emails[1]",)


# --- the grammar of values -----------------------------------------------------------------------------------


def test_durations() -> None:
    read = [read_duration(text) for text in ("90s", "5m", "2h", "1d", "60m")]
    assert read == [timedelta(seconds=90), 5 * MINUTE, 120 * MINUTE, timedelta(days=1), 60 * MINUTE]
    for wrong in ("5", "5 m", "m", "1.5h", "5M", "-5m", "5m30s", "", "٥m", 5, True, None, ["5m"]):
        with pytest.raises(ValueError, match="duration"):
            read_duration(wrong)


def test_sizes() -> None:
    assert [read_size(text) for text in ("5MB", "300KB", "1 gb")] == [5_000_000, 300_000, 1_000_000_000]
    for wrong in ("5", "MB", "5MiB", "-1MB", "0KB", 5_000_000):
        with pytest.raises(ValueError, match="size"):
            read_size(wrong)


def test_times_of_day() -> None:
    assert [read_time(text) for text in ("21:00", "08:30", "9:05", "00:00")] == [
        *(time(21), time(8, 30), time(9, 5), time(0)),
    ]
    for wrong in ("24:00", "9", "9:5", "21.00", "9pm", 900, time(9)):
        with pytest.raises(ValueError, match="time of day"):
            read_time(wrong)


@each(
    ("text", "person"),
    [
        ("Front Desk <admin@clinic.test>", Person("Front Desk", ("admin@clinic.test",))),
        ('"Desk, Front" <admin@clinic.test>', Person("Desk, Front", ("admin@clinic.test",))),
        ("admin@clinic.test", Person("admin", ("admin@clinic.test",))),
        ("<Admin@Clinic.test>", Person("admin", ("admin@clinic.test",))),
        ("Zoë O'Neil-Frank <zoe+desk@clinic.test>", Person("Zoë O'Neil-Frank", ("zoe+desk@clinic.test",))),
    ],
)
def test_people(text: str, person: Person) -> None:
    assert read_person(text) == person


@each(
    "text",
    [
        *("", "Alex", "a@b@c.test", "a b@clinic.test", "a..b@clinic.test", "a@-", "x" * 250 + "@clinic.test"),
        *("a@clinic.test, b@clinic.test", "<a@clinic.test", "Alex <a@clinic.test> x", "a@clinic.test\r\nBcc: x@y.test"),
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="mail address"):
        read_person(text)


def test_loopback_is_told_without_a_name_server() -> None:
    assert all(is_loopback(host) for host in ("localhost", "LOCALHOST", "127.0.0.1", "127.255.0.9", "::1"))
    assert not any(is_loopback(host) for host in ("clinic.test", "10.0.0.1", "0.0.0.0", "", "127.0.0.1.evil.test"))
