"""A whole instance: what starts together, who holds it, and what a kill -9 of any part leaves."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from ingestio.embedded.instance import AlreadyRunning, Child, ChildFailed, Endpoints, Instance, running, using
from ingestio.embedded.locks import INSTANCE_VARIABLE
from ingestio.errors import IngestioError
from tests.embedded.conftest import Holder, alive, eventually, notes, write_note

Hold = Callable[..., Holder]


def _tree(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def test_everything_starts_and_stops_and_stays_below_the_data_directory(tmp_path: Path) -> None:
    data_dir = tmp_path / ".ingestio"
    with Instance(data_dir) as instance:
        endpoints = instance.start()
        pids = instance.pids()
        assert set(pids) == {"postgres", "temporal"}
        psycopg.connect(endpoints.database_url).close()
        psycopg.connect(endpoints.database_owner_url).close()
        assert running(data_dir) is not None
    assert [pid for pid in pids.values() if alive(pid)] == []
    assert running(data_dir) is None
    assert {path.name for path in tmp_path.iterdir()} == {".ingestio"}
    assert {path.name for path in data_dir.iterdir()} == {
        "postgres",
        "temporal",
        "secrets",
        "logs",
        "ports.json",
        "lock",
    }
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_a_second_instance_on_the_same_directory_is_refused_by_name_and_the_first_goes_on(
    data_dir: Path, hold: Hold
) -> None:
    first = hold(data_dir, "--no-temporal")
    second = Instance(data_dir, temporal=False)
    with pytest.raises(AlreadyRunning, match=str(data_dir)) as refused:
        second.start()
    assert isinstance(refused.value, IngestioError)
    second.stop()
    info = running(data_dir)
    assert info is not None
    assert info.pid == first.process.pid
    psycopg.connect(first.told["database_url"]).close()


def test_two_instances_run_side_by_side(make_data_dir: Callable[[str], Path], hold: Hold) -> None:
    one = hold(make_data_dir("one"))
    two = hold(make_data_dir("two"))
    for name in ("database_url", "temporal_address", "temporal_ui_url"):
        assert one.told[name] != two.told[name]
    write_note(one.told["database_owner_url"], "one")
    write_note(two.told["database_owner_url"], "two")
    assert notes(one.told["database_owner_url"]) == {"one"}
    assert notes(two.told["database_owner_url"]) == {"two"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells a child that its parent died")
def test_the_children_of_a_killed_instance_end_by_themselves(data_dir: Path, hold: Hold) -> None:
    held = hold(data_dir)
    held.kill()
    eventually(lambda: not [pid for pid in held.pids.values() if alive(pid)], "the servers are gone")
    assert running(data_dir) is None


def test_kill_9_of_the_whole_tree_then_a_start_finds_everything_where_it_was(data_dir: Path, hold: Hold) -> None:
    held = hold(data_dir)
    write_note(held.told["database_owner_url"], "kept")
    for process in _tree(held.process.pid):
        if process.is_running():
            process.kill()
    with Instance(data_dir) as instance:  # at once, while the dead may still be zombies
        endpoints = instance.start()
        assert endpoints.database_url == held.told["database_url"]
        assert endpoints.temporal_address == held.told["temporal_address"]
        assert notes(endpoints.database_owner_url) == {"kept"}


def test_a_start_at_once_after_kill_9_of_the_instance_alone_works(data_dir: Path, hold: Hold) -> None:
    """Its servers are still shutting down, or have not noticed yet."""
    held = hold(data_dir)
    write_note(held.told["database_owner_url"], "kept")
    os.kill(held.process.pid, signal.SIGKILL)
    with Instance(data_dir) as instance:
        endpoints = instance.start()
        assert endpoints.database_url == held.told["database_url"]
        assert notes(endpoints.database_owner_url) == {"kept"}


@pytest.fixture
def supervised(data_dir: Path) -> Iterator[tuple[Instance, Endpoints]]:
    stop = threading.Event()
    with Instance(data_dir) as instance:
        endpoints = instance.start()
        thread = threading.Thread(target=instance.run_forever, args=(stop,))
        thread.start()
        yield instance, endpoints
        stop.set()
        thread.join(60)


def test_servers_that_are_killed_in_mid_run_come_back_with_their_data_on_their_ports(
    supervised: tuple[Instance, Endpoints],
) -> None:
    instance, endpoints = supervised
    write_note(endpoints.database_owner_url, "kept")
    before = instance.pids()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def back() -> bool:
        try:
            return notes(endpoints.database_owner_url) == {"kept"}
        except psycopg.OperationalError:
            return False

    eventually(back, "PostgreSQL answers on the same port with the same rows")
    port = int(endpoints.temporal_address.rpartition(":")[2])

    def listens() -> bool:
        pid = instance.pids()["temporal"]
        if pid == before["temporal"] or not alive(pid):
            return False
        return port in {
            c.laddr.port for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN
        }

    eventually(listens, "Temporal listens on the same port")


def test_a_part_that_is_added_is_marked_logged_supervised_and_stopped_first(tmp_path: Path) -> None:
    stop = threading.Event()
    with Instance(tmp_path, postgres=False, temporal=False) as instance:
        assert instance.start() == Endpoints()
        child = Child("worker", ["/bin/sh", "-c", "env; exec sleep 60"], {"PATH": os.defpath})
        first = instance.add(child).pid
        eventually(
            lambda: f"{INSTANCE_VARIABLE}={tmp_path}" in (tmp_path / "logs" / "worker.log").read_text(), "its mark"
        )
        thread = threading.Thread(target=instance.run_forever, args=(stop,))
        thread.start()
        os.kill(first, signal.SIGKILL)
        eventually(lambda: instance.pids()["worker"] != first, "it was started again")
        last = instance.pids()["worker"]
        stop.set()
        thread.join(60)
    assert not alive(last)


def test_parts_that_are_launched_beside_the_servers_wait_until_they_may_begin(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    program = "from ingestio.embedded.locks import await_start; await_start(); open('begun', 'w').close(); import time; time.sleep(60)"
    child = Child("worker", [sys.executable, "-c", program], dict(os.environ), cwd=tmp_path)
    asks = Child("asks", [sys.executable, "-c", "import ingestio.embedded.locks"], dict(os.environ))

    def launch(_endpoints: Endpoints) -> None:
        instance.launch(child)

    with Instance(tmp_path / "data", postgres=False, temporal=False) as instance:
        instance.start(launch)
        imported = instance.launch(asks)  # started later, and at its end: the other one has come to its wait, too
        eventually(lambda: imported.exit_code is not None, "it has loaded what the other one loads")
        assert not begun.exists()
        instance.let_parts_begin()
        eventually(begun.exists, "it goes on")

    with Instance(tmp_path / "data", postgres=False, temporal=False) as instance:
        begun.unlink()
        instance.start(launch)
        waiting = instance.pids()["worker"]
    assert not alive(waiting)
    assert not begun.exists()


def test_what_a_killed_run_left_behind_is_ended_and_a_strangers_process_is_not(tmp_path: Path) -> None:
    mine, other = (
        subprocess.Popen(["sleep", "60"], env={INSTANCE_VARIABLE: str(place)})
        for place in (tmp_path, tmp_path / "other")
    )
    try:
        with Instance(tmp_path, postgres=False, temporal=False) as instance:
            instance.start()
            assert mine.wait(30) == -signal.SIGKILL
            assert other.poll() is None
    finally:
        for process in (mine, other):
            process.kill()
            process.wait()


def test_running_tells_the_address_that_was_published_and_only_to_the_owner(data_dir: Path) -> None:
    assert running(data_dir) is None
    with Instance(data_dir, temporal=False) as instance:
        endpoints = instance.start()
        info = running(data_dir)
        assert info is not None
        assert (info.pid, info.endpoints, info.api_url) == (os.getpid(), endpoints, None)
        instance.publish(api_url="http://127.0.0.1:8000")
        info = running(data_dir)
        assert info is not None
        assert info.api_url == "http://127.0.0.1:8000"
        assert (data_dir / "instance.json").stat().st_mode & 0o777 == 0o600
    assert running(data_dir) is None


def test_what_a_killed_instance_said_is_stale(data_dir: Path, hold: Hold) -> None:
    held = hold(data_dir, "--no-temporal")
    assert running(data_dir) is not None
    held.kill()
    assert (data_dir / "instance.json").exists()
    assert running(data_dir) is None


def test_an_instance_that_was_started_for_one_command_stays_while_another_uses_it(tmp_path: Path) -> None:
    stop = threading.Event()
    with Instance(tmp_path, postgres=False, temporal=False) as instance:
        instance.start()
        with using(tmp_path):
            thread = threading.Thread(target=instance.retire, args=(stop,))
            thread.start()
            time.sleep(0.4)
            assert running(tmp_path) is not None
        thread.join(60)
        assert not thread.is_alive()
        assert running(tmp_path) is None


def test_a_start_that_fails_leaves_nothing_running_and_frees_the_directory(tmp_path: Path) -> None:
    with Instance(tmp_path, temporal=False) as instance:
        instance.start()
    (tmp_path / "postgres" / "postgresql.conf").write_text("no such setting at all\n")
    broken = Instance(tmp_path)
    with pytest.raises(ChildFailed, match=r"see .*postgres\.log"):
        broken.start()
    assert running(tmp_path) is None
    assert [p.pid for p in psutil.process_iter() if str(tmp_path) in _environment(p)] == []
    with Instance(tmp_path, postgres=False, temporal=False) as again:
        again.start()


def _environment(process: psutil.Process) -> str:
    try:
        return str(process.environ().get(INSTANCE_VARIABLE, ""))
    except psutil.Error:
        return ""


def test_a_data_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IngestioError, match=str(tmp_path / "file")):
        Instance(tmp_path / "file" / "state").start()
