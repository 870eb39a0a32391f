"""Access tokens, for mail providers that take no passwords (contract section 6, `oauth2`).

Microsoft 365 by msal, the program as itself (client credentials, RFC 6749, 4.4); Google by google-auth, with a refresh
token (RFC 6749, 6), or as a service account in the mailbox's name (RFC 7523, 2.1). Here a token is had, and kept while
it is good; each `session` says it to its server.
Which keys there are is `config.keys`; what an operator does at the provider is docs/oauth2.md.

Both libraries block, and may do so for long. So they run on threads that nobody waits for beyond a limit, and that
hold up neither the loop nor the end of the process. They are an extra (``.[oauth]``), and are imported at the first
token, since they take 0.2 s and 8 MB.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from workflow.config.keys import ImapServer, OAuth2, SmtpServer

if TYPE_CHECKING:
    import requests

# They log what providers answer, at times whole (contract 8.7); a child logger without a level has its parent's.
for _library in ("msal", "google.auth", "google.oauth2", "urllib3", "requests"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)

ANSWER_MOST = 10.0
"""Seconds for one answer of the provider, which takes less than one."""

UNAVAILABLE = frozenset({"temporarily_unavailable", "server_error", "internal_failure", "slow_down"})
"""Errors that are no judgement on us (RFC 6749, 4.1.2.1; the last two are Google's and RFC 8628's)."""

_GOOGLE_MAIL = "https://mail.google.com/"
"""The scope of IMAP and SMTP at Google."""

_ERROR_NAME = re.compile(r"[a-z_]{1,40}")
"""What RFC 6749, 5.2 calls an error; anything else a provider says stays out of the log."""

Source = Callable[[], str]
"""Gives a token that is good for some minutes at least, from memory or from the provider. Raises `TokenError`."""


def xoauth2(name: str, token: str) -> str:
    """What the SASL mechanism XOAUTH2, Google's and Microsoft's own, says to a mail server, before base64."""
    return f"user={name}\1auth=Bearer {token}\1\1"


class TokenError(Exception):
    """There is no token. `reason` is fit for the log: no word of the provider's but its error's name and number."""

    def __init__(self, reason: str, *, refused: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        """The provider judged us, as a server does that refuses a password. Else it could not be asked."""


class Tokens:
    """The tokens of one login. Any thread and any loop may ask; who asks while another waits, waits with it, for
    `timeout` seconds at most: at first a token takes two answers.

    Nothing is read before it is asked for, and a secret is read again with every fresh token, so that a changed one
    needs no restart.
    """

    def __init__(self, settings: OAuth2, user: str = "", timeout: float = 15.0) -> None:
        self._settings = settings
        self._user = user
        self._timeout = timeout
        self._lock = threading.Lock()
        # Guarded by the lock:
        self._source: Source | None = None
        self._asked: tuple[Future[str], bool] | None = None  # under way, and whether a fresh one was asked for

    def get(self, *, fresh: bool = False) -> str:
        """A token that should be good, or one newly had (`fresh`), after a server refused the last. Blocks for
        `timeout` seconds at most. Raises `TokenError`."""
        future = self._ask(fresh)
        try:
            return future.result(self._timeout)
        except TimeoutError:
            raise self._give_up(future) from None

    async def fetch(self, *, fresh: bool = False) -> str:
        """The same, for the loop."""
        future = self._ask(fresh)
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise self._give_up(future) from None

    def _ask(self, fresh: bool) -> Future[str]:
        with self._lock:
            if self._asked is not None and (self._asked[1] or not fresh):
                return self._asked[0]
            future: Future[str] = Future()
            future.set_running_or_notify_cancel()  # from here on it cannot be cancelled: others may wait for it, too
            self._asked = future, fresh
        threading.Thread(target=self._answer, args=(future, fresh), name="token", daemon=True).start()
        return future

    def _answer(self, future: Future[str], fresh: bool) -> None:
        with self._lock:
            source = None if fresh else self._source
        try:
            source = source or _SOURCES[self._settings.provider](self._settings, self._user)
            token = source()
        except TokenError as error:
            self._done(future, None)
            future.set_exception(error)
        except Exception as error:  # of libraries that talk to a stranger: whoever waits must hear of it
            self._done(future, None)
            future.set_exception(_unavailable(type(error).__name__))
        else:
            self._done(future, source)
            future.set_result(token)

    def _done(self, future: Future[str], source: Source | None) -> None:
        """Keep the source only while it gives tokens: one that failed might remember that."""
        with self._lock:
            self._source = source
            if self._asked is not None and self._asked[0] is future:
                self._asked = None

    def _give_up(self, future: Future[str]) -> TokenError:
        """Leave a thread that hangs to itself, so that the next who asks gets another."""
        with self._lock:
            if self._asked is not None and self._asked[0] is future:
                self._asked = None
        return _unavailable("no answer in time")


def tokens_of(server: ImapServer | SmtpServer) -> Tokens | None:
    """Those of a server that is logged in to by token; None: by password."""
    return None if server.oauth2 is None else Tokens(server.oauth2, server.username)


def _microsoft(settings: OAuth2, _: str) -> Source:
    import msal

    try:
        program = msal.ConfidentialClientApplication(
            settings.client_id,
            client_credential=_credential(settings),
            authority=f"{settings.authority.rstrip('/')}/{settings.tenant}",
            # Else msal asks login.microsoftonline.com whether other clouds exist. The configuration says which it is.
            instance_discovery=False,
            http_client=_session(settings),
        )
    except OSError as error:
        raise _unreached(error) from error
    except ValueError as error:  # Microsoft knows no such tenant, or the certificate cannot be read
        raise TokenError("token refused: the tenant or the certificate is not accepted", refused=True) from error

    def token() -> str:
        try:
            answer: Mapping[str, object] = program.acquire_token_for_client(settings.scope.split())
        except OSError as error:
            raise _unreached(error) from error
        if isinstance(found := answer.get("access_token"), str):
            return found
        numbers = answer.get("error_codes")
        number = numbers[0] if isinstance(numbers, list) and numbers else None
        raise _judged(answer.get("error"), number if isinstance(number, int) else None)

    return token


def _credential(settings: OAuth2) -> str | dict[str, str]:
    """What proves that it is us: a certificate with its key, or a secret. Raises `TokenError`."""
    try:
        if settings.certificate_file is None:
            return settings.client_secret()
        pem = settings.certificate_file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable("client secret or certificate") from error
    return {"private_key": pem, "public_certificate": pem}


def _google(settings: OAuth2, user: str) -> Source:
    from google.auth.exceptions import RefreshError, TransportError
    from google.auth.transport.requests import Request

    credentials = _delegated(settings, user) if settings.service_account_file else _granted(settings)
    request = partial(Request(_session(settings)), timeout=ANSWER_MOST)

    def token() -> str:
        if not credentials.valid:
            try:
                credentials.refresh(request)
            except RefreshError as error:
                said = error.args[1] if len(error.args) > 1 else None
                raise _judged(said.get("error") if isinstance(said, dict) else None, away=error.retryable) from error
            except TransportError as error:
                raise _unreached(error) from error
        return str(credentials.token)

    return token


def _granted(settings: OAuth2) -> Any:
    """What somebody granted the program once, with a refresh token. Raises `TokenError`."""
    from google.oauth2.credentials import Credentials

    try:
        secret, refresh_token = settings.client_secret(), settings.refresh_token()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable("client secret or refresh token") from error
    return Credentials(  # type: ignore[no-untyped-call]  # google-auth types few of its functions
        None,
        refresh_token=refresh_token,
        token_uri=settings.token_url,
        client_id=settings.client_id,
        client_secret=secret,
        scopes=settings.scope.split() or None,
    )


def _delegated(settings: OAuth2, user: str) -> Any:
    """A service account that the domain lets act in this user's name (domain-wide delegation). Raises `TokenError`."""
    from google.oauth2.service_account import Credentials

    assert settings.service_account_file is not None
    try:
        key = orjson.loads(settings.service_account_file.read_bytes())
        account = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # as above
            {**key, "token_uri": settings.token_url}, scopes=(settings.scope or _GOOGLE_MAIL).split(), subject=user
        )
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable("service account's key") from error
    return account


def _session(settings: OAuth2) -> requests.Session:
    """HTTPS for both libraries, without retries: who asks for a token asks again."""
    import requests

    session = requests.Session()
    ask = partial(session.request, timeout=ANSWER_MOST)
    # With each request, for the environment's REQUESTS_CA_BUNDLE goes before the session's own.
    session.request = ask if settings.ca_file is None else partial(ask, verify=str(settings.ca_file))  # type: ignore[method-assign]  # as requests' users do
    return session


_SOURCES: Mapping[str, Callable[[OAuth2, str], Source]] = {"microsoft": _microsoft, "google": _google}


def _judged(error: object, number: int | None = None, *, away: bool = False) -> TokenError:
    """What the provider answered instead of a token. `number` is Microsoft's, which says most: AADSTS7000222."""
    name = error if isinstance(error, str) and _ERROR_NAME.fullmatch(error) else "no reason given"
    said = f"{name}, AADSTS{number}" if number else name
    if away or error in UNAVAILABLE:
        return _unavailable(said)
    return TokenError(f"token refused: {said}", refused=True)


def _unavailable(why: str) -> TokenError:
    return TokenError(f"no token: {why}", refused=False)


def _unreached(error: Exception) -> TokenError:
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ == "SSLError":  # requests' or urllib3's, which are imported nowhere here
            return _unavailable("the provider's certificate or the TLS handshake failed")
        seen = seen.__cause__ or seen.__context__
    return _unavailable("the provider cannot be reached")


def _unreadable(what: str) -> TokenError:
    return TokenError(f"no token: the {what} cannot be read", refused=True)
