"""What the Gemini stand-in can answer: good answers for any schema, and every way in which the real service fails."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import responses
from typing import Any

FOREVER = 3600.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer. `delay_seconds` before it; `drop` closes the connection instead; `send_bytes` breaks off inside the body, after
    `stall_seconds`."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    drop: bool = False
    send_bytes: int | None = None
    stall_seconds: float = 0.0

    @property
    def phrase(self) -> str:
        return responses.get(self.status, "Unknown")


def json_reply(
    body: Any, headers: Mapping[str, str] | None = None, *, status: int = 200, delay_seconds: float = 0.0
) -> Reply:
    return Reply(
        status,
        json.dumps(body).encode(),
        {"content-type": "application/json; charset=UTF-8", **(headers or {})},
        delay_seconds=delay_seconds,
    )


def generated(
    text: str | None,
    *,
    finish: str | None = "STOP",
    model: str = "gemini-2.5-flash",
    tokens: tuple[int, int, int] = (258, 40, 12),
    cached: int | None = None,
    delay_seconds: float = 0.0,
) -> Reply:
    """A generateContent answer with this text; `tokens` are prompt, candidates, thoughts; `cached` those of the prompt that were kept."""
    candidate: dict[str, Any] = {"index": 0}
    if text is not None:
        thought = {"text": "thinking aloud, not JSON", "thought": True}
        candidate["content"] = {"role": "model", "parts": [thought, {"text": text}]}
    if finish is not None:
        candidate["finishReason"] = finish
    prompt, candidates, thoughts = tokens
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": prompt + candidates + thoughts,
    }
    if cached is not None:
        usage["cachedContentTokenCount"] = cached
    body = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": f"{model}-001", "responseId": "stand-in"}
    return json_reply(body, delay_seconds=delay_seconds)


def answer(value: Any, **options: Any) -> Reply:
    """A good answer with this JSON value."""
    return generated(json.dumps(value), **options)


def problem(
    status: int,
    name: str,
    message: str = "",
    details: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An error in Google's form."""
    return json_reply(
        {"error": {"code": status, "message": message, "status": name, "details": details or []}},
        headers,
        status=status,
    )


def rate_limited(retry_after: float | str | None = None, *, retry_info: str | None = None) -> Reply:
    """429; the delay in the header, in the body's RetryInfo, or nowhere."""
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "PerMinute"}]}]
    if retry_info is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_info})
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return problem(429, "RESOURCE_EXHAUSTED", "quota exceeded", details, headers)


def server_error(status: int = 500, name: str = "INTERNAL") -> Reply:
    return problem(status, name, "internal error encountered")


def html(status: int, encoding: str = "utf-8") -> Reply:
    """What a load balancer in front of the service answers."""
    return Reply(
        status, "<html><body>Bad gateway: überlastet</body></html>".encode(encoding), {"content-type": "text/html"}
    )


def hang() -> Reply:
    """Accepts the request and never answers."""
    return Reply(delay_seconds=FOREVER)


def drop() -> Reply:
    """Closes the connection without an answer."""
    return Reply(drop=True)


def breaks_off(stall_seconds: float = 0.0) -> Reply:
    """Announces a body and sends half of it."""
    body = generated("{}").body
    return Reply(
        200, body, {"content-type": "application/json"}, send_bytes=len(body) // 2, stall_seconds=stall_seconds
    )


def truncated() -> Reply:
    """The token limit in mid-answer."""
    return generated('{"invoice_number": "INV-1", "line_it', finish="MAX_TOKENS")


def blocked_prompt(reason: str = "PROHIBITED_CONTENT") -> Reply:
    """The prompt was refused before a token was generated: no candidates."""
    return json_reply({"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 258}})


def stopped(reason: str) -> Reply:
    """A candidate without content, and why."""
    return generated(None, finish=reason)


def no_candidates() -> Reply:
    """An answer without candidates and without a reason."""
    return json_reply({"usageMetadata": {"promptTokenCount": 258}, "modelVersion": "gemini-2.5-flash-001"})


def filled(schema: Mapping[str, Any], values: Mapping[str, Any], name: str = "") -> Any:
    """A value that fits the JSON schema: from `values` by property name where there is one, null where that is allowed, else the least."""
    if name in values:
        return values[name]
    kinds = schema.get("type", "null")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "object" in kinds or "properties" in schema:
        return {key: filled(part, values, key) for key, part in schema.get("properties", {}).items()}
    choices = schema.get("anyOf", [])
    if "null" in kinds or any(choice.get("type") == "null" for choice in choices):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    least: dict[str, Any] = {"array": [], "string": "", "integer": 0, "number": 0, "boolean": False}
    return least[kinds[0]]
