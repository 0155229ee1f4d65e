"""API keys for programs (R34): shown once, stored as a hash."""

import hashlib
import re
import secrets
from string import ascii_letters, digits
from typing import NamedTuple

_MARK = "ing_"
# 43 characters of 62 are 256 bits: no guessing, so a plain hash is enough, and no punctuation, so a double click selects the key.
_LENGTH = 43
_SHOWN = 8
_ALPHABET = ascii_letters + digits
_KEY = re.compile(rf"{_MARK}[A-Za-z0-9]{{{_LENGTH}}}")


class NewKey(NamedTuple):
    """`plaintext` goes to the user once and nowhere else; `prefix` is what lists show; `key_hash` is stored and looked up."""

    plaintext: str
    prefix: str
    key_hash: str


def new_key() -> NewKey:
    """A fresh random key."""
    plaintext = _MARK + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return NewKey(plaintext, plaintext[: len(_MARK) + _SHOWN], hash_key(plaintext))


def hash_key(plaintext: str) -> str:
    """Lower-case hex SHA-256 of the key, as stored."""
    return hashlib.sha256(plaintext.encode()).hexdigest()


def is_api_key(credential: str) -> bool:
    """True when a bearer credential has the shape of our keys, so that it is looked up and not read as a JWT."""
    return _KEY.fullmatch(credential) is not None
