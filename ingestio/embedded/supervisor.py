"""Keeps child processes alive: starts one again when it dies, gives up when it keeps dying, stops all in reverse order."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ingestio.embedded.processes import Child, ChildFailed, RunningChild, ending, rotate_log, spawn

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
LOG_CHECK_SECONDS = 60.0


@dataclass(frozen=True)
class RestartPolicy:
    """At once the first time, then after 0.1, 0.2, 0.4 ... up to `longest_pause_seconds`; `deaths` within `window_seconds` are too many."""

    deaths: int = 10
    window_seconds: float = 60.0
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 5.0

    def pause_seconds(self, recent_deaths: int) -> float:
        """How long to wait before the start that follows the `recent_deaths`-th death within the window."""
        if recent_deaths <= 1:
            return 0.0
        return min(self.first_pause_seconds * 2.0 ** (recent_deaths - 2), self.longest_pause_seconds)


@dataclass
class _Part:
    running: RunningChild
    ready: bool = False
    started_at: float = field(default_factory=time.monotonic)
    restart_at: float | None = None
    deaths: deque[float] = field(default_factory=deque)


class Supervisor:
    """Runs children. `launch` and `stop` may be called from any thread, also while another one watches."""

    def __init__(self, policy: RestartPolicy | None = None) -> None:
        self._policy = policy or RestartPolicy()
        self._parts: list[_Part] = []
        self._lock = threading.RLock()
        self._stopped = False
        self._logs_checked_at = time.monotonic()

    def launch(self, child: Child) -> RunningChild:
        """Start `child` without waiting for its probe; its `wait_ready` does. From here on `watch` keeps it alive."""
        with self._lock:
            if self._stopped:
                raise ChildFailed(f"{child.name} was not started, because the instance is stopping")
            running = spawn(child)
            self._parts.append(_Part(running))
        return running

    def discard(self, running: RunningChild) -> None:
        """End a child that was launched and forget it, as if it never had been."""
        with self._lock:
            self._parts = [part for part in self._parts if part.running is not running]
        running.stop()

    def pids(self) -> dict[str, int]:
        """The process id of each child, by name; another one after each restart."""
        with self._lock:
            return {part.running.child.name: part.running.pid for part in self._parts}

    def watch(self, stop: threading.Event, until: Callable[[], bool] = lambda: False) -> None:
        """Start again what dies, until `stop` is set, `until` answers True or `stop()` was called. Stops nothing itself.

        Raises ChildFailed, naming the log, when a child dies too often. A signal handler sets the event; it must not call `stop()`.
        """
        while not stop.is_set() and not until():
            with self._lock:
                if self._stopped:
                    return
                for part in self._parts:
                    self._look_after(part)
            self._bound_logs()
            stop.wait(TICK_SECONDS)

    def stop(self) -> None:
        """End all children, the last started first, each within its own bound. Harmless to repeat."""
        with self._lock:
            self._stopped = True
            while self._parts:
                running = self._parts[-1].running
                log.debug("stopping %s", running.child.name)
                running.stop()
                self._parts.pop()

    def _look_after(self, part: _Part) -> None:
        now = time.monotonic()
        child = part.running.child
        if part.restart_at is not None:
            if now >= part.restart_at:
                part.running, part.started_at, part.restart_at, part.ready = spawn(child), now, None, False
            return
        exit_code = part.running.exit_code
        if exit_code is not None:
            self._plan_restart(part, now, f"ended {ending(exit_code)}")
        elif not part.ready:
            part.ready = child.ready is None or child.ready(part.running.pid)
            if part.ready and part.deaths:
                log.warning("%s is back, process %d", child.name, part.running.pid)
            elif not part.ready and now > part.started_at + child.ready_timeout_seconds:
                self._plan_restart(part, now, f"was not ready within {child.ready_timeout_seconds:g} s")

    def _plan_restart(self, part: _Part, now: float, what: str) -> None:
        child = part.running.child
        part.running.kill()  # also what it started itself
        part.deaths.append(now)
        while part.deaths[0] < now - self._policy.window_seconds:
            part.deaths.popleft()
        if len(part.deaths) >= self._policy.deaths:
            raise ChildFailed(
                f"{child.name} {what}, for the {len(part.deaths)}th time within {self._policy.window_seconds:g} s; see {child.log}"
            )
        pause = self._policy.pause_seconds(len(part.deaths))
        part.restart_at = now + pause
        log.warning("%s %s; starting it again in %.1f s, its log is %s", child.name, what, pause, child.log)

    def _bound_logs(self) -> None:
        if time.monotonic() < self._logs_checked_at + LOG_CHECK_SECONDS:
            return
        self._logs_checked_at = time.monotonic()
        with (
            self._lock,
            contextlib.suppress(OSError),
        ):  # a full disk is reported by those who write more important things
            for part in self._parts:
                if part.running.child.log is not None:
                    rotate_log(part.running.child.log)
