"""One upload of 200 MB through the front door: speed beside a plain copy with sha256, and how much the API process grows."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.figures import Figure
from benchmarks.service import up
from benchmarks.watch import MemoryWatch, lone
from ingestio.cli.tokens import issue
from ingestio.config import Settings
from ingestio.domain.users import LOCAL_OWNER

MEGABYTES = 200
CHUNK = 1 << 20
GROWTH_LIMIT_MB = 50.0
TOKEN_SECONDS = 3600


def measure() -> Iterator[Figure]:
    """The speed's floor is what this machine can do with the same bytes; the growth's floor is the promise of 50 MB."""
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        source = place / "large.pdf"
        write_pdf(source, MEGABYTES)
        floor = _copy(source, place / "copy.pdf")
        settings = Settings.load(INGESTIO_DATA_DIR=place / "data")
        with up(settings.data_dir) as service:
            headers = {"Authorization": f"Bearer {issue(settings, LOCAL_OWNER, None, TOKEN_SECONDS)}"}
            httpx.get(f"{service.url}/api/v1/usage", headers=headers, timeout=30).raise_for_status()
            with MemoryWatch({"API": lone(service.part("api"))}, interval_seconds=0.01) as watch:
                speed = _send(source, f"{service.url}/api/v1/documents", headers)
        yield Figure(f"upload of {MEGABYTES} MB; floor: copy + sha256 + fsync", speed, floor, "MB/s", "higher")
        yield Figure(
            "growth of the API process meanwhile; floor: the promise",
            watch.growth_mb("API"),
            GROWTH_LIMIT_MB,
            "MB",
            "lower",
        )


def write_pdf(path: Path, megabytes: int) -> None:
    """A valid one-page PDF that carries an incompressible stream of the given size."""
    size = megabytes * 1_000_000
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ]
    offsets = []
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        for number, body in enumerate(objects, 1):
            offsets.append(file.tell())
            file.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        offsets.append(file.tell())
        file.write(b"4 0 obj\n<< /Length %d >>\nstream\n" % size)
        block = os.urandom(1_000_000)
        for _ in range(megabytes):
            file.write(block)
        file.write(b"\nendstream\nendobj\n")
        start = file.tell()
        entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        file.write(b"xref\n0 5\n0000000000 65535 f \n" + entries)
        file.write(b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)


def _copy(source: Path, target: Path) -> float:
    begun = time.perf_counter()
    digest = hashlib.sha256()
    with source.open("rb") as reading, target.open("wb") as writing:
        while block := reading.read(CHUNK):
            digest.update(block)
            writing.write(block)
        writing.flush()
        os.fsync(writing.fileno())
    return MEGABYTES / (time.perf_counter() - begun)


def _send(source: Path, url: str, headers: dict[str, str]) -> float:
    begun = time.perf_counter()
    with source.open("rb") as file:
        answer = httpx.post(url, headers=headers, files={"file": ("large.pdf", file, "application/pdf")}, timeout=120)
    seconds = time.perf_counter() - begun
    if answer.status_code != 201:
        raise RuntimeError(f"the upload was answered {answer.status_code}: {answer.text[:200]}")
    return MEGABYTES / seconds
