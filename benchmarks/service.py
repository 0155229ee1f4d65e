"""`ingestio up` as a user starts it, in a process of its own, and the processes it consists of."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service that said `ready`."""

    url: str
    process: psutil.Process

    def part(self, name: str) -> psutil.Process:
        """The process of `worker` or `api`."""
        for child in self.process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.cmdline()[-2:] == ["ingestio.cli", name]:
                    return child
        raise RuntimeError(f"no process of {name} was found")


@contextmanager
def up(data_dir: Path) -> Iterator[Service]:
    """Start it on a data directory, wait for its line `ready`, stop it with Ctrl-C at the end. Raises RuntimeError."""
    log = data_dir.with_name(f"{data_dir.name}.up.log")
    with log.open("a") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingestio.cli", "up", "--data-dir", str(data_dir)],
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready "):
            raise RuntimeError(f"up did not become ready: {log.read_text().strip().splitlines()[-1:]}")
        yield Service(line.split()[1], psutil.Process(process.pid))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)
