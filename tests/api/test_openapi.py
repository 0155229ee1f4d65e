"""The description is the contract: every route of this issue, no other, and it tells the truth when it is tried at random (R90)."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.schemas import BaseSchema

from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from tests.api.conftest import SECRET
from tests.api.files import pdf
from tests.api.processes import Server, serving

ROUTES = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/api/v1/account"),
    ("GET", "/api/v1/account/export"),
    ("GET", "/api/v1/api-keys"),
    ("POST", "/api/v1/api-keys"),
    ("DELETE", "/api/v1/api-keys/{key_id}"),
    ("GET", "/api/v1/plans"),
    ("GET", "/api/v1/usage"),
    ("POST", "/api/v1/billing/checkout"),
    ("POST", "/api/v1/billing/portal"),
    ("GET", "/api/v1/metrics/summary"),
    ("GET", "/api/v1/batches"),
    ("POST", "/api/v1/batches"),
    ("GET", "/api/v1/batches/{batch_id}"),
    ("PATCH", "/api/v1/batches/{batch_id}"),
    ("DELETE", "/api/v1/batches/{batch_id}"),
    ("GET", "/api/v1/batches/{batch_id}/documents"),
    ("GET", "/api/v1/batches/{batch_id}/progress"),
    ("GET", "/api/v1/batches/{batch_id}/quote"),
    ("POST", "/api/v1/batches/{batch_id}/submit"),
    ("POST", "/api/v1/batches/{batch_id}/cancel"),
    ("POST", "/api/v1/batches/{batch_id}/pause"),
    ("POST", "/api/v1/batches/{batch_id}/resume"),
    ("POST", "/api/v1/batches/{batch_id}/retry"),
    ("PUT", "/api/v1/batches/{batch_id}/files/{client_id}"),
    ("DELETE", "/api/v1/batches/{batch_id}/files/{client_id}"),
    ("GET", "/api/v1/documents"),
    ("POST", "/api/v1/documents"),
    ("GET", "/api/v1/documents/{document_id}"),
    ("DELETE", "/api/v1/documents/{document_id}"),
    ("POST", "/api/v1/documents/{document_id}/extract"),
    ("POST", "/api/v1/documents/{document_id}/cancel"),
    ("POST", "/api/v1/documents/{document_id}/retry"),
    ("GET", "/api/v1/documents/{document_id}/file"),
    ("GET", "/api/v1/documents/{document_id}/pages/{number}.png"),
    ("GET", "/api/v1/documents/{document_id}/result"),
    ("GET", "/api/v1/exports"),
    ("POST", "/api/v1/exports"),
    ("GET", "/api/v1/exports/{export_id}"),
    ("DELETE", "/api/v1/exports/{export_id}"),
    ("POST", "/api/v1/exports/{export_id}/cancel"),
    ("GET", "/api/v1/exports/{export_id}/file"),
    ("GET", "/api/v1/webhook-endpoints"),
    ("POST", "/api/v1/webhook-endpoints"),
    ("GET", "/api/v1/webhook-endpoints/{endpoint_id}"),
    ("PATCH", "/api/v1/webhook-endpoints/{endpoint_id}"),
    ("DELETE", "/api/v1/webhook-endpoints/{endpoint_id}"),
    ("POST", "/api/v1/webhook-endpoints/{endpoint_id}/rotate"),
    ("GET", "/api/v1/webhook-endpoints/{endpoint_id}/deliveries"),
    ("POST", "/api/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay"),
    ("PATCH", "/api/v1/documents/{document_id}/fields"),
    ("POST", "/api/v1/documents/{document_id}/review"),
    ("GET", "/api/v1/documents/{document_id}/revisions"),
}
# Tried at random it would leave nobody to try the rest as; its own tests hold it to the description.
LAST = {("DELETE", "/api/v1/account")}
# They last, so that trying them at random would wait for ever; their own tests hold them to the description.
STREAMS = {
    ("GET", "/api/v1/batches/{batch_id}/events"),
    ("GET", "/api/v1/events"),
}


def operations(schema: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    }


async def test_the_description_lists_every_route_and_no_other(front: httpx.AsyncClient) -> None:
    schema = (await front.get("/openapi.json")).json()

    assert set(operations(schema)) == ROUTES | STREAMS | LAST
    assert schema["openapi"].startswith("3.1")
    assert len({operation["operationId"] for operation in operations(schema).values()}) == len(operations(schema))


async def test_every_error_is_described_as_a_problem_and_every_answer_has_a_shape(front: httpx.AsyncClient) -> None:
    schema = (await front.get("/openapi.json")).json()

    for (method, path), operation in operations(schema).items():
        for status, response in operation["responses"].items():
            content = response.get("content", {})
            if int(status) >= 400:
                assert set(content) == {"application/problem+json"}, (method, path, status)
                assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
            elif status != "204":
                assert all(item["schema"] for item in content.values()), (method, path, status)
                assert content, (method, path, status)
        assert operation["summary"]
        assert operation["description"]
    assert not {"HTTPValidationError", "ValidationError"} & set(schema["components"]["schemas"])


async def test_what_is_under_the_api_needs_a_token_and_the_rest_does_not(front: httpx.AsyncClient) -> None:
    schema = (await front.get("/openapi.json")).json()

    for (_, path), operation in operations(schema).items():
        assert bool(operation.get("security")) == path.startswith("/api/v1/"), path


async def test_streams_are_described_as_server_sent_events_that_resume(front: httpx.AsyncClient) -> None:
    described = operations((await front.get("/openapi.json")).json())

    for route in STREAMS:
        assert set(described[route]["responses"]["200"]["content"]) == {"text/event-stream"}
        assert {item["name"]: item["in"] for item in described[route]["parameters"] if item["in"] != "path"} == {
            "last-event-id": "header",
            "after": "query",
        }
    assert "204" in described["GET", "/api/v1/batches/{batch_id}/events"]["responses"]


TELLS_THE_TRUTH = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def server(make_settings: Callable[..., Settings]) -> Iterator[Server]:
    with serving(make_settings()) as running:
        yield running


@pytest.fixture(scope="module")
def somebody(server: Server, superuser: psycopg.Connection[Any]) -> dict[str, str]:
    """Headers of a user on the growth plan."""
    headers = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('at-random')}"}
    httpx.get(f"{server.url}/api/v1/usage", headers=headers, timeout=30).raise_for_status()
    superuser.execute("UPDATE profiles SET membership = 'growth' WHERE user_id = 'at-random'")
    return headers


@pytest.fixture(scope="module")
def described(app: FastAPI) -> BaseSchema:
    return schemathesis.openapi.from_dict(app.openapi())


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_tried_at_random_no_route_answers_what_it_does_not_describe(
    described: BaseSchema, server: Server, somebody: dict[str, str], method: str, path: str
) -> None:
    operation = described[path][method]
    draft = httpx.post(f"{server.url}/api/v1/batches", headers=somebody, json={"prompt_strategy": "auto"}, timeout=30)
    file = {"file": ("a.pdf", pdf())}
    document = httpx.post(f"{server.url}/api/v1/documents", headers=somebody, files=file, timeout=30)
    wanted = {"document_ids": [document.json()["id"]], "format": "json"}
    export = httpx.post(f"{server.url}/api/v1/exports", headers=somebody, json=wanted, timeout=30)
    real = {
        "batch_id": draft.json()["id"],
        "document_id": document.json()["id"],
        "export_id": export.json()["id"],
        "number": 1,
    }

    @settings(
        max_examples=10,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(), existing=st.booleans())
    def tried(case: schemathesis.Case[Any], existing: bool) -> None:
        if existing:
            case.path_parameters = {name: real.get(name, value) for name, value in case.path_parameters.items()}
        answer = case.call(base_url=server.url, headers=somebody, timeout=30)
        case.validate_response(answer, checks=TELLS_THE_TRUTH)

    tried()
