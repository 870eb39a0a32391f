"""How access tokens are had from a provider, kept, and replaced; what comes instead when there is none."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from pathlib import Path

import certifi
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.token_endpoint import CLIENT, HANG, REFRESH, SECRET, MakeTokens, TokenEndpoint, endpoint, tokens
from workflow.mail.tokens import TokenError

pytestmark = pytest.mark.slow

__all__ = ["endpoint", "tokens"]

PROVIDERS = ("microsoft", "google")


# --- a token ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_token_is_kept_while_it_is_good_and_had_anew_when_asked(
    endpoint: TokenEndpoint, tokens: MakeTokens, provider: str
) -> None:
    ours = tokens(provider)
    assert [ours.get(), ours.get(), ours.get(fresh=True), ours.get()] == [
        *([endpoint.given[0]] * 2),
        *([endpoint.given[1]] * 2),
    ]
    assert len(endpoint.given) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_token_about_to_expire_is_had_anew(endpoint: TokenEndpoint, tokens: MakeTokens, provider: str) -> None:
    endpoint.lifetime = 60  # less than any connection may need it
    ours = tokens(provider)
    assert ours.get() != ours.get()


def test_the_program_says_who_it_is_and_what_the_token_is_for(endpoint: TokenEndpoint, tokens: MakeTokens) -> None:
    tokens().get()
    tokens("google").get()
    microsoft, google = endpoint.asked
    assert (microsoft["grant_type"], microsoft["scope"]) == ("client_credentials", "https://mail.test/.default")
    assert (google["grant_type"], google["refresh_token"]) == ("refresh_token", REFRESH)


@pytest.mark.slow
def test_a_certificate_proves_it_without_a_secret(endpoint: TokenEndpoint, tokens: MakeTokens, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65_537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Promptly")])
    now = dt.datetime(2026, 11, 5, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=365))
    pem = serialization.Encoding.PEM
    both = tmp_path / "program.pem"
    both.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    assert tokens(certificate_file=both).get() == endpoint.given[0]
    (asked,) = endpoint.asked
    said = jwt.decode(asked["client_assertion"], key.public_key(), ["PS256"], options={"verify_aud": False})
    assert (said["iss"], said["sub"], "client_secret" in asked) == (CLIENT, CLIENT, False)


def test_a_service_account_acts_in_the_mailboxs_name(
    endpoint: TokenEndpoint, tokens: MakeTokens, tmp_path: Path
) -> None:
    ours = tokens("google", service_account_file=endpoint.account_file(tmp_path))
    assert [ours.get(), ours.get(), ours.get(fresh=True)] == [*([endpoint.given[0]] * 2), endpoint.given[1]]
    assert "client_secret" not in endpoint.asked[0]
    endpoint.refuse("unauthorized_client", status=401)  # it may not act for this domain
    with pytest.raises(TokenError, match="token refused: unauthorized_client") as caught:
        ours.get(fresh=True)
    assert caught.value.refused
    endpoint.accept()
    for text in ("{", '{"client_email": "x", "private_key": "no key"}', "[]"):
        (tmp_path / "account.json").write_text(text)
        with pytest.raises(TokenError, match="the service account's key cannot be read"):
            ours.get(fresh=True)


async def test_who_asks_at_the_same_time_shares_one_answer(endpoint: TokenEndpoint, tokens: MakeTokens) -> None:
    ours = tokens()
    assert len(set(await asyncio.gather(ours.fetch(), ours.fetch(), asyncio.to_thread(ours.get)))) == 1
    assert len(endpoint.given) == 1


# --- no token -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "number", "status", "refused", "reason"),
    [
        ("invalid_client", 7000222, 401, True, "token refused: invalid_client, AADSTS7000222"),
        ("unauthorized_client", 700016, 400, True, "token refused: unauthorized_client, AADSTS700016"),
        ("temporarily_unavailable", None, 400, False, "no token: temporarily_unavailable"),
        ("Oh dana@clinic.test", None, 400, True, "token refused: no reason given"),
        ("server_error", None, 503, False, "no token: MsalServiceError"),
    ],
)
def test_what_microsoft_answers_instead_of_a_token(
    endpoint: TokenEndpoint,
    tokens: MakeTokens,
    error: str,
    number: int | None,
    status: int,
    refused: bool,
    reason: str,
) -> None:
    ours = tokens()
    endpoint.refuse(error, number, status)
    with pytest.raises(TokenError) as caught:
        ours.get()
    assert (caught.value.refused, caught.value.reason) == (refused, reason)
    endpoint.accept()
    assert ours.get() == endpoint.given[0], "nothing of the refusal is remembered"


@pytest.mark.parametrize(("error", "refused"), [("invalid_grant", True), ("invalid_client", True)])
def test_what_google_answers_instead_of_a_token(
    endpoint: TokenEndpoint, tokens: MakeTokens, error: str, refused: bool
) -> None:
    ours = tokens("google")
    endpoint.refuse(error)
    with pytest.raises(TokenError, match=f"token refused: {error}") as caught:
        ours.get()
    assert caught.value.refused is refused


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_that_cannot_be_asked_is_no_refusal(
    endpoint: TokenEndpoint, tokens: MakeTokens, provider: str
) -> None:
    endpoint.hang()
    with pytest.raises(TokenError, match="no answer in time") as caught:
        tokens(provider, HANG).get()
    assert not caught.value.refused
    endpoint.resume()
    with pytest.raises(TokenError, match="certificate") as caught:
        tokens(provider, ca_file=None).get()
    assert not caught.value.refused
    endpoint.down()
    with pytest.raises(TokenError, match="cannot be reached") as caught:
        tokens(provider).get()
    assert not caught.value.refused


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_authority_of_ones_own_goes_before_the_environments(
    endpoint: TokenEndpoint, tokens: MakeTokens, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    assert tokens(provider).get() == endpoint.given[0]


def test_a_tenant_that_microsoft_does_not_know_is_a_refusal(tokens: MakeTokens) -> None:
    with pytest.raises(TokenError, match="tenant") as caught:
        tokens(tenant="elsewhere.test").get()
    assert caught.value.refused


@pytest.mark.parametrize(("provider", "gone"), [("microsoft", "client.secret"), ("google", "refresh.token")])
def test_a_secret_is_read_anew_so_that_a_mended_one_needs_no_restart(
    endpoint: TokenEndpoint, tokens: MakeTokens, tmp_path: Path, provider: str, gone: str
) -> None:
    ours = tokens(provider)
    right = (tmp_path / gone).read_text()
    (tmp_path / gone).unlink()
    with pytest.raises(TokenError, match="cannot be read"):
        ours.get()
    (tmp_path / gone).write_text("wrong")
    with pytest.raises(TokenError, match="token refused: invalid_client"):
        ours.get()
    (tmp_path / gone).write_text(right)
    assert ours.get() == endpoint.given[0]


async def test_a_provider_that_hangs_holds_nobody_up_beyond_the_limit_and_the_next_who_asks_is_served(
    endpoint: TokenEndpoint, tokens: MakeTokens
) -> None:
    ours = tokens(timeout=HANG)
    endpoint.hang()
    with pytest.raises(TokenError, match="no answer in time"):
        await ours.fetch()
    endpoint.resume()
    assert await ours.fetch() in endpoint.given


@pytest.mark.parametrize("provider", PROVIDERS)
def test_neither_secrets_nor_tokens_nor_a_providers_words_get_into_the_log(
    endpoint: TokenEndpoint, tokens: MakeTokens, caplog: pytest.LogCaptureFixture, provider: str
) -> None:
    caplog.set_level(logging.DEBUG)
    ours = tokens(provider)
    token = ours.get()
    endpoint.refuse("invalid_client", 7000222)
    with pytest.raises(TokenError) as caught:
        ours.get(fresh=True)
    for secret in (SECRET, REFRESH, token):
        assert secret not in caplog.text
        assert secret not in str(caught.value)
