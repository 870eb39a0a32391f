"""Logins by access token to Debian's Dovecot (IMAP) and Postfix (submission), which ask the provider about each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from pwd import struct_passwd

import pytest

from tests.daemon_process import Daemon, configure, letter
from tests.real_servers import RealServers, missing
from tests.token_endpoint import SECRET, TokenEndpoint, endpoint

__all__ = ["endpoint"]

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ADMIN = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"


class ServersWithTokens(RealServers):
    """Dovecot takes tokens beside passwords, for itself and for Postfix; the provider judges each (RFC 7662)."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def dovecot_conf(self, owner: struct_passwd) -> str:
        shutil.copy(self._endpoint.ca_file, self.folder / "provider.pem")  # where the servers' users can read it
        (self.folder / "oauth2.conf").write_text(f"""
introspection_mode = post
introspection_url = {self._endpoint.url}/introspect
force_introspection = yes
username_attribute = username
active_attribute = active
active_value = true
tls_ca_cert_file = {self.folder}/provider.pem
""")
        return f"""{super().dovecot_conf(owner)}
auth_mechanisms = plain xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {self.folder}/oauth2.conf
}}
"""


@pytest.fixture
def servers(endpoint: TokenEndpoint) -> Iterator[RealServers]:
    if reason := missing():
        pytest.skip(reason)
    with ServersWithTokens(endpoint) as servers:
        yield servers


def configured(folder: Path, servers: RealServers, endpoint: TokenEndpoint) -> Path:
    """Without any password."""
    folder.mkdir()
    config = configure(folder, servers, endpoint.section("mailbox", folder) + endpoint.section("smtp", folder))
    config.write_text(config.read_text().replace('password_file = "password"\n', ""))
    (folder / "password").unlink()
    return config


async def reports(servers: RealServers, client: str, nth: int) -> None:
    await servers.send(DANA, CLINIC, f"NOSHOW {client}", "")
    await letter(servers, DANA, "draft", nth)
    await letter(servers, ADMIN, "alert", nth)
    await servers.arrived(CLINIC, f"NOSHOW {client}", "Promptly")


async def test_a_clinic_without_passwords(servers: RealServers, endpoint: TokenEndpoint, tmp_path: Path) -> None:
    async with Daemon(configured(tmp_path / "clinic", servers, endpoint)) as daemon:
        await reports(servers, "Anna", 1)
        assert len(endpoint.given) == 2
        endpoint.take_back()
        servers.stop_imap()  # and with it what Postfix asks
        servers.start_imap()
        servers.stop_smtp()
        servers.start_smtp()
        await daemon.logs("mailbox connected")
        await reports(servers, "Bea", 2)
        assert len(endpoint.given) == 4
    log = str(daemon.log)
    assert not any(secret in log for secret in (SECRET, *endpoint.given, DANA))


async def test_a_token_that_dovecot_refuses_is_a_refused_login_until_it_takes_one(
    servers: RealServers, endpoint: TokenEndpoint, tmp_path: Path
) -> None:
    config = configured(tmp_path / "clinic", servers, endpoint)
    async with Daemon(config) as daemon:
        endpoint.mailbox = DANA
        servers.stop_imap()
        servers.start_imap()
        while (lost := await daemon.logs("mailbox lost"))["reason"] != "refused-login":
            pass
        assert lost["detail"] == "the server refuses the access token for this mailbox"
        endpoint.mailbox = CLINIC
        await daemon.logs("mailbox connected")
        await reports(servers, "Anna", 1)
