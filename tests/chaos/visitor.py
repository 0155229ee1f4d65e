"""A user at the front door who repeats every request until somebody answers: all of them are safe to repeat."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE_SECONDS = 180.0
BATCH_SECONDS = 180.0
ANSWER_SECONDS = 20.0
LOOK_SECONDS = 0.3


class Unanswered(AssertionError):
    """Nobody answered for longer than a recovery takes, or a batch did not end."""


@dataclass
class Visitor:
    """`address` answers where the front door is now, None when it is nowhere."""

    user_id: str
    token: str
    address: Callable[[], str | None]
    answer_seconds: float = ANSWER_SECONDS
    _client: httpx.Client = field(default_factory=httpx.Client)

    def request(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Ask until the answer is another than 503."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        last = "nobody there"
        while time.monotonic() < deadline:
            if url := self.address():
                try:
                    answer = self._client.request(
                        method,
                        f"{url}/api/v1{path}",
                        timeout=self.answer_seconds,
                        headers={"Authorization": f"Bearer {self.token}", **(headers or {})},
                        **options,
                    )
                except httpx.TransportError as error:
                    last = type(error).__name__
                else:
                    if answer.status_code != 503:
                        return answer
                    last = "503"
            time.sleep(LOOK_SECONDS)
        raise Unanswered(f"{method} {path} was not answered within {PATIENCE_SECONDS:g} s: {last}")

    def close(self) -> None:
        self._client.close()

    def submit(self, files: list[tuple[str, bytes]], key: str, **fields: str) -> str:
        """Post a batch, as often as it takes, under one Idempotency-Key; answers its id."""
        answer = self.request(
            "POST",
            "/batches",
            headers={"Idempotency-Key": key},
            data={"name": key, **fields},
            files=[("files", (name, content, "application/pdf")) for name, content in files],
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def batch(self, batch_id: str) -> dict[str, Any]:
        return self._read(f"/batches/{batch_id}")

    def progress(self, batch_id: str) -> dict[str, Any]:
        return self._read(f"/batches/{batch_id}/progress")

    def documents(self, batch_id: str, status: str) -> int:
        """How many of the batch's documents (at most 200) have this status."""
        return len(self._read(f"/batches/{batch_id}/documents?limit=200&status={status}")["items"])

    def usage(self) -> dict[str, Any]:
        return self._read("/usage")

    def act(self, batch_id: str, action: str) -> int:
        """Cancel, pause, resume or retry; answers the status code: 202, or 409 when the batch is past that."""
        answer = self.request("POST", f"/batches/{batch_id}/{action}")
        assert answer.status_code in (202, 409), answer.text
        return answer.status_code

    def finished(self, batch_id: str) -> dict[str, Any]:
        """Wait until the batch has ended; one in which nothing has ended for BATCH_SECONDS hangs."""
        counts: tuple[int, ...] = ()
        deadline = time.monotonic() + BATCH_SECONDS
        while (batch := self.batch(batch_id))["completed_at"] is None:
            now = tuple(batch[f"{name}_count"] for name in ("completed", "failed", "cancelled"))
            if now != counts:
                counts, deadline = now, time.monotonic() + BATCH_SECONDS
            if time.monotonic() > deadline:
                raise Unanswered(f"the batch hangs: {batch}")
            time.sleep(LOOK_SECONDS)
        return batch

    def _read(self, path: str) -> dict[str, Any]:
        answer = self.request("GET", path)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body
