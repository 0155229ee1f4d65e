"""An attempt to sign in elsewhere: what the browser keeps until it comes back."""

from dataclasses import dataclass
from secrets import token_urlsafe


@dataclass(frozen=True, slots=True)
class Attempt:
    """`state` says that the answer is to our question, `nonce` that the ID token is, and `verifier` redeems the code (PKCE)."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Attempt":
        """Three fresh secrets."""
        return cls(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48))
