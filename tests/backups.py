"""Dump and restore a database with PostgreSQL's own programs, as docs/backup.md says."""

import subprocess
from pathlib import Path

from ingestio.embedded.postgres_binaries import postgres_programs


def dump(superuser_url: str, file: Path) -> None:
    """Row-level security is forced on the owner too, so only who passes by it sees every row."""
    _run("pg_dump", "--format=custom", f"--file={file}", superuser_url)


def restore(superuser_url: str, file: Path) -> None:
    """Into a database that is empty or not: what the dump has replaces what is there, all or nothing."""
    _run(
        "pg_restore",
        "--clean",
        "--if-exists",
        "--single-transaction",
        "--exit-on-error",
        f"--dbname={superuser_url}",
        str(file),
    )


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(postgres_programs(None) / program), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
