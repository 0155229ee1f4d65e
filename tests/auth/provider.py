"""An OIDC provider as it looks on the wire: discovery, a consent that is given at once, codes that are redeemed once by their verifier,
signed ID tokens, and an end of the session. What a test needs it to do wrong is a setting."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.auth.issuer import SigningKey

CLIENT_ID = "ingestio web"
CLIENT_SECRET = "secret: of/the+client"  # of a server that lives for one test


@dataclass
class Provider:
    """`changes` are laid over the next ID tokens' claims, `document` over the discovery; `token_status` other than 200 refuses codes."""

    key: SigningKey = field(default_factory=lambda: SigningKey.new("provider-1"))
    address: str = ""
    user: str = "user_oidc"
    changes: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    token_status: int = 200
    token_body: bytes | None = None
    discoveries: int = 0
    token_requests: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def discovery(self) -> dict[str, Any]:
        found = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "end_session_endpoint": f"{self.address}/logout?from=here",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }
        return {name: value for name, value in (found | self.document).items() if value is not None}

    def authorize(self, way_in: str, **changes: str) -> str:
        """What the provider does when a browser arrives and its user consents: the address it is sent back to."""
        parts = urlsplit(way_in)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.address}/authorize"
        asked = dict(parse_qsl(parts.query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.address} | changes
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def redeem(self, form: Mapping[str, str], authorization: str | None) -> tuple[int, bytes]:
        self.token_requests.append(dict(form) | {"authorization": authorization or ""})
        if self.token_body is not None or self.token_status != 200:
            return self.token_status, self.token_body or b'{"error": "invalid_grant"}'
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = (
            asked is not None
            and self._is_client(form, authorization)
            and asked["redirect_uri"] == form.get("redirect_uri")
            and asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        )
        if not right or asked is None:
            return 400, b'{"error": "invalid_grant"}'
        claims = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "sub": self.user,
            "nonce": asked["nonce"],
            "name": "Ann Böhm",
            "email": "ann@b.example",
        }
        token = self.key.token(claims | self.changes)
        return 200, json.dumps({"access_token": "opaque", "token_type": "Bearer", "id_token": token}).encode()

    def _is_client(self, form: Mapping[str, str], authorization: str | None) -> bool:
        if authorization is not None:
            user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
            return (unquote(user), unquote(password)) == (CLIENT_ID, CLIENT_SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider on loopback."""
    provider = Provider()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                provider.discoveries += 1
                self._send(200, json.dumps(provider.discovery).encode())
            elif self.path == "/jwks":
                self._send(200, json.dumps({"keys": [provider.key.public_jwk()]}).encode())
            else:
                self._send(404, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._send(*provider.redeem(dict(parse_qsl(body)), self.headers.get("authorization")))

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        provider.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
