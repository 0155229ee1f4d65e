"""Shared by the Gemini tests: one stand-in for the session (reset for each test), and small documents."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from reportlab.lib import pdfencrypt
from reportlab.pdfgen.canvas import Canvas

from ingestio.media.bounded import close_shared_pool
from tests.extraction.gemini_stand_in import GeminiStandIn


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _gemini_server() -> AsyncIterator[GeminiStandIn]:
    async with GeminiStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def gemini(_gemini_server: GeminiStandIn) -> GeminiStandIn:
    """The stand-in, as new."""
    _gemini_server.reset()
    return _gemini_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bounded_pool() -> AsyncIterator[None]:
    """Child processes for parsing; without it a test that parses leaves them to the end of the interpreter."""
    yield
    await close_shared_pool()


def pdf(*pages: tuple[str, ...], owner_password: str | None = None) -> bytes:
    """A PDF with these lines on these pages."""
    target = io.BytesIO()
    encryption = pdfencrypt.StandardEncryption("", owner_password) if owner_password else None
    canvas = Canvas(target, invariant=True, encrypt=encryption)
    for lines in pages:
        for number, line in enumerate(lines):
            canvas.drawString(72, 760 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


INVOICE_LINES = ("Invoice", "Invoice number: INV-2041", "Invoice date: 2026-11-23", "Total: 1,234.50 EUR")


@pytest.fixture
def invoice(tmp_path: Path) -> Path:
    """A one-page invoice with a text layer."""
    path = tmp_path / "a-name-that-must-not-travel.pdf"
    path.write_bytes(pdf(INVOICE_LINES))
    return path
