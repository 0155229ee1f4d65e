"""Whatever deletes, nothing of the content is left anywhere: in no table of the catalogue, in no stored object (R86).

The words that people wrote are unique here, so they are found wherever a copy of them lies; tables are listed by the database, so a new
one is looked through as soon as it exists, and is missed when this story puts nothing into it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import pytest_asyncio
from fastapi import FastAPI
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.accounts import AccountActivities
from activities.exports import ExportActivities
from activities.repairs.base import Ground
from activities.repairs.retention import retention_repairs
from activities.upkeep import make_round
from ingestio.auth.local_issuer import LocalIssuer
from ingestio.bootstrap import Deps, WorkerDeps
from ingestio.config import Settings
from ingestio.domain.plans import BUILT_IN_PLANS, Membership, overridden
from ingestio.extraction.base import Provider
from ingestio.services.accounts import PlanBook
from ingestio.storage.keys import document_prefix, extraction_key
from tests.api.conftest import SECRET, User, Worker, documents_of
from tests.api.files import pdf
from tests.api.test_exports import order
from tests.api.test_webhooks import endpoint
from tests.api.web.conftest import browser_of

# Nobody's: no column that could hold what a user sent.
NOBODYS = {"alembic_version", "upkeep_walks", "metric_sums"}
# Of no user by name: the inboxes hold ids of the sender's, a tombstone the hash of a user id.
INBOXES = {"stripe_events", "clerk_events", "account_tombstones"}
# What may still name a document that is gone, by its id alone: what was charged, what was told, what a repeated request is answered.
IDS_STAY_IN = {"page_ledger", "webhook_deliveries", "idempotency_keys"}


@dataclass
class Story:
    """A user who has used everything, and the words by which their content is known."""

    user: User
    deps: WorkerDeps
    batch_id: str
    document_ids: list[str]
    of_documents: str
    of_batch: str
    of_account: str

    def tables(self) -> set[str]:
        rows = self.user.superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name for (name,) in rows}

    def tables_with(self, *words: str) -> set[str]:
        """Which tables hold one of these words in any column of any row."""
        return {table for table in self.tables() if self._holds(table, words)}

    def _holds(self, table: str, words: tuple[str, ...]) -> bool:
        statement = sql.SQL("SELECT EXISTS (SELECT FROM {} AS r WHERE r::text LIKE ANY (%s))").format(
            sql.Identifier(table)
        )
        found = self.user.superuser.execute(statement, [[f"%{word}%" for word in words]]).fetchone()
        return bool(found and found[0])

    async def objects_with(self, *words: str) -> list[str]:
        """Which stored objects of the user hold one of these words, in their key or their content."""
        found = []
        async for stored in self.deps.store.list(self.user.id):
            content = await self.deps.store.get_bytes(stored.key, self.user.id)
            if any(word in stored.key or word.encode() in content for word in words):
                found.append(stored.key)
        return found

    def charged(self) -> int:
        statement = (
            "SELECT coalesce(sum(pages), 0) FROM page_ledger WHERE document_id = ANY(%s) AND state = 'committed'"
        )
        return int(self.user.row(statement, [UUID(each) for each in self.document_ids]))


@pytest_asyncio.fixture(loop_scope="session")
async def story(
    app: FastAPI, front: httpx.AsyncClient, engine: AsyncEngine, settings: Settings, superuser: psycopg.Connection[Any]
) -> AsyncIterator[Story]:
    of_documents, of_batch, of_account = (f"{noun}{uuid4().hex}" for noun in ("paper", "pile", "person"))
    user_id = f"user-{uuid4().hex}"
    book = PlanBook(settings.plans, local=True)
    user = User(user_id, front, engine, book, superuser, LocalIssuer(SECRET).issue(user_id))
    assert (await user.usage())["plan"] == Membership.STARTER
    await user.change_plan(Membership.GROWTH)
    door: Deps = app.state.front_door.deps
    deps = WorkerDeps(door.settings, door.engine, door.store, door.book, door.clock, cast("Provider", None))
    user.superuser.execute("UPDATE users SET full_name = %s WHERE user_id = %s", [of_account, user.id])
    user.superuser.execute(
        "UPDATE profiles SET stripe_customer_id = %s WHERE user_id = %s", [f"cus_{of_account}", user.id]
    )
    user.superuser.execute(
        "INSERT INTO stripe_events (event_id, type, customer_id) VALUES (%s, 'customer.tax_id.created', %s)",
        [f"evt_{uuid4().hex}", f"cus_{of_account}"],
    )
    await endpoint(user, url=f"https://93.184.216.34/{of_account}")
    await user.post("/api-keys", json={"name": of_account})
    files = [(f"{of_documents}.pdf", pdf()), ("second.pdf", pdf()), (f"{of_batch}.pdf", b"no document")]
    batch = (
        await user.upload(
            files, key=of_account, name=of_batch, prompt_strategy="global", global_prompt=f"the {of_batch}"
        )
    ).json()
    documents = await documents_of(user, batch["id"])
    for document in documents:
        job_id = user.row("SELECT id FROM extraction_jobs WHERE document_id = %s", document["id"])
        await deps.store.put_bytes(extraction_key(user.id, job_id), user.id, of_documents.encode())
        picture = f"{document_prefix(user.id, document['id'])}/pages/1.png"
        await deps.store.put_bytes(picture, user.id, of_documents.encode())
        fields = [{"path": "vendor", "value": of_documents, "state": "supported", "confidence": 0.9, "evidence": []}]
        await Worker(user).complete(document["id"], data={"vendor": of_documents}, fields=fields)
        correction = {"revision": 0, "changes": [{"path": "vendor", "value": f"{of_documents} Ltd"}]}
        assert (await user.ask("PATCH", f"/documents/{document['id']}/fields", json=correction)).status_code == 200
    await Worker(user).settle(batch["id"])
    for wanted in ({"batch_id": batch["id"]}, {"document_ids": [documents[0]["id"]]}):
        export = await order(user, **wanted)
        await ExportActivities(deps).write(user.id, UUID(export["id"]))
    ids = [document["id"] for document in documents]
    async with browser_of(app) as browser:
        await browser.sign_in_as(app, user.id)
        yield Story(user, deps, batch["id"], ids, of_documents, of_batch, of_account)


async def delete_documents(story: Story) -> None:
    for document_id in story.document_ids:
        assert (await story.user.ask("DELETE", f"/documents/{document_id}")).status_code == 204


async def delete_batch(story: Story) -> None:
    """First the batch, whose documents stay, then these."""
    assert (await story.user.ask("DELETE", f"/batches/{story.batch_id}")).status_code == 204
    await delete_documents(story)


async def let_retention_end(story: Story) -> None:
    """As if the user had done nothing for a month; the rounds are as many as a shared database may need."""
    connection = story.user.superuser
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")  # no trigger moves `updated_at`
        for table, column in (("documents", "updated_at"), ("extraction_batches", "completed_at")):
            age = sql.SQL("UPDATE {} SET {} = now() - interval '31 days' WHERE user_id = %s")
            connection.execute(age.format(sql.Identifier(table), sql.Identifier(column)), [story.user.id])
        connection.execute("DELETE FROM upkeep_walks WHERE kind IN ('expired_document', 'expired_batch')")
    book = PlanBook(overridden(BUILT_IN_PLANS, {"growth": {"retention_days": 30}}), local=True)
    for hours in range(0, 100, 2):  # a walk that came round rests for an hour
        clock = partial(_in_hours, hours)
        ground = Ground(story.deps.engine, clock, story.deps.store, book=book)
        await make_round(ground.engine, clock, retention_repairs(ground, book))
        if not story.tables_with(story.of_batch):
            return
    raise AssertionError("retention did not come to this user's batch")


def _in_hours(hours: int) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


async def delete_account(story: Story) -> None:
    assert (await story.user.ask("DELETE", "/account")).status_code == 204
    await AccountActivities(story.deps, cast("Client", None), tagged=False).erase_all(story.user.id)


DELETIONS: dict[str, tuple[Callable[[Story], Awaitable[None]], tuple[str, ...]]] = {
    "a document": (delete_documents, ("of_documents",)),
    "a batch": (delete_batch, ("of_documents", "of_batch")),
    "retention": (let_retention_end, ("of_documents", "of_batch")),
    "an account": (delete_account, ("of_documents", "of_batch", "of_account")),
}


@pytest.mark.parametrize("what", DELETIONS)
async def test_nothing_of_the_content_is_left(story: Story, what: str) -> None:
    delete, attributes = DELETIONS[what]
    gone = [getattr(story, name) for name in attributes]
    ids = [*story.document_ids, *([story.batch_id] if "of_batch" in attributes else ())]
    everything = story.tables_with(story.user.id)
    assert everything == story.tables() - NOBODYS - INBOXES, (
        "the story puts nothing into a table, so nothing is proven of it"
    )
    assert all(story.tables_with(word) for word in gone)
    assert len(await story.objects_with(story.of_documents)) == 6, (
        "of each document a picture and an answer, and two exports"
    )
    charged = story.charged()
    assert charged == 2

    await delete(story)

    assert story.tables_with(*gone) == set()
    assert story.tables_with(*ids) <= IDS_STAY_IN
    assert await story.objects_with(*gone, *ids) == []
    assert story.charged() == charged
    if what == "an account":
        assert story.tables_with(story.user.id) == set()
        assert await story.objects_with("") == []
