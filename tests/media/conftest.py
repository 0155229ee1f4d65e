"""One pool of children for all tests of this folder, and files made on the spot."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from ingestio.media.bounded import close_shared_pool

Save = Callable[[bytes], Path]


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def pool_ends_with_the_tests() -> AsyncIterator[None]:
    yield
    await close_shared_pool()


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes bytes to a file of their own, whose name says nothing."""

    def write(data: bytes) -> Path:
        path = tmp_path / f"upload-{len(list(tmp_path.iterdir()))}"
        path.write_bytes(data)
        return path

    return write
