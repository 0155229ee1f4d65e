"""Which tokens speak for whom: the table of forged, foreign and broken ones, against a real JWKS address."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from ingestio.auth.http_jwks import HttpJwks
from ingestio.auth.tokens import Identity, TokenVerifier
from ingestio.errors import ConfigurationError, Unauthenticated
from tests.auth.issuer import AUDIENCE, ISSUER, JwksServer, SigningKey, claims_with, raw_token, serving

ELSEWHERE = "https://elsewhere.example"


@pytest.fixture
def server(rsa_key: SigningKey, ec_key: SigningKey, ed_key: SigningKey) -> Iterator[JwksServer]:
    with serving(rsa_key, ec_key, ed_key) as server:
        yield server


@pytest.fixture
def verifier(server: JwksServer) -> TokenVerifier:
    return TokenVerifier(ISSUER, HttpJwks(server.url), AUDIENCE, ())


async def reason(verifier: TokenVerifier, token: str) -> str:
    """Why a token is refused."""
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token)
    assert refused.value.status == 401
    assert refused.value.__cause__ is None  # no library text, which may quote the token, reaches a log
    return refused.value.detail


@pytest.mark.parametrize("algorithm", ["rsa_key", "ec_key", "ed_key"])
async def test_a_good_token_tells_who_it_is(
    verifier: TokenVerifier, algorithm: str, request: pytest.FixtureRequest
) -> None:
    key: SigningKey = request.getfixturevalue(algorithm)
    now = int(time.time())
    claims = {
        "sub": "auth0|ann:b.c@d-e_F",
        "iat": now - 5,
        "exp": now + 600,
        "email": "ann@b.example",
        "name": "Ann Bö",
        "jti": "t-1",
    }
    issued, expires = (datetime.fromtimestamp(moment, UTC) for moment in (now - 5, now + 600))
    assert await verifier.verify(key.token(claims)) == Identity(
        "auth0|ann:b.c@d-e_F", "ann@b.example", "Ann Bö", issued, expires, "t-1"
    )


async def test_five_tokens_are_one_visit_to_the_issuer(
    verifier: TokenVerifier, server: JwksServer, ec_key: SigningKey
) -> None:
    for _ in range(5):
        await verifier.verify(ec_key.token())
    assert server.hits == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "another"}, "another audience"),
        ({"aud": ["another", "third"]}, "another audience"),
        ({"aud": AUDIENCE + "2"}, "another audience"),
        ({"aud": None}, "lacks a claim"),
        ({"aud": 7}, "another audience"),
        ({"iss": ELSEWHERE}, "another issuer"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"iss": None}, "lacks a claim"),
        ({"iss": [ISSUER]}, "issuer"),
        ({"exp": int(time.time()) - 60}, "has expired"),
        ({"exp": None}, "lacks a claim"),
        ({"exp": "tomorrow"}, "not valid"),
        ({"exp": str(int(time.time()) + 86_400)}, "not moments"),
        ({"exp": True}, "has expired"),
        ({"exp": 10**30}, "not moments"),
        ({"exp": float("inf")}, "not valid"),
        ({"exp": float("nan")}, "not valid"),
        ({"exp": [1]}, "not valid"),
        ({"iat": None}, "lacks a claim"),
        ({"iat": int(time.time()) + 86_400}, "not valid yet"),
        ({"nbf": int(time.time()) + 86_400}, "not valid yet"),
        ({"sub": None}, "lacks a claim"),
        ({"sub": 7}, "not valid"),
        ({"sub": ["user_2abc"]}, "not valid"),
        ({"sub": True}, "not valid"),
        ({"sub": ""}, "user id"),
        ({"sub": "."}, "user id"),
        ({"sub": ".."}, "user id"),
        ({"sub": "a/b"}, "user id"),
        ({"sub": "../ann"}, "user id"),
        ({"sub": "ann bob"}, "user id"),
        ({"sub": "ann\n"}, "user id"),
        ({"sub": "ann\x00"}, "user id"),
        ({"sub": "änn"}, "user id"),
        ({"sub": "x" * 129}, "user id"),
    ],
)
async def test_a_genuine_signature_does_not_save_a_wrong_claim(
    verifier: TokenVerifier, ec_key: SigningKey, changes: dict[str, Any], why: str
) -> None:
    assert why in await reason(verifier, ec_key.token(changes))


async def test_clocks_may_differ_by_the_leeway_and_no_more(verifier: TokenVerifier, ec_key: SigningKey) -> None:
    now = int(time.time())
    await verifier.verify(ec_key.token({"exp": now - 20}))
    await verifier.verify(ec_key.token({"iat": now + 20, "nbf": now + 20}))
    assert "expired" in await reason(verifier, ec_key.token({"exp": now - 31}))
    assert "not valid yet" in await reason(verifier, ec_key.token({"nbf": now + 40}))


@pytest.mark.parametrize(
    "name",
    ["none", "None", "NONE", "nOnE", "", None, "HS256", "HS384", "HS512", "RS384", "ES512", "PS256", 7, ["RS256"]],
)
async def test_an_algorithm_off_the_list_is_refused_without_a_visit_to_the_issuer(
    verifier: TokenVerifier, server: JwksServer, name: object
) -> None:
    token = raw_token({"alg": name, "kid": "rsa-1"}, claims_with({}), b"x")
    assert "algorithm is not allowed" in await reason(verifier, token)
    assert "algorithm is not allowed" in await reason(verifier, raw_token({"kid": "rsa-1"}, claims_with({})))
    assert server.hits == 0


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
async def test_the_public_key_is_no_secret_to_sign_with(
    verifier: TokenVerifier, rsa_key: SigningKey, algorithm: str
) -> None:
    public = rsa_key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, _ = raw_token({"alg": algorithm, "kid": rsa_key.kid}, claims_with({})).split(".")
    mac = jwt.get_algorithm_by_name(algorithm).sign(f"{head}.{body}".encode(), public)
    forged = f"{head}.{body}.{base64url_encode(mac).decode()}"
    assert "algorithm is not allowed" in await reason(verifier, forged)


async def test_a_key_verifies_its_own_algorithm_only(
    verifier: TokenVerifier, ec_key: SigningKey, rsa_key: SigningKey
) -> None:
    stranger = SigningKey(rsa_key.kid, "ES256", ec_key.private)
    assert "key is unknown" in await reason(verifier, stranger.token())


async def test_a_token_of_another_key_with_our_key_id_is_refused(verifier: TokenVerifier, ec_key: SigningKey) -> None:
    assert "signature" in await reason(verifier, SigningKey.new(ec_key.kid).token())


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_changed_part_is_refused(verifier: TokenVerifier, ec_key: SigningKey, part: int) -> None:
    good, other = ec_key.token().split("."), ec_key.token({"sub": "someone_else"}, header={"typ": "x"}).split(".")
    good[part] = other[part]
    assert "signature" in await reason(verifier, ".".join(good))


async def test_keys_that_the_token_offers_are_not_looked_at(
    verifier: TokenVerifier, server: JwksServer, ec_key: SigningKey
) -> None:
    """`jku`, `x5u` and `jwk` would let a forger bring the own key; the address of the attacker is never visited."""
    forger = SigningKey.new("forged")
    with serving(forger) as theirs:
        for kid in ("forged", ec_key.kid):
            header = {"jku": theirs.url, "x5u": theirs.url, "jwk": forger.public_jwk(), "x5c": ["MIIB"], "kid": kid}
            assert await reason(verifier, forger.token(header=header))
        assert theirs.hits == 0
        # On a genuine token they are ignored just the same.
        assert (await verifier.verify(ec_key.token(header={"jku": theirs.url}))).user_id == "user_2abc"
        assert theirs.hits == 0
    assert server.hits == 1


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"kid": 7}])
async def test_a_header_that_changes_the_rules_is_refused(verifier: TokenVerifier, header: dict[str, Any]) -> None:
    token = raw_token({"alg": "ES256", "kid": "ec-1", **header}, claims_with({}), b"x" * 64)
    assert await reason(verifier, token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "not a token",
        "\x00\x00.\x00.\x00",
        "é.é.é",
        "\ud800.a.b",
        raw_token({"alg": "ES256"}, b"not json", b"x" * 64),
        raw_token({"alg": "ES256"}, b"[]", b"x" * 64),
        "W10.W10.W10",
        ("[" * 4000).encode().hex(),
        base64url_encode(b"[" * 4000).decode() + ".W10.W10",
        base64url_encode(b'{"alg":' + b"9" * 5000 + b"}").decode() + ".W10.W10",
    ],
)
async def test_what_is_no_token_is_unauthenticated_and_nothing_worse(verifier: TokenVerifier, token: str) -> None:
    assert await reason(verifier, token)


async def test_a_long_token_is_refused_before_it_is_parsed(
    verifier: TokenVerifier, server: JwksServer, ec_key: SigningKey
) -> None:
    assert "too long" in await reason(verifier, ec_key.token({"padding": "x" * 9000}))
    assert "too long" in await reason(verifier, "." * 5_000_000)
    assert server.hits == 0
    await verifier.verify(ec_key.token({"padding": "x" * 5000}))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_token_with_any_character_changed_is_unauthenticated(
    verifier: TokenVerifier, rsa_key: SigningKey, data: st.DataObject
) -> None:
    token = rsa_key.token()
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from("Aa0-_.=/\n\x00é").filter(lambda c: c != token[place]))
    assert await reason(verifier, token[:place] + character + token[place + 1 :])


async def test_the_signature_of_one_elliptic_key_does_not_serve_in_other_encodings(
    verifier: TokenVerifier, ec_key: SigningKey
) -> None:
    head, body, signature = ec_key.token().split(".")
    for changed in ("", "AA", signature + "AA", signature[:-4], base64url_encode(b"\x00" * 64).decode()):
        assert await reason(verifier, f"{head}.{body}.{changed}")


async def test_without_a_key_id_the_only_key_of_that_algorithm_is_meant(server: JwksServer, ec_key: SigningKey) -> None:
    token = ec_key.token(header={"kid": None})
    assert await TokenVerifier(ISSUER, HttpJwks(server.url), AUDIENCE, ()).verify(token)
    server.keys.append(SigningKey.new("ec-2").public_jwk())
    assert "key is unknown" in await reason(TokenVerifier(ISSUER, HttpJwks(server.url), AUDIENCE, ()), token)


@pytest.mark.parametrize(
    ("audience", "parties", "claims", "accepted"),
    [
        (AUDIENCE, (), {"aud": AUDIENCE}, True),
        (AUDIENCE, (), {"aud": ["x", AUDIENCE]}, True),
        (AUDIENCE, (), {"aud": AUDIENCE, "azp": ELSEWHERE}, True),
        (AUDIENCE, (), {"aud": None, "azp": ISSUER}, False),
        (AUDIENCE, (ISSUER,), {"aud": AUDIENCE}, True),
        (AUDIENCE, (ISSUER,), {"aud": AUDIENCE, "azp": ISSUER}, True),
        (AUDIENCE, (ISSUER,), {"aud": AUDIENCE, "azp": ELSEWHERE}, False),
        (AUDIENCE, (ISSUER,), {"aud": "x", "azp": ISSUER}, False),
        (None, (ISSUER,), {"aud": None, "azp": ISSUER}, True),
        (None, ("x", ISSUER), {"aud": "whatever", "azp": ISSUER}, True),
        (None, (ISSUER,), {"aud": None, "azp": ELSEWHERE}, False),
        (None, (ISSUER,), {"aud": None, "azp": ISSUER + "/"}, False),
        (None, (ISSUER,), {"aud": None, "azp": [ISSUER]}, False),
        (None, (ISSUER,), {"aud": None, "azp": ""}, False),
        (None, (ISSUER,), {"aud": AUDIENCE}, False),
    ],
)
async def test_a_token_must_be_bound_to_us_by_audience_or_authorized_party(
    server: JwksServer,
    ec_key: SigningKey,
    audience: str | None,
    parties: tuple[str, ...],
    claims: dict[str, Any],
    accepted: bool,
) -> None:
    verifier = TokenVerifier(ISSUER, HttpJwks(server.url), audience, parties)
    if accepted:
        assert await verifier.verify(ec_key.token(claims))
    else:
        assert await reason(verifier, ec_key.token(claims))


def test_a_verifier_that_would_take_everybodys_tokens_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match="INGESTIO_OIDC_AUDIENCE"):
        TokenVerifier(ISSUER, HttpJwks("https://issuer.example/jwks"), None, ())


@pytest.mark.parametrize("odd", ["", "a\x00b", "a\nb", "x" * 400, 7, ["a"], {"a": 1}, True])
async def test_an_odd_name_or_address_is_left_out_and_signs_nobody_out(
    verifier: TokenVerifier, ec_key: SigningKey, odd: object
) -> None:
    identity = await verifier.verify(
        ec_key.token({"email": odd, "name": odd, "jti": odd if isinstance(odd, str) else None})
    )
    assert (identity.email, identity.full_name, identity.token_id) == (None, None, None)


async def test_refusals_say_nothing_of_the_tokens_content(verifier: TokenVerifier, ec_key: SigningKey) -> None:
    for changes in ({"sub": "very secret"}, {"aud": "very-secret"}, {"exp": "very-secret"}, {"iss": "very-secret"}):
        assert "secret" not in await reason(verifier, ec_key.token(changes))
