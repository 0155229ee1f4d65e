"""The PostgreSQL of the wheel: passwords, loopback, recovery, and the roles it comes with."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from ingestio.embedded.locks import AlreadyRunning, InstanceLock
from ingestio.embedded.ports import free_port
from ingestio.embedded.postgres import PostgresServer, start_postgres
from ingestio.embedded.processes import unprivileged_account
from ingestio.errors import ConfigurationError
from tests.embedded.conftest import alive, eventually, notes, write_note


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_it_listens_on_loopback_only_and_on_no_unix_socket(postgres: PostgresServer) -> None:
    connections = psutil.Process(postgres.pid).net_connections(kind="all")
    listening = [c for c in connections if c.status == psutil.CONN_LISTEN]
    assert {(c.laddr.ip, c.laddr.port) for c in listening} == {("127.0.0.1", postgres.port)}
    assert not [c for c in connections if c.family == socket.AF_UNIX and c.laddr]


@pytest.mark.parametrize("user", ["postgres", "ingestio_owner", "ingestio_app"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_wrong_or_missing_password_is_refused_for_every_login(
    postgres: PostgresServer, user: str, password: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=postgres.port, user=user, password=password, dbname="postgres")


def test_passwords_are_kept_as_scram_and_every_rule_of_access_asks_for_one(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.superuser_url) as connection:
        stored = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert len(stored) == 3
    assert all(value.startswith("SCRAM-SHA-256$") for (value,) in stored)
    assert methods == [("scram-sha-256",)]


def test_secrets_are_private_and_differ_and_no_log_holds_one(postgres: PostgresServer) -> None:
    data_dir = postgres.cluster.data_dir
    secrets = list((data_dir / "secrets").iterdir())
    assert {path.name for path in secrets} == {"postgres", "ingestio_owner", "ingestio_app"}
    assert _mode(data_dir / "secrets") == 0o700
    assert {_mode(path) for path in secrets} == {0o600}
    values = {path.read_text() for path in secrets}
    assert len(values) == 3
    log = (data_dir / "logs" / "postgres.log").read_text()
    assert not [value for value in values if value in log]


def test_the_server_runs_as_the_owner_of_its_files_and_never_as_root(postgres: PostgresServer) -> None:
    uids = psutil.Process(postgres.pid).uids()
    assert set(uids) == {postgres.cluster.directory.stat().st_uid}
    assert 0 not in uids


def test_the_applications_login_owns_nothing_and_can_only_step_into_its_two_roles(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.app_url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (id int)")
        for role in ("authenticated", "service_role"):
            connection.execute(f"SET ROLE {role}")
            connection.execute("RESET ROLE")
        for role in ("anon", "ingestio_owner", "postgres"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SET ROLE {role}")
        owned = connection.execute("SELECT count(*) FROM pg_class WHERE relowner = 'ingestio_app'::regrole").fetchone()
        inherits = connection.execute(
            "SELECT bool_or(inherit_option) FROM pg_auth_members WHERE member = 'ingestio_app'::regrole"
        ).fetchone()
    assert owned == (0,)
    assert inherits == (False,)


def test_no_login_of_ours_passes_row_security(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.superuser_url) as connection:
        passing = connection.execute("SELECT rolname FROM pg_roles WHERE rolbypassrls OR rolsuper").fetchall()
    assert passing == [("postgres",)]


def test_the_owner_can_do_what_migrations_do(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.owner_url) as connection:
        for statement in (
            "CREATE SCHEMA trial",
            "CREATE TABLE trial.things (id int PRIMARY KEY)",
            "GRANT USAGE ON SCHEMA trial TO anon, authenticated, service_role",
            "GRANT SELECT ON trial.things TO authenticated",
            "CREATE ROLE trial_role NOLOGIN",
            "GRANT authenticated TO trial_role",
            "SET LOCAL ROLE service_role",
        ):
            connection.execute(statement)
        connection.rollback()


def test_a_failing_statement_leaves_neither_its_text_nor_the_row_in_the_log(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.owner_url) as connection:
        connection.execute("CREATE TEMP TABLE letters (body text PRIMARY KEY)")
        connection.execute("INSERT INTO letters VALUES ('dear confidential reader')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO letters VALUES ('dear confidential reader')")
    log = (postgres.cluster.data_dir / "logs" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "confidential" not in log


def test_kill_9_keeps_every_committed_row_and_the_same_address(data_dir: Path) -> None:
    server = start_postgres(data_dir)
    write_note(server.owner_url, "kept")
    with psycopg.connect(server.owner_url) as open_transaction:
        open_transaction.execute("INSERT INTO notes VALUES ('never committed')")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            open_transaction.execute("SELECT 1")
    with start_postgres(data_dir) as again:
        assert again.app_url == server.app_url
        assert notes(again.owner_url) == {"kept"}


def test_a_stale_pid_file_that_names_a_strangers_process_is_no_obstacle(data_dir: Path) -> None:
    server = start_postgres(data_dir, durable=False)
    server.kill()
    account = unprivileged_account()
    stranger = subprocess.Popen(["sleep", "60"], user=account.uid if account else None)
    try:
        pid_file = server.cluster.directory / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with start_postgres(data_dir, durable=False) as again, psycopg.connect(again.app_url):
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


ORPHAN = """
import dataclasses, sys, time
from pathlib import Path
from ingestio.embedded.locks import InstanceLock
from ingestio.embedded.ports import free_port
from ingestio.embedded.postgres_cluster import PostgresCluster
from ingestio.embedded.processes import spawn
data_dir = Path(sys.argv[1])
InstanceLock(data_dir).claim()
running = spawn(dataclasses.replace(PostgresCluster(data_dir, int(sys.argv[2])).prepare(), orphan_signal=0))
running.wait_ready()
print(running.pid, flush=True)
time.sleep(60)
"""


def test_an_orphan_that_the_kernel_did_not_end_is_ended_at_the_next_start(data_dir: Path) -> None:
    """As on macOS, where a child is not told that its parent died."""
    server = start_postgres(data_dir)
    write_note(server.owner_url, "kept")
    server.stop()
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN, str(data_dir), str(server.port)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    orphan = int(parent.stdout.readline())
    parent.stdout.close()
    parent.kill()
    parent.wait()
    time.sleep(0.2)
    assert alive(orphan)
    with start_postgres(data_dir) as again:
        assert not alive(orphan)
        assert notes(again.owner_url) == {"kept"}


def test_a_port_that_someone_else_took_is_chosen_anew_and_remembered(data_dir: Path) -> None:
    first = start_postgres(data_dir, durable=False)
    first.stop()
    with socket.create_server(("127.0.0.1", first.port)):
        second = start_postgres(data_dir, durable=False)
        second.stop()
    assert second.port != first.port
    with start_postgres(data_dir, durable=False) as third:
        assert third.port == second.port
        assert urlsplit(third.app_url).port == second.port


def test_a_second_server_on_the_same_directory_is_refused_by_name(postgres: PostgresServer) -> None:
    data_dir = postgres.cluster.data_dir
    with pytest.raises(AlreadyRunning, match=str(data_dir)):
        start_postgres(data_dir)


def test_a_data_directory_that_was_half_made_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with start_postgres(tmp_path, durable=False) as server, psycopg.connect(server.app_url):
        assert not half.exists()


def test_files_that_are_no_cluster_are_left_alone_with_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match="no PostgreSQL data directory"):
        start_postgres(tmp_path)
    assert (tmp_path / "postgres" / "holiday.jpg").exists()
    InstanceLock(tmp_path).claim()


def test_a_lost_superuser_password_is_named_instead_of_replaced(data_dir: Path) -> None:
    (data_dir / "secrets" / "postgres").unlink()
    with pytest.raises(ConfigurationError, match="secrets/postgres"):
        start_postgres(data_dir, durable=False)


def test_a_lost_password_of_a_login_is_made_anew(data_dir: Path) -> None:
    first = start_postgres(data_dir, durable=False)
    old_url = first.app_url
    first.stop()
    (data_dir / "secrets" / "ingestio_app").unlink()
    with start_postgres(data_dir, durable=False) as again:
        assert again.app_url != old_url
        psycopg.connect(again.app_url).close()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(old_url)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own another user's files")
def test_files_that_root_restored_are_given_back_to_the_servers_user(data_dir: Path) -> None:
    server = start_postgres(data_dir, durable=False)
    write_note(server.owner_url, "kept")
    server.stop()
    for path in (server.cluster.directory, *server.cluster.directory.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
    with start_postgres(data_dir, durable=False) as again:
        assert notes(again.owner_url) == {"kept"}


def test_the_child_ends_when_the_thread_that_asked_for_it_has_not_long_to_live(data_dir: Path) -> None:
    """The kernel ties the death signal to the starting thread; ours lives as long as the process."""
    started: list[PostgresServer] = []
    thread = threading.Thread(target=lambda: started.append(start_postgres(data_dir, durable=False)))
    thread.start()
    thread.join()
    time.sleep(0.3)
    with started[0] as server:
        assert alive(server.pid)
        psycopg.connect(server.app_url).close()


def test_what_was_committed_is_on_disk_by_default(data_dir: Path) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
    with start_postgres(data_dir) as server, psycopg.connect(server.superuser_url) as connection:
        shown = [connection.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in names]
    assert shown == [("on",)] * len(names)


def test_text_is_utf_8_and_sorts_alike_on_every_machine(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.app_url) as connection:
        found = connection.execute(
            "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding), current_setting('TimeZone'), upper('straße ä')"
            " FROM pg_database WHERE datname = 'ingestio'"
        ).fetchone()
    assert found == ("b", "C.UTF-8", "UTF8", "UTC", "STRAßE Ä")


def test_stop_is_a_clean_shutdown(data_dir: Path) -> None:
    server = start_postgres(data_dir, durable=False)
    with psycopg.connect(server.app_url):  # an open session does not hold it up
        began = time.monotonic()
        server.stop()
    assert time.monotonic() - began < 8  # after ten it would have been killed
    assert not (server.cluster.directory / "postmaster.pid").exists()
    assert "database system is shut down" in (data_dir / "logs" / "postgres.log").read_text()


def test_it_ends_with_its_parent(data_dir: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("Linux tells a child that its parent died")
    script = ORPHAN.replace("orphan_signal=0", f"orphan_signal={int(signal.SIGINT)}")
    parent = subprocess.Popen([sys.executable, "-c", script, str(data_dir), str(free_port())], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.stdout.close()
    parent.kill()
    parent.wait()
    eventually(lambda: not alive(child), "postgres ends with its parent")
