"""One user below the front door: what tests of services and workflows arrange with and look at."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from ingestio.bootstrap import WorkerDeps
from ingestio.db.session import service_connection, service_session
from ingestio.domain.batches import PromptStrategy
from ingestio.domain.plans import Membership
from ingestio.domain.submissions import BatchSpec, ReceivedFile
from ingestio.services import accounts, jobs, submissions
from ingestio.storage.keys import original_key


@dataclass
class Tenant:
    """One user of the product, below the front door: accept batches, look at rows."""

    deps: WorkerDeps
    superuser: psycopg.Connection[Any]
    user_id: str

    async def open(self, membership: Membership = Membership.GROWTH) -> None:
        async with service_session(self.deps.engine) as session:
            await accounts.provision(
                session,
                self.user_id,
                email=None,
                full_name=None,
                book=self.deps.book,
                now=self.deps.clock(),
                membership=membership,
            )

    async def store(
        self, name: str, pages: int, position: int, prompt: str | None, content: bytes | None = None
    ) -> ReceivedFile:
        document_id = str(uuid4())
        key = original_key(self.user_id, document_id)
        content = f"{name}\n".encode() if content is None else content
        await self.deps.store.put_bytes(key, self.user_id, content)
        return ReceivedFile(
            document_id=document_id,
            client_id=str(position),
            position=position,
            filename=f"{name}.pdf",
            mime_type="application/pdf",
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            page_count=pages,
            storage_path=key,
            prompt=prompt,
        )

    async def accept(
        self,
        names: Sequence[str],
        *,
        pages: int = 1,
        strategy: PromptStrategy = PromptStrategy.GLOBAL,
        prompt: str | None = "Extract the invoice number",
        prompts: Sequence[str | None] | None = None,
        content: bytes | None = None,
    ) -> UUID:
        """Commit a batch without starting it, as a front door that was killed right after. `content` None: the name is all there is."""
        batch_id = uuid4()
        files = [
            await self.store(name, pages, index, None if prompts is None else prompts[index], content)
            for index, name in enumerate(names)
        ]
        book, now = self.deps.book, self.deps.clock()
        async with service_session(self.deps.engine) as session:
            await submissions.open_batch(
                session, self.user_id, batch_id, BatchSpec("test", strategy, prompt), book, files=len(files)
            )
        async with service_session(self.deps.engine) as session:
            await submissions.accept_batch(session, self.user_id, batch_id, files, [], claim=None, book=book, now=now)
        return batch_id

    async def complete(self, batch_id: UUID) -> None:
        """Confirm and commit every live job of a batch, as the worker does."""
        answer: dict[str, Any] = {
            "document_type": "invoice",
            "provider": "test",
            "model": "test-1",
            "schema_version": "1",
            "data": {},
        }
        answer |= {"fields": [], "flags": [], "input_tokens": 1, "output_tokens": 1}
        for row in self.all("SELECT id FROM extraction_jobs WHERE batch_id = %s AND status = 'queued'", batch_id):
            async with service_connection(self.deps.engine) as connection:
                confirmed = await jobs.confirm(
                    connection,
                    self.user_id,
                    row["id"],
                    book=self.deps.book,
                    now=self.deps.clock(),
                    model_timeout_seconds=1,
                )
                assert confirmed.may_run, confirmed
            async with service_connection(self.deps.engine) as connection:
                await jobs.commit(connection, self.user_id, row["id"], json.dumps(answer))

    def batch(self, batch_id: UUID) -> dict[str, Any]:
        return self.one("SELECT * FROM extraction_batches WHERE id = %s", batch_id)

    def usage(self) -> tuple[int, int]:
        """Pages (processed, reserved)."""
        row = self.one("SELECT pages_processed, pages_reserved FROM user_usage WHERE user_id = %s", self.user_id)
        return row["pages_processed"], row["pages_reserved"]

    def documents(self, batch_id: UUID) -> list[dict[str, Any]]:
        return self.all("SELECT * FROM documents WHERE batch_id = %s ORDER BY position", batch_id)

    def one(self, statement: str, *values: Any) -> dict[str, Any]:
        return self.all(statement, *values)[0]

    def all(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self.superuser.execute(statement.encode(), values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
