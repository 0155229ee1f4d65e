"""The pages of exports: ordered on a batch's page, followed and steered in the list."""

import re
from uuid import uuid4

from fastapi import FastAPI

from tests.api.conftest import User, Worker, documents_of
from tests.api.web.conftest import Browser


async def test_a_batch_is_exported_from_its_page(user: User, app: FastAPI, stranger: Browser) -> None:
    batch = await user.batch([1, 1])
    await stranger.sign_in_as(app, user.id)
    page = (await stranger.get(f"/dashboard/batches/{batch['id']}")).text
    assert 'action="/dashboard/exports"' in page
    assert f'name="batch_id" value="{batch["id"]}"' in page

    answer = await stranger.post("/dashboard/exports", batch_id=batch["id"], format="csv", values="both", explode="on")

    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/exports?said=export_ordered")
    (export,) = (await user.get("/exports")).json()["items"]
    assert {name: export[name] for name in ("batch_id", "format", "values", "explode", "provenance", "bom")} == {
        "batch_id": batch["id"], "format": "csv", "values": "both", "explode": True, "provenance": False, "bom": False,
    }  # fmt: skip
    listed = (await stranger.get("/dashboard/exports")).text
    assert export["filename"] in listed
    assert "0 of 2 read" in listed


async def test_documents_are_exported_by_their_ids(user: User, app: FastAPI, stranger: Browser) -> None:
    document = await user.document()
    await stranger.sign_in_as(app, user.id)
    assert 'formaction="/dashboard/exports"' in (await stranger.get("/dashboard/documents")).text

    answer = await stranger.post("/dashboard/exports", document_ids=document["id"], format="json", values="machine")

    assert answer.status_code == 303
    assert (await user.get("/exports")).json()["items"][0]["document_count"] == 1


async def test_an_export_is_cancelled_made_again_and_deleted(user: User, app: FastAPI, stranger: Browser) -> None:
    document = await user.document()
    export = (await user.post("/exports", json={"document_ids": [document["id"]], "format": "xlsx"})).json()
    await stranger.sign_in_as(app, user.id)
    at = f"/dashboard/exports/{export['id']}"

    assert (await stranger.post(f"{at}/cancel")).status_code == 303
    refused = await stranger.post(f"{at}/cancel")
    assert (refused.status_code, "there is nothing to cancel" in refused.text) == (409, True)
    assert (await stranger.post(f"{at}/again")).status_code == 303
    assert [item["status"] for item in (await user.get("/exports")).json()["items"]] == ["queued", "cancelled"]
    assert (await stranger.post(f"{at}/delete")).status_code == 303
    assert [item["status"] for item in (await user.get("/exports")).json()["items"]] == ["queued"]
    assert (await stranger.post(f"{at}/delete")).status_code == 404


async def test_what_is_not_possible_is_said_on_the_page(user: User, app: FastAPI, stranger: Browser) -> None:
    draft = await user.draft()
    await stranger.sign_in_as(app, user.id)

    assert (
        "The batch is a draft" in (await stranger.post("/dashboard/exports", batch_id=draft["id"], format="csv")).text
    )
    assert (await stranger.post("/dashboard/exports", batch_id=draft["id"], format="parquet")).status_code == 422
    assert (await stranger.post("/dashboard/exports", batch_id=str(uuid4()), format="csv")).status_code == 404
    assert (await stranger.post("/dashboard/exports", format="csv", origin="http://evil.example")).status_code == 403
    assert "Tick the documents first" in (await stranger.post("/dashboard/exports", format="csv")).text
    assert "No exports yet" in (await stranger.get("/dashboard/exports")).text


async def test_only_what_is_ready_leads_to_a_file(user: User, app: FastAPI, stranger: Browser) -> None:
    batch = await user.batch([1])
    await Worker(user).complete((await documents_of(user, batch["id"]))[0]["id"])
    export = (await user.post("/exports", json={"batch_id": batch["id"], "format": "csv"})).json()
    await stranger.sign_in_as(app, user.id)
    address = f"/api/v1/exports/{export['id']}/file"
    assert address not in (await stranger.get("/dashboard/exports")).text

    user.superuser.execute(
        "UPDATE exports SET status = 'completed', file_path = 'x', size_bytes = 1234, expires_at = now() + interval '1 day'"
        " WHERE id = %s",
        [export["id"]],
    )

    page = (await stranger.get("/dashboard/exports")).text
    assert address in page
    assert re.search(r"1[.]2 kB", page)
