"""Resident memory of the API and of the worker while 1,000 real documents come in through HTTP and are read by the offline engine.

The samples' good documents in turn, types detected; parsers are child processes of their own and have a line of their own, without a
bound: how many and how large they may be is decided by their limits, not by the batch.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.service import up
from benchmarks.watch import MemoryWatch, children, lone
from ingestio import samples
from ingestio.cli.tokens import issue
from ingestio.client import File, Ingestio
from ingestio.config import Settings

DOCUMENTS = 1000
LIMIT_MB = 300.0
USER = "bench"
TOKEN_SECONDS = 12 * 3600


def measure(documents: int = DOCUMENTS) -> Iterator[Figure]:
    """Peaks of the whole way: upload, reading, results."""
    good = [sample.path for sample in samples.samples() if sample.good]
    uploads: list[File] = [
        (f"{number}-{path.name}", path) for number, path in enumerate(islice(cycle(good), documents))
    ]
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        # Made for its owner alone, but PostgreSQL runs as another user when we are root.
        Path(folder).chmod(0o755)
        settings = Settings.load(INGESTIO_DATA_DIR=Path(folder) / "data")
        with up(settings.data_dir) as service:
            api, worker = service.part("api"), service.part("worker")
            token = issue(settings, USER, "growth", TOKEN_SECONDS)
            families = {"API": lone(api), "worker": lone(worker)}
            parsers = {"API's": children(api), "worker's": children(worker)}
            with MemoryWatch(families | parsers) as watch, Ingestio(service.url, token) as client:
                ended = _run(client, uploads)
    what = f"{documents} documents"
    print(f"{what}: {', '.join(f'{count} {status}' for status, count in ended.items())}")
    for name in families:
        yield Figure(f"{what}, {name}'s peak; bound", watch.peak_mb(name), LIMIT_MB, "MB", "lower")
    for name in parsers:
        first_half = watch.first_half_peak_mb(name)
        yield Figure(
            f"{what}, {name} parsers' peak; floor: of the first half", watch.peak_mb(name), first_half, "MB", "lower"
        )


def _run(client: Ingestio, uploads: list[File]) -> Counter[str]:
    """Submit one batch and wait for its end; answers its documents by status."""
    begun = time.perf_counter()
    batch = client.batches.submit(uploads, name="memory")
    sent = time.perf_counter()
    batch = client.batches.wait(batch.id)
    print(f"upload {sent - begun:.0f} s, then {time.perf_counter() - sent:.0f} s until the end")
    if batch.document_count != len(uploads) or batch.completed_count < 0.9 * len(uploads):
        raise RuntimeError(f"the batch ended {batch.status} with {batch.completed_count} of {len(uploads)} completed")
    return Counter(document.status.value for document in client.batches.documents(batch.id))
