"""Derived keys, signed payloads and API keys."""

import base64
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestio.auth.api_keys import hash_key, is_api_key, new_key
from ingestio.auth.secrets import derive, sign, verify
from ingestio.errors import ConfigurationError, Unauthenticated

SECRET = "a secret of the test, long enough"
KEY = derive(SECRET, "links")


def test_every_purpose_and_every_secret_has_its_own_key() -> None:
    keys = {derive(secret, label) for secret in (SECRET, SECRET + "!") for label in ("sessions", "csrf", "links", "")}
    assert len(keys) == 8
    assert {len(key) for key in keys} == {32}
    assert derive(SECRET, "links") == KEY


def test_derivation_is_the_hkdf_of_the_standard() -> None:
    """Computed by hand from RFC 5869: extract, then the first block of expand."""
    extracted = hmac.digest(b"ingestio", SECRET.encode(), "sha256")
    assert hmac.digest(extracted, b"links\x01", "sha256") == KEY


@pytest.mark.parametrize("secret", ["", "x" * 15])
def test_a_short_secret_derives_nothing(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="INGESTIO_SECRET_KEY"):
        derive(secret, "links")


PAYLOADS = st.dictionaries(st.text(max_size=20), st.text(max_size=50) | st.integers(-(2**53), 2**53), max_size=5)


@given(PAYLOADS, st.integers(1, 10**6))
def test_a_signed_payload_comes_back_until_it_expires(payload: dict[str, str | int], ttl_seconds: int) -> None:
    token = sign(KEY, payload, ttl_seconds=ttl_seconds, now=1000.0)
    assert verify(KEY, token, now=1000.0 + ttl_seconds - 1) == payload
    with pytest.raises(Unauthenticated, match="expired"):
        verify(KEY, token, now=1000.0 + ttl_seconds)


def test_the_clock_is_the_default_moment() -> None:
    assert verify(KEY, sign(KEY, {"a": 1}, ttl_seconds=60)) == {"a": 1}
    with pytest.raises(Unauthenticated, match="expired"):
        verify(KEY, sign(KEY, {"a": 1}, ttl_seconds=-1))


def test_a_signed_payload_fits_into_an_address() -> None:
    token = sign(KEY, {"key": "auth0|ann:b@c/documents/1/original", "n": 1}, ttl_seconds=60)
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()


@given(st.data())
def test_any_changed_character_is_refused(data: st.DataObject) -> None:
    token = sign(KEY, {"key": "user_1/documents/1/original"}, ttl_seconds=60, now=1000.0)
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters().filter(lambda c: c != token[place]))
    with pytest.raises(Unauthenticated):
        verify(KEY, token[:place] + character + token[place + 1 :], now=1000.0)


def test_another_purposes_key_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        verify(derive(SECRET, "sessions"), sign(KEY, {"a": 1}, ttl_seconds=60))


@pytest.mark.parametrize("token", ["", ".", "a", "a.b", "é.é", "\ud800.a", "x" * 5000, "." * 5000])
def test_what_is_no_signed_payload_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(KEY, token)


@pytest.mark.parametrize(
    "content", [b"not json", json.dumps({}).encode(), b"[1]", b'["1", {}]', b"[1, []]", b"\xff", b"7"]
)
def test_what_another_program_signed_with_our_key_is_refused(content: bytes) -> None:
    body = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
    mac = base64.urlsafe_b64encode(hmac.digest(KEY, body.encode(), "sha256")).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated, match="not valid"):
        verify(KEY, f"{body}.{mac}")


def test_api_keys_are_random_recognisable_and_stored_as_a_hash() -> None:
    keys = [new_key() for _ in range(200)]
    assert len({key.plaintext for key in keys}) == len({key.key_hash for key in keys}) == 200
    for key in keys:
        assert key.plaintext.startswith("ing_")
        assert is_api_key(key.plaintext)
        assert key.plaintext.startswith(key.prefix)
        assert len(key.plaintext) - len(key.prefix) == 35
        assert key.key_hash == hash_key(key.plaintext)
        assert len(key.key_hash) == 64
        assert key.plaintext not in key.key_hash


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ing_",
        "ing_short",
        "ING_" + "a" * 43,
        "ing_" + "a" * 44,
        "ing_" + "-" * 43,
        "eyJ.a.b",
        "ing_" + "a" * 43 + "\n",
    ],
)
def test_other_credentials_are_no_api_keys(text: str) -> None:
    assert not is_api_key(text)


def test_the_hash_is_plain_sha256_as_other_programs_compute_it() -> None:
    assert hash_key("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
