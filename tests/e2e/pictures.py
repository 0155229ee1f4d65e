"""The README's pictures, taken where the browser tests look and of what the demo prints: `make pictures` writes them into docs/.

The name keeps it out of the suite, which must not change files of the repository.
"""

import io
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect
from rich.ansi import AnsiDecoder
from rich.text import Text

from ingestio.cli.terminal import WIDTH
from ingestio.domain.batches import PromptStrategy
from ingestio.samples import demo_batch
from tests.e2e.conftest import PATIENCE_MS, NewVisit
from tests.e2e.terminal import picture
from tests.e2e.test_wizard import ends_as, upload

DOCS = Path(__file__).resolve().parents[2] / "docs"
COLOURS = 128
MOST_BYTES = 150_000
DEMO_SECONDS = 300
FILES_SHOWN = 5


def save(page: Page, name: str) -> None:
    """The window as it is, in few colours: text on paper needs no more, and the repository keeps every version for ever."""
    page.mouse.move(0, 0)
    shown = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    few = shown.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    target = DOCS / f"{name}.png"
    few.save(target, optimize=True)
    assert target.stat().st_size < MOST_BYTES


def test_the_main_pages(new_visit: NewVisit) -> None:
    visit = new_visit(width=1200, height=930)
    visit.watch.expected.add(422)  # the answer about the refused file, by contract
    visit.sign_in().emulate_media(reduced_motion="reduce")
    demo = demo_batch(PromptStrategy.GLOBAL)
    page = visit.go("/dashboard/batch-upload")
    upload(page, [sample.path for sample in demo.samples])
    save(page, "wizard")
    page.get_by_role("link", name="Next: prompts").click()
    page.get_by_label("Name of the batch").fill(demo.name)
    page.get_by_label("The prompt for all").fill(demo.prompt or "")
    page.get_by_role("button", name="Next: review").click()
    page.get_by_role("button", name="Submit 4 files").click()
    page.wait_for_url("**/dashboard/batches/*")
    ends_as(page, "Partially completed")
    page.reload()  # without the word that it was submitted
    save(page, "batch")
    page.get_by_role("link", name="invoice-HP-104482.pdf").click()
    expect(page.locator(".marks rect").first).to_be_visible(timeout=PATIENCE_MS)
    page.locator('tr[data-path="total_amount"] th').click()
    page.evaluate("scrollTo(0, 0)")
    save(page, "review")


def test_the_demo(tmp_path: Path) -> None:
    data_dir = str(tmp_path / "data")
    ran = subprocess.run(
        [sys.executable, "-m", "ingestio.cli", "demo", "--once", "--data-dir", data_dir],
        env=os.environ | {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(WIDTH)},
        stdout=subprocess.PIPE,
        timeout=DEMO_SECONDS,
        check=True,
    )
    lines = [Text.assemble(("$ ", "dim"), "make demo ONCE=1"), Text(), *abridged(ran.stdout.decode())]
    (DOCS / "demo.svg").write_text(picture("What make demo ONCE=1 prints, abridged", lines, WIDTH))


def abridged(printed: str) -> list[Text]:
    """Of the batch whose types are detected the first files and the refused one, and the sentence after it."""
    demo = demo_batch(PromptStrategy.AUTO)
    lines = list(AnsiDecoder().decode(printed))

    def line_of(beginning: str) -> int:
        return next(number for number, line in enumerate(lines) if line.plain.startswith(beginning))

    begin, end = line_of(demo.name), line_of("Each batch held")
    left_out, refused = line_of(demo.samples[FILES_SHOWN].path.name), line_of(demo.samples[-1].path.name)
    return [*lines[begin:left_out], Text("…", style="dim"), *lines[refused : end + 1]]
