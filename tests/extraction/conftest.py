"""Shared by the Gemini tests: one stand-in for the session (reset for each test), and small documents."""

import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from reportlab.lib import pdfencrypt
from reportlab.pdfgen.canvas import Canvas

from ingestio.extraction.base import ClassifyRequest, ExtractRequest
from ingestio.extraction.gemini import GeminiProvider
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


MODES: dict[str, dict[str, Any]] = {
    "vertex": {"vertexai": True, "project": "a-project", "location": "europe-west4"},
    "api_key": {"api_key": "s3cret-k3y"},
}


@pytest.fixture(params=list(MODES))
def mode(request: pytest.FixtureRequest) -> str:
    """Each way of reaching the service."""
    return str(request.param)


MakeProvider = Callable[..., GeminiProvider]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _providers() -> AsyncIterator[dict[str, GeminiProvider]]:
    # Kept, because a connection loads its certificates four times over: 0.3 s.
    kept: dict[str, GeminiProvider] = {}
    yield kept
    for provider in kept.values():
        await provider.close()


@pytest.fixture
def make_provider(gemini: GeminiStandIn, _providers: dict[str, GeminiProvider]) -> MakeProvider:
    """A provider that speaks to the stand-in unless `options` say otherwise; closed at the end of the session."""

    def make(mode: str = "api_key", **options: Any) -> GeminiProvider:
        settings = {
            "model": "gemini-2.5-flash",
            "base_url": gemini.url,
            "timeout_seconds": 20.0,
            **MODES[mode],
            **options,
        }
        provider = _providers.setdefault(repr(sorted(settings.items(), key=str)), GeminiProvider(**settings))
        provider.circuit.close()  # what an earlier test had the service do is no concern of this one
        return provider

    return make


@pytest.fixture
def provider(make_provider: MakeProvider, mode: str) -> GeminiProvider:
    """A provider for each mode."""
    return make_provider(mode)


def to_extract(path: Path, mime_type: str = "application/pdf", **options: Any) -> ExtractRequest:
    """A request for an invoice's default fields, unless `options` say otherwise."""
    return ExtractRequest(path, mime_type, page_count=1, **{"document_type": "invoice", **options})


def to_classify(path: Path, mime_type: str = "application/pdf", page_count: int = 1) -> ClassifyRequest:
    return ClassifyRequest(path, mime_type, page_count)


def pdf(*pages: tuple[str, ...], owner_password: str | None = None, title: str = "") -> bytes:
    """A PDF with these lines on these pages."""
    target = io.BytesIO()
    encryption = pdfencrypt.StandardEncryption("", owner_password) if owner_password else None
    canvas = Canvas(target, invariant=True, encrypt=encryption)
    canvas.setTitle(title)
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
