"""One real instance, started as a newcomer does, killed as nobody should."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg

from ingestio.embedded.instance import running
from tests.chaos.visitor import Visitor

START_SECONDS = 60.0
PARTS = ("worker", "api", "temporal", "postgres")
TARGETS = (*PARTS, "supervisor", "everything")


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ingestio.cli", *arguments]


@dataclass
class ChaosInstance:
    """`ingestio up` on a data dir of its own, and one user of it."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    user_id: str = "chaos"
    process: subprocess.Popen[str] | None = None
    token: str = ""

    @cached_property
    def visitor(self) -> Visitor:
        """The user, who finds the front door wherever it is now."""
        return Visitor(self.user_id, self.token, self._address)

    def start(self) -> None:
        """Start it and wait for the line `ready`."""
        self._close()
        log = (self.data_dir.parent / f"{self.data_dir.name}.up.log").open("a")
        self.process = subprocess.Popen(
            program("up", "--data-dir", str(self.data_dir)),
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        log.close()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready http://"), f"up said {line!r}; its log is beside the data dir"
        if not self.token:
            self.token = subprocess.run(
                program("token", "--user", self.user_id, "--plan", "growth", "--data-dir", str(self.data_dir)),
                env={**os.environ, **self.environment},
                capture_output=True,
                text=True,
                check=True,
                timeout=START_SECONDS,
            ).stdout.strip()

    def stop(self) -> None:
        """Ctrl-C, as a person would."""
        self.visitor.close()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

        self._close()

    def _close(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self, target: str) -> None:
        """SIGKILL one of TARGETS; the parts that a supervisor brings back are not started here, the whole is."""
        assert self.process is not None
        if target in PARTS:
            for found in self._find(target):
                with contextlib.suppress(psutil.NoSuchProcess):
                    found.kill()
            return
        supervisor = psutil.Process(self.process.pid)
        family = supervisor.children(recursive=True) if target == "everything" else []
        for found in [supervisor, *family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                found.kill()
        self.process.wait(10)
        self.start()

    def _find(self, part: str) -> list[psutil.Process]:
        assert self.process is not None
        marks: dict[str, Callable[[list[str]], bool]] = {
            "worker": lambda line: line[-2:] == ["ingestio.cli", "worker"],
            "api": lambda line: line[-2:] == ["ingestio.cli", "api"],
            "temporal": lambda line: line[0].endswith("temporal"),
            "postgres": lambda line: line[0].endswith("postgres") and "-D" in line,
        }
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if (line := child.cmdline()) and marks[part](line):
                    found.append(child)
        return found

    def _address(self) -> str | None:
        info = running(self.data_dir)
        return None if info is None else info.api_url

    def superuser(self) -> psycopg.Connection[Any]:
        info = running(self.data_dir)
        assert info is not None
        return psycopg.connect(info.endpoints.postgres_superuser_url.rpartition("/")[0] + "/ingestio", autocommit=True)
