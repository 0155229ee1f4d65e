"""The command line as people start it: a process of its own on a data dir of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from ingestio.samples import documents_folder

PATIENCE_SECONDS = 120
_OF_OTHERS = ("INGESTIO_", "TEMPORAL_", "GEMINI_", "GOOGLE_", "STRIPE_", "REDIS_", "OTEL_", "AWS_")


def environment() -> dict[str, str]:
    """Ours without anything that would point the command elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)}
    return kept | {"INGESTIO_PROVIDER": "local"}


def started(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> "subprocess.Popen[str]":
    """`ingestio ARGUMENTS` as a running process, its output in pipes, with more environment `variables`."""
    return subprocess.Popen(
        [sys.executable, "-m", "ingestio.cli", *map(str, arguments)],
        env=environment() | variables,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
    """Wait for its end."""
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def ingestio(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run `ingestio ARGUMENTS` to its end."""
    return ended(started(*arguments, cwd=cwd, **variables))


@dataclass(frozen=True)
class Instance:
    """A service that `ingestio up` serves."""

    data_dir: Path
    url: str

    def ingestio(
        self, *arguments: str | Path, cwd: Path | None = None, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command on its data dir."""
        return ingestio(*arguments, "--data-dir", self.data_dir, cwd=cwd, **variables)


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One running service for all tests that need not start their own."""
    data_dir = tmp_path_factory.mktemp("instance") / "data"
    # Webhooks may go to this machine, where those who are told in tests are.
    process = started("up", "--port", "0", "--data-dir", data_dir, INGESTIO_WEBHOOK_NETWORKS="127.0.0.0/8")
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("ready "):
        process.kill()
        pytest.fail(f"not ready: {line}{process.communicate()[1]}")
    yield Instance(data_dir, line.removeprefix("ready ").strip())
    process.send_signal(signal.SIGINT)
    assert ended(process).returncode == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to put samples into."""
    made = tmp_path / "inbox"
    made.mkdir()
    return made


def put_blank(folder: Path) -> None:
    """A picture of an empty sheet, `nothing.png`: it is accepted, and no text can be read in it."""
    Image.new("L", (200, 100), 255).save(folder / "nothing.png")


def put(folder: Path, *names: str) -> None:
    """Copy samples into a folder."""
    for name in names:
        (folder / name).write_bytes((documents_folder() / name).read_bytes())
