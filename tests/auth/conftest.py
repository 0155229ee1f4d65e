"""One signing key per algorithm, made once: an RSA key takes a while."""

import pytest

from tests.auth.issuer import SigningKey


@pytest.fixture(scope="session")
def rsa_key() -> SigningKey:
    return SigningKey.new("rsa-1", "RS256")


@pytest.fixture(scope="session")
def ec_key() -> SigningKey:
    return SigningKey.new("ec-1", "ES256")


@pytest.fixture(scope="session")
def ed_key() -> SigningKey:
    return SigningKey.new("ed-1", "EdDSA")
