"""Every route that the description lists, asked for another user's things: not found, and nothing changed (R29).

Generated from OpenAPI, so that a route is in it by being there. Whoever adds a parameter says below what it names.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from api.app import create_app
from ingestio.config import Settings
from tests.api.conftest import Json, User, assert_problem
from tests.api.files import pdf
from tests.db.rows import insert_all, remove_all, row_id, rows_of

OTHER = "somebody-else"
# Path parameters, and members of bodies, that name a row: by its table.
NAMES_A_ROW = {
    "batch_id": "extraction_batches",
    "document_id": "documents",
    "key_id": "api_keys",
    "export_id": "exports",
    "endpoint_id": "webhook_endpoints",
    "delivery_id": "webhook_deliveries",
}
# Path parameters that say which part of such a row's thing is meant.
NAMES_A_PART = {"client_id": rows_of(OTHER)["documents"]["client_id"], "number": 1}

SCHEMA = create_app(Settings(INGESTIO_SECRET_KEY="only to describe the routes")).openapi()
Operation = tuple[str, str, Json]


def operations() -> Iterator[Operation]:
    for path, item in SCHEMA["paths"].items():
        if path.startswith("/api/v1/"):
            for method, operation in item.items():
                yield method.upper(), path, operation


def resolved(schema: Json) -> Json:
    found: Json = schema
    while "$ref" in found:
        found = SCHEMA["components"]["schemas"][found["$ref"].rpartition("/")[2]]
    return found


def variants(schema: Json) -> list[Json]:
    """A schema's alternatives, null left out."""
    whole = resolved(schema)
    listed = whole.get("anyOf") or whole.get("oneOf") or [whole]
    return [found for each in listed if (found := resolved(each)).get("type") != "null"]


def json_body(operation: Json) -> Json | None:
    content = operation.get("requestBody", {}).get("content", {})
    return variants(content["application/json"]["schema"])[0] if "application/json" in content else None


def sample(schema: Json) -> Any:
    """The smallest value that a schema takes: the request must fail for whose id it names, not for its form."""
    whole = variants(schema)[0]
    if "const" in whole or "enum" in whole:
        return whole.get("const", whole.get("enum", [None])[0])
    match whole.get("type"):
        case "object":
            properties = whole.get("properties", {})
            return {name: sample(properties[name]) for name in whole.get("required", [])}
        case "array":
            return [sample(whole["items"])] * whole.get("minItems", 0)
        case "integer" | "number":
            return whole.get("minimum", 0)
        case "boolean":
            return False
        case _:
            return "00000000-0000-0000-0000-000000000000" if whole.get("format") == "uuid" else "https://a.example"


def ids_of(user: str) -> dict[str, UUID]:
    return {name: row_id(user, table) for name, table in NAMES_A_ROW.items()}


@pytest.fixture(scope="module")
def theirs(
    superuser: psycopg.Connection[Any], database: object
) -> Iterator[dict[str, UUID]]:  # which is migrated by then
    """Somebody with a row in every table; answers their ids by parameter."""
    insert_all(superuser, OTHER)
    yield ids_of(OTHER)
    remove_all(superuser, OTHER)


def everything_of(connection: psycopg.Connection[Any], user: str) -> dict[str, Any]:
    """Every row of a user as text, by table."""
    tables = connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'user_id'"
    ).fetchall()
    query = "SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM {} t WHERE user_id = %s"
    return {table: connection.execute(query.format(table).encode(), [user]).fetchone() for (table,) in tables}


async def ask(user: User, method: str, path: str, operation: Json, body: Any = None) -> httpx.Response:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        return await user.ask(
            method, path, json=sample(content["application/json"]["schema"]) if body is None else body
        )
    if "multipart/form-data" in content:
        return await user.ask(method, path, files={"file": ("a.pdf", pdf())})
    return await user.ask(method, path, content=pdf() if content else b"")


NAMING = [each for each in operations() if "{" in each[1]]


@pytest.mark.parametrize(("method", "path", "operation"), NAMING, ids=[f"{each[0]} {each[1]}" for each in NAMING])
async def test_another_users_id_in_the_address_is_not_found(
    user: User, theirs: dict[str, UUID], superuser: psycopg.Connection[Any], method: str, path: str, operation: Json
) -> None:
    before = everything_of(superuser, OTHER)

    answer = await ask(user, method, path.removeprefix("/api/v1").format(**theirs, **NAMES_A_PART), operation)

    assert_problem(answer, 404, "not_found")
    assert everything_of(superuser, OTHER) == before


def members_that_name_rows() -> Iterator[tuple[str, str, Json, str, bool]]:
    for method, path, operation in operations():
        body = json_body(operation)
        for member, schema in (body or {}).get("properties", {}).items():
            name = member.removesuffix("s")
            if name in NAMES_A_ROW:
                yield method, path, operation, member, variants(schema)[0].get("type") == "array"


async def test_another_users_id_in_a_body_is_not_found(
    user: User, theirs: dict[str, UUID], superuser: psycopg.Connection[Any]
) -> None:
    before = everything_of(superuser, OTHER)
    own = {name: value for name, value in ids_of(user.id).items() if name != "batch_id"}

    for method, path, operation, member, many in members_that_name_rows():
        value = str(theirs[member.removesuffix("s")])
        body = sample(json_body(operation) or {}) | {member: [value] if many else value}
        answer = await ask(user, method, path.removeprefix("/api/v1").format(**own), operation, body)
        assert_problem(answer, 404, "not_found")

    assert everything_of(superuser, OTHER) == before


def test_every_id_in_an_address_or_a_body_is_known_to_the_tests_above() -> None:
    parameters = {
        item["name"]
        for _, _, operation in operations()
        for item in operation.get("parameters", [])
        if item["in"] == "path"
    }
    members = {
        member
        for _, _, operation in operations()
        for member in (json_body(operation) or {}).get("properties", {})
        if member.endswith(("_id", "_ids"))
    }

    assert parameters <= set(NAMES_A_ROW) | set(NAMES_A_PART)
    assert {member.removesuffix("s") for member in members} <= set(NAMES_A_ROW)


def objects_within(schema: Json, seen: set[int]) -> Iterator[Json]:
    """The object schemas of a body, at any depth."""
    for each in variants(schema):
        if id(each) in seen:
            continue
        seen.add(id(each))
        if each.get("type") == "object":
            yield each
            for member in each.get("properties", {}).values():
                yield from objects_within(member, seen)
        elif each.get("type") == "array":
            yield from objects_within(each["items"], seen)


# Members of bodies that are called like a column and are still the client's to say.
CLIENTS_TO_SAY = {
    "name",
    "prompt_strategy",
    "all_or_nothing",
    "format",
    "scopes",
    "url",
    "events",
    "revision",
    "path",
    "options",
}


def test_no_body_has_a_member_that_only_the_server_may_set(
    superuser: psycopg.Connection[Any], database: object
) -> None:
    columns = {
        name
        for (name,) in superuser.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
    }
    servers = columns - CLIENTS_TO_SAY - set(NAMES_A_ROW) - {"document_ids"}
    bodies = {
        f"{method} {path}": list(objects_within(body, set()))
        for method, path, operation in operations()
        if (body := json_body(operation)) is not None
    }
    assert {"POST /api/v1/batches", "PATCH /api/v1/batches/{batch_id}", "POST /api/v1/exports"} <= bodies.keys()
    for route, schemas in bodies.items():
        assert schemas, route
        for schema in schemas:
            named = set(schema.get("properties", {}))
            # A map of client ids to texts has no members of its own; everything else says that it takes no further ones.
            is_map = not named and isinstance(schema.get("additionalProperties"), dict)
            assert is_map or schema.get("additionalProperties") is False, (route, named)
            assert not named & servers, route


SERVER_ONLY = {
    "user_id": OTHER,
    "status": "completed",
    "page_count": "1",
    "pages_charged": "0",
    "storage_path": f"{OTHER}/documents/x/original",
    "total_pages": "0",
    "membership": "growth",
    "id": "5f0c8a3e-6d1b-4f7a-9c52-0b8e7d41a963",
}


async def test_a_form_cannot_set_what_only_the_server_may(user: User) -> None:
    answer = await user.upload([("a.pdf", pdf(3))], **SERVER_ONLY)
    alone = await user.post("/documents", files={"file": ("a.pdf", pdf(2))}, data=SERVER_ONLY)

    for sent in (answer, alone):
        assert sent.status_code in {201, 202, 422}, sent.text
    stored = user.superuser.execute(
        "SELECT user_id, page_count, status::text, split_part(storage_path, '/', 1) FROM documents WHERE user_id IN (%s, %s) "
        "AND id <> %s",
        [user.id, OTHER, row_id(OTHER, "documents")],
    ).fetchall()
    assert {(owner, pages, status, folder) for owner, pages, status, folder in stored} <= {
        (user.id, 3, "queued_for_processing", user.id),
        (user.id, 2, "uploaded", user.id),
    }
    assert len(stored) == sum(sent.is_success for sent in (answer, alone))


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_made_of_settings(make_settings: Callable[..., Settings]) -> None:
    """The description above is made without servers; this says that a front door with servers describes the same."""
    assert create_app(make_settings()).openapi() == SCHEMA
