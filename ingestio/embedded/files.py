"""Private files: directories 0700, files 0600, written whole or not at all."""

import os
import secrets
from pathlib import Path

from ingestio.errors import ConfigurationError


def private_directory(path: Path) -> Path:
    """Make `path` (mode 0700) if it is missing; an existing one keeps its mode. Parents that are missing are made alike."""
    try:
        for missing in reversed([p for p in (path, *path.parents) if not p.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"cannot create the directory {path}: {error.strerror}; see INGESTIO_DATA_DIR"
        ) from error
    return path


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 so that a crash leaves the old content or the new, and never a part."""
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
    except BaseException:
        staging.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames within `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def kept_secret(path: Path) -> str:
    """The secret in `path`: 43 URL-safe characters, made at the first call and the same ever after."""
    private_directory(path.parent)
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    try:
        secret = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigurationError(f"cannot read the secret {path}: {error.strerror}") from error
    if not secret:
        raise ConfigurationError(f"the secret {path} is empty; restore it from a backup")
    return secret
