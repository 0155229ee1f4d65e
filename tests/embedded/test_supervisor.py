"""Supervised children: restarted, given up, stopped, and never left behind."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingestio.embedded.ports import free_port
from ingestio.embedded.probes import file_says_pid, http_ok, own_http_ok
from ingestio.embedded.processes import Child, ChildFailed, rotate_log, spawn
from ingestio.embedded.supervisor import RestartPolicy, Supervisor
from tests.embedded.conftest import alive, eventually

ENVIRONMENT = {"PATH": os.defpath}


def _shell(name: str, script: str, directory: Path, **more: object) -> Child:
    return Child(name, ["/bin/sh", "-c", script], ENVIRONMENT, log=directory / f"{name}.log", cwd=directory, **more)  # type: ignore[arg-type]


Watch = Callable[[Supervisor], threading.Thread]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Supervise in the background until the end of the test; an error of the supervisor fails it."""
    stop = threading.Event()
    running: list[tuple[Supervisor, threading.Thread]] = []

    def start(supervisor: Supervisor) -> threading.Thread:
        thread = threading.Thread(target=supervisor.watch, args=(stop,))
        thread.start()
        running.append((supervisor, thread))
        return thread

    yield start
    stop.set()
    for supervisor, thread in running:
        thread.join(10)
        supervisor.stop()
        assert not thread.is_alive()


def test_a_child_that_is_killed_comes_back(tmp_path: Path, watch: Watch) -> None:
    supervisor = Supervisor()
    supervisor.launch(_shell("clock", "echo started; exec sleep 60", tmp_path))
    eventually(lambda: (tmp_path / "clock.log").read_text() == "started\n", "the first process wrote")
    watch(supervisor)
    first = supervisor.pids()["clock"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.pids()["clock"] != first and alive(supervisor.pids()["clock"]), "a new process")
    eventually(lambda: (tmp_path / "clock.log").read_text() == "started\nstarted\n", "both wrote to the same log")


def test_a_child_that_keeps_dying_ends_the_watch_with_the_name_of_its_log(tmp_path: Path) -> None:
    policy = RestartPolicy(deaths=4, first_pause_seconds=0.01)
    supervisor = Supervisor(policy)
    supervisor.launch(_shell("broken", "echo attempt; exit 3", tmp_path))
    with pytest.raises(
        ChildFailed, match=r"broken ended with exit code 3, for the 4th time within 60 s; see .*broken\.log"
    ):
        supervisor.watch(threading.Event())
    supervisor.stop()
    assert (tmp_path / "broken.log").read_text() == "attempt\n" * 4


def test_deaths_long_ago_are_forgiven(tmp_path: Path) -> None:
    supervisor = Supervisor(RestartPolicy(deaths=2, window_seconds=0.0))
    supervisor.launch(_shell("restless", "echo attempt; exit 1", tmp_path))
    stop = threading.Event()
    supervisor.watch(stop, until=lambda: (tmp_path / "restless.log").read_text().count("attempt") > 3)
    supervisor.stop()


def test_ten_deaths_within_a_minute_are_too_many_and_the_pauses_leave_room_for_them() -> None:
    policy = RestartPolicy()
    pauses = [policy.pause_seconds(deaths) for deaths in range(1, policy.deaths)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 0
    assert max(pauses) <= 5
    assert sum(pauses) < policy.window_seconds


def test_a_child_that_does_not_become_ready_again_is_killed_and_started_anew(tmp_path: Path, watch: Watch) -> None:
    """The first process becomes ready, the second hangs, the third becomes ready."""
    script = 'echo x >> count; if [ "$(wc -l < count)" -ne 2 ]; then echo $$ > ready; fi; exec sleep 60'
    child = _shell("moody", script, tmp_path, ready=file_says_pid(tmp_path / "ready"), ready_timeout_seconds=3)
    supervisor = Supervisor()
    supervisor.launch(child).wait_ready()
    watch(supervisor)
    first = supervisor.pids()["moody"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: (tmp_path / "count").read_text() == "x\nx\nx\n", "a third start")
    eventually(lambda: (tmp_path / "ready").read_text().strip() == str(supervisor.pids()["moody"]), "it is ready")


def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    supervisor = Supervisor()
    for name in ("one", "two", "three"):
        script = (
            f"trap 'echo {name} >> {tmp_path}/order; exit 0' TERM; echo up > {name}.up; while :; do sleep 0.01; done"
        )
        supervisor.launch(_shell(name, script, tmp_path))
        eventually((tmp_path / f"{name}.up").exists, "its trap is set")
    supervisor.stop()
    assert (tmp_path / "order").read_text().split() == ["three", "two", "one"]


def test_a_child_that_ignores_the_request_is_killed_after_its_timeout_with_what_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 60 & echo $! > grandchild; while :; do sleep 0.01; done"
    supervisor = Supervisor()
    running = supervisor.launch(_shell("deaf", script, tmp_path, stop_timeout_seconds=0.3))
    eventually(
        lambda: (tmp_path / "grandchild").exists() and (tmp_path / "grandchild").read_text() != "", "a grandchild"
    )
    began = time.monotonic()
    supervisor.stop()
    assert 0.3 <= time.monotonic() - began < 8  # less than the ten seconds that a child has by default
    assert running.exit_code == -signal.SIGKILL
    eventually(lambda: not alive(int((tmp_path / "grandchild").read_text())), "the grandchild is gone")


def test_nothing_is_started_after_stop(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.stop()
    supervisor.stop()
    with pytest.raises(ChildFailed, match="stopping"):
        supervisor.launch(_shell("late", "sleep 1", tmp_path))
    supervisor.watch(threading.Event())


def test_a_program_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    child = Child("ghost", ["/nowhere/ghost"], ENVIRONMENT, log=tmp_path / "ghost.log", ready=lambda _pid: False)
    with pytest.raises(ChildFailed, match=r"ghost ended with exit code 1 before it was ready; see .*ghost\.log"):
        spawn(child).wait_ready()
    assert "cannot start /nowhere/ghost: No such file" in (tmp_path / "ghost.log").read_text()


def test_what_our_own_command_said_at_its_end_is_in_the_error(tmp_path: Path) -> None:
    script = "echo working; echo 'ingestio: CLERK_WEBHOOK_SECRET: is wrong' >&2; exit 1"
    running = spawn(_shell("api", script, tmp_path, ready=lambda _pid: False))
    with pytest.raises(ChildFailed, match=r"before it was ready: CLERK_WEBHOOK_SECRET: is wrong; see .*api\.log"):
        running.wait_ready()


def test_what_it_said_at_an_earlier_end_is_not(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text("ingestio: CLERK_WEBHOOK_SECRET: was wrong\n")
    running = spawn(_shell("api", "kill -KILL $$", tmp_path, ready=lambda _pid: False))
    with pytest.raises(ChildFailed, match=r"before it was ready; see .*api\.log"):
        running.wait_ready()


def test_a_child_that_is_not_ready_in_time_is_a_clear_error(tmp_path: Path) -> None:
    running = spawn(_shell("slow", "exec sleep 60", tmp_path, ready=lambda _pid: False, ready_timeout_seconds=0.2))
    with pytest.raises(ChildFailed, match=r"slow was not ready within 0\.2 s; see .*slow\.log"):
        running.wait_ready()
    running.stop()
    assert not alive(running.pid)


def test_a_child_is_away_from_our_terminal_and_has_only_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGESTIO_SECRET_KEY", "ours alone")
    running = spawn(_shell("plain", "env; exec sleep 60", tmp_path))
    eventually(lambda: "PATH" in (tmp_path / "plain.log").read_text(), "it wrote its environment")
    assert os.getsid(running.pid) == running.pid
    assert "ours alone" not in (tmp_path / "plain.log").read_text()
    assert (tmp_path / "plain.log").stat().st_mode & 0o777 == 0o600
    running.stop()


def test_a_program_gets_the_usual_signals_although_python_started_it(tmp_path: Path) -> None:
    """Python ignores SIGPIPE; a server that inherited that would miss a closed pipe. A shell's `&` ignores SIGINT, nohup SIGHUP."""
    ignored = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
    try:
        running = spawn(_shell("signals", "grep SigIgn /proc/self/status; exec sleep 60", tmp_path))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    try:
        if sys.platform.startswith("linux"):
            log = tmp_path / "signals.log"
            eventually(lambda: "SigIgn:" in log.read_text() and log.read_text().endswith("\n"), "the mask is told")
            mask = int(log.read_text().split("SigIgn:")[1].split()[0], 16)
            told = {number for number in (*ignored, signal.SIGPIPE, signal.SIGTERM) if mask >> (number - 1) & 1}
            assert told == set()
    finally:
        running.stop()


def test_a_large_log_moves_aside_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    with log.open("ab") as writer:
        writer.write(b"old" * 100)
        writer.flush()
        rotate_log(log, limit_bytes=1000)
        assert log.stat().st_size == 300
        rotate_log(log, limit_bytes=100)
        writer.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "part.log.1").read_bytes() == b"old" * 100


def test_http_ok_waits_for_the_first_200(tmp_path: Path) -> None:
    port = free_port()
    ready = http_ok(f"http://127.0.0.1:{port}/present.txt")
    assert not ready(0)
    (tmp_path / "present.txt").write_text("x")
    child = Child(
        "site",
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        ENVIRONMENT,
        log=tmp_path / "site.log",
        cwd=tmp_path,
        ready=ready,
    )
    running = spawn(child)
    running.wait_ready()
    assert not http_ok(f"http://127.0.0.1:{port}/absent.txt")(0)
    assert own_http_ok(f"http://127.0.0.1:{port}/present.txt")(running.pid)
    assert not own_http_ok(f"http://127.0.0.1:{port}/present.txt")(os.getpid()), "a stranger answers there"
    running.stop()
    with pytest.raises(ValueError, match="plain http"):
        http_ok("https://127.0.0.1/")


def test_a_child_that_is_discarded_is_gone_and_not_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor()
    kept, dropped = (supervisor.launch(_shell(name, "exec sleep 60", tmp_path)) for name in ("kept", "dropped"))
    supervisor.discard(dropped)
    assert dropped.exit_code is not None
    assert supervisor.pids() == {"kept": kept.pid}
    supervisor.stop()
