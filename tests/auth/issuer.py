"""An OIDC issuer as it looks on the wire: keys of its own, tokens, and a JWKS address on loopback that counts its visitors."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

ISSUER = "https://issuer.example"
AUDIENCE = "ingestio"

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A private key, its id and its algorithm."""

    kid: str
    algorithm: str
    private: PrivateKey

    @classmethod
    def new(cls, kid: str, algorithm: str = "ES256", bits: int = 2048) -> "SigningKey":
        match algorithm:
            case "RS256":
                return cls(kid, algorithm, generate_rsa_key(65537, bits))
            case "ES256":
                return cls(kid, algorithm, generate_ec_key(SECP256R1()))
            case _:
                return cls(kid, algorithm, Ed25519PrivateKey.generate())

    def public_jwk(self) -> dict[str, Any]:
        match self.private:
            case RSAPrivateKey():
                data = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case Ed25519PrivateKey():
                data = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case _:
                data = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**data, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def token(self, changes: Mapping[str, Any] | None = None, *, header: Mapping[str, Any] | None = None) -> str:
        """A genuinely signed token, with `changes` laid over its claims and `header` over its header; None removes one.

        Put together here and not by PyJWT, which declines to sign some of the nonsense that a verifier must survive.
        """
        names = {"alg": self.algorithm, "kid": self.kid, **(header or {})}
        head, body, _ = raw_token(
            {name: value for name, value in names.items() if value is not None}, claims_with(changes or {})
        ).split(".")
        signature = jwt.get_algorithm_by_name(self.algorithm).sign(f"{head}.{body}".encode(), self.private)
        return f"{head}.{body}.{base64url_encode(signature).decode()}"


def claims_with(changes: Mapping[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user_2abc", "iat": now, "exp": now + 60, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def raw_token(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, signature: bytes = b"") -> str:
    """A token of any parts, signed by nobody."""
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    parts = (json.dumps(header).encode(), body, signature)
    return ".".join(base64url_encode(part).decode() for part in parts)


@dataclass
class JwksServer:
    """What the address answers: `keys`, or `body` in their place, with `status`, after `delay_seconds`."""

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    body: bytes | None = None
    status: int = 200
    delay_seconds: float = 0.0
    hits: int = 0


@contextmanager
def serving(*keys: SigningKey) -> Iterator[JwksServer]:
    state = JwksServer(keys=[key.public_jwk() for key in keys])

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.hits += 1
            time.sleep(state.delay_seconds)
            body = json.dumps({"keys": state.keys}).encode() if state.body is None else state.body
            self.send_response(state.status)
            if 300 <= state.status < 400:
                self.send_header("Location", state.url)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Silence."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that gives up early is what some tests are about."""

    with Server(("127.0.0.1", 0), Answer) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
