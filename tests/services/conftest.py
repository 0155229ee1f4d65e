"""A tenant without Temporal: operations are called one by one."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestio.bootstrap import WorkerDeps
from ingestio.config import Settings
from ingestio.domain.plans import Membership
from ingestio.services.accounts import PlanBook
from ingestio.storage.objects import open_store
from tests.conftest import Database
from tests.tenant import Tenant
from tests.workflows.scripted import ScriptedProvider

NewTenant = Callable[..., Awaitable[Tenant]]


@pytest.fixture
def new_tenant(
    engine: AsyncEngine, clean_database: Database, superuser: psycopg.Connection[Any], tmp_path: Path
) -> NewTenant:
    """Makes a provisioned user on a plan; `pages` overrides the plan's limit."""

    async def make(membership: Membership = Membership.PLUS, *, pages: int | None = None) -> Tenant:
        settings = Settings.load(
            INGESTIO_PLANS=None
            if pages is None
            else f'{{"{membership}": {{"pages": {pages}, "batch_documents": 1000}}}}'
        )
        deps = WorkerDeps(
            settings=settings,
            engine=engine,
            store=open_store((tmp_path / "storage").as_uri(), scratch=tmp_path / "scratch"),
            book=PlanBook(settings.plans, local=True),
            clock=lambda: datetime.now(UTC),
            provider=ScriptedProvider(),
        )
        tenant = Tenant(deps, superuser, f"user-{uuid4().hex[:8]}")
        await tenant.open(membership)
        return tenant

    return make
