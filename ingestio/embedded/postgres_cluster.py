"""A PostgreSQL cluster on disk: make it once, say how to run it, clear up after a kill.

As root the server runs as `nobody` (it refuses root), in a data directory of that user. It is started inside that directory and knows it as
`/proc/self/cwd`, so parents that `nobody` may not enter (a home of mode 0700) are no obstacle and keep their modes.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ingestio.embedded.files import kept_secret, private_directory, sync_directory
from ingestio.embedded.ports import LOOPBACK
from ingestio.embedded.postgres_binaries import postgres_programs
from ingestio.embedded.processes import (
    Account,
    Child,
    ChildFailed,
    base_environment,
    end,
    unprivileged_account,
    working_in,
)
from ingestio.errors import ConfigurationError

SUPERUSER = "postgres"
DATABASE = "ingestio"
OWNER = "ingestio_owner"
APP = "ingestio_app"
_LINUX = sys.platform.startswith("linux")
READY_TIMEOUT_SECONDS = 120.0  # after kill -9 under load it first reads up to a gigabyte of its write-ahead log
CREATE_TIMEOUT_SECONDS = 120.0
_PROGRAM_NAMES = ("postgres", "initdb")
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Rows and statements hold people's documents: a log line names the error, never the statement or the failing row.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_FASTER_BUT_LOSABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresCluster:
    """One cluster on disk, `<data_dir>/postgres`, and how to reach it. Holds no process."""

    data_dir: Path
    port: int
    durable: bool = True
    settings: Mapping[str, str] | None = None
    programs: Path | None = None  # the directory of another PostgreSQL's `initdb` and `postgres`, version 17 or later

    @property
    def directory(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def superuser_url(self) -> str:
        return self._url(SUPERUSER, "postgres")

    @property
    def owner_url(self) -> str:
        return self._url(OWNER, DATABASE)

    @property
    def app_url(self) -> str:
        return self._url(APP, DATABASE)

    def prepare(self) -> Child:
        """Make the cluster if it is new and say how to run it. Call while holding the lock of `data_dir`."""
        account = self._account()
        programs = self.programs or postgres_programs(account)
        if not (self.directory / "PG_VERSION").exists():
            self._create(account, programs)
        elif not self._secret_file(SUPERUSER).exists():
            raise ConfigurationError(
                f"{self._secret_file(SUPERUSER)}, the password of {self.directory}, is gone; restore it from a backup"
            )
        settings = {**_SETTINGS, **({} if self.durable else _FASTER_BUT_LOSABLE), **(self.settings or {})}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Child(
            name="postgres",
            argv=[
                str(programs / "postgres"),
                "-D",
                _as_seen_by(account, self.directory),
                "-p",
                str(self.port),
                *options,
            ],
            env=base_environment(self.data_dir),
            log=self._log,
            cwd=self.directory,
            account=account,
            ready=self._is_ready,
            before_start=self._clear_leftovers,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            orphan_signal=signal.SIGINT,
            ready_timeout_seconds=READY_TIMEOUT_SECONDS,
        )

    def provision(self) -> None:
        """Make database, logins and roles; needs the server. Repeating it changes nothing."""
        # The driver is loaded while the server starts: before that, everything else would wait for it.
        import psycopg

        from ingestio.embedded.postgres_roles import provision

        try:
            provision(self.superuser_url, owner_password=self._password(OWNER), app_password=self._password(APP))
        except psycopg.Error as error:
            raise ChildFailed(f"postgres could not be set up ({error.sqlstate}); see {self._log}") from error

    @property
    def _log(self) -> Path:
        return self.data_dir / "logs" / "postgres.log"

    def _url(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{self._password(user)}@{LOOPBACK}:{self.port}/{database}"

    def _password(self, user: str) -> str:
        return kept_secret(self._secret_file(user))

    def _secret_file(self, user: str) -> Path:
        return self.data_dir / "secrets" / user

    def _account(self) -> Account | None:
        """Whom the server runs as: the owner of the existing files, else the unprivileged user; None when we are not root."""
        account = unprivileged_account()
        if account is None or not self.directory.exists():
            return account
        owner = self.directory.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
        for path in (self.directory, *self.directory.rglob("*")):  # restored from a backup by root
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        return account

    def _create(self, account: Account | None, programs: Path) -> None:
        """Make the cluster beside its final place and rename it, so that a crash half way leaves nothing that looks complete."""
        if self.directory.exists():
            raise ConfigurationError(
                f"{self.directory} is no PostgreSQL data directory; move it away or choose another --data-dir"
            )
        staging = private_directory(self.data_dir) / "postgres.new"
        end(working_in(staging, _PROGRAM_NAMES))  # an initdb whose parent was killed
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        # The password goes through /dev/stdin: the secrets directory is not open to `nobody`. macOS's library has no C.UTF-8, but
        # sorting is PostgreSQL's own there too.
        with tempfile.TemporaryFile() as password:
            password.write(self._password(SUPERUSER).encode() + b"\n")
            password.seek(0)
            if account is not None:
                os.chown(staging, account.uid, account.gid)
                os.fchown(password.fileno(), account.uid, account.gid)
            command = [
                *(str(programs / "initdb"), "-D", _as_seen_by(account, staging), "-U", SUPERUSER),
                *("-A", "scram-sha-256", "--pwfile", "/dev/stdin", "--encoding", "UTF8"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-instructions"),
                *("--locale", "C.UTF-8" if _LINUX else "C"),
                *(() if self.durable else ("--no-sync",)),
            ]
            problem = _problem_of(command, password, staging, base_environment(self.data_dir), account)
        if problem:
            shutil.rmtree(staging, ignore_errors=True)
            raise ChildFailed(f"PostgreSQL could not make its data directory {self.directory}: {problem}")
        staging.rename(self.directory)
        sync_directory(self.data_dir)

    def _is_ready(self, pid: int) -> bool:
        """PostgreSQL writes its state into its own pid file; asking that costs no connection and no line in its log."""
        try:
            lines = (self.directory / "postmaster.pid").read_text(errors="replace").split("\n")
        except OSError:
            return False
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _clear_leftovers(self) -> None:
        """After a kill -9: end what still works in the directory and remove the stale pid file.

        PostgreSQL takes the file for real when its number belongs to any process of the same user, which after a restart of a
        container is likely. We hold the lock, so whatever it says is over.
        """
        pid_file = self.directory / "postmaster.pid"
        if pid_file.exists():
            end(working_in(self.directory, _PROGRAM_NAMES))
            pid_file.unlink(missing_ok=True)


def _as_seen_by(account: Account | None, directory: Path) -> str:
    """How a process that was started inside `directory` as `account` may name it, even if it could not walk there."""
    return "/proc/self/cwd" if account is not None and _LINUX else str(directory)


def _problem_of(
    command: list[str], stdin: IO[bytes], directory: Path, env: Mapping[str, str], account: Account | None
) -> str:
    """Run `command` in `directory` as `account`; returns what it complained about, empty when it succeeded."""
    try:
        answer = subprocess.run(
            command,
            stdin=stdin,
            cwd=directory,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=CREATE_TIMEOUT_SECONDS,
            check=False,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
    except subprocess.TimeoutExpired:
        return f"not done within {CREATE_TIMEOUT_SECONDS:g} s"
    return answer.stderr.strip()[-500:] or f"exit code {answer.returncode}" if answer.returncode else ""
