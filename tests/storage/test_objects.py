"""What every store does, a folder and a bucket on a real S3 server alike."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestio.errors import InvalidRequest, NotFound, ObjectMissing
from ingestio.storage.keys import document_prefix, extraction_key, original_key
from ingestio.storage.objects import ObjectStore
from tests.storage.test_keys import TRAVERSALS

OWNER = "auth0|ann:b.c@d-e_F"
OTHER = "auth0|ann"
KEY = original_key(OWNER, "one")
# Larger than one part of a multipart upload, and no multiple of any buffer.
LARGE = os.urandom(64 * 1024) * 180 + b"end"


async def upload(store: ObjectStore, key: str, owner: str, data: bytes) -> None:
    async with store.stage(key, owner) as stage:
        for start in range(0, len(data), 100_000):
            await stage.write(data[start : start + 100_000])
        await stage.keep()


async def keys_of(store: ObjectStore, prefix: str = "") -> list[str]:
    return sorted([stored.key async for stored in store.list(prefix)])


async def read(store: ObjectStore, start: int | None = None, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.stream(KEY, OWNER, start, end)])


async def test_a_kept_upload_reads_back_byte_for_byte(store: ObjectStore) -> None:
    async with store.stage(KEY, OWNER) as stage:
        for start in range(0, len(LARGE), 65_536):
            await stage.write(LARGE[start : start + 65_536])
        assert stage.size_bytes == len(LARGE)
        assert stage.path.read_bytes() == LARGE
        assert stage.sha256 == hashlib.sha256(LARGE).hexdigest()
        await stage.keep()
    assert await store.size(KEY, OWNER) == len(LARGE)
    assert await store.get_bytes(KEY, OWNER) == LARGE
    assert await read(store) == LARGE
    async with store.local_copy(KEY, OWNER) as path:
        assert path.read_bytes() == LARGE


async def test_the_staged_file_is_complete_between_writes_too(store: ObjectStore) -> None:
    async with store.stage(KEY, OWNER) as stage:
        await stage.write(b"first ")
        assert stage.path.read_bytes() == b"first "
        await stage.write(b"second")
        assert stage.path.read_bytes() == b"first second"
        assert stage.sha256 == hashlib.sha256(b"first second").hexdigest()


async def test_an_upload_that_is_not_kept_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    async with store.stage(KEY, OWNER) as stage:
        await stage.write(LARGE)
        staged = stage.path
    assert not staged.exists()
    with pytest.raises(ObjectMissing):
        await store.size(KEY, OWNER)
    assert await keys_of(store) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_an_upload_that_fails_halfway_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    async def half_an_upload() -> None:
        async with store.stage(KEY, OWNER) as stage:
            await stage.write(LARGE)
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await half_an_upload()
    assert await keys_of(store) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_an_upload_that_is_cancelled_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    writing = asyncio.Event()

    async def endless() -> None:
        async with store.stage(KEY, OWNER) as stage:
            while True:
                await stage.write(LARGE[:1_000_000])
                writing.set()

    task = asyncio.create_task(endless())
    await writing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await keys_of(store) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_nothing_is_visible_before_keep_and_the_old_object_stays_until_then(store: ObjectStore) -> None:
    await upload(store, KEY, OWNER, b"old")
    async with store.stage(KEY, OWNER) as stage:
        await stage.write(b"newer")
        assert await store.get_bytes(KEY, OWNER) == b"old"
        await stage.keep()
        await stage.keep()
        assert await store.get_bytes(KEY, OWNER) == b"newer"
    assert await store.get_bytes(KEY, OWNER) == b"newer"


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    async with store.stage(KEY, OWNER) as stage:
        await stage.keep()
    assert await store.size(KEY, OWNER) == 0
    assert await store.get_bytes(KEY, OWNER) == b""
    assert await read(store) == b""


async def test_put_bytes_replaces_the_whole_object(store: ObjectStore) -> None:
    key = extraction_key(OWNER, "job")
    await store.put_bytes(key, OWNER, b'{"first": "and longer"}')
    await store.put_bytes(key, OWNER, b"{}")
    assert await store.get_bytes(key, OWNER) == b"{}"
    await store.put_bytes(key, OWNER, LARGE)
    assert await store.get_bytes(key, OWNER) == LARGE


async def test_writers_of_one_key_leave_the_whole_of_one_of_them(store: ObjectStore) -> None:
    contents = [bytes([number]) * 300_000 for number in range(4)]
    await asyncio.gather(*(store.put_bytes(KEY, OWNER, content) for content in contents))
    assert await store.get_bytes(KEY, OWNER) in contents


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (0, None), (None, 10), (5, 9), (1_200_000, 1_200_001), (len(LARGE) - 1, None), (7, 10**12)],
)
async def test_a_stream_can_be_a_range(store: ObjectStore, start: int | None, end: int | None) -> None:
    await upload(store, KEY, OWNER, LARGE)
    assert await read(store, start, end) == LARGE[start:end]


@pytest.mark.parametrize(("start", "end"), [(3, None), (4, 9), (2, 2), (2, 1), (-1, None), (0, 0)])
async def test_a_range_outside_the_object_is_an_invalid_request(
    store: ObjectStore, start: int, end: int | None
) -> None:
    await upload(store, KEY, OWNER, b"abc")
    with pytest.raises(InvalidRequest, match="3 bytes"):
        await read(store, start, end)


async def test_a_stream_may_be_left_early(store: ObjectStore) -> None:
    await upload(store, KEY, OWNER, LARGE)
    chunks = store.stream(KEY, OWNER)
    assert LARGE.startswith(await anext(chunks))
    await chunks.aclose()  # type: ignore[attr-defined]
    await store.delete(KEY, OWNER)


async def test_a_missing_object_is_object_missing_and_no_reason_to_retry(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        await store.size(KEY, OWNER)
    with pytest.raises(ObjectMissing):
        await store.get_bytes(KEY, OWNER)
    with pytest.raises(ObjectMissing):
        await read(store)
    with pytest.raises(ObjectMissing):
        await read(store, 0, 3)
    with pytest.raises(ObjectMissing) as missing:
        async with store.local_copy(KEY, OWNER):
            pytest.fail("there is nothing to lend")
    assert not missing.value.retryable
    assert missing.value.status == 404
    assert OWNER not in str(missing.value)


async def test_a_folder_of_objects_is_no_object(store: ObjectStore) -> None:
    await upload(store, KEY, OWNER, b"abc")
    folder = document_prefix(OWNER, "one")
    with pytest.raises(ObjectMissing):
        await store.size(folder, OWNER)
    with pytest.raises(ObjectMissing):
        await store.get_bytes(folder, OWNER)
    with pytest.raises(ObjectMissing):
        await store.size(f"{KEY}/below", OWNER)


async def test_delete_removes_one_object_and_may_be_repeated(store: ObjectStore) -> None:
    second = original_key(OWNER, "two")
    await upload(store, KEY, OWNER, b"1")
    await upload(store, second, OWNER, b"2")
    await store.delete(KEY, OWNER)
    await store.delete(KEY, OWNER)
    assert await keys_of(store) == [second]


async def test_delete_prefix_removes_whole_segments_of_one_user_only(store: ObjectStore) -> None:
    for owner in (OWNER, OTHER, OTHER + "2"):
        for document in ("one", "one2", "two"):
            await upload(store, original_key(owner, document), owner, b"x")
    assert await store.delete_prefix(document_prefix(OTHER, "one"), OTHER) == 1
    assert await store.delete_prefix(document_prefix(OTHER, "one"), OTHER) == 0
    assert await keys_of(store, OTHER) == [original_key(OTHER, "one2"), original_key(OTHER, "two")]
    assert await store.delete_prefix(OTHER, OTHER) == 2
    assert await keys_of(store, OTHER) == []
    assert len(await keys_of(store, OTHER + "2")) == 3
    assert len(await keys_of(store, OWNER)) == 3


async def test_listed_keys_are_the_keys_that_were_written(store: ObjectStore) -> None:
    """`|`, `:` and `@` are where clients begin to encode: what is listed must find the object again."""
    before = datetime.now(UTC) - timedelta(seconds=5)
    keys = {original_key(owner, "one"): owner for owner in (OWNER, OTHER, "a@b.c", "x:y", "-.-", "...", "A", "_")}
    for key, owner in keys.items():
        await upload(store, key, owner, owner.encode())
    listed = {stored.key: stored async for stored in store.list()}
    assert set(listed) == set(keys)
    for key, owner in keys.items():
        assert await store.get_bytes(key, owner) == owner.encode()
        assert listed[key].size_bytes == len(owner)
        assert before < listed[key].last_modified < datetime.now(UTC) + timedelta(seconds=5)
        assert await keys_of(store, owner) == [key]


async def test_a_prefix_is_not_listed_as_its_own_content(store: ObjectStore) -> None:
    await upload(store, KEY, OWNER, b"abc")
    assert await keys_of(store, KEY) == []
    assert await keys_of(store, document_prefix(OWNER, "one")) == [KEY]
    assert await keys_of(store, document_prefix(OWNER, "on")) == []


@pytest.mark.parametrize("key", [*TRAVERSALS, KEY])
async def test_every_door_is_closed_to_other_owners_and_to_traversals(store: ObjectStore, key: str) -> None:
    await upload(store, KEY, OWNER, b"mine")
    for owner in {OTHER, "user_1", ".", "", key.partition("/")[0]} - {OWNER}:
        with pytest.raises(NotFound):
            store.stage(key, owner)
        with pytest.raises(NotFound):
            store.local_copy(key, owner)
        with pytest.raises(NotFound):
            store.stream(key, owner)
        with pytest.raises(NotFound):
            await store.get_bytes(key, owner)
        with pytest.raises(NotFound):
            await store.put_bytes(key, owner, b"theirs")
        with pytest.raises(NotFound):
            await store.size(key, owner)
        with pytest.raises(NotFound):
            await store.delete(key, owner)
    assert await keys_of(store) == [KEY]
    assert await store.get_bytes(KEY, OWNER) == b"mine"


@pytest.mark.parametrize(
    "prefix", ["", "/", "..", ".", "../..", OTHER, OWNER + "/", OWNER + "/..", OWNER + "/../" + OTHER, OWNER[:5]]
)
async def test_delete_prefix_refuses_what_is_not_the_owners(store: ObjectStore, prefix: str) -> None:
    await upload(store, KEY, OWNER, b"mine")
    with pytest.raises(NotFound):
        await store.delete_prefix(prefix, OWNER)
    assert await keys_of(store) == [KEY]


@pytest.mark.parametrize("prefix", ["/", "..", ".", OWNER + "/", OWNER + "/.."])
async def test_list_refuses_a_malformed_prefix(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(NotFound):
        await keys_of(store, prefix)


async def test_a_store_that_answers_is_healthy(store: ObjectStore) -> None:
    await store.check()


async def test_local_copies_are_gone_afterwards_and_the_object_is_not(store: ObjectStore, tmp_path: Path) -> None:
    await upload(store, KEY, OWNER, LARGE)
    with pytest.raises(RuntimeError):
        async with store.local_copy(KEY, OWNER):
            raise RuntimeError
    assert list(tmp_path.rglob("*.part")) == []
    assert await store.size(KEY, OWNER) == len(LARGE)


async def test_a_walk_by_pages_sees_every_object_once_and_goes_on_behind_one_that_is_gone(store: ObjectStore) -> None:
    keys = [original_key(user, str(number)) for user in ("a", "a-b", "a.b", "b") for number in range(3)]
    keys += [extraction_key("a", "job"), f"{document_prefix('a', '1')}/pages/1.png"]
    for key in keys:
        await store.put_bytes(key, key.partition("/")[0], b"x")

    seen: list[str] = []
    after: str | None = None
    pages = 0
    while pages == 0 or after is not None:
        page = await store.page(after, 4)
        assert len(page.objects) <= 4
        seen += [stored.key for stored in page.objects]
        after = page.next_after
        if after is not None and pages == 1:
            await store.delete(after, after.partition("/")[0])
        pages += 1

    assert sorted(seen) == sorted(keys)
    assert pages >= 4
    assert (await store.page(seen[-1], 4)).next_after is None


async def test_leftovers_are_named_before_they_are_swept(store: ObjectStore) -> None:
    async with store.stage(KEY, OWNER) as stage:
        await stage.write(b"half")
        assert stage.path.name in await store.staging_leftovers(0)
        assert list(await store.staging_leftovers(3600)) == []
