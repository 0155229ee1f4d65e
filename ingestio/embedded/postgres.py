"""PostgreSQL from its wheel: password authentication, loopback only, everything below one directory.

server = start_postgres(tmp_path)      # about a second the first time, a tenth later
psycopg.connect(server.app_url)
server.stop()
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from ingestio.embedded.locks import InstanceLock
from ingestio.embedded.ports import remembered_ports
from ingestio.embedded.postgres_cluster import PostgresCluster
from ingestio.embedded.processes import RunningChild, spawn


class PostgresServer:
    """A running server of our own process, for tests and scripts; `ingestio up` supervises the cluster itself."""

    def __init__(self, cluster: PostgresCluster, lock: InstanceLock, running: RunningChild) -> None:
        self.cluster = cluster
        self._lock = lock
        self._running = running

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def port(self) -> int:
        return self.cluster.port

    @property
    def superuser_url(self) -> str:
        return self.cluster.superuser_url

    @property
    def owner_url(self) -> str:
        return self.cluster.owner_url

    @property
    def app_url(self) -> str:
        return self.cluster.app_url

    def stop(self) -> None:
        """Fast shutdown; open sessions are ended. Harmless when it is down."""
        self._running.stop()
        self._lock.release()

    def kill(self) -> None:
        """kill -9, as in a power cut; `start_postgres` on the same directory recovers every committed row."""
        self._running.kill()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_postgres(
    data_dir: Path, *, port: int | None = None, durable: bool = True, settings: Mapping[str, str] | None = None
) -> PostgresServer:
    """Start the server of `data_dir`, made if it is new, with database, logins and roles.

    `durable=False` leaves out fsync: for tests, where a power cut may lose everything. Raises AlreadyRunning, ConfigurationError, or
    ChildFailed that names the log.
    """
    data_dir = data_dir.resolve()
    lock = InstanceLock(data_dir)
    lock.claim()
    try:
        chosen = port or remembered_ports(data_dir / "ports.json", ["postgres"])["postgres"]
        cluster = PostgresCluster(data_dir, chosen, durable=durable, settings=settings)
        running = spawn(cluster.prepare())
        try:
            running.wait_ready()
            cluster.provision()
        except BaseException:
            running.stop()
            raise
    except BaseException:
        lock.release()
        raise
    return PostgresServer(cluster, lock, running)
