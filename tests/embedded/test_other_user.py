"""Root and an ordinary user, homes of mode 0700, and programs that only root can reach."""

import os
import shutil
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest

from ingestio.embedded.ports import free_port
from ingestio.embedded.postgres import start_postgres
from ingestio.embedded.postgres_binaries import postgres_programs
from ingestio.embedded.postgres_cluster import PostgresCluster
from ingestio.embedded.processes import Account, spawn
from ingestio.errors import ConfigurationError
from tests.embedded.conftest import nobody_environment, notes, write_note

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")

AS_USER = """
import sys
from pathlib import Path
import psycopg
from ingestio.embedded.instance import Instance
with Instance(Path(sys.argv[1])) as instance:
    endpoints = instance.start()
    with psycopg.connect(endpoints.database_url) as connection:
        print(connection.execute("SELECT current_user").fetchone()[0])
    print(endpoints.temporal_address)
"""


def _run_as(account: Account, python: list[str], data_dir: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*python, "-c", AS_USER, str(data_dir)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        env=nobody_environment(),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_ordinary_user_starts_all_of_it(nobody: Account, python_of_nobody: list[str], open_directory: Path) -> None:
    home = open_directory / "home"
    home.mkdir(mode=0o700)
    os.chown(home, nobody.uid, nobody.gid)
    for _again in range(2):
        answer = _run_as(nobody, python_of_nobody, home / ".ingestio")
        assert answer.returncode == 0, answer.stderr
        user, address = answer.stdout.split()
        assert user == "ingestio_app"
        assert address.startswith("127.0.0.1:")
    assert {path.stat().st_uid for path in home.rglob("*")} == {nobody.uid}


def test_a_directory_of_another_user_is_refused_in_one_line(
    nobody: Account, python_of_nobody: list[str], open_directory: Path
) -> None:
    start_postgres(open_directory / "state", durable=False).stop()
    answer = _run_as(nobody, python_of_nobody, open_directory / "state")
    assert answer.returncode == 1
    last = answer.stderr.strip().splitlines()[-1]
    assert "ConfigurationError" in last
    assert str(open_directory / "state") in last


def test_root_starts_below_a_home_of_mode_0700_and_opens_nothing(nobody: Account, closed_directory: Path) -> None:
    data_dir = closed_directory / ".ingestio"
    with start_postgres(data_dir, durable=False) as server:
        write_note(server.owner_url, "kept")
        assert psutil.Process(server.pid).uids().real == nobody.uid
    with start_postgres(data_dir, durable=False) as again:
        assert notes(again.owner_url) == {"kept"}
    assert closed_directory.stat().st_mode & 0o777 == 0o700
    assert data_dir.stat().st_mode & 0o777 == 0o700
    reached = subprocess.run(
        ["ls", str(server.cluster.directory)], user=nobody.uid, group=nobody.gid, extra_groups=[], capture_output=True
    )
    assert reached.returncode != 0


@pytest.fixture
def packaged_in_a_home(closed_directory: Path) -> Path:
    """PostgreSQL's files below a directory of mode 0700, like a virtual environment in root's home."""
    packaged = closed_directory / "pginstall"
    source = postgres_programs(None).parent

    def link_or_copy(origin: str, target: str) -> None:
        try:
            os.link(origin, target, follow_symlinks=False)
        except OSError:
            shutil.copy2(origin, target, follow_symlinks=False)

    for part in ("bin", "lib", "share"):
        shutil.copytree(source / part, packaged / part, symlinks=True, copy_function=link_or_copy)
    return packaged


def test_programs_that_only_root_can_reach_are_copied_once_to_a_place_that_all_can_read(
    nobody: Account, packaged_in_a_home: Path, open_directory: Path
) -> None:
    place = open_directory / "shared"
    before = os.umask(0o077)  # a careful root's umask must not close the copy
    try:
        programs = postgres_programs(nobody, packaged=packaged_in_a_home, shared_places=[place])
    finally:
        os.umask(before)
    assert programs.is_relative_to(place)
    assert not [path for path in place.rglob("*") if path.lstat().st_uid != 0]
    assert not [path for path in place.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    made_at = programs.stat().st_mtime_ns
    assert postgres_programs(nobody, packaged=packaged_in_a_home, shared_places=[place]) == programs
    assert programs.stat().st_mtime_ns == made_at
    assert packaged_in_a_home.parent.stat().st_mode & 0o777 == 0o700

    data_dir = packaged_in_a_home.parent / ".ingestio"
    start_postgres(data_dir, durable=False).stop()
    cluster = PostgresCluster(data_dir, port=free_port(), durable=False, programs=programs)
    running = spawn(cluster.prepare())
    try:
        running.wait_ready()
        psycopg.connect(cluster.app_url).close()
    finally:
        running.stop()


@pytest.mark.parametrize("planted", ["owned by another user", "writable by all", "a link"])
def test_a_place_that_someone_else_could_have_filled_is_never_run_from(
    nobody: Account, packaged_in_a_home: Path, open_directory: Path, planted: str
) -> None:
    place = open_directory / "shared"
    if planted == "a link":
        (open_directory / "elsewhere").mkdir()
        place.symlink_to(open_directory / "elsewhere")
    else:
        place.mkdir()
        if planted == "owned by another user":
            os.chown(place, nobody.uid, nobody.gid)
        else:
            place.chmod(0o777)
    with pytest.raises(ConfigurationError, match="INGESTIO_DATABASE_URL"):
        postgres_programs(nobody, packaged=packaged_in_a_home, shared_places=[place])
    assert not list(place.iterdir())
