"""A whole installation on servers of its own, taken apart: each part a process that can be killed, a proxy in every line between two parts.

Two workers and one front door are mortal (`mortal.py`). PostgreSQL and Temporal are the embedded ones, started here as an operator's own;
the object store speaks S3; the model is the stand-in. Whatever dies is started again at once.
"""

import asyncio
import contextlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
from temporalio.client import Client

from ingestio.cli.tokens import issue
from ingestio.config import Settings
from ingestio.db.migrate import migrate
from ingestio.domain.messages import BatchProgress
from ingestio.embedded.ports import remembered_ports
from ingestio.embedded.postgres_cluster import PostgresCluster
from ingestio.embedded.processes import Child
from ingestio.embedded.supervisor import RestartPolicy, Supervisor
from ingestio.embedded.temporal import PORT_NAMES, temporal_node
from ingestio.errors import Unavailable
from ingestio.extraction.schemas import DOCUMENT_TYPES
from tests.chaos.proxy import Fault, Proxy
from tests.chaos.referee import PATIENCE_VARIABLE, Referee
from tests.chaos.visitor import Visitor
from tests.extraction.gemini_stand_in import GeminiStandIn
from tests.storage import s3_server
from workflows.client import ask_progress

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
WORKERS = ("worker-1", "worker-2")
API = "api"
SERVERS = ("postgres", "temporal")
EVERYTHING = "everything"
VISITORS = "visitors"
PREFIX = "chaos"
SECRET = "a secret that all parts share"
PLANS = json.dumps({"growth": {"pages": None}})
TOKEN_SECONDS = 24 * 3600
# What the model answers about every invoice: a list that its own sum bears out, or the document would be incomplete and fail.
_ENTRY = next(field.children for field in DOCUMENT_TYPES["invoice"].fields if field.name == "line_items")
WHOLE = {"line_items": [dict.fromkeys(each.name for each in _ENTRY) | {"amount": "100.00"}], "subtotal": "100.00"}
# A server that is killed is started again, for ever and at once.
_RESTARTS = RestartPolicy(deaths=10**6, first_pause_seconds=0.0, longest_pause_seconds=0.0)
_OF_OTHERS = ("INGESTIO_", "TEMPORAL_", "GEMINI_", "GOOGLE_", "STRIPE_", "REDIS_", "OTEL_", "AWS_")
# SIGKILL loses nothing that the kernel has taken, so the disk need not be waited for.
_WITHOUT_DISK = {"fsync": "off"}

Link = tuple[str, str]
"""Who speaks to whom: ("worker-1", "postgres")."""

_T = TypeVar("_T")


class Site:
    """`with Site(folder, seed) as site:` starts everything; `site.visitor("alice")` is a user of it.

    `patience_seconds`: after so much silence a worker's task is given to another; less than a busy machine takes for one never ends.
    """

    def __init__(self, folder: Path, seed: int, *, patience_seconds: float = 8.0) -> None:
        self.folder = folder
        self._patience_seconds = patience_seconds
        self._dice = random.Random(seed)
        self._stack = ExitStack()
        self._supervisor = Supervisor(_RESTARTS)
        self._loop = asyncio.new_event_loop()
        self.proxies: dict[Link, Proxy] = {}
        self.stand_in = GeminiStandIn(record=False, delay_seconds=0.05, values=WHOLE)
        self._client: Client | None = None
        self._http = self._stack.enter_context(httpx.Client(timeout=5))
        self._visitors: dict[str, Visitor] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # Parts

    def kill(self, victim: str) -> None:
        """SIGKILL: one of WORKERS, `worker` (either of them), `api`, one of SERVERS, or EVERYTHING. Returns when it is dead."""
        for name in self._named(victim):
            if name in SERVERS:
                self._kill_server(name)
            else:
                self.referee.end_life(name)

    def _named(self, victim: str) -> tuple[str, ...]:
        if victim == EVERYTHING:
            return (*SERVERS, API, *WORKERS)
        return (self._dice.choice(WORKERS),) if victim == "worker" else (victim,)

    def _kill_server(self, name: str) -> None:
        """The server and its children: PostgreSQL's are in sessions of their own and would outlive it for a moment."""
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(self._supervisor.pids()[name])
            family = [server, *server.children(recursive=True)]
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            # Not `wait`: it would take the exit status, which the supervisor reads.
            while any(_is_alive(process) for process in family):
                time.sleep(0.005)

    def await_everybody(self) -> None:
        """Return when all faults' victims are back and the front door can work."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if {API, *WORKERS} <= self.referee.lives().keys() and self._is_ready():
                return
            time.sleep(0.2)
        raise AssertionError(f"not ready after {START_SECONDS:g} s; alive: {sorted(self.referee.lives())}")

    def _is_ready(self) -> bool:
        try:
            return self._http.get(f"{self._front_door}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    # Lines

    def lay_fault(self, link: Link, fault: Fault, how: str) -> None:
        """`next`: on the next connection; `open`: on what is open now; `lasting`: on both, until healed."""
        proxy = self.proxies[link]

        def lay() -> None:
            if how == "next":
                proxy.next_connections(fault)
            if how in ("open", "lasting"):
                proxy.strike(fault)
            if how == "lasting":
                proxy.from_now_on(fault)

        self._loop.call_soon_threadsafe(lay)

    def heal(self, link: Link, *, reset_held: bool = False) -> None:
        self._loop.call_soon_threadsafe(lambda: self.proxies[link].heal(reset_held=reset_held))

    # Users

    def visitor(self, user_id: str) -> Visitor:
        """A user on the largest plan, whose requests go through a proxy too."""
        if user_id not in self._visitors:
            settings = Settings(
                INGESTIO_DATABASE_URL=self._cluster.app_url, INGESTIO_SECRET_KEY=SECRET, INGESTIO_PLANS=PLANS
            )
            token = _issue_patiently(settings, user_id)
            url = f"http://127.0.0.1:{self.proxies[VISITORS, API].port}"
            self._visitors[user_id] = Visitor(user_id, token, lambda: url, answer_seconds=10)
            self._stack.callback(self._visitors[user_id].close)
        return self._visitors[user_id]

    def superuser(self) -> psycopg.Connection[Any]:
        """Sees every row, and is bothered by no proxy."""
        url = urlsplit(self._cluster.superuser_url)._replace(path=urlsplit(self._cluster.owner_url).path).geturl()
        return psycopg.connect(url, autocommit=True)

    @property
    def temporal_address(self) -> str:
        return self._node.address

    @property
    def storage_options(self) -> dict[str, str]:
        return self._s3.options

    def progress(self, batch_id: str) -> BatchProgress | None:
        """What the run of a batch says of itself, asked without the front door; None when it does not answer now."""
        return self._call(self._ask(batch_id))

    async def _ask(self, batch_id: str) -> BatchProgress | None:
        if self._client is None:
            self._client = await Client.connect(self.temporal_address, lazy=True)
        return await ask_progress(self._client, batch_id)

    # Start

    def _start(self) -> None:
        self.referee = Referee(self.folder, self.kill)
        self._stack.callback(self.referee.close)
        self._stack.enter_context(self._running_loop())
        (self.folder / "s3").mkdir()
        self._s3 = self._stack.enter_context(s3_server.running(self.folder / "s3"))
        self._stack.callback(self._supervisor.stop)
        ports = remembered_ports(self.folder / "ports.json", ["postgres", API, *PORT_NAMES])
        self._node = temporal_node(self.folder, ports, headless=True)
        temporal = self._supervisor.launch(self._node.prepare())
        self._cluster = PostgresCluster(self.folder, ports["postgres"], settings=_WITHOUT_DISK)
        self._supervisor.launch(self._cluster.prepare()).wait_ready()
        self._cluster.provision()
        migrate(self._cluster.owner_url, self._cluster.app_url)
        temporal.wait_ready()
        self._node.provision()
        self._front_door = f"http://127.0.0.1:{ports[API]}"
        self._call(self._open_lines(ports))
        self._environment = self._common_environment()
        for name in (*WORKERS, API):
            self._supervisor.launch(self._mortal(name, ports[API]))
        self._stack.enter_context(self._watched())
        self.await_everybody()

    def _mortal(self, name: str, api_port: int) -> Child:
        part = "api" if name == API else "worker"
        port_of = {server: self.proxies[name, server].port for server in ("postgres", "temporal", "storage")}
        environment = self._environment | {
            "INGESTIO_DATABASE_URL": _through(self._cluster.app_url, port_of["postgres"]),
            "TEMPORAL_ADDRESS": f"127.0.0.1:{port_of['temporal']}",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port_of['storage']}",
            "INGESTIO_DATA_DIR": str(self.folder / name),
            "INGESTIO_PORT": str(api_port),
        }
        if part == "worker":
            environment["GOOGLE_GEMINI_BASE_URL"] = f"http://127.0.0.1:{self.proxies[name, 'model'].port}"
        return Child(
            name=name,
            argv=[sys.executable, "-m", "tests.chaos.mortal", part, name, str(self.referee.path)],
            env=environment,
            log=self.folder / "logs" / f"{name}.log",
            cwd=ROOT,
        )

    def _common_environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)}
        return {
            **kept,
            **self._s3.environment,
            "INGESTIO_STORAGE_URL": f"s3://{s3_server.BUCKET}/{PREFIX}",
            "INGESTIO_SECRET_KEY": SECRET,
            "INGESTIO_PLANS": PLANS,
            "TEMPORAL_ADDRESS": self._node.address,
            "GEMINI_API_KEY": "a key for the stand-in",
            "INGESTIO_MODEL_TIMEOUT_SECONDS": "5",
            PATIENCE_VARIABLE: str(self._patience_seconds),
        }

    async def _open_lines(self, ports: Mapping[str, int]) -> None:
        self._async_stack = AsyncExitStack()
        await self._async_stack.enter_async_context(self.stand_in)
        storage = urlsplit(self._s3.endpoint).port
        assert storage is not None
        servers = {"postgres": ports["postgres"], "temporal": ports["temporal"], "storage": storage}
        links = {(name, server): port for name in (*WORKERS, API) for server, port in servers.items()}
        links |= {(name, "model"): self.stand_in.port for name in WORKERS}
        links[VISITORS, API] = ports[API]
        for link, port in links.items():
            proxy = Proxy("127.0.0.1", port, seed=self._dice.randrange(10**9))
            self.proxies[link] = await self._async_stack.enter_async_context(proxy)

    @contextmanager
    def _running_loop(self) -> Iterator[None]:
        """Proxies and stand-in live on a loop in a thread of its own."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            if self.proxies:
                self._call(self._async_stack.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._supervisor.watch, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _call(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(START_SECONDS)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _through(url: str, port: int) -> str:
    """A database URL, by way of a proxy."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()


def _issue_patiently(settings: Settings, user_id: str) -> str:
    """A token, as soon as a database that was just killed is back."""
    given_up = time.monotonic() + 60
    while True:
        try:
            return issue(settings, user_id, "growth", TOKEN_SECONDS)
        except Unavailable:
            if time.monotonic() > given_up:
                raise
            time.sleep(0.2)
