"""The page of a batch with a thousand documents that move: from a key or a click to the next picture, in headless Chromium.

Rows are moved by the database's owner at the pace of a fast batch, so that no worker competes for the processors. The browser itself says
how long each interaction took (Event Timing); what it does not mention took less than 16 ms.
"""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from playwright.sync_api import Page, sync_playwright

from benchmarks.figures import Figure
from ingestio.config import Settings
from ingestio.db.migrate import migrate
from ingestio.domain.users import LOCAL_OWNER
from ingestio.embedded.postgres import start_postgres
from tests.api.processes import Server, serving

SECRET = "only for benchmarks"
CHROMIUM = "/usr/bin/chromium"
PROMISED_MS = 100.0
UNSAID_MS = 16.0
MOVES_PER_SECOND = 30.0
PROMPT = "Extract the invoice number, the invoice date, the vendor's name, the currency and the total amount"
_LISTEN = """() => {
  window.took = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) window.took.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: false });
}"""


def measure(*, documents: int = 1000, rounds: int = 15) -> Iterator[Figure]:
    """The slowest interaction beside what was promised, and how often the page took something over meanwhile."""
    with front_door() as (server, address):
        with psycopg.connect(address, autocommit=True) as owner:
            batch_id = a_batch(owner, documents)
        done = threading.Event()
        mover = threading.Thread(target=move, args=(address, batch_id, done))
        mover.start()
        try:
            took, looks = _interact(server, batch_id, rounds)
        finally:
            done.set()
            mover.join()
    what = f"{documents} documents that move, {rounds * 3} interactions"
    yield Figure(f"{what}: the slowest; bound", max(took, default=UNSAID_MS), PROMISED_MS, "ms", "lower")
    yield Figure("how often the page was brought up to date meanwhile; at least", looks, 1.0, "", "higher")


def _interact(server: Server, batch_id: UUID, rounds: int) -> tuple[list[float], int]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        sign_in(page, server)
        page.goto(f"{server.url}/dashboard/batches/{batch_id}")
        looks: list[str] = []
        page.on("request", lambda request: looks.append(request.url) if request.resource_type == "fetch" else None)
        page.evaluate(_LISTEN)
        for number in range(rounds):
            page.locator("#batch-documents summary").nth(number % 10).click()
            page.get_by_role("searchbox").press("a")
            page.get_by_text("Cancel", exact=True).click()
        # The last interaction is told of with the next picture.
        page.evaluate("() => new Promise((done) => setTimeout(done, 500))")
        took: list[float] = page.evaluate("() => window.took")
        browser.close()
    return took, len(looks)


def sign_in(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/sign-in")
    page.locator(f'button[value="{LOCAL_OWNER}"]').click()
    page.wait_for_url("**/dashboard")
    page.context.set_default_timeout(60_000)


def a_batch(owner: psycopg.Connection, documents: int) -> UUID:
    """A batch that is being processed, and the user it belongs to."""
    batch_id = uuid4()
    owner.execute("INSERT INTO users (user_id) VALUES (%s) ON CONFLICT DO NOTHING", [LOCAL_OWNER])
    owner.execute(
        "INSERT INTO profiles (user_id, membership) VALUES (%s, 'growth') ON CONFLICT DO NOTHING", [LOCAL_OWNER]
    )
    owner.execute(
        "INSERT INTO extraction_batches (id, user_id, name, prompt_strategy, status, document_count, total_pages) "
        "VALUES (%s, %s, 'Measured', 'per_document', 'processing', %s, %s)",
        [batch_id, LOCAL_OWNER, documents, documents],
    )
    owner.execute(
        "INSERT INTO documents (user_id, batch_id, client_id, position, original_filename, storage_path, mime_type, file_size, sha256, "
        "page_count, status, extraction_prompt, prompt_source, attempt) "
        "SELECT %s, %s, n::text, n, 'invoice-' || n || '.pdf', %s || '/documents/' || n, 'application/pdf', 50000, repeat('0', 64), "
        "1, 'queued_for_processing', %s, 'per_document', 1 FROM generate_series(0, %s) AS n",
        [LOCAL_OWNER, batch_id, LOCAL_OWNER, PROMPT, documents - 1],
    )
    return batch_id


def move(address: str, batch_id: UUID, done: threading.Event) -> None:
    """Complete one document after the other, and begin again at the end."""
    with psycopg.connect(address, autocommit=True) as owner:
        while not done.wait(1 / MOVES_PER_SECOND):
            moved = owner.execute(
                "UPDATE documents SET status = 'completed', pages_charged = 1 WHERE id = ("
                "SELECT id FROM documents WHERE batch_id = %s AND status <> 'completed' ORDER BY position LIMIT 1)",
                [batch_id],
            ).rowcount
            owner.execute(
                "UPDATE extraction_batches SET completed_count = completed_count + %s WHERE id = %s", [moved, batch_id]
            )


@contextmanager
def front_door() -> Iterator[tuple[Server, str]]:
    """An API process without a worker, and the address of its database for who owns everything there."""
    with tempfile.TemporaryDirectory(prefix="ingestio-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        with start_postgres(place / "postgres") as postgres:
            migrate(postgres.owner_url, postgres.app_url)
            settings = Settings.load(
                INGESTIO_DATA_DIR=place / "data",
                INGESTIO_DATABASE_URL=postgres.app_url,
                INGESTIO_SECRET_KEY=SECRET,
                # No run is started, so there need not be anybody.
                TEMPORAL_ADDRESS="127.0.0.1:1",
            )
            address = postgres.superuser_url.rpartition("/")[0] + "/" + postgres.owner_url.rpartition("/")[2]
            with serving(settings) as server:
                yield server, address
