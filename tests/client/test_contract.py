"""The client is true to the service: every route has a method or a reason to have none, every answer has its fields."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import BaseModel

from api.schemas import api_keys, batches, documents, exports, results, reviews, usage, webhooks
from ingestio import client
from ingestio.client import AsyncIngestio, Ingestio, InvalidSignature, accounts, drafts, models, read_webhook
from ingestio.client.asking import Core
from ingestio.client.plans import Call, Open
from ingestio.webhooks.signing import new_secret, signed_headers
from tests.api.test_openapi import LAST, ROUTES, STREAMS

SCHEMAS = (batches, documents, exports, results, reviews, usage, webhooks, api_keys)
OUR_OWN = {"Answer", "WebhookMessage"}
"""Models of the client that are no answers of the service's."""

LEFT_TO_OTHERS = {
    "what probes and verifiers ask": {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/.well-known/jwks.json"),
    },
    "what ends in a browser": {("POST", "/api/v1/billing/checkout"), ("POST", "/api/v1/billing/portal")},
    "what the dashboard shows": {("GET", "/api/v1/metrics/summary"), ("GET", "/api/v1/events")},
    "what only people should do": {("DELETE", "/api/v1/account")},
}
ARGUMENTS: dict[str, Any] = {
    "file": b"",
    "files": [],
    "page": 1,
    "changes": {},
    "revision": 0,
    "decision": "approved",
    "format": "csv",
    "url": "https://example.org",
    "name": "n",
    "strategy": "auto",
    "on_bytes": None,
}


def _schemas() -> dict[str, type[BaseModel]]:
    return {
        name: found
        for module in SCHEMAS
        for name, found in vars(module).items()
        if isinstance(found, type) and issubclass(found, BaseModel) and found.__module__ == module.__name__
    }


OURS = {
    name: found
    for name, found in vars(models).items()
    if isinstance(found, type) and issubclass(found, models.Answer) and name not in OUR_OWN
}


@pytest.mark.parametrize("name", sorted(OURS))
def test_an_answer_has_the_fields_of_the_service_and_their_kinds(name: str) -> None:
    assert _properties(OURS[name]) == _properties(_schemas()[name])


def _properties(model: type[BaseModel]) -> dict[str, set[str]]:
    """The JSON types that each field may have."""
    schema = model.model_json_schema(mode="serialization")
    found: dict[str, dict[str, Any]] = schema["properties"]
    return {name: set(_types(prop, schema)) for name, prop in found.items()}


def _types(schema: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield from _types(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    for part in schema.get("anyOf", ()):
        yield from _types(part, whole)
    if "type" in schema:
        yield schema["type"]


def _calls(module: ModuleType) -> Iterator[Call]:
    """The first call of every plan in a module, each id being the name of its parameter."""
    for plan in vars(module).values():
        if not inspect.isfunction(plan) or plan.__module__ != module.__name__ or plan.__name__.startswith("_"):
            continue
        parameters = inspect.signature(plan).parameters
        if "core" not in parameters:
            continue
        given = {
            name: ARGUMENTS.get(name, f"{{{name}}}")
            for name, parameter in parameters.items()
            if parameter.default is inspect.Parameter.empty and name not in {"core", "path"}
        }
        if "file" in given:
            given["file"] = ("a.pdf", b"")
        if "path" in parameters:
            given["path"] = "/dev/shm/ingestio.csv"
        step = next(plan(Core("http://localhost", 0), **given))
        assert isinstance(step, Open)
        yield step.call


def test_every_route_has_a_method_or_a_reason_to_have_none() -> None:
    modules = (client.batches, drafts, client.documents, client.exports, client.webhooks, accounts)
    asked = {(call.method, f"/api/v1{unquote(call.path)}") for module in modules for call in _calls(module)}
    left = set().union(*LEFT_TO_OTHERS.values())
    routes = {(method, path.replace("{number}", "1")) for method, path in ROUTES | STREAMS | LAST}
    assert left < routes
    assert asked == routes - left


def test_both_kinds_have_the_same_groups_and_methods_with_the_same_parameters() -> None:
    with Ingestio("http://localhost", "t") as blocking:
        awaited = AsyncIngestio("http://localhost", "t")
        assert _offered(awaited) == _offered(blocking)
        assert len(_offered(blocking)) > 50


def _offered(one: object) -> dict[str, inspect.Signature]:
    return {
        f"{name}.{member}": inspect.signature(getattr(group, member))
        for name, group in vars(one).items()
        for member in dir(group)
        if not name.startswith("_") and name != "url" and not member.startswith("_")
    }


def test_importing_the_client_loads_nothing_of_the_service() -> None:
    asked = "import sys, ingestio.client; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    )
    assert {"httpx", "pydantic"} <= loaded
    assert loaded & {"api", "workflows", "activities", "sqlalchemy", "psycopg", "temporalio", "fastapi"} == set()


BODY = b'{"type": "batch.completed", "timestamp": "2026-11-23T10:00:00Z", "data": {"batch_id": "b1"}}'


def test_a_signed_message_is_read_whatever_the_case_of_its_headers() -> None:
    secret = new_secret()
    headers = signed_headers("msg_1", datetime.now(UTC), BODY, [new_secret(), secret])
    message = read_webhook(BODY, {name.title(): value for name, value in headers.items()}, secret)
    assert (message.id, message.type, message.data) == ("msg_1", "batch.completed", {"batch_id": "b1"})


def test_what_was_not_signed_now_with_this_secret_is_no_message() -> None:
    secret, now = new_secret(), datetime.now(UTC)
    good = signed_headers("msg_1", now, BODY, [secret])
    old = signed_headers("msg_1", now - timedelta(minutes=6), BODY, [secret])
    strange = signed_headers("msg_1", now, b"[]", [secret])
    for body, headers in (
        (BODY + b" ", good),
        (BODY, old),
        (BODY, {}),
        (BODY, good | {"webhook-signature": "nonsense"}),
        (b"\xff", good),
        (BODY, signed_headers("msg_1", now, BODY, [new_secret()])),
        (b"[]", strange),
    ):
        with pytest.raises(InvalidSignature):
            read_webhook(body, headers, secret)
