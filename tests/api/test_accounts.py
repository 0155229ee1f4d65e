"""Taking everything with one, and leaving for good (R86)."""

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from api import takeout
from api.app import create_app
from ingestio.auth.local_issuer import LocalIssuer
from ingestio.config import Settings
from ingestio.db import belongings
from ingestio.db.session import service_session
from ingestio.domain.users import user_hash
from ingestio.services import erasures
from tests.api.conftest import SECRET, Json, User, Worker, assert_problem, documents_of, running, stored_files
from tests.api.files import pdf
from tests.api.web.conftest import ORIGIN, PAGE, browser_of
from tests.db.rows import insert_all, remove_all
from tests.rls.expected import HIDDEN_COLUMNS, SEEN_BY_OWNER


async def taken_out(user: User) -> Json:
    answer = await user.get("/account/export")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    everything: Json = json.loads(answer.content)
    return everything


def test_the_copy_has_a_section_for_every_table_that_users_see() -> None:
    # The words of results, to find documents by: what they were taken from is in the copy.
    index = {"document_words"}
    assert {model.__tablename__ for model in belongings.SECTIONS.values()} == SEEN_BY_OWNER - index


def test_the_copy_asks_for_nothing_that_its_owner_may_not_see() -> None:
    """One column too many and the whole copy would break off in the middle."""
    assert set().union(*HIDDEN_COLUMNS.values()) <= belongings.KEPT_BACK


@pytest.fixture
def whole_users(superuser: psycopg.Connection[Any], database: object) -> Iterator[None]:  # migrates the database
    """Two users with a row in every table."""
    for user_id in ("taker", "bystander"):
        insert_all(superuser, user_id)
    yield
    for user_id in ("taker", "bystander"):
        remove_all(superuser, user_id)


@pytest.mark.usefixtures("whole_users")
async def test_the_copy_holds_every_row_of_the_caller_and_no_other(user: User) -> None:
    taker = User("taker", user.client, user.engine, user.book, user.superuser, LocalIssuer(SECRET).issue("taker"))

    everything = await taken_out(taker)

    assert set(everything) == {"exported_at", *belongings.SECTIONS}
    for section, model in belongings.SECTIONS.items():
        rows = everything[section]
        stored = user.row(f"SELECT count(*) FROM {model.__tablename__} WHERE user_id = 'taker'")
        assert len(rows) == stored >= 1, section
        assert {row["user_id"] for row in rows} == {"taker"}, section
        assert not HIDDEN_COLUMNS.get(model.__tablename__, set()) & set(rows[0]), section
    assert "bystander" not in json.dumps(everything)
    assert (await user.client.get(everything["documents"][0]["file"])).status_code == 401


async def test_a_copy_of_many_pages_is_whole_and_in_order(user: User) -> None:
    many = 2 * takeout.ROWS_AT_ONCE + 1
    user.superuser.execute(
        "INSERT INTO page_ledger (user_id, job_id, document_id, usage_id, pages, state) "
        "SELECT %s, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), n, 'released' FROM generate_series(1, %s) AS n",
        [user.id, many],
    )

    lines = (await taken_out(user))["page_ledger"]

    assert sorted(line["pages"] for line in lines) == list(range(1, many + 1))
    assert [line["id"] for line in lines] == sorted(line["id"] for line in lines)


async def test_the_archive_holds_the_same_document_and_every_original(user: User, settings: Settings) -> None:
    content, lost = pdf(2), pdf()
    sent = await user.upload([("../../März: a/b.pdf", content), ("lost.pdf", lost)])
    documents = {item["filename"]: item["id"] for item in await documents_of(user, sent.json()["id"])}
    for path in stored_files(settings):
        if documents["lost.pdf"] in path.parts:
            path.unlink()

    answer = await user.get("/account/export", params={"files": "true"})

    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        (_, original) = archive.namelist()
        assert archive.read(original) == content
        assert original.startswith(f"documents/{next(iter(documents.values()))}/")
        assert len(original.split("/")) == 3
        everything = json.loads(archive.read("account.json"))
    assert {item["original_filename"] for item in everything["documents"]} == set(documents)


async def test_results_and_prompts_are_in_the_copy(user: User) -> None:
    document = await user.document()
    await user.post(f"/documents/{document['id']}/extract", json={"prompt": "the total, please"})
    await Worker(user).complete(document["id"])

    everything = await taken_out(user)

    (result,) = everything["results"]
    assert result["data"] == {"total": "12.50", "iban": None}
    assert result["fields"][0]["evidence"][0]["quote"] == "12,50"
    assert result["estimated_cost"] == "0.000012"
    assert everything["jobs"][0]["extraction_prompt"] == "the total, please"


async def test_a_deleted_account_is_shut_at_once_for_every_credential_in_every_process(
    user: User, app: FastAPI, make_settings: Callable[..., Settings]
) -> None:
    key = (await user.post("/api-keys", json={"name": "program"})).json()["key"]
    async with running(create_app(make_settings())) as elsewhere, browser_of(app) as browser:
        await browser.sign_in_as(app, user.id)
        bearers = [user.token, key, LocalIssuer(SECRET).issue(user.id)]
        for client in (user.client, elsewhere):
            for bearer in bearers:
                answer = await client.get("/api/v1/usage", headers={"Authorization": f"Bearer {bearer}"})
                assert answer.status_code == 200

        answer = await user.ask("DELETE", "/account")

        assert (answer.status_code, answer.content) == (204, b"")
        for client in (user.client, elsewhere):
            for bearer in [*bearers, LocalIssuer(SECRET).issue(user.id)]:
                answer = await client.get("/api/v1/usage", headers={"Authorization": f"Bearer {bearer}"})
                assert_problem(answer, 401, "unauthenticated")
        assert_problem(await browser.client.get("/api/v1/usage"), 401, "unauthenticated")
    assert user.row("SELECT user_id FROM account_tombstones WHERE user_hash = %s", user_hash(user.id)) == user.id


async def test_no_api_key_deletes_its_account(user: User) -> None:
    key = (await user.post("/api-keys", json={"name": "p", "scopes": ["read", "write", "billing"]})).json()["key"]

    answer = await user.client.delete("/api/v1/account", headers={"Authorization": f"Bearer {key}"})

    assert_problem(answer, 403, "insufficient_scope")
    assert (await user.get("/account")).status_code == 200


async def erase(engine: AsyncEngine, user_id: str) -> None:
    """What the run does, without storage."""
    left = True
    while left:
        async with service_session(engine) as session:
            left = await erasures.erase_some(session, user_id)
    async with service_session(engine) as session:
        assert await erasures.erase_rest(session, user_id, datetime.now(UTC))
        await erasures.finish_erasure(session, user_id, datetime.now(UTC))


async def test_in_local_mode_a_deleted_person_begins_anew_with_nothing(
    app: FastAPI, front: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    old = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('sample-plus')}"}
    signing_in: Json = {"headers": PAGE | {"Origin": ORIGIN}, "data": {"user": "sample-plus"}}
    assert (await front.get("/api/v1/usage", headers=old)).status_code == 200
    assert (await front.delete("/api/v1/account", headers=old)).status_code == 204
    async with browser_of(app) as browser:
        early = await browser.client.post("/sign-in", **signing_in)
        assert early.status_code == 503
        assert "being deleted" in early.text

        await erase(engine, "sample-plus")
        await asyncio.sleep(1.1)  # tokens tell their time to the second
        assert (await browser.client.post("/sign-in", **signing_in)).status_code == 303
        assert (await browser.client.get("/api/v1/batches")).json()["items"] == []
    assert_problem(await front.get("/api/v1/usage", headers=old), 401, "unauthenticated")
    fresh = {"Authorization": f"Bearer {LocalIssuer(SECRET).issue('sample-plus')}"}
    assert (await front.get("/api/v1/usage", headers=fresh)).status_code == 200


async def test_an_account_is_deleted_on_the_page_only_by_typing_that_it_shall(app: FastAPI, user: User) -> None:
    async with browser_of(app) as browser:
        await browser.sign_in_as(app, user.id)
        for typed in ("", "no", "delete it"):
            page = await browser.post("/dashboard/settings/delete", confirmation=typed)
            assert page.status_code == 422
            assert 'id="confirmation-error"' in page.text
        assert (await user.get("/account")).status_code == 200

        answer = await browser.post("/dashboard/settings/delete", confirmation=" Delete ")

        assert answer.headers["location"] == "/sign-in?said=deleted"
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert "Your account is deleted" in (await browser.get("/sign-in?said=deleted")).text
    assert_problem(await user.get("/account"), 401, "unauthenticated")
