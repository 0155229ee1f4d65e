"""Child processes: start one with its log file and its user, ask whether it lives, end it within a bound."""

import contextlib
import os
import pwd
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import psutil

from ingestio.embedded.files import private_directory
from ingestio.embedded.locks import INSTANCE_VARIABLE
from ingestio.errors import IngestioError

POLL_SECONDS = 0.01
LOG_LIMIT_BYTES = 10 * 1024 * 1024
_SHIM = Path(__file__).with_name("exec_child.py")
_OURS = "ingestio: "  # how the command line begins an error
_LAST_WORDS_BYTES = 2_000


class Stopped(Exception):
    """Somebody asked for the end while a part was awaited."""


class ChildFailed(IngestioError):
    """A part of the embedded instance could not be started, or keeps dying; `detail` names its log."""

    code = "child_failed"
    title = "A part did not start"


@dataclass(frozen=True, slots=True)
class Account:
    """The user a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Child:
    """How to run one part.

    `env` is the child's whole environment. `ready` gets the process id and is polled until it answers True; it must return within
    a second or so; `ailing` is asked once when that took too long, and may say what is missing. `before_start` runs before every
    start, also before a restart. `orphan_signal` is what the kernel sends the child when our process dies without stopping it (Linux;
    0: nothing).
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path | None = None
    cwd: Path | None = None
    account: Account | None = None
    ready: Callable[[int], bool] | None = None
    ailing: Callable[[], str | None] | None = None
    before_start: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: int = signal.SIGKILL
    ready_timeout_seconds: float = 30.0
    stop_timeout_seconds: float = 10.0


class RunningChild:
    """A child that was started. Safe to ask and to stop from any thread."""

    def __init__(self, child: Child, process: "subprocess.Popen[bytes]", log_begins: int = 0) -> None:
        self.child = child
        self.pid = process.pid
        self._process = process
        self._log_begins = log_begins

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it. Reaps the process, so it never stays a zombie."""
        return self._process.poll()

    def wait_ready(self, stop: threading.Event | None = None) -> None:
        """Return when the probe says ready; raise ChildFailed when it died or did not become ready in time, Stopped once `stop` is set."""
        deadline = time.monotonic() + self.child.ready_timeout_seconds
        while True:
            if self.exit_code is not None:
                raise ChildFailed(
                    f"{self.child.name} ended {ending(self.exit_code)} before it was ready{self._last_words()}; {self._see_log}"
                )
            if self.child.ready is None or self.child.ready(self.pid):
                return
            if time.monotonic() > deadline:
                why = self.child.ailing() if self.child.ailing is not None else None
                late = f"{self.child.name} was not ready within {self.child.ready_timeout_seconds:g} s"
                raise ChildFailed("; ".join(filter(None, (why, late, self._see_log))))
            if stop is not None and stop.is_set():
                raise Stopped
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end, wait `stop_timeout_seconds`, then kill what is left of its process group."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(self.child.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self.child.stop_timeout_seconds)
        self.kill()

    def kill(self) -> None:
        """End it and its process group at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(10)

    def _last_words(self) -> str:
        """What one of our own commands said at its end: mostly which variable is wrong. Nothing for the programs of others."""
        if self.child.log is None:
            return ""
        try:
            with self.child.log.open("rb") as log:
                log.seek(max(self._log_begins, self.child.log.stat().st_size - _LAST_WORDS_BYTES))
                last = log.read().decode(errors="replace").rstrip().rpartition("\n")[2]
        except OSError:
            return ""
        return f": {last.removeprefix(_OURS)}" if last.startswith(_OURS) else ""

    @property
    def _see_log(self) -> str:
        return f"see {self.child.log}" if self.child.log else "it keeps no log"


def spawn(child: Child) -> RunningChild:
    """Start `child` in a session of its own (Ctrl-C reaches only us) without waiting for its probe.

    Output is appended to its log; a log above 10 MB is moved to `<log>.1` first.
    """
    if child.before_start is not None:
        child.before_start()
    return _SPAWNER.submit(lambda: _spawn(child))


def _spawn(child: Child) -> RunningChild:
    account = "-" if child.account is None else f"{child.account.uid}:{child.account.gid}"
    program = [
        sys.executable,
        "-I",
        "-S",
        str(_SHIM),
        str(os.getpid()),
        str(int(child.orphan_signal)),
        account,
        *child.argv,
    ]
    log, log_begins = subprocess.DEVNULL, 0
    if child.log is not None:
        private_directory(child.log.parent)
        rotate_log(child.log)
        log = os.open(child.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        log_begins = os.fstat(log).st_size
    try:
        process = subprocess.Popen(
            program,
            cwd=child.cwd,
            env=dict(child.env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        if log >= 0:
            os.close(log)
    return RunningChild(child, process, log_begins)


class _Spawner:
    """Starts every child from one thread that lives as long as we do.

    The kernel's "parent died" signal means the thread that started the child, so a child started from a thread of a pool would be
    ended together with that thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._work: queue.SimpleQueue[tuple[Callable[[], RunningChild], Future[RunningChild]]] = queue.SimpleQueue()

    def submit(self, start: Callable[[], RunningChild]) -> RunningChild:
        answer: Future[RunningChild] = Future()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():  # not alive in a process that was forked from ours
                self._thread = threading.Thread(target=self._run, name="ingestio-spawner", daemon=True)
                self._thread.start()
        self._work.put((start, answer))
        return answer.result()

    def _run(self) -> None:
        while True:
            start, answer = self._work.get()
            try:
                answer.set_result(start())
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who waits for it
                answer.set_exception(error)


_SPAWNER = _Spawner()


def rotate_log(log: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Keep a log bounded: above the limit its content moves to `<log>.1` and it starts empty.

    Copies and truncates, so it also works while a child has the file open for appending.
    """
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            shutil.copy2(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


def ending(exit_code: int) -> str:
    """How a process ended, in words."""
    if exit_code < 0:
        return f"by signal {signal.Signals(-exit_code).name}"
    return f"with exit code {exit_code}"


def unprivileged_account() -> Account | None:
    """Whom to run PostgreSQL as, which refuses to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(nobody.pw_uid, nobody.pw_gid)


def base_environment(instance_dir: Path) -> dict[str, str]:
    """The environment of a server: nothing of ours leaks in, and the process is marked as part of this instance."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "TZ": "UTC",
        INSTANCE_VARIABLE: str(instance_dir),
    }


def marked(instance_dir: Path) -> list[psutil.Process]:
    """Live processes of any run of the instance of `instance_dir`, by the mark in their environment. Zombies count as dead."""
    mark = str(instance_dir)
    return _living(lambda process: process.environ().get(INSTANCE_VARIABLE) == mark)


def working_in(directory: Path, names: Collection[str]) -> list[psutil.Process]:
    """Live processes with one of these program names whose working directory is `directory`.

    Finds PostgreSQL's backends, which overwrite their environment, and spares the shell of somebody who looks around there.
    """
    place = str(directory)
    return _living(lambda process: process.name() in names and process.cwd() == place)


def _living(belongs: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(
            psutil.Error, OSError
        ):  # it ended meanwhile, or belongs to someone whom we may not ask
            if process.pid != os.getpid() and belongs(process) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end(processes: Sequence[psutil.Process]) -> None:
    """Kill them and wait, at most 5 seconds, until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + 5
    while any(_lives(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
