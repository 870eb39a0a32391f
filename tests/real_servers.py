"""Debian's Dovecot and Postfix, started privately: a clinic's real mail server on loopback, gone after the tests.

Nothing of the machine's own configuration is read or changed, no fixed port is used, and no mail can leave the
machine. Both servers must be started by root; they give up their rights by themselves, as in a clinic.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gzip
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from types import TracebackType
from typing import Self

import aiosmtplib
import pytest

from tests.certificates import certify

HOST = "127.0.0.1"
DOMAIN = "clinic.test"
USERS = tuple(f"{name}@{DOMAIN}" for name in ("clinic", "dana", "ravi", "admin", "pat", "lead"))
BOUNCING = f"gone@{DOMAIN}"
"""Postfix takes mail for it, Dovecot does not: a real bounce comes back."""
ABSENT = "Debian's dovecot and postfix are not installed: apt-get install dovecot-imapd dovecot-lmtpd postfix"
NOT_ROOT = "Dovecot and Postfix can be started by root alone: run the tests as root, in a container for example"

_DOVECOT = Path("/usr/sbin/dovecot")
_POSTFIX = Path("/usr/lib/postfix/sbin")
_LMTP = Path("/usr/lib/dovecot/lmtp")
_WAIT = 15.0
"""Seconds until a server that does not answer counts as broken; they need well under one."""


def missing() -> str | None:
    """Why the real servers can't be started here, or None."""
    if not (_DOVECOT.exists() and _LMTP.exists() and (_POSTFIX / "master").exists()):
        return ABSENT
    return None if os.geteuid() == 0 else NOT_ROOT


@pytest.fixture(scope="session")
def real_servers() -> Iterator[RealServers]:
    """One pair of servers for all tests. Skips without them, unless REQUIRE_REAL_SERVERS=1 makes that a failure."""
    if reason := missing():
        if os.environ.get("REQUIRE_REAL_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with RealServers() as servers:
        yield servers


class RealServers:
    """A private Dovecot (IMAP, LMTP) and Postfix (incoming and submission) for ``clinic.test``, while entered."""

    def __init__(self) -> None:
        self.host = HOST
        self.users = USERS
        self.passwords: Mapping[str, str] = {user: f"word of {user}" for user in USERS}
        self.imap_port, self.imap_starttls_port, self.smtp_port, self.smtp_submission_port, self.smtp_tls_port = (
            _free_ports(5)
        )
        self.folder = Path()
        self._imap: subprocess.Popen[bytes] | None = None
        self._smtp: subprocess.Popen[bytes] | None = None
        self._emptied = 0

    def __enter__(self) -> Self:
        # Not a folder of pytest's: the servers' own users must reach it, and a socket's path holds 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="promptly-"))
        self.folder.chmod(0o755)
        try:
            certify(self.folder)
            self._lay_out()
            self.start_imap()
            self.start_smtp()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.ExitStack() as at_last:
            at_last.callback(shutil.rmtree, self.folder, ignore_errors=True)
            at_last.callback(self.stop_imap)
            at_last.callback(self.stop_smtp)

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that signed the servers' certificate for 127.0.0.1 and localhost."""
        return self.folder / "ca.pem"

    @property
    def tls(self) -> ssl.SSLContext:
        """A context that trusts these servers and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    # --- up and down ---------------------------------------------------------------------------------

    def start_imap(self) -> None:
        """Dovecot is up and greets when this returns. RuntimeError with its log when it does not come up."""
        self._imap = _start([str(_DOVECOT), "-F", "-c", str(self.folder / "dovecot.conf")])
        self._await(self._imap, self.imap_starttls_port, b"* OK", "dovecot.log")

    def stop_imap(self) -> None:
        """Dovecot is gone when this returns, with every connection to it."""
        _stop(self._imap)
        self._imap = None

    def start_smtp(self) -> None:
        """Postfix is up and greets when this returns; what was in its queue is still there."""
        self._smtp = _start([str(_POSTFIX / "master"), "-c", str(self.folder / "postfix"), "-d"])
        self._await(self._smtp, self.smtp_port, b"220 ", "postfix.log")

    def stop_smtp(self) -> None:
        """Postfix is gone when this returns, with every connection to it."""
        _stop(self._smtp)
        self._smtp = None

    def change_smtp(self, *settings: str) -> None:
        """Postfix goes on with these lines of main.cf beside its own; without any, as at first."""
        self.stop_smtp()
        self._write_main_cf(*settings)
        self.start_smtp()

    def _write_main_cf(self, *settings: str) -> None:
        main_cf = self.folder / "postfix" / "main.cf"
        main_cf.write_text(self.main_cf() + "".join(f"{line}\n" for line in settings))
        # Postfix waits for two seconds with a file that is just being written.
        os.utime(main_cf, (0, 0))

    def _await(self, server: subprocess.Popen[bytes], port: int, greeting: bytes, log: str) -> None:
        deadline = time.monotonic() + _WAIT
        while not _greets(port, greeting):
            if server.poll() is not None or time.monotonic() > deadline:
                said = self.folder / log
                raise RuntimeError(f"no server came up; {log} says: {said.read_text() if said.exists() else 'nothing'}")
            time.sleep(0.01)

    # --- mail ----------------------------------------------------------------------------------------

    async def send(
        self, sender: str, to: str, subject: str, text: str, headers: Mapping[str, str] | None = None
    ) -> str:
        """Hand a mail to Postfix and answer its Message-ID, which ``headers`` may set.

        One of our users submits with TLS and login; anybody else comes in from outside, without.
        """
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Date"] = format_datetime(dt.datetime.fromtimestamp(time.time(), dt.UTC))
        mail["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
        for name, value in (headers or {}).items():
            del mail[name]
            mail[name] = value
        mail.set_content(text)
        await self.send_raw(sender, to, mail.as_bytes())
        return str(mail["Message-ID"])

    async def send_raw(self, sender: str, to: str, raw: bytes) -> None:
        """The same with the bytes of a whole mail, however broken."""
        password = self.passwords.get(sender)
        await aiosmtplib.send(
            raw,
            sender=sender,
            recipients=[to],
            hostname=HOST,
            port=self.smtp_submission_port if password else self.smtp_port,
            start_tls=bool(password),
            username=sender if password else None,
            password=password,
            tls_context=self.tls,
        )

    def messages(self, address: str, folder: str = "INBOX") -> list[EmailMessage]:
        """What lies in a user's folder, in the order of delivery; [] without such a folder. Reads the Maildir."""
        place = self._maildir(address) / ("" if folder == "INBOX" else f".{folder}")
        files = sorted((file for part in ("new", "cur") for file in place.glob(f"{part}/*")), key=_delivered)
        found = []
        for file in files:
            with contextlib.suppress(FileNotFoundError):  # moved by Dovecot while we look
                found.append(message_from_bytes(file.read_bytes(), policy=policy.default))
        return found

    async def arrived(self, address: str, subject: str, folder: str = "INBOX", within: float = 10.0) -> EmailMessage:
        """The first mail with this in its subject, as soon as it lies there. TimeoutError after ``within`` seconds."""
        async with asyncio.timeout(within):
            while True:
                for mail in self.messages(address, folder):
                    if subject in str(mail["Subject"]):
                        return mail
                await asyncio.sleep(0.02)

    def harm(self, address: str, how: str) -> None:
        """Make the only mail in a user's folder one that Dovecot cannot hand out."""
        (file,) = (file for part in ("new", "cur") for file in (self._maildir(address) / part).iterdir())
        match how:
            case "no right to read":
                file.chmod(0)
            case "a false size":
                file.rename(file.with_name(re.sub(r"S=\d+", "S=10", file.name)))
            case "cut short":
                file.write_bytes(gzip.compress(file.read_bytes())[:200])

    def renumber(self, address: str) -> None:
        """Dovecot forgets its numbers, but for UIDVALIDITY. For between `stop_imap` and `start_imap`."""
        folder = self._maildir(address)
        numbers = folder / "dovecot-uidlist"
        first = numbers.read_text().splitlines()[0]
        numbers.write_text(re.sub(r" N\d+", " N1", first) + "\n")
        for index in folder.glob("dovecot.index*"):
            index.unlink()
        for file in [*folder.glob("new/*"), *folder.glob("cur/*")]:
            file.unlink()

    def empty(self) -> None:
        """Every mailbox is as on the first day, UIDVALIDITY included. For between tests: with nobody logged in.

        The old ones are moved aside: ext4 without a journal looks past each file that was deleted in the last minutes,
        whenever it makes one, and figures taken after thousands of deletions would say so of themselves.
        """
        self._emptied += 1
        for user in USERS:
            with contextlib.suppress(FileNotFoundError):
                self._maildir(user).rename(self.folder / f"{user}.{self._emptied}")

    def _maildir(self, address: str) -> Path:
        return self.folder / "mail" / address

    # --- configuration -------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        """The folders and files of both servers, with the owners that they insist on."""
        postfix, nobody = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
        mail = self.folder / "mail"
        mail.mkdir()
        os.chown(mail, nobody.pw_uid, nobody.pw_gid)
        (self.folder / "users").write_text(
            "".join(f"{user}:{{PLAIN}}{word}\n" for user, word in self.passwords.items())
        )
        (self.folder / "dovecot.conf").write_text(self.dovecot_conf(nobody))

        queue, data = self.folder / "queue", self.folder / "data"
        queue.mkdir()
        (queue / "pid").mkdir()
        for name in (*_QUEUES, "private", "public"):
            (queue / name).mkdir()
            (queue / name).chmod(0o710 if name == "public" else 0o700)
            os.chown(queue / name, postfix.pw_uid, -1)
        data.mkdir()
        os.chown(data, postfix.pw_uid, -1)
        (self.folder / "postfix").mkdir()
        self._write_main_cf()
        (self.folder / "postfix" / "master.cf").write_text(self._master_cf())

    def dovecot_conf(self, owner: pwd.struct_passwd) -> str:
        here = self.folder
        return f"""
base_dir = {here}/run
state_dir = {here}/run
instance_name = promptly-tests
log_path = {here}/dovecot.log
protocols = imap lmtp
listen = {HOST}
ssl = yes
ssl_cert = <{here}/server.pem
ssl_key = <{here}/server.key
# A wrong password is answered at once, and the next one, too: nobody guesses here.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_max_userip_connections = 100
mail_location = maildir:{here}/mail/%u
mail_plugins = zlib
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = username_format=%u {here}/users
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={here}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap_starttls_port}
  }}
  inet_listener imaps {{
    port = {self.imap_port}
    ssl = yes
  }}
}}
service lmtp {{
  unix_listener {here}/queue/private/dovecot-lmtp {{
    mode = 0600
    user = postfix
  }}
}}
service auth {{
  unix_listener {here}/queue/private/dovecot-auth {{
    mode = 0600
    user = postfix
  }}
}}
"""

    def main_cf(self) -> str:
        here = self.folder
        return f"""
compatibility_level = 3.6
config_directory = {here}/postfix
queue_directory = {here}/queue
data_directory = {here}/data
daemon_directory = {_POSTFIX}
maillog_file = {here}/postfix.log
maillog_file_prefixes = {here}
myhostname = mx.{DOMAIN}
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_maps = inline:{{ {", ".join(f"{user}=here" for user in (*USERS, BOUNCING))} }}
virtual_transport = lmtp:unix:private/dovecot-lmtp
# No mail leaves this machine, and nobody is looked up.
default_transport = error:5.1.2 these tests know clinic.test alone
relay_transport = $default_transport
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_tls_cert_file = {here}/server.pem
smtpd_tls_key_file = {here}/server.key
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/dovecot-auth
smtpd_relay_restrictions = reject_unauth_destination
smtpd_error_sleep_time = 0
submission_filter =
message_size_limit = 30000000
# What Dovecot did not take goes again at once when it is back.
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
"""

    def _master_cf(self) -> str:
        login = "\n".join(
            f"  -o {option}"
            for option in (
                "smtpd_sasl_auth_enable=yes",
                "smtpd_tls_auth_only=yes",
                "smtpd_relay_restrictions=permit_sasl_authenticated,reject",
                "smtpd_proxy_filter=$submission_filter",
            )
        )
        # No service is chrooted (the fifth column): the certificates and Dovecot's sockets are outside.
        # The queue manager is woken each second: a mail that it retries while the last attempt still holds it goes back
        # to `incoming`, where it would lie until the next mail comes, or for the usual five minutes.
        return f"""
{HOST}:{self.smtp_port} inet n - n - - smtpd
{HOST}:{self.smtp_submission_port} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
{login}
{HOST}:{self.smtp_tls_port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
{login}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


_QUEUES = (
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "maildrop",
    "saved",
    "trace",
)


def _delivered(file: Path) -> tuple[int, ...]:
    """What a Maildir's file is sorted by: the seconds and microseconds in its name, which Dovecot does not pad."""
    return tuple(int(number) for number in re.findall(r"\d+", file.name.partition("P")[0]))


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    # A session of its own: Postfix ends its whole process group, which must not be ours.
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _stop(server: subprocess.Popen[bytes] | None) -> None:
    if server is None:
        return
    server.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(_WAIT)
    # Whatever is left of the group that it led: itself, or a child that did not hear the end.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _greets(port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            return connection.recv(100).startswith(greeting)
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different: they are held together before they are let go."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]
