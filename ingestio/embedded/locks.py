"""Who may run an instance on a data directory, and who uses it. The kernel releases a lock when its holder dies, however it dies."""

import contextlib
import fcntl
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ingestio.embedded.files import private_directory
from ingestio.errors import ConfigurationError, IngestioError

INSTANCE_VARIABLE = "INGESTIO_INSTANCE_DIR"  # marks a process as part of the instance of that data directory
_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 0.3  # `is_locked` of another process holds the lock for microseconds; that is no instance
_STOPPING_SECONDS = 60.0


class AlreadyRunning(IngestioError):
    """Another process runs an instance on this data directory; `detail` names it."""

    code = "already_running"
    title = "Already running"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"an instance is already running on the data directory {data_dir}; stop it or choose another --data-dir"
        )
        self.data_dir = data_dir


class FileLock:
    """A lock on the file `name` of a data directory, which is made if it is missing."""

    def __init__(self, data_dir: Path, name: str) -> None:
        self._path = data_dir / name
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(self, *, shared: bool = False, patience_seconds: float = 0.0) -> bool:
        """Take the lock, trying for `patience_seconds`; False when others hold it. ConfigurationError when the file cannot be locked."""
        private_directory(self._path.parent)
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with contextlib.ExitStack() as undo:
                undo.callback(os.close, descriptor)
                deadline = time.monotonic() + patience_seconds
                while not _try_lock(descriptor, shared=shared):
                    if time.monotonic() >= deadline:
                        return False
                    time.sleep(_POLL_SECONDS)
                undo.pop_all()
        except OSError as error:
            raise ConfigurationError(
                f"cannot lock {self._path}: {error.strerror}; choose another --data-dir, or INGESTIO_DATA_DIR"
            ) from error
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class InstanceLock(FileLock):
    """The exclusive right to run servers on `data_dir`."""

    def __init__(self, data_dir: Path, name: str = "lock") -> None:
        super().__init__(data_dir, name)
        self._data_dir = data_dir

    def claim(self) -> None:
        """Take the lock or raise AlreadyRunning."""
        if not self.acquire(patience_seconds=_PATIENCE_SECONDS):
            raise AlreadyRunning(self._data_dir)


class StartLock(InstanceLock):
    """Held by an instance from the launch of its parts until they may begin; each part passes through it, shared."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, "starting")


def is_locked(data_dir: Path) -> bool:
    """Whether a live process runs an instance on `data_dir`."""
    try:
        descriptor = os.open(data_dir / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigurationError(f"cannot read the data directory {data_dir}: {error.strerror}") from error
    try:
        return not _try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def use_lock(data_dir: Path) -> FileLock:
    """Held shared by the commands that use an instance, exclusively by the one that stops it because nobody does."""
    return FileLock(data_dir, "users")


@contextlib.contextmanager
def using(data_dir: Path) -> Iterator[None]:
    """While inside, an instance that another command started for itself is not stopped.

    Enter before asking `running`, and leave before stopping an instance of one's own. Waits for an instance that is just stopping.
    """
    lock = use_lock(data_dir.resolve())
    if not lock.acquire(shared=True, patience_seconds=_STOPPING_SECONDS):
        raise AlreadyRunning(data_dir)
    try:
        yield
    finally:
        lock.release()


def await_start() -> None:
    """In a part: return when the instance that launched it lets its parts begin. In any other process: return at once."""
    if (data_dir := os.environ.get(INSTANCE_VARIABLE)) is not None:
        lock = StartLock(Path(data_dir))
        lock.acquire(shared=True, patience_seconds=math.inf)
        lock.release()


def _try_lock(descriptor: int, *, shared: bool) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
