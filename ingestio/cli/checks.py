"""What `ingestio doctor` looks at, each look one function that answers whether all is well and says it in a sentence."""

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from ingestio.bootstrap import open_object_store
from ingestio.config import Settings
from ingestio.db import stripe_events as inbox
from ingestio.db.address import connection_parameters
from ingestio.db.engine import create_engine
from ingestio.db.invariants import SHOWN, queries, violations
from ingestio.db.logins import fault_of_login
from ingestio.db.migrate import head_revision
from ingestio.db.session import service_session
from ingestio.domain.billing import EVENT_TYPES
from ingestio.errors import IngestioError, Unavailable
from ingestio.storage.keys import original_key
from ingestio.temporal import connect
from workflows import names

PATIENCE_SECONDS = 10.0
RPC_TIMEOUT = timedelta(seconds=5)
LEAST_FREE_BYTES = 1 << 30
# A worker asks for work at least once a minute.
_QUIET_WORKER = timedelta(seconds=90)
_OWNER_OF_PROBES = "ingestio-doctor"


@dataclass(frozen=True, slots=True)
class Check:
    """One look: its name, whether all is well, and what was seen."""

    check: str
    healthy: bool
    detail: str


def configuration(settings: Settings) -> Check:
    """Settings that contradict each other stop every command, this one too; so what is left is to say what is chosen."""
    parts = [
        f"provider {settings.provider}",
        f"auth {settings.auth}",
        f"database {'embedded' if settings.embeds_postgres else 'external'}",
        f"Temporal {'embedded' if settings.embeds_temporal else 'external'}",
    ]
    return Check("configuration", True, ", ".join(parts))


def data_directory(settings: Settings) -> Check:
    """The folder is there, ours to write, and its secrets are nobody else's to read."""
    folder = settings.data_dir.resolve()
    if not folder.is_dir():
        needed = settings.embeds_postgres or settings.embeds_temporal or settings.storage_url is None
        return Check(
            "data directory", not needed, f"{folder} does not exist{'' if needed else ', and nothing needs it'}"
        )
    secrets = folder / "secrets"
    open_to_others = [
        path.name
        for path in (secrets, *(secrets.iterdir() if secrets.is_dir() else ()))
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_to_others:
        return Check(
            "data directory", False, f"others may read {', '.join(open_to_others)} in {folder}; chmod go= them"
        )
    return Check("data directory", True, str(folder))


def disk(settings: Settings) -> Check:
    """There is room for the next files."""
    folder = settings.data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Check("disk", free >= LEAST_FREE_BYTES, f"{free / (1 << 30):.1f} GiB free at {folder}")


async def api(url: str | None) -> Check:
    """The front door says that it can work."""
    if url is None:
        return Check("api", True, "not looked at: no address is known here; INGESTIO_PUBLIC_URL names one")
    try:
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            answer = await client.get(f"{url.rstrip('/')}/readyz")
    except httpx.HTTPError as error:
        return Check("api", False, f"{url} does not answer ({type(error).__name__})")
    if answer.status_code == 200:
        return Check("api", True, f"ready at {url}")
    return Check("api", False, f"{url} answers {answer.status_code}: not ready")


async def storage(settings: Settings) -> Check:
    """An object can be written, read back and removed."""
    key, content = original_key(_OWNER_OF_PROBES, uuid4()), uuid4().bytes
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            store = open_object_store(settings)
            await store.put_bytes(key, _OWNER_OF_PROBES, content)
            same = await store.get_bytes(key, _OWNER_OF_PROBES) == content
            await store.delete_prefix(_OWNER_OF_PROBES, _OWNER_OF_PROBES)
    except (IngestioError, TimeoutError, OSError) as error:
        return Check("storage", False, f"{settings.resolved_storage_url}: {said(error)}")
    return Check("storage", same, settings.resolved_storage_url if same else "what was written came back changed")


@asynccontextmanager
async def opened_database(url: str) -> AsyncIterator[AsyncEngine]:
    """A pool of one connection, as the application's login."""
    engine = create_engine(url, pool_size=1)
    try:
        yield engine
    finally:
        await engine.dispose()


async def database(engine: AsyncEngine, variable: str | None = None) -> list[Check]:
    """It answers, its schema is this program's; [database, schema], or the first alone when it does not answer.

    `variable`: the one that names it, when it is an operator's own.
    """
    try:
        async with service_session(engine) as session:
            version = (await session.execute(text("SHOW server_version"))).scalar_one()
            revision = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    except Unavailable as error:
        return [Check("database", False, error.detail if variable is None else f"{variable}: {error.detail}")]
    except Exception as error:  # noqa: BLE001 - whatever it is (no table, no right), it is what was asked for
        return [Check("database", False, f"answers, but cannot be used: {said(error)}; run `ingestio migrate`")]
    head = head_revision()
    schema = (
        f"revision {revision}"
        if revision == head
        else f"revision {revision}, this program needs {head}; run `ingestio migrate`"
    )
    return [Check("database", True, f"PostgreSQL {version}"), Check("schema", revision == head, schema)]


def login(url: str) -> Check:
    """The application's login can become its two roles and nothing else."""
    parameters = connection_parameters(url)
    name = parameters.get("user", "")
    try:
        with psycopg.connect(make_conninfo(**parameters), autocommit=True) as connection:
            fault = fault_of_login(connection, name)
    except psycopg.Error as error:
        return Check("database login", False, f"{name} cannot be looked at: {said(error)}")
    if fault is None:
        return Check("database login", True, f"{name} owns nothing and has only its two roles")
    return Check("database login", False, f"{name} {fault}")


async def invariants(engine: AsyncEngine) -> list[Check]:
    """One check for each invariant; ids and counts only."""
    async with service_session(engine) as session:
        found = await violations(session)
    checks = []
    for name in queries():
        broken = [each for each in found if each.invariant == name]
        shown = "; ".join(f"{each.subject} has {each.stored}, expected {each.expected}" for each in broken[:3])
        many = f"{len(broken)}{' or more' if len(broken) == SHOWN else ''} rows"
        checks.append(Check(name.replace("_", " "), not broken, f"{many}: {shown}" if broken else "holds"))
    return checks


async def stripe_events(engine: AsyncEngine, now: datetime, grace: timedelta) -> Check:
    """Every event of Stripe's that we act on has had its effect. Only a worker can help one, because it alone has the key to ask with."""
    async with service_session(engine) as session:
        found = await inbox.count_waiting(session, EVENT_TYPES, now - grace)
    if found.since is None:
        parked = f"; {found.parked} of kinds that change nothing here are kept" if found.parked else ""
        return Check("events of Stripe", True, f"none waits{parked}")
    age = timedelta(seconds=round((now - found.since).total_seconds()))
    why = f"last error: {found.last_error}" if found.failed else "is a worker running?"
    return Check(
        "events of Stripe",
        False,
        f"{found.events} without effect, the oldest for {age}; {found.failed} failed, {why} "
        "Workers with STRIPE_SECRET_KEY try again by themselves",
    )


async def temporal(address: str, namespace: str) -> tuple[Client | None, list[Check]]:
    """It answers and has the namespace, workers ask for work, the upkeep is scheduled; the client for further looks.

    The client is silent: its library would write of each attempt to standard output, between what was found.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            client = await connect(address, namespace, runtime=Runtime(telemetry=TelemetryConfig(logging=None)))
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=namespace), timeout=RPC_TIMEOUT
            )
    except (IngestioError, RPCError, TimeoutError) as error:
        return None, [Check("temporal", False, f"{address}, namespace {namespace}: {said(error)}")]
    return client, [
        Check("temporal", True, f"{address}, namespace {namespace}"),
        await _workers(client),
        await _upkeep(client),
    ]


async def _workers(client: Client) -> Check:
    idle: dict[str, None] = {}
    for queue, kind in (
        (names.ORCHESTRATION_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
        (names.MODEL_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
        (names.MODEL_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
        (names.PARSING_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
        (names.PARSING_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
        (names.EXPORT_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
        (names.WEBHOOK_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    ):
        request = DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        )
        answer = await client.workflow_service.describe_task_queue(request, timeout=RPC_TIMEOUT)
        oldest = datetime.now(UTC) - _QUIET_WORKER
        if not any(poller.last_access_time.ToDatetime(UTC) > oldest for poller in answer.pollers):
            idle[queue] = None
    if idle:
        return Check("workers", False, f"none asks for work on {', '.join(idle)}; start `ingestio worker`")
    return Check("workers", True, "ask for work on every queue")


async def _upkeep(client: Client) -> Check:
    try:
        await client.get_schedule_handle(names.UPKEEP_ID).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return Check("upkeep", False, "not scheduled; the next start of a worker does it")
        return Check("upkeep", False, said(error))
    return Check("upkeep", True, "scheduled")


def said(error: BaseException) -> str:
    """An error in one line; a foreign one may say more than it should, so only its kind is told where that is likely."""
    if isinstance(error, IngestioError):
        return error.detail
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE_SECONDS:g} s"
    if isinstance(error, RPCError):
        return error.message
    return type(error).__name__
