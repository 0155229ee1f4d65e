"""Other processes that hold an instance, and other users."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from ingestio.embedded.postgres import start_postgres
from ingestio.embedded.processes import Account, unprivileged_account

REPOSITORY = Path(__file__).parents[2]


def eventually(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """A zombie is dead."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def write_note(url: str, note: str) -> None:
    """Commit one row."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (note text PRIMARY KEY)")
        connection.execute("INSERT INTO notes VALUES (%s)", (note,))


def notes(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {note for (note,) in connection.execute("SELECT note FROM notes").fetchall()}


@dataclass
class Holder:
    """An instance in a process of its own."""

    process: "subprocess.Popen[str]"
    told: Mapping[str, Any]

    @property
    def pids(self) -> dict[str, int]:
        return dict(self.told["pids"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def hold() -> Iterator[Callable[..., Holder]]:
    """Start an instance on a directory in another process, with further arguments for tests/embedded/hold.py."""
    processes: list[subprocess.Popen[str]] = []

    def start(data_dir: Path, *options: str) -> Holder:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.embedded.hold", str(data_dir), *options],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the other process did not start its instance"
        return Holder(process, json.loads(line))

    yield start
    for process in processes:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="session")
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    start_postgres(place, durable=False).stop()
    return place


@pytest.fixture
def make_data_dir(_made_once: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A data directory of this name whose database cluster exists already and is down: ten times faster than making one."""

    def make(name: str) -> Path:
        subprocess.run(["cp", "-a", str(_made_once), str(tmp_path / name)], check=True)
        (tmp_path / name / "ports.json").unlink()
        return tmp_path / name

    return make


@pytest.fixture
def data_dir(make_data_dir: Callable[[str], Path]) -> Path:
    """One such directory."""
    return make_data_dir("state")


@pytest.fixture(scope="session")
def nobody() -> Account:
    account = unprivileged_account()
    if account is None:
        pytest.skip("becoming another user needs root")
    return account


@pytest.fixture(scope="session")
def python_of_nobody(nobody: Account) -> list[str]:
    """A Python of our version that an ordinary user may run: the virtual environment's own may lie in root's home."""
    for candidate in (
        sys.executable,
        shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin"),
    ):
        if candidate and _runs_as(nobody, [candidate, "-c", "import psycopg, psutil"], nobody_environment()):
            return [candidate]
    pytest.skip("no Python of our version that an ordinary user may run")


def nobody_environment() -> dict[str, str]:
    packages = Path(psycopg.__file__).parents[1]
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": f"{REPOSITORY}:{packages}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _runs_as(account: Account, command: list[str], env: dict[str, str]) -> bool:
    try:
        answer = subprocess.run(
            command,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            env=env,
            cwd="/",
            capture_output=True,
            timeout=30,
        )
    except PermissionError:
        return False
    return answer.returncode == 0


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's own."""
    place = Path(tempfile.mkdtemp(prefix="ingestio-test-", dir="/var/tmp"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def closed_directory(tmp_path: Path) -> Path:
    """A directory below one that nobody else may enter: the mode of a home."""
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    assert os.geteuid() != 0 or closed.stat().st_uid == 0
    return closed
