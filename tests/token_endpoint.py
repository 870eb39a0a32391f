"""Where access tokens come from, in tests: a provider on loopback that answers as Microsoft's and Google's do.

It can refuse, fail, hang, and take back what it gave. Mail servers ask it, too, whether a token opens a mailbox: the
embedded one by `opens`, Dovecot by introspection (RFC 7662). TLS alone, since msal speaks nothing else.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.certificates import certify
from workflow.config.keys import OAuth2
from workflow.mail.tokens import Tokens

__all__ = ["TokenEndpoint", "endpoint", "tokens"]

TENANT = "riverside.test"
CLIENT = "11111111-2222-3333-4444-555555555555"
SECRET = "a secret of the program"
REFRESH = "1//a refresh token"
ACCOUNT = "promptly@project.iam.gserviceaccount.com"
LONG = 1800
"""Characters of a token; Microsoft's have about so many."""


class TokenEndpoint:
    """A provider that knows one program, while entered. Its tokens open the mailbox of `mailbox` alone."""

    def __init__(self, folder: Path, mailbox: str = "clinic@clinic.test") -> None:
        self.mailbox = mailbox
        self.ca_file = folder / "ca.pem"
        self.lifetime = 3600
        """Seconds, as told with each token."""
        self.secret = SECRET
        self.asked: list[dict[str, str]] = []
        """Each request for a token, as it came."""
        self.given: list[str] = []
        self.introspected = 0
        self.hanging = 0
        """Requests that wait for `resume`."""
        self._good: set[str] = set()
        self._refusal: tuple[int, dict[str, object]] | None = None
        self._flowing = threading.Event()
        self._flowing.set()
        self._numbers = count(1)
        if not self.ca_file.exists():
            certify(folder)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume()
        self.down()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def section(self, name: str, folder: Path, **changes: str) -> str:
        """`[mailbox.oauth2]` or `[smtp.oauth2]` of a configuration in `folder`, with the secret beside it."""
        secret = folder / "client.secret"
        if not secret.exists():
            secret.write_text(self.secret)
            secret.chmod(0o600)
        keys = {
            "provider": "microsoft",
            "tenant": TENANT,
            "client_id": CLIENT,
            "client_secret_file": "client.secret",
            "authority": self.url,
            "ca_file": str(self.ca_file),
        }
        lines = [f'{key} = "{value}"' for key, value in (keys | changes).items()]
        return "\n".join([f"[{name}.oauth2]", *lines, ""])

    # --- what servers ask ----------------------------------------------------------------------------------

    def opens(self, address: str, token: str) -> bool:
        """Whether this token is good for this mailbox now."""
        return token in self._good and address == self.mailbox

    # --- trouble -------------------------------------------------------------------------------------------

    def take_back(self) -> None:
        """No token given so far opens anything."""
        self._good.clear()

    def refuse(self, error: str, number: int | None = None, status: int = 400) -> None:
        """Answer so instead of giving a token, until `accept`. `number` is Microsoft's."""
        said: dict[str, object] = {"error": error, "error_description": f"because of {SECRET}"}
        if number is not None:
            said["error_codes"] = [number]
        self._refusal = status, said

    def accept(self) -> None:
        self._refusal = None

    def hang(self) -> None:
        """Take requests and answer none, until `resume`."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def down(self) -> None:
        """Nobody listens."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def up(self) -> None:
        """Listen again, on the same port."""
        endpoint = self

        class Answers(_Answers):
            provider = endpoint

        self._server = _Server(("127.0.0.1", self.port), Answers)
        self.port = self._server.server_port
        self._server.socket = self._tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    # --- what it answers -----------------------------------------------------------------------------------

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Status and JSON."""
        if not self._flowing.is_set():
            self.hanging += 1
            self._flowing.wait()
        if path == "/introspect":
            self.introspected += 1
            good = form.get("token") in self._good
            return 200, {"active": good, "username": self.mailbox} if good else {"active": False}
        if self._refusal is not None and self._refusal[0] >= 500:
            return self._refusal
        if path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            own = f"{self.url}/{TENANT}"
            return 200, {
                "issuer": f"{own}/v2.0",
                "authorization_endpoint": f"{own}/oauth2/v2.0/authorize",
                "token_endpoint": f"{own}/oauth2/v2.0/token",
            }
        if path not in (f"/{TENANT}/oauth2/v2.0/token", "/token"):
            return 400, {"error": "invalid_tenant"}
        self.asked.append(form)
        if self._refusal is not None:
            return self._refusal
        if not self._knows(form):
            return 401, {"error": "invalid_client", "error_codes": [7000215]}
        token = f"token-{next(self._numbers)}-".ljust(LONG, "x")
        self.given.append(token)
        self._good.add(token)
        return 200, {"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token}

    def _knows(self, form: dict[str, str]) -> bool:
        match form.get("grant_type"):
            case "client_credentials":
                proven = form.get("client_secret") == self.secret or "client_assertion" in form
            case "refresh_token":
                proven = (form.get("client_secret"), form.get("refresh_token")) == (self.secret, REFRESH)
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                return self._delegates(form["assertion"])
            case _:
                proven = False
        return proven and form.get("client_id") == CLIENT

    @cached_property
    def account(self) -> rsa.RSAPrivateKey:
        """The key of the service account `ACCOUNT`."""
        return rsa.generate_private_key(65_537, 2048)

    def account_file(self, folder: Path) -> Path:
        """That key as Google hands it out."""
        pem = self.account.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = {
            "type": "service_account",
            "client_email": ACCOUNT,
            "private_key": pem.decode(),
            "token_uri": "https://x/",
        }
        path = folder / "account.json"
        path.write_text(json.dumps(key))
        path.chmod(0o600)
        return path

    def _delegates(self, assertion: str) -> bool:
        said = jwt.decode(assertion, self.account.public_key(), ["RS256"], options={"verify_aud": False})
        asked = (said["iss"], said["sub"], said["scope"])
        return asked == (ACCOUNT, self.mailbox, "https://mail.google.com/")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up in the middle is a client that gave up."""


class _Answers(BaseHTTPRequestHandler):
    provider: TokenEndpoint

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._answer({name: values[0] for name, values in parse_qs(said).items()})

    def _answer(self, form: dict[str, str]) -> None:
        status, said = self.provider.answer(urlsplit(self.path).path, form)
        body = json.dumps(said).encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to the terminal."""


# --- for tests -------------------------------------------------------------------------------------------

HANG = 0.3
"""Seconds that a token may take here."""

MakeTokens = Callable[..., Tokens]


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[TokenEndpoint]:
    with TokenEndpoint(tmp_path) as endpoint:
        yield endpoint


@pytest.fixture
def tokens(endpoint: TokenEndpoint, tmp_path: Path) -> MakeTokens:
    """Makes the tokens of a login, by Microsoft unless told otherwise. Its secret lies in ``client.secret``."""
    (tmp_path / "client.secret").write_text(SECRET)
    (tmp_path / "refresh.token").write_text(REFRESH)

    def make(provider: str = "microsoft", timeout: float = 10.0, **changes: object) -> Tokens:
        keys = {
            "provider": provider,
            "client_id": CLIENT,
            "client_secret_file": "client.secret",
            "tenant": TENANT,
            "refresh_token_file": "refresh.token",
            "scope": "https://mail.test/.default" if provider == "microsoft" else "",
            "authority": endpoint.url,
            "token_url": f"{endpoint.url}/token",
            "ca_file": str(endpoint.ca_file),
        }
        usual = OAuth2.model_validate(keys, context={"base": tmp_path})
        return Tokens(usual.model_copy(update=changes), "clinic@clinic.test", timeout)

    return make
