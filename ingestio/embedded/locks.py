"""One running instance per data directory. The kernel releases the lock when its holder dies, however it dies."""

import fcntl
import os
import time
from pathlib import Path

from ingestio.embedded.files import private_directory
from ingestio.errors import IngestioError

_PATIENCE_SECONDS = 0.3  # `is_locked` of another process holds the lock for microseconds; that is no instance


class AlreadyRunning(IngestioError):
    """Another process runs an instance on this data directory; `detail` names it."""

    code = "already_running"
    title = "Already running"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"an instance is already running on the data directory {data_dir}; stop it or choose another --data-dir"
        )
        self.data_dir = data_dir


class InstanceLock:
    """The exclusive right to run servers on `data_dir`."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise AlreadyRunning."""
        private_directory(self._data_dir)
        descriptor = os.open(_lock_file(self._data_dir), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.02)
                    continue
                os.close(descriptor)
                raise AlreadyRunning(self._data_dir) from None
            self._descriptor = descriptor
            return

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(data_dir: Path) -> bool:
    """Whether a live process runs an instance on `data_dir`."""
    try:
        descriptor = os.open(_lock_file(data_dir), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock_file(data_dir: Path) -> Path:
    return data_dir / "lock"
