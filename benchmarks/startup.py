"""How long `ingestio up` takes until a batch can be posted, beside the two bare servers alone."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.service import up
from ingestio.embedded.instance import Instance

WARM_STARTS = 3


def measure() -> Iterator[Figure]:
    """Cold: no data dir yet. Warm: the median of some starts on one that exists."""
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        Path(folder).chmod(0o755)
        ours, bare = Path(folder) / "ours", Path(folder) / "bare"
        yield Figure("ingestio up, cold, to ready; floor: both servers alone", _up(ours), _servers(bare), "s", "lower")
        warm, floor = [], []
        for _ in range(WARM_STARTS):
            warm.append(_up(ours))
            floor.append(_servers(bare))
        yield Figure(
            "ingestio up, warm, to ready; floor: both servers alone",
            statistics.median(warm),
            statistics.median(floor),
            "s",
            "lower",
        )


def _up(data_dir: Path) -> float:
    begun = time.perf_counter()
    with up(data_dir):
        return time.perf_counter() - begun


def _servers(data_dir: Path) -> float:
    begun = time.perf_counter()
    with Instance(data_dir) as instance:
        instance.start()
        return time.perf_counter() - begun
