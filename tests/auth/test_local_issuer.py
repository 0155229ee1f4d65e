"""The issuer of local mode: its tokens pass the same verification as everybody's, and only with the same secret."""

import subprocess
import sys
import time

import pytest

from ingestio.auth.jwks import StaticJwks
from ingestio.auth.local_issuer import LOCAL_AUDIENCE, LOCAL_ISSUER, LocalIssuer, thumbprint
from ingestio.auth.tokens import TokenVerifier
from ingestio.errors import ConfigurationError, InvalidRequest, Unauthenticated

SECRET = "a secret of the test, long enough"


def verifier_of(issuer: LocalIssuer) -> TokenVerifier:
    return TokenVerifier(LOCAL_ISSUER, StaticJwks(issuer.jwks()), LOCAL_AUDIENCE, ())


async def test_an_issued_token_verifies_and_lasts_twelve_hours() -> None:
    issuer = LocalIssuer(SECRET)
    identity = await verifier_of(issuer).verify(issuer.issue("me", email="me@localhost", full_name="Me"))
    assert (identity.user_id, identity.email, identity.full_name) == ("me", "me@localhost", "Me")
    assert identity.expires_at.timestamp() == pytest.approx(time.time() + 12 * 3600, abs=5)
    assert identity.token_id is not None


async def test_a_replica_with_the_same_secret_agrees_and_any_other_does_not() -> None:
    token = LocalIssuer(SECRET).issue("me")
    assert (await verifier_of(LocalIssuer(SECRET)).verify(token)).user_id == "me"
    with pytest.raises(Unauthenticated):
        await verifier_of(LocalIssuer(SECRET + "!")).verify(token)


def test_another_process_derives_the_same_key() -> None:
    script = f"from ingestio.auth.local_issuer import LocalIssuer; print(LocalIssuer({SECRET!r}).jwks())"
    other = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert other.stdout.strip() == str(LocalIssuer(SECRET).jwks())


def test_the_derived_key_never_changes_between_versions() -> None:
    """A change of label or derivation would sign everybody out and must be noticed."""
    assert LocalIssuer("0123456789abcdef").jwks()["keys"] == [
        {
            "crv": "Ed25519",
            "kty": "OKP",
            "x": "nm25-lD_LKT0N6ilYETr0vDObk-q1NmaMwlqbKjnRYw",
            "alg": "EdDSA",
            "use": "sig",
            "kid": "LkPMtjD1U-ard81g5c1Y7J4nZNI_FbDhHIn5Xg9azIA",
        }
    ]


def test_the_key_id_is_the_thumbprint_of_the_standard() -> None:
    """Key and thumbprint of RFC 8037, appendix A.3."""
    public = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_published_document_holds_no_private_part() -> None:
    (key,) = LocalIssuer(SECRET).jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "alg", "use", "kid"}


async def test_tokens_expire_and_each_has_its_own_id() -> None:
    issuer = LocalIssuer(SECRET)
    first, second = issuer.issue("me", ttl_seconds=60), issuer.issue("me", ttl_seconds=60)
    verifier = verifier_of(issuer)
    assert (await verifier.verify(first)).token_id != (await verifier.verify(second)).token_id
    assert (await verifier.verify(first)).expires_at.timestamp() == pytest.approx(time.time() + 60, abs=5)


@pytest.mark.parametrize("user_id", ["", ".", "..", "a/b", "a b", "ä", "x" * 129])
def test_a_name_that_is_no_user_id_gets_no_token(user_id: str) -> None:
    with pytest.raises(InvalidRequest):
        LocalIssuer(SECRET).issue(user_id)


@pytest.mark.parametrize("ttl_seconds", [0, -1])
def test_a_token_that_is_over_before_it_starts_is_refused(ttl_seconds: int) -> None:
    with pytest.raises(InvalidRequest):
        LocalIssuer(SECRET).issue("me", ttl_seconds=ttl_seconds)


def test_a_short_secret_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="INGESTIO_SECRET_KEY"):
        LocalIssuer("short")
