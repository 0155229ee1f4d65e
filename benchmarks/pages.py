"""What pages weigh, whether they stay put while they fill, and how long the front door works on each.

Weight and movement are the browser's own words (Resource Timing, Layout Instability), about a first visit with nothing cached. The batch
has a thousand documents, of which the first fifty are on the page.
"""

import statistics
import threading
import time
from collections.abc import Iterator
from uuid import UUID

import httpx
import psycopg
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from benchmarks.figures import Figure
from benchmarks.interaction import CHROMIUM, a_batch, front_door, move, sign_in
from tests.api.processes import Server

MOST_KILOBYTES = 100.0
MOST_SHIFT = 0.001  # nothing that an eye would find
MOST_SERVER_MS = 100.0
_WEIGHT = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
  .filter((entry) => entry.initiatorType !== "fetch") // a later look, when something moved
  .reduce((sum, entry) => sum + entry.transferSize, 0) / 1000"""
_SHIFT = """() => new Promise((done) => {
  let sum = 0;
  const seen = new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value)));
  seen.observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 2000);
})"""


def measure(*, documents: int = 1000, rounds: int = 20) -> Iterator[Figure]:
    """Of each page: kilobytes of a first visit, movement of what is on it (1 is the whole window), milliseconds of the front door."""
    with front_door() as (server, address):
        with psycopg.connect(address, autocommit=True) as owner:
            batch_id = a_batch(owner, documents)
        paths = _paths(batch_id)
        done = threading.Event()
        mover = threading.Thread(target=move, args=(address, batch_id, done))
        mover.start()
        try:
            weights, shifts, cookies = _look(server, paths)
        finally:
            done.set()
            mover.join()
        took = {path: _server_ms(server, path, cookies, rounds) for path in paths}
    for path in paths:
        name = path.replace(str(batch_id), "...")
        yield Figure(f"{name}: first visit; bound", weights[path], MOST_KILOBYTES, "kB", "lower")
        yield Figure(f"{name}: layout shift; bound", shifts[path], MOST_SHIFT, "", "lower")
        yield Figure(f"{name}: the server's part; bound", took[path], MOST_SERVER_MS, "ms", "lower")


def _paths(batch_id: UUID) -> list[str]:
    names = ["batch-upload", "batches", "documents", "review", "exports", "webhooks", "usage", "settings"]
    return ["/dashboard", f"/dashboard/batches/{batch_id}", *(f"/dashboard/{name}" for name in names)]


def _look(server: Server, paths: list[str]) -> tuple[dict[str, float], dict[str, float], dict[str, str]]:
    """Kilobytes and movement of each page while documents move, and the session's cookies."""
    weights: dict[str, float] = {}
    shifts: dict[str, float] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        sign_in(page, server)
        session = page.context.storage_state()
        for path in paths:
            first = _first_visit(browser, session)
            first.goto(server.url + path)
            shifts[path] = first.evaluate(_SHIFT)
            weights[path] = first.evaluate(_WEIGHT)
            first.context.close()
        browser.close()
    return weights, shifts, {item["name"]: item["value"] for item in session["cookies"]}


def _first_visit(browser: Browser, session: StorageState) -> Page:
    return browser.new_context(storage_state=session, viewport={"width": 1280, "height": 900}).new_page()


def _server_ms(server: Server, path: str, cookies: dict[str, str], rounds: int) -> float:
    """The middle of some requests, one after the other."""
    took = []
    with httpx.Client(base_url=server.url, cookies=cookies, headers={"Accept": "text/html"}) as client:
        for _ in range(rounds):
            begun = time.perf_counter()
            client.get(path).raise_for_status()
            took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)
