"""Tokens at the front door of an instance with an identity provider: what is wrong with one is 401, in our own words, at no cost to the
issuer (R31). `tests/auth/test_tokens.py` has the whole table."""

import logging
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from tests.api.conftest import OpenDoor, assert_problem
from tests.auth.issuer import AUDIENCE, ISSUER, JwksServer, SigningKey, claims_with, raw_token, serving

KEY = SigningKey.new("rsa-1", "RS256")


@pytest.fixture(scope="module")
def issuer() -> Iterator[JwksServer]:
    with serving(KEY) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(open_door: OpenDoor, issuer: JwksServer) -> AsyncIterator[httpx.AsyncClient]:
    settings = {
        "INGESTIO_AUTH": "oidc",
        "INGESTIO_OIDC_ISSUER": ISSUER,
        "INGESTIO_OIDC_AUDIENCE": AUDIENCE,
        "INGESTIO_OIDC_JWKS_URL": issuer.url,
    }
    async with open_door(**settings) as client:
        yield client


def signed_with_the_public_key() -> str:
    public = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, _ = raw_token({"alg": "HS256", "kid": KEY.kid}, claims_with({})).split(".")
    mac = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), public)
    return f"{head}.{body}.{base64url_encode(mac).decode()}"


def wrong_tokens() -> dict[str, str]:
    forger, now = SigningKey.new("forged", "RS256"), int(time.time())
    return {
        "alg none": raw_token({"alg": "none", "kid": KEY.kid}, claims_with({})),
        "HS256 with the public key": signed_with_the_public_key(),
        "another audience": KEY.token({"aud": "another"}),
        "another issuer": KEY.token({"iss": "https://elsewhere.example"}),
        "expired": KEY.token({"exp": now - 120}),
        "not yet valid": KEY.token({"nbf": now + 3600}),
        "an unknown key": forger.token(),
        "a key of its own": forger.token(header={"jwk": forger.public_jwk(), "jku": "http://127.0.0.1:1/jwks.json"}),
        "another's signature": SigningKey.new(KEY.kid, "RS256").token(),
        "no subject": KEY.token({"sub": None}),
        "a subject with a way out": KEY.token({"sub": "../ann"}),
        "oversized": KEY.token({"padding": "x" * 9000}),
    }


async def test_a_wrong_token_is_401_without_a_trace_of_ours_and_with_bounded_calls_to_the_issuer(
    door: httpx.AsyncClient, issuer: JwksServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(3):
        for what, token in wrong_tokens().items():
            answer = await door.get("/api/v1/batches", headers={"Authorization": f"Bearer {token}"})
            assert_problem(answer, 401, "unauthenticated")
            assert "Traceback" not in answer.text, what
            assert token not in answer.text
            assert token not in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert issuer.hits <= 2

    good = await door.get("/api/v1/account", headers={"Authorization": f"Bearer {KEY.token()}"})
    assert (good.status_code, good.json()["user_id"]) == (200, "user_2abc")
