"""A real S3 server on loopback: SeaweedFS from its wheel, in one process, with credentials."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import S3Config

BUCKET = "ingestio-test"
WEED = Path(sys.executable).with_name("weed")


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it listens and how to get in."""

    endpoint: str
    access_key: str = "ingestio-test-key"
    secret_key: str = "ingestio-test-secret"

    @property
    def options(self) -> dict[str, str]:
        return {
            "endpoint": self.endpoint,
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "region": "us-east-1",
        }

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
        }


@contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """Start with an empty bucket, yield once it answers, kill."""
    master, master_rpc, volume, volume_rpc, filer, filer_rpc, s3, s3_rpc, admin, admin_rpc = free_ports(10)
    server = S3Server(f"http://127.0.0.1:{s3}")
    identity = {
        "name": "test",
        "credentials": [{"accessKey": server.access_key, "secretKey": server.secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    flags = {
        "dir": folder / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "bucket": BUCKET,
        "master.port": master,
        "master.port.grpc": master_rpc,
        "master.telemetry": "false",
        "volume.port": volume,
        "volume.port.grpc": volume_rpc,
        "filer.port": filer,
        "filer.port.grpc": filer_rpc,
        "filer.localSocket": folder / "filer.sock",
        "s3.port": s3,
        "s3.port.grpc": s3_rpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.localSocket": folder / "s3.sock",
        "s3.config": folder / "s3.json",
        # Otherwise it makes the bucket that a test wants to be missing.
        "s3.autoCreateBucket": "false",
        "admin.port": admin,
        "admin.port.grpc": admin_rpc,
        "admin.ui": "false",
        "webdav": "false",
    }
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            [WEED, "mini", *(f"-{name}={value}" for name, value in flags.items())], stdout=log, stderr=log, cwd=folder
        )
        try:
            _wait(process, server, folder / "weed.log")
            yield server
        finally:
            process.kill()  # its data is thrown away, and an orderly stop takes seconds
            process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; all are held until the last is known, so they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait(process: "subprocess.Popen[bytes]", server: S3Server, log: Path) -> None:
    """Until it takes a write: it listens, makes the bucket and finds a volume one after the other."""
    store = S3Store(
        BUCKET,
        config=cast("S3Config", server.options),
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            store.put("probe", b"x")
        except (BaseError, OSError):
            time.sleep(0.05)
        else:
            store.delete("probe")
            return
    raise RuntimeError(f"the S3 server did not start: {log.read_text(errors='replace')[-2000:]}")
