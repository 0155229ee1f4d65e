"""One Ingestio instance on one data directory: the embedded servers and whatever else runs beside them.

    with Instance(Path(".ingestio")) as instance:
        endpoints = instance.start()
        instance.add(Child("worker", argv, env))
        instance.publish(api_url="http://127.0.0.1:8000")
        instance.run_forever(stop)

Everything it keeps lies below the data directory: `postgres/`, `temporal/`, `secrets/` (0700, files 0600), `logs/`, `ports.json`, `lock`
and, while it runs, `instance.json`.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import psutil

from ingestio.embedded.files import private_directory, write_private
from ingestio.embedded.locks import (
    INSTANCE_VARIABLE,
    AlreadyRunning,
    InstanceLock,
    StartLock,
    is_locked,
    use_lock,
    using,
)
from ingestio.embedded.ports import is_free, remembered_ports
from ingestio.embedded.postgres_cluster import PostgresCluster
from ingestio.embedded.processes import Child, ChildFailed, RunningChild, end, marked
from ingestio.embedded.supervisor import Supervisor
from ingestio.embedded.temporal import PORT_NAMES as TEMPORAL_PORT_NAMES
from ingestio.embedded.temporal import TemporalNode, temporal_node
from ingestio.errors import ConfigurationError

__all__ = [
    "AlreadyRunning",
    "Child",
    "ChildFailed",
    "Endpoints",
    "Instance",
    "RunningChild",
    "RunningInfo",
    "running",
    "using",
]

_START_ATTEMPTS = 3


@dataclass(frozen=True)
class Endpoints:
    """Where the embedded servers answer. An external part's fields are empty. The database URLs hold passwords: never log them."""

    database_url: str = ""
    database_owner_url: str = ""
    postgres_superuser_url: str = ""
    temporal_address: str = ""
    temporal_ui_url: str = ""


@dataclass(frozen=True)
class RunningInfo:
    """What a live instance of any process says about itself; `api_url` is None until its API is ready.

    `plans_json` is the INGESTIO_PLANS that its API and worker hold to.
    """

    pid: int
    endpoints: Endpoints
    api_url: str | None
    plans_json: str | None = None


class Instance:
    """Starts, supervises and stops. `postgres=False` and `temporal=False`: that part is external."""

    def __init__(self, data_dir: Path, *, postgres: bool = True, temporal: bool = True) -> None:
        self.data_dir = data_dir.resolve()
        self.endpoints = Endpoints()
        self._with_postgres = postgres
        self._with_temporal = temporal
        self._lock = InstanceLock(self.data_dir)
        self._starting = StartLock(self.data_dir)
        self._supervisor = Supervisor()

    def start(self, parts: Callable[[Endpoints], None] | None = None) -> Endpoints:
        """Take the data directory, end what an earlier run left behind, start what is embedded and wait until it is ready.

        `parts` launches children while the servers start, which load what they need and wait (`await_start`) for `let_parts_begin`.
        It is called again when the servers move to other ports; what it launched before is gone then.

        Raises AlreadyRunning, ConfigurationError, or ChildFailed that names a log; then nothing of it runs any more.
        """
        self._lock.claim()
        try:
            _info_file(self.data_dir).unlink(missing_ok=True)
            private_directory(self.data_dir / "logs")
            end(marked(self.data_dir))
            if parts is not None:
                self._starting.claim()
            self.endpoints = self._start_servers(parts)
            self.publish(api_url=None)
        except OSError as error:
            self.stop()
            raise ConfigurationError(f"cannot use {error.filename or self.data_dir}: {error.strerror}") from error
        except BaseException:
            self.stop()
            raise
        return self.endpoints

    def let_parts_begin(self) -> None:
        """The servers and what lies in them can be used: those that `start` launched beside them go on. Harmless to repeat."""
        self._starting.release()

    def add(self, child: Child) -> RunningChild:
        """Start another supervised process and wait for its probe; `launch` and `await_ready` in one."""
        running = self.launch(child)
        self.await_ready(running)
        return running

    def launch(self, child: Child) -> RunningChild:
        """Start another supervised process. Its log is `<data_dir>/logs/<name>.log` unless it names one."""
        return self._supervisor.launch(
            replace(
                child,
                env={**child.env, INSTANCE_VARIABLE: str(self.data_dir)},
                log=child.log or self.data_dir / "logs" / f"{child.name}.log",
            )
        )

    def await_ready(self, running: RunningChild, stop: threading.Event | None = None) -> None:
        """Wait for its probe. Raises ChildFailed when it does not become ready, Stopped when `stop` is set first; then it is gone, and the
        others go on."""
        try:
            running.wait_ready(stop)
        except BaseException:
            self._supervisor.discard(running)
            raise

    def publish(self, *, api_url: str | None, plans_json: str | None = None) -> None:
        """Tell other commands on this data directory where we are; `running` reads it. Repeating it replaces what was said."""
        content = {
            "pid": os.getpid(),
            "endpoints": asdict(self.endpoints),
            "api_url": api_url,
            "plans_json": plans_json,
        }
        write_private(_info_file(self.data_dir), json.dumps(content, indent=1).encode())

    def run_forever(self, stop: threading.Event) -> None:
        """Keep everything alive until `stop` is set; call `stop()` afterwards. Raises ChildFailed when a part keeps dying."""
        self._supervisor.watch(stop)

    def retire(self, stop: threading.Event) -> None:
        """Keep everything alive until no other command uses it (`using`) or `stop` is set, then stop. Leave one's own `using` before."""
        use = use_lock(self.data_dir)
        try:
            self._supervisor.watch(stop, until=use.acquire)
            self.stop()
        finally:
            use.release()

    def stop(self) -> None:
        """End all parts, the last added first, and give the data directory back. Harmless to repeat."""
        if self._lock.held:
            _info_file(self.data_dir).unlink(missing_ok=True)
        try:
            self._supervisor.stop()
        finally:
            self._starting.release()
            self._lock.release()

    def pids(self) -> dict[str, int]:
        """The process id of each supervised part, by name."""
        return self._supervisor.pids()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_servers(self, parts: Callable[[Endpoints], None] | None) -> Endpoints:
        names = [*(("postgres",) if self._with_postgres else ()), *(TEMPORAL_PORT_NAMES if self._with_temporal else ())]
        for attempt in range(1, _START_ATTEMPTS + 1):
            ports = remembered_ports(self.data_dir / "ports.json", names)
            try:
                return self._start_servers_on(ports, parts)
            except ChildFailed:
                self._supervisor.stop()
                # Somebody may have taken a port between our look and our start; then others are chosen.
                if attempt == _START_ATTEMPTS or all(is_free(ports[name]) for name in names):
                    raise
                self._supervisor = Supervisor()
        raise AssertionError("unreachable")

    def _start_servers_on(self, ports: dict[str, int], parts: Callable[[Endpoints], None] | None) -> Endpoints:
        """Both start side by side; making a new database cluster also happens while Temporal starts."""
        node: TemporalNode | None = None
        cluster: PostgresCluster | None = None
        if self._with_temporal:
            node = temporal_node(self.data_dir, ports)
            temporal = self._supervisor.launch(node.prepare())
        if self._with_postgres:
            cluster = PostgresCluster(self.data_dir, ports["postgres"])
            postgres = self._supervisor.launch(cluster.prepare())
        endpoints = Endpoints(
            database_url=cluster.app_url if cluster else "",
            database_owner_url=cluster.owner_url if cluster else "",
            postgres_superuser_url=cluster.superuser_url if cluster else "",
            temporal_address=node.address if node else "",
            temporal_ui_url=node.ui_url if node else "",
        )
        if parts is not None:
            parts(endpoints)
        if cluster is not None:
            postgres.wait_ready()
            cluster.provision()
        if node is not None:
            temporal.wait_ready()
            node.provision()
        return endpoints


def running(data_dir: Path) -> RunningInfo | None:
    """The live instance on `data_dir`, of this or another process; None when there is none, or none that is ready yet."""
    data_dir = data_dir.resolve()
    if not is_locked(data_dir):
        return None
    with contextlib.suppress(
        OSError, ValueError, TypeError, KeyError
    ):  # being written for the first time, or of another version
        said = json.loads(_info_file(data_dir).read_bytes())
        info = RunningInfo(int(said["pid"]), Endpoints(**said["endpoints"]), said["api_url"], said.get("plans_json"))
        return info if psutil.pid_exists(info.pid) else None
    return None


def _info_file(data_dir: Path) -> Path:
    return data_dir / "instance.json"
