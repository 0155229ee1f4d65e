"""Keys of the issuer: cached, rotated, and never a way to make us call the issuer."""

import asyncio
import json
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

from ingestio.auth.http_jwks import HttpJwks
from ingestio.auth.jwks import KeySet, StaticJwks
from ingestio.auth.tokens import TokenVerifier
from ingestio.errors import ConfigurationError, Unauthenticated, Unavailable
from tests.auth.issuer import AUDIENCE, ISSUER, JwksServer, SigningKey, serving


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(ec_key: SigningKey) -> Iterator[JwksServer]:
    with serving(ec_key) as server:
        yield server


@pytest.fixture
def jwks(server: JwksServer, clock: Clock) -> HttpJwks:
    return HttpJwks(server.url, clock=clock)


def verifier_of(jwks: HttpJwks) -> TokenVerifier:
    return TokenVerifier(ISSUER, jwks, AUDIENCE, ())


async def test_a_thousand_unknown_key_ids_are_one_visit_per_cooldown(
    jwks: HttpJwks, server: JwksServer, clock: Clock
) -> None:
    verifier = verifier_of(jwks)
    forger = SigningKey.new("x")

    async def attack(number: int) -> None:
        with pytest.raises(Unauthenticated):
            await verifier.verify(SigningKey(f"kid-{number}", "ES256", forger.private).token())

    await asyncio.gather(*(attack(number) for number in range(500)))
    assert server.hits == 1
    for number in range(500):
        await attack(number)
    assert server.hits == 1
    clock.now += 31
    await asyncio.gather(*(attack(number) for number in range(100)))
    assert server.hits == 2


async def test_a_rotated_key_is_taken_after_the_cooldown_at_the_latest(
    jwks: HttpJwks, server: JwksServer, clock: Clock, ec_key: SigningKey
) -> None:
    verifier = verifier_of(jwks)
    await verifier.verify(ec_key.token())
    new = SigningKey.new("ec-2")
    server.keys = [new.public_jwk(), ec_key.public_jwk()]
    with pytest.raises(Unauthenticated):
        await verifier.verify(new.token())
    clock.now += 31
    assert await verifier.verify(new.token())
    assert await verifier.verify(ec_key.token())
    assert server.hits == 2


async def test_a_withdrawn_key_is_refused_once_the_keys_are_no_longer_fresh(
    jwks: HttpJwks, server: JwksServer, clock: Clock, ec_key: SigningKey
) -> None:
    verifier = verifier_of(jwks)
    await verifier.verify(ec_key.token())
    server.keys = [SigningKey.new("ec-2").public_jwk()]
    clock.now += 299
    assert await verifier.verify(ec_key.token())
    clock.now += 2
    with pytest.raises(Unauthenticated):
        await verifier.verify(ec_key.token())
    assert server.hits == 2


async def test_many_callers_share_one_fetch_and_one_who_leaves_does_not_end_it(
    jwks: HttpJwks, server: JwksServer, ec_key: SigningKey
) -> None:
    server.delay_seconds = 1.0
    verifier = verifier_of(jwks)
    calls = [asyncio.create_task(verifier.verify(ec_key.token())) for _ in range(50)]
    await asyncio.sleep(0.05)
    calls[0].cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert not [outcome for outcome in outcomes[1:] if isinstance(outcome, BaseException)]
    assert server.hits == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (302, b""),
        (404, None),
        (204, None),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"keys": {}}'),
        (200, b'{"keys": []}'),
        (200, b"[" * 100_000),
        (200, b"\xff\xfe"),
    ],
)
async def test_while_the_issuer_fails_the_keys_we_have_serve_on(
    jwks: HttpJwks, server: JwksServer, clock: Clock, ec_key: SigningKey, status: int, body: bytes | None
) -> None:
    verifier = verifier_of(jwks)
    await verifier.verify(ec_key.token())
    server.status, server.body = status, body
    clock.now += 301
    for _ in range(20):
        assert await verifier.verify(ec_key.token())
    assert server.hits == 2
    clock.now += 31
    assert await verifier.verify(ec_key.token())
    assert server.hits == 3
    server.status, server.body = 200, None
    clock.now += 31
    assert await verifier.verify(ec_key.token())
    assert server.hits == 4
    assert await verifier.verify(ec_key.token())
    assert server.hits == 4


async def test_an_answer_without_end_is_cut_off(server: JwksServer, ec_key: SigningKey) -> None:
    good = json.dumps({"keys": server.keys}).encode()
    server.body = good + b" " * (256 * 1024 - len(good))
    assert await verifier_of(HttpJwks(server.url)).verify(ec_key.token())
    server.body += b" "
    with pytest.raises(Unavailable):
        await verifier_of(HttpJwks(server.url)).verify(ec_key.token())


async def test_stale_keys_do_not_serve_for_ever(
    jwks: HttpJwks, server: JwksServer, clock: Clock, ec_key: SigningKey
) -> None:
    verifier = verifier_of(jwks)
    await verifier.verify(ec_key.token())
    server.status = 500
    clock.now += 86_399
    assert await verifier.verify(ec_key.token())
    clock.now += 60
    with pytest.raises(Unavailable):
        await verifier.verify(ec_key.token())


async def test_an_unknown_key_id_while_the_issuer_fails_is_not_held_against_the_caller(
    jwks: HttpJwks, server: JwksServer, clock: Clock, ec_key: SigningKey
) -> None:
    verifier = verifier_of(jwks)
    await verifier.verify(ec_key.token())
    server.status = 503
    clock.now += 31
    with pytest.raises(Unavailable) as failed:
        await verifier.verify(SigningKey.new("ec-2").token())
    assert failed.value.retryable
    assert 1 <= failed.value.retry_after_seconds <= 30
    assert await verifier.verify(ec_key.token())


async def test_before_the_first_keys_an_outage_is_unavailable_and_calls_stay_bounded(
    server: JwksServer, clock: Clock, ec_key: SigningKey, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = 500
    verifier = verifier_of(HttpJwks(server.url, clock=clock))
    token = ec_key.token()
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            with pytest.raises(Unavailable):
                await verifier.verify(token)
    assert server.hits == 1
    assert len(caplog.records) == 1
    assert token not in caplog.text
    server.status = 200
    clock.now += 6
    assert await verifier.verify(token)


async def test_an_issuer_that_answers_too_slowly_is_given_up(server: JwksServer, ec_key: SigningKey) -> None:
    jwks = HttpJwks(server.url, timeout_seconds=0.3)
    server.delay_seconds = 3.0
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(Unavailable):
        await verifier_of(jwks).verify(ec_key.token())
    assert loop.time() - started < 2.5


async def test_an_issuer_that_dribbles_is_given_up_too(ec_key: SigningKey, clock: Clock) -> None:
    """Each byte comes in time, the whole never does: only a limit on the whole helps."""

    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(dribble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        jwks = HttpJwks(f"http://127.0.0.1:{port}/", clock=clock, timeout_seconds=0.3)
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable):
                await verifier_of(jwks).verify(ec_key.token())


async def test_nobody_at_the_address_is_unavailable(ec_key: SigningKey) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable):
            await verifier_of(HttpJwks(f"http://127.0.0.1:{unused.getsockname()[1]}/")).verify(ec_key.token())


@pytest.mark.parametrize(
    "url",
    ["", "issuer.example/jwks", "file:///etc/passwd", "https://", "https://host:99999/", "ftp://host/", "http://[::1"],
)
def test_an_address_that_is_none_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="INGESTIO_OIDC_JWKS_URL"):
        HttpJwks(url)


def test_keys_that_must_not_verify_are_left_out(rsa_key: SigningKey, ec_key: SigningKey, ed_key: SigningKey) -> None:
    good = rsa_key.public_jwk()
    private_key = rsa_key.private
    assert isinstance(private_key, RSAPrivateKey)
    keys = KeySet.parse(
        {
            "keys": [
                {**good, "kid": "enc", "use": "enc"},
                {**good, "kid": "hs", "alg": "HS256"},
                {**good, "kid": "rs384", "alg": "RS384"},
                {**good, "kid": "mismatch", "alg": "ES256"},
                {**RSAAlgorithm.to_jwk(private_key, as_dict=True), "kid": "private"},
                {**good, "kid": 7},
                {"kty": "oct", "kid": "oct", "alg": "HS256", "k": "c2VjcmV0"},
                {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "AA", "y": "AA"},
                {"kty": "EC", "kid": "k1", "crv": "secp256k1", "x": "AA", "y": "AA"},
                SigningKey.new("weak", "RS256", bits=1024).public_jwk(),
                "nonsense",
                None,
                good,
                ec_key.public_jwk(),
                {name: value for name, value in ed_key.public_jwk().items() if name not in {"alg", "use"}},
            ]
        }
    )
    for kid in ("enc", "hs", "rs384", "mismatch", "private", "oct", "broken", "k1", "weak"):
        for algorithm in ("RS256", "ES256", "EdDSA", "HS256", "RS384"):
            assert keys.find(kid, algorithm) is None, kid
    for key in (rsa_key, ec_key, ed_key):
        found = keys.find(key.kid, key.algorithm)
        assert found is not None
        assert found.key_id == key.kid
    assert keys.find(rsa_key.kid, "ES256") is None


@pytest.mark.parametrize("document", [None, [], {}, {"keys": None}, {"keys": []}, {"keys": [1]}, "keys"])
def test_a_document_without_a_usable_key_is_no_key_set(document: object) -> None:
    with pytest.raises(ValueError, match=r"no usable key|not a JWKS document"):
        KeySet.parse(document)


async def test_known_keys_need_no_address(ec_key: SigningKey) -> None:
    verifier = TokenVerifier(ISSUER, StaticJwks({"keys": [ec_key.public_jwk()]}), AUDIENCE, ())
    assert (await verifier.verify(ec_key.token())).user_id == "user_2abc"
    with pytest.raises(Unauthenticated):
        await verifier.verify(SigningKey.new("other").token())
