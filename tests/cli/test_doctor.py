"""`ingestio doctor` on a healthy instance, and on one that somebody broke."""

import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from activities.repairs.base import Ground, Repair
from activities.repairs.registry import all_repairs
from ingestio.bootstrap import Clock, WorkerDeps
from ingestio.cli import checks
from ingestio.cli.checks import Check
from ingestio.cli.doctor import examine
from ingestio.cli.findings import look
from ingestio.config import Settings
from ingestio.db.invariants import queries
from ingestio.db.session import service_session
from ingestio.domain.findings import Finding, FindingKind, FoundPage
from ingestio.embedded.temporal import TemporalServer, start_temporal
from ingestio.errors import Unavailable
from ingestio.extraction.local.engine import LocalProvider
from ingestio.services.accounts import PlanBook
from ingestio.services.documents import extract_lone, register_lone
from ingestio.storage.keys import original_key
from ingestio.storage.objects import open_store
from tests.api.wire import wire
from tests.cli.conftest import Instance, ingestio
from tests.conftest import Database
from tests.tenant import Tenant

NO_GRACE = timedelta(0)


@pytest.fixture(scope="module")
def temporal_server() -> Iterator[TemporalServer]:
    """The embedded server, in memory; no worker asks for work."""
    with start_temporal() as server:
        yield server


@pytest.fixture
def settings(clean_database: Database, temporal_server: TemporalServer, tmp_path: Path) -> Settings:
    """Everything external, as in a deployment."""
    return Settings.load(
        INGESTIO_DATA_DIR=tmp_path / "data",
        INGESTIO_DATABASE_URL=clean_database.app_url,
        TEMPORAL_ADDRESS=temporal_server.address,
        TEMPORAL_NAMESPACE=temporal_server.namespace,
        INGESTIO_STORAGE_URL=(tmp_path / "storage").as_uri(),
    )


@pytest.fixture
async def tenant(settings: Settings, engine: AsyncEngine, superuser: psycopg.Connection[Any], tmp_path: Path) -> Tenant:
    store = open_store(settings.resolved_storage_url, scratch=tmp_path / "scratch")
    clock: Clock = lambda: datetime.now(UTC)  # noqa: E731 - as bootstrap's own
    deps = WorkerDeps(settings, engine, store, PlanBook(settings.plans, local=True), clock, LocalProvider())
    tenant = Tenant(deps, superuser, "ann")
    await tenant.open()
    return tenant


def _findings(found: list[Check]) -> dict[str, str]:
    return {each.check: each.detail for each in found if not each.healthy}


def test_a_running_instance_is_healthy(up: Instance) -> None:
    done = up.ingestio("doctor", "--json")
    found = json.loads(done.stdout)
    assert [each for each in found if each["status"] != "ok"] == []
    assert done.returncode == 0
    assert {set(each) == {"check", "status", "detail"} for each in found} == {True}
    names = {each["check"] for each in found}
    assert names >= {"database", "schema", "database login", "temporal", "workers", "storage", "api", "batch runs"}
    assert names >= {name.replace("_", " ") for name in queries()}
    assert "healthy" in up.ingestio("doctor").stdout.splitlines()[-1]


def test_an_instance_that_does_not_run_is_a_finding_and_nothing_is_made(tmp_path: Path) -> None:
    done = ingestio("doctor", "--json", "--data-dir", tmp_path / "none")
    assert done.returncode == 1
    said = {each["check"]: each["detail"] for each in json.loads(done.stdout) if each["status"] == "finding"}
    assert "ingestio up" in said["service"]
    assert not (tmp_path / "none").exists()


def test_a_wrong_setting_is_a_finding_too(tmp_path: Path) -> None:
    done = ingestio("doctor", "--json", "--data-dir", tmp_path / "none", INGESTIO_PROVIDER="gemini")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)
    assert found["check"] == "configuration"
    assert "GEMINI_API_KEY" in found["detail"]


async def test_a_temporal_that_goes_in_mid_look_writes_nothing_between_the_findings(
    temporal_server: TemporalServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its library tells of attempts on standard output, by itself, and what `--json` prints would be no JSON."""
    _, _, port = temporal_server.address.rpartition(":")
    async with wire(int(port)) as line:
        client, _ = await checks.temporal(f"127.0.0.1:{line.port}", temporal_server.namespace)
        assert client is not None
        line.cut()
        with pytest.raises(RPCError):
            await client.get_schedule_handle("any").describe(rpc_timeout=timedelta(seconds=5))

    assert capfd.readouterr().out == ""


async def test_a_deployment_without_a_worker_says_so_and_nothing_else(settings: Settings) -> None:
    assert _findings(await examine(settings)) == {
        "workers": "none asks for work on ingestio, ingestio-model, ingestio-parsing, ingestio-export, ingestio-webhook; "
        "start `ingestio worker`",
        "upkeep": "not scheduled; the next start of a worker does it",
    }


async def test_a_committed_batch_that_nothing_runs_is_found_and_started(
    settings: Settings, tenant: Tenant, temporal_server: TemporalServer
) -> None:
    batch_id = await tenant.accept(["one", "two"])
    assert str(batch_id) in _findings(await examine(settings, grace=NO_GRACE))["batch runs"]
    assert "batch runs" not in _findings(await examine(settings)), "it may be about to start by itself"
    fixed = {each.check: each for each in await examine(settings, fix=True, grace=NO_GRACE)}
    assert fixed["batch runs"].healthy
    assert str(batch_id) in fixed["batch runs"].detail
    client = await Client.connect(temporal_server.address, namespace=temporal_server.namespace)
    described = await client.get_workflow_handle(f"batch/{batch_id}").describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert "batch runs" not in _findings(await examine(settings, grace=NO_GRACE))


async def test_a_committed_document_that_nothing_runs_is_found_and_started(
    settings: Settings, tenant: Tenant, temporal_server: TemporalServer
) -> None:
    received = await tenant.store("alone", 1, 0, None)
    deps = tenant.deps
    async with service_session(deps.engine) as session:
        await register_lone(session, "ann", received)
        await extract_lone(
            session, "ann", UUID(received.document_id), prompt="the total", options={}, book=deps.book, now=deps.clock()
        )
    assert received.document_id in _findings(await examine(settings, grace=NO_GRACE))["document runs"]
    await examine(settings, fix=True, grace=NO_GRACE)
    client = await Client.connect(temporal_server.address, namespace=temporal_server.namespace)
    described = await client.get_workflow_handle(f"document/{received.document_id}/1").describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert "document runs" not in _findings(await examine(settings, grace=NO_GRACE))


async def test_a_broken_invariant_is_named_with_the_row(settings: Settings, tenant: Tenant) -> None:
    usage = tenant.one("UPDATE user_usage SET pages_processed = 7 WHERE user_id = %s RETURNING id", "ann")
    said = _findings(await examine(settings))["usage is the sum of committed pages"]
    assert said == f"1 rows: {usage['id']} has 7, expected 0"


async def test_fix_repairs_what_upkeep_would_and_says_so_and_then_everything_holds(
    settings: Settings, tenant: Tenant
) -> None:
    batch_id = await tenant.accept(["one", "two"], pages=3)
    tenant.superuser.execute("UPDATE extraction_batches SET document_count = 9")
    tenant.superuser.execute("UPDATE user_usage SET pages_reserved = 1")
    said = _findings(await examine(settings))
    assert f"1 batch_disagrees: {batch_id} counts 9/0/0/0/6" in said["batch counters"]
    assert "has 0 pages processed and 1 reserved, the ledger says 0 and 6; --fix repairs" in said["usage counters"]
    assert "reserved is the sum of held pages" in said

    fixed = await examine(settings, fix=True)

    assert set(_findings(fixed)) == {"workers", "upkeep"}
    details = {each.check: each.detail for each in fixed}
    assert details["batch counters"].startswith(f"repaired: 1 batch_disagrees: {batch_id}")
    assert details["usage counters"].startswith("repaired: 1 usage_disagrees")
    assert details["reserved is the sum of held pages"] == "holds"
    assert tenant.usage() == (0, 6)


# What only Stripe can tell is asked by workers, which hold the key; that a period ends is no damage.
_OF_WORKERS = {
    FindingKind.STRIPE_EVENT_WAITING,
    FindingKind.SUBSCRIPTION_DISAGREES,
    FindingKind.PERIOD_ENDED,
    FindingKind.EXPIRED_DOCUMENT,
    FindingKind.EXPIRED_BATCH,
}


async def test_the_doctor_looks_for_every_kind_of_damage_that_upkeep_repairs(
    settings: Settings, tenant: Tenant
) -> None:
    ground = Ground(tenant.deps.engine, tenant.deps.clock, tenant.deps.store, await _client(settings))
    repairs = all_repairs(ground)
    assert {repair.kind for repair in repairs} == set(FindingKind) - _OF_WORKERS
    assert {repair.title for repair in repairs} <= {each.check for each in await examine(settings)}
    assert len({repair.title for repair in repairs}) == len(repairs)


async def test_events_of_stripe_without_effect_are_counted_with_the_age_of_the_oldest_and_the_last_error(
    settings: Settings, tenant: Tenant
) -> None:
    insert = (
        "INSERT INTO stripe_events (event_id, type, received_at, attempts, try_after, error) "
        "VALUES (%s, %s, now() - %s::interval, %s, now() + %s::interval, %s)"
    )
    for row in (
        ("evt_1", "invoice.paid", "90 min", 2, "1 min", "Unavailable: The payment service is away."),
        ("evt_2", "invoice.paid", "80 min", 3, "2 min", "UnknownPrice: The price price_mug is no plan."),
        ("evt_3", "invoice.paid", "2 min", 0, None, None),
        ("evt_4", "invoice.paid", "0 s", 0, None, None),
        ("evt_5", "customer.tax_id.created", "9 days", 0, None, None),
    ):
        tenant.superuser.execute(insert, row)

    said = _findings(await examine(settings, grace=timedelta(minutes=1)))["events of Stripe"]

    assert said.startswith("3 without effect, the oldest for 1:30:")
    assert "2 failed, last error: UnknownPrice: The price price_mug is no plan. Workers with STRIPE_SECRET_KEY" in said
    tenant.superuser.execute("DELETE FROM stripe_events WHERE event_id IN ('evt_1', 'evt_2')")
    said = _findings(await examine(settings, grace=timedelta(minutes=1)))["events of Stripe"]
    assert "0 failed, is a worker running?" in said
    tenant.superuser.execute("UPDATE stripe_events SET processed_at = now() WHERE type = 'invoice.paid'")
    details = {each.check: each.detail for each in await examine(settings)}
    assert details["events of Stripe"] == "none waits; 1 of kinds that change nothing here are kept"


async def test_an_object_that_nothing_names_is_found_and_with_fix_removed(settings: Settings, tenant: Tenant) -> None:
    key = original_key("ann", uuid4())
    await tenant.deps.store.put_bytes(key, "ann", b"left by a crash")
    assert "stored objects" not in _findings(await examine(settings)), "it may be an upload's"
    path = Path(urlsplit(settings.resolved_storage_url).path) / key
    hours_ago = datetime.now(UTC).timestamp() - 7200
    os.utime(path, (hours_ago, hours_ago))
    assert key in _findings(await examine(settings))["stored objects"]
    assert path.exists(), "a look removes nothing"

    fixed = {each.check: each for each in await examine(settings, fix=True)}

    assert fixed["stored objects"].detail.startswith(f"repaired: 1 orphaned_object: {key}")
    assert not path.exists()


async def test_what_cannot_be_repaired_is_named_and_stays_a_finding(tenant: Tenant) -> None:
    async def find(_after: str | None) -> FoundPage:
        return FoundPage([Finding(FindingKind.EXPIRED_DRAFT, subject, "ann", "is stuck") for subject in ("a", "b")])

    async def mend(finding: Finding) -> bool:
        if finding.subject == "b":
            raise Unavailable("away")
        return True

    repair = Repair(FindingKind.EXPIRED_DRAFT, "drafts", find, mend, rest=timedelta(0), pages=1)
    assert await look([repair], fix=True) == [
        Check("drafts", False, "1 repaired, not repaired: 1 expired_draft: b is stuck")
    ]


async def _client(settings: Settings) -> Client:
    return await Client.connect(settings.temporal_address or "", namespace=settings.temporal_namespace)


async def test_a_login_that_could_do_more_than_its_work_is_named(
    settings: Settings, superuser: psycopg.Connection[Any]
) -> None:
    login = psycopg.conninfo.conninfo_to_dict(settings.database_url or "")["user"]
    superuser.execute(f'GRANT SELECT ON users TO "{login}"'.encode())
    try:
        assert _findings(await examine(settings))["database login"] == f"{login} has grants on tables of its own"
    finally:
        superuser.execute(f'REVOKE SELECT ON users FROM "{login}"'.encode())
    assert "database login" not in _findings(await examine(settings))


async def test_servers_that_are_away_are_findings_and_no_crash(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = settings.model_copy(
        update={
            "database_url": f"postgresql://app:secret-word@127.0.0.1:{port}/x",
            "temporal_address": f"127.0.0.1:{port}",
            "public_url": f"http://127.0.0.1:{port}",
        }
    )
    found = _findings(await examine(away))
    assert set(found) == {"database", "temporal", "api"}
    assert "secret-word" not in str(found)


async def test_storage_that_cannot_be_written_is_a_finding(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    blocked = settings.model_copy(update={"storage_url": (tmp_path / "file" / "storage").as_uri()})
    assert "storage" in _findings(await examine(blocked))


async def test_secrets_that_others_may_read_are_a_finding(settings: Settings) -> None:
    secrets = settings.data_dir / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    (secrets / "secret_key").touch(0o600)
    assert "data directory" not in _findings(await examine(settings))
    (secrets / "secret_key").chmod(0o644)
    assert "secret_key" in _findings(await examine(settings))["data directory"]


async def test_an_unmigrated_database_is_a_finding(settings: Settings, new_database: Any) -> None:
    empty = settings.model_copy(update={"database_url": new_database().app_url})
    found = _findings(await examine(empty))
    assert "ingestio migrate" in found["database"]
