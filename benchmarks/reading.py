"""Reading with the offline engine beside the bare libraries under it: seconds a page, and memory of the processes that read.

The samples, one after the other, in turns with the libraries: documents with a text layer beside the bare text of pdfium and of pypdf,
pictures beside RapidOCR alone, which answers lines of text without type, fields, evidence or bounds.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figures import Figure
from benchmarks.watch import Family, MemoryWatch, children, lone
from ingestio import samples
from ingestio.extraction.base import ExtractRequest
from ingestio.extraction.local.engine import LocalProvider
from ingestio.media.bounded import close_shared_pool
from ingestio.media.sniff import HEAD_BYTES, sniff
from ingestio.samples import Sample

ROUNDS = 3
THREADS = min(2, os.cpu_count() or 1)
Bare = Callable[[Path], None]


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    """Text layers, then pictures, each with warm processes on both sides."""
    good = [sample for sample in samples.samples() if sample.good]
    typed = [sample for sample in good if not sample.scanned]
    pictured = [sample for sample in good if sample.scanned and sample.pages == 1]
    yield from asyncio.run(_compare("text layer", typed, {"pdfium": pdfium, "pypdf": pypdf}, rounds))
    yield from asyncio.run(_compare("pictures", pictured, {"RapidOCR": rapidocr}, rounds))


async def _compare(what: str, documents: Sequence[Sample], bare: dict[str, Bare], rounds: int) -> list[Figure]:
    pages = sum(document.pages for document in documents)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in bare}
    with (
        tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        library = psutil.Process(process.submit(os.getpid).result())
        this = psutil.Process()
        families: dict[str, Family] = {"library": lone(library), "parsers": _besides(this, library)}
        with MemoryWatch(families | {"worker": lone(this)}) as watch:
            for turn in range(rounds + 1):
                paths = _fresh_copies(documents, Path(folder), turn)
                took = await _read(documents, paths)
                bare_took = {name: process.submit(_time, function, paths).result() for name, function in bare.items()}
                if turn:  # the first warms up: modules, and the models of recognition
                    ours.append(took / pages)
                    for name, seconds in bare_took.items():
                        theirs[name].append(seconds / pages)
        await close_shared_pool()
    print(f"{what}: {len(documents)} documents, {pages} pages")
    figures = [
        Figure.of_rounds(
            f"{what}, ms a page; floor: {name} alone",
            [1000 * each for each in ours],
            [1000 * each for each in floors],
            "ms",
            "lower",
        )
        for name, floors in theirs.items()
    ]
    peak, floor = watch.peak_mb("parsers"), watch.peak_mb("library")
    figures.append(Figure(f"{what}, peak of our reading processes; floor: the library's", peak, floor, "MB", "lower"))
    first_half = watch.first_half_peak_mb("worker")
    peak = watch.peak_mb("worker")
    figures.append(Figure(f"{what}, peak of their parent; floor: of the first half", peak, first_half, "MB", "lower"))
    return figures


def _besides(parent: psutil.Process, library: psutil.Process) -> Family:
    """Our own children of this process."""
    every = children(parent)
    return lambda: [child for child in every() if child.pid != library.pid]


def _fresh_copies(documents: Sequence[Sample], folder: Path, turn: int) -> list[Path]:
    """A byte behind the end of a file changes nothing in it; without it the second round would be answered from what the first read."""
    paths = []
    for number, document in enumerate(documents):
        path = folder / f"{turn}-{number}{document.path.suffix}"
        path.write_bytes(document.path.read_bytes() + bytes([turn]))
        paths.append(path)
    return paths


async def _read(documents: Sequence[Sample], paths: Sequence[Path]) -> float:
    """Seconds for all: type, fields and evidence of each."""
    provider = LocalProvider()
    begun = time.perf_counter()
    for document, path in zip(documents, paths, strict=True):
        with path.open("rb") as file:
            media_type = sniff(file.read(HEAD_BYTES))
        assert media_type is not None, path
        await provider.extract(ExtractRequest(path, media_type.value, document.pages))
    return time.perf_counter() - begun


def _time(function: Bare, paths: Sequence[Path]) -> float:
    begun = time.perf_counter()
    for path in paths:
        function(path)
    return time.perf_counter() - begun


def pdfium(path: Path) -> None:
    """The text of every page."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        for page in document:
            page.get_textpage().get_text_bounded()


def pypdf(path: Path) -> None:
    """The text of every page."""
    from pypdf import PdfReader

    for page in PdfReader(path).pages:
        page.extract_text()


def rapidocr(path: Path) -> None:
    """The lines of one picture."""
    _engine()(str(path))


@cache
def _engine() -> Any:
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    threads = {"intra_op_num_threads": THREADS, "inter_op_num_threads": 1}
    settings = {f"EngineConfig.onnxruntime.{name}": count for name, count in threads.items()}
    return RapidOCR(params={"Global.log_level": "critical"} | settings)
