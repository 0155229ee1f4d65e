"""Temporal with its UI from its wheel: loopback only, SQLite in WAL mode below the data directory, closed runs kept for 7 days.

server = start_temporal()               # in memory, about a quarter of a second
await Client.connect(server.address)
server.stop()
"""

import http.client
import json
import os
import shutil
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ingestio.domain.runs import SEARCH_ATTRIBUTES
from ingestio.embedded.files import private_directory
from ingestio.embedded.locks import InstanceLock
from ingestio.embedded.ports import LOOPBACK, remembered_ports
from ingestio.embedded.processes import Child, ChildFailed, RunningChild, base_environment, spawn
from ingestio.errors import ConfigurationError

NAMESPACE = "default"
RETENTION_SECONDS = 7 * 24 * 3600
PORT_NAMES = ("temporal", "temporal_ui", "temporal_http", "temporal_metrics")
_HTTP_TIMEOUT_SECONDS = 2.0
_DYNAMIC_CONFIG = {
    "matching.enableFairness": True,
    "matching.useNewMatcher": True,
    # The clocks of several hosts may differ by as much, and no timer is shorter: a second by default. Here is one host, and a cancel or
    # the next try of a step should not wait for that.
    "history.timerProcessorMaxTimeShift": "50ms",
    # Shares hold within a partition, and workers empty one while they leave another alone: with the usual four, ten documents that should
    # go past fifty came among the last.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # What a run wants next waits in a queue that is read so often a second: by default twenty times, for which each of a document's tasks
    # waited up to a twentieth of a second.
    "history.transferProcessorMaxPollRPS": 200,
    # The development server reads the search attributes' names anew at each of a run's ten writes. They are known before it answers.
    "system.forceSearchAttributesCacheRefreshOnRead": False,
}
_SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": "normal"}


@dataclass(frozen=True)
class TemporalNode:
    """One development server and how to reach it. Holds no process. `in_memory` keeps nothing beyond the process."""

    data_dir: Path
    port: int
    ui_port: int
    http_port: int
    metrics_port: int
    in_memory: bool = False
    headless: bool = False

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ui_port}"

    def prepare(self) -> Child:
        """Say how to run it. Call while holding the lock of `data_dir`."""
        home = private_directory(self.data_dir / "temporal")
        return Child(
            name="temporal",
            argv=[str(temporal_program()), *self._arguments()],
            # The program keeps notes in its home directory and would ask for new versions there and outside.
            env={**base_environment(self.data_dir), "HOME": str(home), "TEMPORAL_VERSION_CHECK_DISABLED": "1"},
            log=self.data_dir / "logs" / "temporal.log",
            cwd=home,
            ready=self._is_ready,
        )

    def provision(self) -> None:
        """Set the retention of closed runs; needs the server. Repeating it changes nothing."""
        wanted = f"{RETENTION_SECONDS}s"
        config = self._ask("GET", f"/api/v1/namespaces/{NAMESPACE}")["config"]
        if config.get("workflowExecutionRetentionTtl") != wanted:
            change = {"namespace": NAMESPACE, "config": {"workflowExecutionRetentionTtl": wanted}}
            self._ask("POST", f"/api/v1/namespaces/{NAMESPACE}/update", change)

    def _arguments(self) -> list[str]:
        # The HTTP API answers only to its own name, so a web page that was pointed at loopback (DNS rebinding) gets nothing.
        config = {**_DYNAMIC_CONFIG, "frontend.httpAllowedHosts": [f"{LOOPBACK}:{self.http_port}"]}
        arguments = ["server", "start-dev", "--disable-config-env", "--disable-config-file", "--log-level", "warn"]
        arguments += ["--ip", LOOPBACK, "--port", str(self.port), "--http-port", str(self.http_port)]
        arguments += ["--metrics-port", str(self.metrics_port), "--namespace", NAMESPACE]
        if self.headless:
            arguments.append("--headless")
        else:
            arguments += ["--ui-ip", LOOPBACK, "--ui-port", str(self.ui_port), "--ui-disable-news-fetch"]
        if not self.in_memory:
            arguments += ["--db-filename", "temporal.db"]  # in `home`: a path could hold what SQLite reads as options
            for pragma, value in _SQLITE_PRAGMAS.items():
                arguments += ["--sqlite-pragma", f"{pragma}={value}"]
        for key, setting in config.items():
            arguments += ["--dynamic-config-value", f"{key}={json.dumps(setting)}"]
        for name in SEARCH_ATTRIBUTES:
            arguments += ["--search-attribute", f"{name}=Keyword"]
        return arguments

    def _is_ready(self, _pid: int) -> bool:
        try:
            known = self._ask("GET", f"/api/v1/namespaces/{NAMESPACE}/search-attributes").get("customAttributes", {})
        except (OSError, http.client.HTTPException, ChildFailed):
            return False
        return set(SEARCH_ATTRIBUTES) <= set(known)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(LOOPBACK, self.http_port, timeout=_HTTP_TIMEOUT_SECONDS)
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ChildFailed(
                f"temporal answered {answer.status} to {method} {path}; see {self.data_dir / 'logs' / 'temporal.log'}"
            )
        found: dict[str, Any] = json.loads(content)
        return found


def temporal_program() -> Path:
    """The program from the wheel, else the one on PATH; ConfigurationError when there is none."""
    packaged = Path(sysconfig.get_path("scripts")) / "temporal"
    if os.access(packaged, os.X_OK):
        return packaged
    found = shutil.which("temporal")
    if found is None:
        raise ConfigurationError(
            "the embedded Temporal is not installed: install ingestio[embedded], or set TEMPORAL_ADDRESS"
        )
    return Path(found)


def temporal_node(
    data_dir: Path, ports: dict[str, int], *, in_memory: bool = False, headless: bool = False
) -> TemporalNode:
    """The node of `data_dir` on the ports that PORT_NAMES name."""
    port, ui_port, http_port, metrics_port = (ports[name] for name in PORT_NAMES)
    return TemporalNode(data_dir, port, ui_port, http_port, metrics_port, in_memory=in_memory, headless=headless)


class TemporalServer:
    """A running server of our own process, for tests and scripts; `ingestio up` supervises the node itself."""

    def __init__(
        self,
        node: TemporalNode,
        lock: InstanceLock,
        running: RunningChild,
        throwaway: Path | None,
    ) -> None:
        self.node = node
        self._lock = lock
        self._running = running
        self._throwaway = throwaway

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def address(self) -> str:
        return self.node.address

    @property
    def ui_url(self) -> str:
        return self.node.ui_url

    @property
    def namespace(self) -> str:
        return NAMESPACE

    def stop(self) -> None:
        """End it: in good order when it keeps something, which takes a second, else at once. Harmless when it is down."""
        if self.node.in_memory:
            self._running.kill()
        else:
            self._running.stop()
        self._clean_up()

    def kill(self) -> None:
        """kill -9, as in a power cut; `start_temporal` on the same directory goes on where it was."""
        self._running.kill()
        self._clean_up()

    def _clean_up(self) -> None:
        self._lock.release()
        if self._throwaway is not None:
            shutil.rmtree(self._throwaway, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_temporal(data_dir: Path | None = None, *, headless: bool = True) -> TemporalServer:
    """Start the server of `data_dir`; without one it keeps everything in memory, and its log in a temporary
    directory that goes when it is stopped.

    The namespace is `default`, SEARCH_ATTRIBUTES are registered. Raises AlreadyRunning, ConfigurationError, or ChildFailed that names
    the log.
    """
    throwaway = None
    if data_dir is None:
        data_dir = throwaway = Path(tempfile.mkdtemp(prefix="ingestio-temporal-"))
    place = data_dir.resolve()
    lock = InstanceLock(place)
    lock.claim()
    try:
        node = temporal_node(
            place,
            remembered_ports(place / "ports.json", PORT_NAMES),
            in_memory=throwaway is not None,
            headless=headless,
        )
        running = spawn(node.prepare())
        try:
            running.wait_ready()
            node.provision()
        except BaseException:
            running.kill()
            raise
    except BaseException:
        lock.release()
        raise
    return TemporalServer(node, lock, running, throwaway)
