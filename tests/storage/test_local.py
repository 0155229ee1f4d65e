"""What only a folder store promises: modes, renames instead of copies, and what a crash leaves."""

import asyncio
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ingestio.errors import ConfigurationError, ObjectMissing, Unavailable
from ingestio.storage.keys import original_key
from ingestio.storage.objects import ObjectStore, open_store

OWNER = "user_1"
KEY = original_key(OWNER, "one")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "a b%41" / "objects"


@pytest.fixture
def folder_store(root: Path, tmp_path: Path) -> ObjectStore:
    return open_store(root.as_uri(), scratch=tmp_path / "scratch")


async def test_only_the_owner_of_the_process_may_read(folder_store: ObjectStore, root: Path) -> None:
    old = os.umask(0)
    try:
        async with folder_store.stage(KEY, OWNER) as stage:
            await stage.write(b"x")
            assert stat.S_IMODE(stage.path.stat().st_mode) == 0o600
            await stage.keep()
        await folder_store.put_bytes(original_key(OWNER, "two"), OWNER, b"x")
    finally:
        os.umask(old)
    for path in [root, *root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


async def test_keep_renames_the_staged_file_and_a_local_copy_is_the_object(
    folder_store: ObjectStore, root: Path
) -> None:
    async with folder_store.stage(KEY, OWNER) as stage:
        await stage.write(b"x")
        staged = stage.path.stat()
        await stage.keep()
    kept = (root / KEY).stat()
    assert (kept.st_dev, kept.st_ino) == (staged.st_dev, staged.st_ino)
    async with folder_store.local_copy(KEY, OWNER) as path:
        assert path == root / KEY


async def test_a_crash_leaves_staged_bytes_that_only_the_sweep_removes(folder_store: ObjectStore, root: Path) -> None:
    script = f"""
        import asyncio, os, signal
        from pathlib import Path
        from ingestio.storage.objects import open_store

        async def main():
            store = open_store({root.as_uri()!r}, scratch=Path("unused"))
            async with store.stage({KEY!r}, {OWNER!r}) as stage:
                await stage.write(b"x" * 3_000_000)
                os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
    """
    died = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    leftovers = list(root.rglob("*.part"))
    assert len(leftovers) == 1
    assert [stored.key async for stored in folder_store.list()] == []
    assert await folder_store.sweep_staging(older_than_seconds=3600) == 0
    assert leftovers[0].exists()
    os.utime(leftovers[0], (1, 1))
    assert await folder_store.sweep_staging(older_than_seconds=3600) == 1
    assert not leftovers[0].exists()


async def test_a_sweep_leaves_an_upload_that_is_being_written_alone(folder_store: ObjectStore) -> None:
    async with folder_store.stage(KEY, OWNER) as stage:
        await stage.write(b"x")
        assert await folder_store.sweep_staging(older_than_seconds=60) == 0
        await stage.keep()
    assert await folder_store.get_bytes(KEY, OWNER) == b"x"


async def test_empty_folders_go_with_their_last_object(folder_store: ObjectStore, root: Path) -> None:
    second = original_key(OWNER, "two")
    await folder_store.put_bytes(KEY, OWNER, b"x")
    await folder_store.put_bytes(second, OWNER, b"x")
    await folder_store.delete(KEY, OWNER)
    assert not (root / KEY).parent.exists()
    assert (root / second).exists()
    await folder_store.delete_prefix(OWNER, OWNER)
    assert [path.name for path in root.iterdir()] == ["~staging"]


async def test_writing_survives_a_delete_that_removes_the_folder_meanwhile(folder_store: ObjectStore) -> None:
    neighbour = original_key(OWNER, "two")

    async def come_and_go() -> None:
        for _ in range(25):
            await folder_store.put_bytes(neighbour, OWNER, b"x")
            await folder_store.delete(neighbour, OWNER)

    async def write() -> None:
        for _ in range(25):
            await folder_store.put_bytes(KEY, OWNER, b"x")
            assert await folder_store.get_bytes(KEY, OWNER) == b"x"
            await folder_store.delete(KEY, OWNER)

    await asyncio.gather(come_and_go(), write())


async def test_listing_and_deleting_more_than_a_page_of_objects_misses_none(
    folder_store: ObjectStore, root: Path
) -> None:
    keys = {original_key(OWNER, f"d{number}") for number in range(1_050)}
    for key in keys:  # written past the store, which would wait for the disk 3,000 times
        (root / key).parent.mkdir(parents=True)
        (root / key).write_bytes(b"x")
    assert {stored.key async for stored in folder_store.list()} == keys
    assert await folder_store.delete_prefix(OWNER, OWNER) == 1_050
    assert [stored async for stored in folder_store.list()] == []


async def test_what_others_put_into_the_folder_is_neither_listed_nor_followed(
    folder_store: ObjectStore, root: Path, tmp_path: Path
) -> None:
    await folder_store.put_bytes(KEY, OWNER, b"x")
    (root / "lost+found").mkdir()
    (root / "lost+found" / "x").write_text("x")
    (root / ".DS_Store").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("x")
    (root / OWNER / "link").symlink_to(outside)
    assert [stored.key async for stored in folder_store.list()] == [KEY]
    await folder_store.delete_prefix(OWNER, OWNER)
    assert (outside / "secret").exists()


async def test_a_folder_that_is_gone_is_an_outage_not_a_missing_object(folder_store: ObjectStore, root: Path) -> None:
    await folder_store.put_bytes(KEY, OWNER, b"x")
    root.rename(root.with_name("unmounted"))
    with pytest.raises(Unavailable):
        await folder_store.get_bytes(KEY, OWNER)
    with pytest.raises(Unavailable):
        await folder_store.size(KEY, OWNER)
    with pytest.raises(Unavailable):
        [stored async for stored in folder_store.list()]
    with pytest.raises(Unavailable):
        await folder_store.check()
    with pytest.raises(Unavailable):
        async with folder_store.stage(KEY, OWNER):
            pytest.fail("there is nowhere to write")
    root.with_name("unmounted").rename(root)
    with pytest.raises(ObjectMissing):
        await folder_store.get_bytes(original_key(OWNER, "two"), OWNER)
    assert await folder_store.get_bytes(KEY, OWNER) == b"x"


async def test_a_full_disk_is_an_outage_and_keeps_what_was_there(folder_store: ObjectStore) -> None:
    async def upload_four_megabytes() -> None:
        async with folder_store.stage(KEY, OWNER) as stage:
            for _ in range(4):
                await stage.write(b"x" * 1_000_000)
            await stage.keep()

    await folder_store.put_bytes(KEY, OWNER, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
        with pytest.raises(Unavailable, match="File too large"):
            await upload_four_megabytes()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert await folder_store.get_bytes(KEY, OWNER) == b"old"
    assert await folder_store.sweep_staging(0) == 0


@pytest.mark.parametrize(
    "url",
    [
        "file://relative/path",
        "file:///",
        "file:relative",
        "ftp://host/path",
        "/plain/path",
        "",
        "s3://",
        "s3:///prefix",
        "s3://key:secret@bucket/prefix",
        "s3://bucket/a/../b",
        "s3://bucket/prefix?x=1",
        "memory://",
    ],
)
def test_an_address_that_cannot_be_a_store_stops_the_start_and_names_the_variable(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="INGESTIO_STORAGE_URL") as refused:
        open_store(url, scratch=tmp_path)
    assert "secret" not in str(refused.value)


def test_a_folder_that_is_a_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("x")
    with pytest.raises(ConfigurationError, match="INGESTIO_STORAGE_URL"):
        open_store((tmp_path / "objects").as_uri(), scratch=tmp_path)
