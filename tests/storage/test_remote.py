"""What only a bucket can do to us: be away, refuse us, or not exist."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from obstore.store import S3Store

from ingestio.errors import ConfigurationError, IngestioError, ObjectMissing, Unavailable
from ingestio.storage.keys import original_key
from ingestio.storage.objects import ObjectStore, open_store
from tests.storage.s3_server import BUCKET, S3Server, free_ports

if TYPE_CHECKING:
    from obstore.store import S3Config

OWNER = "auth0|ann"
KEY = original_key(OWNER, "one")
OPTIONS = {"access_key_id": "key", "secret_access_key": "hush-hush", "region": "us-east-1"}


def bucket_at(endpoint: str, tmp_path: Path) -> ObjectStore:
    return open_store("s3://bucket/prefix", scratch=tmp_path, options={**OPTIONS, "endpoint": endpoint})


async def every_operation_fails_with(error: type[IngestioError], store: ObjectStore, limit_seconds: float) -> list[str]:
    """Run each operation against a store that is out of order; returns the messages."""

    async def put() -> None:
        await store.put_bytes(KEY, OWNER, b"x")

    async def keep() -> None:
        async with store.stage(KEY, OWNER) as stage:
            await stage.write(b"x" * 6_000_000)
            await stage.keep()

    async def copy() -> None:
        async with store.local_copy(KEY, OWNER):
            pytest.fail("there is nothing to lend")

    async def stream() -> None:
        [chunk async for chunk in store.stream(KEY, OWNER, 1, 2)]

    async def listing() -> None:
        [stored async for stored in store.list(OWNER)]

    messages = []
    for operation in (
        put,
        keep,
        copy,
        stream,
        listing,
        store.check,
        lambda: store.get_bytes(KEY, OWNER),
        lambda: store.size(KEY, OWNER),
        lambda: store.delete(KEY, OWNER),
        lambda: store.delete_prefix(OWNER, OWNER),
    ):
        started = time.monotonic()
        with pytest.raises(error) as failed:
            await operation()
        assert time.monotonic() - started < limit_seconds
        messages.append(str(failed.value))
    return messages


async def test_nobody_listening_is_unavailable_at_once(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    store = bucket_at(f"http://127.0.0.1:{port}", tmp_path)
    await every_operation_fails_with(Unavailable, store, limit_seconds=10)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@contextmanager
def deaf_network() -> Iterator[str]:
    """An address to which nobody can connect and that refuses nobody: its queue is full, the kernel drops what comes."""
    with ExitStack() as open_sockets:
        deaf = open_sockets.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(3):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"


@contextmanager
def silent_server() -> Iterator[str]:
    """Accepts every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


async def test_a_network_or_a_server_that_says_nothing_is_unavailable_within_seconds(tmp_path: Path) -> None:
    with deaf_network() as deaf, silent_server() as silent:
        unreachable, mute = bucket_at(deaf, tmp_path), bucket_at(silent, tmp_path)

        async def upload() -> None:
            async with unreachable.stage(KEY, OWNER) as stage:
                await stage.write(b"x")
                await stage.keep()

        started = time.monotonic()
        outcomes = await asyncio.gather(
            upload(),
            unreachable.size(KEY, OWNER),
            mute.size(KEY, OWNER),
            mute.get_bytes(KEY, OWNER),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 4
        assert 2 < time.monotonic() - started < 20


@contextmanager
def broken_server(status: int) -> Iterator[tuple[str, list[str]]]:
    """A server that answers every request with `status`; also the list of the requests it saw."""
    seen: list[str] = []

    class Broken(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(self.command)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Silence."""

    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_server_in_trouble_is_asked_a_few_times_then_unavailable(tmp_path: Path, status: int) -> None:
    with broken_server(status) as (endpoint, seen):
        store = bucket_at(endpoint, tmp_path)
        with pytest.raises(Unavailable) as failed:
            await store.size(KEY, OWNER)
        assert failed.value.retryable
        assert 1 <= len(seen) <= 3


async def test_refused_credentials_are_an_outage_that_an_operator_can_end(s3_server: S3Server, tmp_path: Path) -> None:
    options = {**s3_server.options, "secret_access_key": "not-the-secret"}
    store = open_store(f"s3://{BUCKET}/p", scratch=tmp_path, options=options)
    for message in await every_operation_fails_with(Unavailable, store, limit_seconds=10):
        assert "not-the-secret" not in message
        assert s3_server.access_key not in message


async def test_a_missing_bucket_is_an_outage_not_a_missing_object(s3_server: S3Server, tmp_path: Path) -> None:
    store = open_store("s3://no-such-bucket", scratch=tmp_path, options=s3_server.options)
    await every_operation_fails_with(Unavailable, store, limit_seconds=10)


async def test_the_usual_cloud_variables_are_enough(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    store = open_store(f"s3://{BUCKET}", scratch=tmp_path)
    await store.put_bytes(KEY, OWNER, b"x")
    assert await store.get_bytes(KEY, OWNER) == b"x"
    await store.delete(KEY, OWNER)


async def test_prefixes_of_one_bucket_do_not_see_each_other(s3_server: S3Server, tmp_path: Path) -> None:
    first = open_store(f"s3://{BUCKET}/apart/a", scratch=tmp_path, options=s3_server.options)
    second = open_store(f"s3://{BUCKET}/apart/a2/", scratch=tmp_path, options=s3_server.options)
    await first.put_bytes(KEY, OWNER, b"first")
    with pytest.raises(ObjectMissing):
        await second.get_bytes(KEY, OWNER)
    assert [stored.key async for stored in second.list()] == []
    assert [stored.key async for stored in first.list()] == [KEY]


async def test_what_others_put_into_the_bucket_is_not_listed(s3_server: S3Server, tmp_path: Path) -> None:
    store = open_store(f"s3://{BUCKET}/shared", scratch=tmp_path, options=s3_server.options)
    await store.put_bytes(KEY, OWNER, b"x")
    theirs = S3Store(
        BUCKET, prefix="shared", config=cast("S3Config", s3_server.options), client_options={"allow_http": True}
    )
    for name in ("README.txt", "with space/x", "ümlaut/x"):
        await theirs.put_async(name, b"x")
    assert [stored.key async for stored in store.list()] == [KEY]


async def test_listing_and_deleting_more_than_a_page_of_objects_misses_none(
    s3_server: S3Server, tmp_path: Path
) -> None:
    store = open_store(f"s3://{BUCKET}/many", scratch=tmp_path, options=s3_server.options)
    keys = [original_key(OWNER, f"d{number}") for number in range(1_050)]
    for start in range(0, len(keys), 50):
        await asyncio.gather(*(store.put_bytes(key, OWNER, b"x") for key in keys[start : start + 50]))
    assert {stored.key async for stored in store.list()} == set(keys)
    assert await store.delete_prefix(OWNER, OWNER) == 1_050
    assert [stored async for stored in store.list()] == []


async def test_a_crash_during_an_upload_leaves_only_a_scratch_file(s3_server: S3Server, tmp_path: Path) -> None:
    url = f"s3://{BUCKET}/crash"
    script = f"""
        import asyncio, os, signal
        from pathlib import Path
        from ingestio.storage.objects import open_store

        async def main():
            store = open_store({url!r}, scratch=Path({str(tmp_path)!r}))
            async with store.stage({KEY!r}, {OWNER!r}) as stage:
                await stage.write(b"x" * 3_000_000)
                os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
    """
    died = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        check=False,
        timeout=60,
        env={**os.environ, **s3_server.environment},
    )
    assert died.returncode == -signal.SIGKILL
    store = open_store(url, scratch=tmp_path, options=s3_server.options)
    assert [stored.key async for stored in store.list()] == []
    assert len(list(tmp_path.rglob("*.part"))) == 1
    assert await store.sweep_staging(older_than_seconds=3600) == 0
    assert await store.sweep_staging(older_than_seconds=0) == 1
    assert list(tmp_path.rglob("*.part")) == []


def test_the_other_clouds_are_opened_by_their_scheme(tmp_path: Path) -> None:
    open_store("gs://bucket/prefix", scratch=tmp_path)
    open_store("az://container/prefix", scratch=tmp_path, options={"account_name": "account"})


def test_what_a_cloud_lacks_stops_the_start_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(
        ConfigurationError, match=r"^INGESTIO_STORAGE_URL: az://container: .*Account must be specified.*$"
    ):
        open_store("az://container", scratch=tmp_path)
    with pytest.raises(ConfigurationError, match="INGESTIO_STORAGE_URL"):
        open_store("s3://bucket", scratch=tmp_path, options={"no_such_option": "x"})
