"""Bare PostgreSQL clusters of a chosen version, without any role of ours: what an administrator hands over, and what Supabase runs."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from ingestio.embedded.ports import LOOPBACK
from ingestio.embedded.postgres_binaries import postgres_programs
from ingestio.embedded.processes import unprivileged_account

ADMIN, ADMIN_PASSWORD = "cluster_admin", "a word for tests"

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


@dataclass(frozen=True)
class BareCluster:
    """A running cluster with its superuser and nothing else."""

    port: int

    def url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password.replace(' ', '%20')}@{LOOPBACK}:{self.port}/{database}"

    def admin_url(self, database: str = "postgres") -> str:
        return self.url(ADMIN, ADMIN_PASSWORD, database)

    def as_admin(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements outside a transaction; the rows of the last one."""
        with psycopg.connect(self.admin_url(database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


def newest_programs() -> Path:
    """The embedded server's."""
    return postgres_programs(unprivileged_account())


@contextmanager
def bare_cluster(programs: Path, port: int) -> Iterator[BareCluster]:
    """Initialise and run one in a directory that goes afterwards. As root it runs as the unprivileged user, for it refuses root."""
    account = unprivileged_account()
    as_user: dict[str, Any] = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    # Not pytest's own directory, which only its user may enter.
    directory = Path(tempfile.mkdtemp(prefix="ingestio-bare-"))
    try:
        (directory / "password").write_text(ADMIN_PASSWORD)
        if account is not None:
            for path in (directory, directory / "password"):
                os.chown(path, account.uid, account.gid)
        data = directory / "data"
        initialise = f"-U {ADMIN} -A scram-sha-256 -E UTF8 --locale C.UTF-8 --no-sync --pwfile password".split()
        subprocess.run(
            [programs / "initdb", "-D", data, *initialise],
            cwd=directory,
            check=True,
            capture_output=True,
            timeout=60,
            **as_user,
        )
        settings = (f"listen_addresses={LOOPBACK}", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB")
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    programs / "postgres",
                    "-D",
                    data,
                    "-p",
                    str(port),
                    *(word for one in settings for word in ("-c", one)),
                ],
                cwd=directory,
                stdout=log,
                stderr=log,
                **as_user,
            )
        try:
            cluster = BareCluster(port)
            _wait_until_ready(cluster, server)
            yield cluster
        finally:
            server.terminate()
            server.wait(timeout=30)
    finally:
        shutil.rmtree(directory)


def _wait_until_ready(cluster: BareCluster, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            cluster.as_admin("SELECT 1")
        except psycopg.OperationalError:
            assert server.poll() is None, "PostgreSQL ended while starting"
            assert time.monotonic() < deadline, "PostgreSQL did not start in 30 s"
            time.sleep(0.02)
        else:
            return
