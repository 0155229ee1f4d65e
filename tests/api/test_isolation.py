"""Another user's id is not found, whatever is done with it (R29)."""

import pytest

from tests.api.conftest import Json, User, Worker, assert_problem, documents_of
from tests.api.files import pdf

ON_A_BATCH = [
    ("GET", ""),
    ("GET", "/documents"),
    ("GET", "/progress"),
    ("GET", "/quote"),
    ("PATCH", ""),
    ("POST", "/submit"),
    ("POST", "/cancel"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("POST", "/retry"),
    ("PUT", "/files/0"),
    ("DELETE", "/files/0"),
    ("DELETE", ""),
]
ON_A_DOCUMENT = [
    ("GET", ""),
    ("GET", "/file"),
    ("GET", "/pages/1.png"),
    ("GET", "/result"),
    ("GET", "/revisions"),
    ("POST", "/extract"),
    ("POST", "/cancel"),
    ("POST", "/retry"),
    ("DELETE", ""),
]


async def asked(user: User, method: str, path: str) -> object:
    options: Json = {"json": {}} if method == "PATCH" else {"content": pdf()} if method == "PUT" else {}
    return assert_problem(await user.ask(method, path, **options), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), ON_A_BATCH)
async def test_another_users_batch_is_not_found(user: User, other: User, method: str, path: str) -> None:
    draft = await other.draft()
    await other.put(draft["id"], "0", pdf())
    running = await other.batch([1])
    before = [(await other.get(f"/batches/{batch['id']}")).json() for batch in (draft, running)]

    for batch in (draft, running):
        await asked(user, method, f"/batches/{batch['id']}{path}")

    assert [(await other.get(f"/batches/{batch['id']}")).json() for batch in (draft, running)] == before


@pytest.mark.parametrize(("method", "path"), ON_A_DOCUMENT)
async def test_another_users_document_is_not_found(user: User, other: User, method: str, path: str) -> None:
    document = await other.document()
    await other.post(f"/documents/{document['id']}/extract")
    await Worker(other).complete(document["id"])
    before = (await other.get(f"/documents/{document['id']}")).json()

    await asked(user, method, f"/documents/{document['id']}{path}")

    assert (await other.get(f"/documents/{document['id']}")).json() == before


@pytest.mark.parametrize("identity", ["5f0c8a3e-6d1b-4f7a-9c52-0b8e7d41a963", "nonsense", "%2e%2e", "%00"])
async def test_an_id_of_nothing_looks_the_same(user: User, identity: str) -> None:
    for method, path in ON_A_BATCH:
        await asked(user, method, f"/batches/{identity}{path}")
    for method, path in ON_A_DOCUMENT:
        await asked(user, method, f"/documents/{identity}{path}")


async def test_lists_hold_the_callers_own_things_only(user: User, other: User) -> None:
    batch = await other.batch([1])
    (document,) = await documents_of(other, batch["id"])

    assert (await user.get("/batches")).json()["items"] == []
    assert (await user.get("/documents", params={"q": document["filename"]})).json()["items"] == []
    assert (await user.usage())["pages_reserved"] == 0


async def test_a_prompt_for_another_users_document_changes_nothing(user: User, other: User) -> None:
    mine, theirs = await user.draft(prompt_strategy="per_document"), await other.draft(prompt_strategy="per_document")
    await user.put(mine["id"], "a", pdf())
    await other.put(theirs["id"], "a", pdf())

    await user.ask("PATCH", f"/batches/{mine['id']}", json={"prompts": {"a": "mine"}})

    assert [item["prompt"] for item in await documents_of(other, theirs["id"])] == [None]
